"""Every request that setup, deploy and a second run send, held against the SDKs' models or the API descriptions.

A request of a method and path without a rule fails: who sends something new says here where it is documented.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
from azure.mgmt.authorization.v2022_04_01 import models as authorization
from azure.mgmt.resource.deployments import models as deployments
from azure.mgmt.resource.resources import models as resources

from dbxwizard import bundled
from dbxwizard.clients.github import GitHubClient
from dbxwizard.core.secret import Secret
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import ACCOUNT_ID, REPOSITORY, SANDBOX_TOKEN
from dbxwizard.sandbox.session import Sandbox
from tests.conftest import new_state
from tests.databricks.test_contract import FORM, operations
from tests.proof import described
from tests.proof.recording import Exchange, environment, opened, recorded, secret_job, watched
from tests.reaching import cloud_of, make_private, push
from tests.roads import Road

Problems = Iterator[str]
BodyRule = Callable[[Mapping[str, Any]], Problems]
_GUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DEPLOYMENT = rf"/subscriptions/{_GUID}/providers/Microsoft\.Resources/deployments/[^/]+"


def _nothing(body: Mapping[str, Any]) -> Problems:
    if body:
        yield f"a body that the operation does not have: {sorted(body)}"


def model(module: ModuleType, name: str) -> BodyRule:
    """The body is what the SDK's model of that name serialises: no field that it does not have, at any depth."""
    return lambda body: _unknown(module, getattr(module, name), body, "")


def fields(*names: str) -> BodyRule:
    """The body has documented fields alone; a name with dots is a field within an object."""
    return lambda body: _undocumented(frozenset(names), body, "")


def _undocumented(known: frozenset[str], body: Mapping[str, Any], path: str) -> Problems:
    for name, value in body.items():
        place = f"{path}.{name}".lstrip(".")
        if place not in known:
            yield f"{place} is not documented"
        inner = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
        if any(one.startswith(f"{place}.") for one in known):
            for one in inner:
                yield from _undocumented(known, one, place)


def _unknown(module: ModuleType, kind: Any, body: Any, path: str) -> Problems:
    if not isinstance(body, Mapping):
        return
    known = _wire_fields(module, kind)
    for name, value in body.items():
        place = f"{path}.{name}".lstrip(".")
        if name not in known:
            yield f"{kind.__name__} has no field {place}"
            continue
        inner = known[name]
        for one in value if isinstance(value, list) else [value]:
            if inner is not None:
                yield from _unknown(module, inner, one, place)


class _Properties:
    """The part of an old model that is sent within `properties`."""

    def __init__(self, names: set[str]) -> None:
        self.names, self.__name__ = names, "properties"


def _wire_fields(module: ModuleType, kind: Any) -> dict[str, Any]:
    """Name on the wire → the model of its values, None for plain ones."""
    if isinstance(kind, _Properties):
        return dict.fromkeys(kind.names)
    if hasattr(kind, "_attribute_map"):  # the older generator's models: `properties.roleName` in one map
        paths = [one["key"] for one in kind._attribute_map.values()]
        inner = {path.partition(".")[2] for path in paths if path.startswith("properties.")}
        plain = {
            one["key"]: _named(module, one["type"]) for one in kind._attribute_map.values() if "." not in one["key"]
        }
        return plain | ({"properties": _Properties(inner)} if inner else {})
    if not getattr(kind, "_attr_to_rest_field", None):
        kind({})  # the newer generator's models fill in their map when the first one is made
    hints = {
        name: hint for base in reversed(kind.__mro__) for name, hint in vars(base).get("__annotations__", {}).items()
    }
    rest = {name: value for base in kind.__mro__ for name, value in getattr(base, "_attr_to_rest_field", {}).items()}
    return {value._rest_name: _named(module, str(hints.get(name, ""))) for name, value in rest.items()}


def _named(module: ModuleType, text: str) -> Any:
    """The model that a type's text names; None for plain types and for maps, whose names are free."""
    if "dict[" in text or text.startswith("{"):
        return None
    found = (getattr(module, name, None) for name in re.findall(r"\w+", text))
    return next((one for one in found if inspect.isclass(one) and _is_model(one)), None)


def _is_model(kind: type) -> bool:
    return hasattr(kind, "_attribute_map") or any(base.__name__ == "Model" for base in kind.__mro__)


@dataclass(frozen=True)
class Rule:
    """`versions`: the api-versions that the SDK or the documentation has. `source` says where it is described."""

    method: str
    path: str
    body: BodyRule
    source: str
    versions: frozenset[str] = frozenset()


def _default_version(package: str) -> frozenset[str]:
    """The api-version that an SDK of Azure sends, read from its own configuration."""
    source = inspect.getsource(importlib.import_module(f"{package}._configuration"))
    return frozenset(re.findall(r'"(\d{4}-\d{2}-\d{2}(?:-preview)?)"', source))


def _template_versions() -> frozenset[str]:
    """Those of the resource types in bicep/main.json, whose tests hold them against the published schemas."""
    text = next(content for name, content in bundled.files("bicep") if name.endswith("main.json")).decode()
    return frozenset(re.findall(r'"apiVersion": "([^"]+)"', text)) | {"2021-05-01-preview"}


_ROLES = frozenset({"2022-04-01"})  # azure.mgmt.authorization.v2022_04_01
_RESOURCES = _default_version("azure.mgmt.resource.resources")
# learn.microsoft.com/rest/api/compute/usage/list
_COMPUTE = frozenset({"2024-07-01"})
_DEPLOYMENTS = _default_version("azure.mgmt.resource.deployments")
_SUBSCRIPTIONS = _default_version("azure.mgmt.resource.subscriptions")
_SDK = "the SDK's models"
_ARM = (
    Rule(
        "GET",
        rf"/subscriptions/{_GUID}/providers/Microsoft\.Compute/locations/\w+/usages",
        _nothing,
        "learn.microsoft.com/rest/api/compute/usage/list",
        _COMPUTE,
    ),
    Rule("GET", r".*/providers/Microsoft\.Authorization/permissions", _nothing, _SDK, _ROLES),
    Rule("GET", rf"/subscriptions/{_GUID}/resourceGroups/[^/]+/resources", _nothing, _SDK, _RESOURCES),
    Rule("GET", r"/metadata/endpoints", _nothing, "az cloud register", frozenset({"2022-09-01"})),
    Rule("GET", rf"/subscriptions/{_GUID}", _nothing, _SDK, _SUBSCRIPTIONS),
    Rule("GET", rf"/subscriptions/{_GUID}/providers(/[\w.]+)?", _nothing, _SDK, _RESOURCES),
    Rule("POST", rf"/subscriptions/{_GUID}/providers/[\w.]+/register", _nothing, _SDK, _RESOURCES),
    Rule(
        "PUT",
        rf".*/providers/Microsoft\.Authorization/roleDefinitions/{_GUID}",
        model(authorization, "RoleDefinition"),
        _SDK,
        _ROLES,
    ),
    Rule(
        "PUT",
        rf".*/providers/Microsoft\.Authorization/roleAssignments/{_GUID}",
        model(authorization, "RoleAssignmentCreateParameters"),
        _SDK,
        _ROLES,
    ),
    Rule(
        "GET",
        r".*/providers/Microsoft\.Authorization/(roleDefinitions|roleAssignments)(/[^/]+)?",
        _nothing,
        _SDK,
        _ROLES,
    ),
    Rule("DELETE", r".*/providers/Microsoft\.Authorization/roleAssignments/[^/]+", _nothing, _SDK, _ROLES),
    Rule("PUT", _DEPLOYMENT, model(deployments, "ScopedDeployment"), _SDK, _DEPLOYMENTS),
    Rule("POST", rf"{_DEPLOYMENT}/whatIf", model(deployments, "DeploymentWhatIf"), _SDK, _DEPLOYMENTS),
    Rule("GET", rf"{_DEPLOYMENT}(/operation\w+(/[^/]+)?)?", _nothing, _SDK, _DEPLOYMENTS),
    Rule("PUT", rf"/subscriptions/{_GUID}/resourceGroups/[^/]+", model(resources, "ResourceGroup"), _SDK, _RESOURCES),
    Rule("GET", rf"/subscriptions/{_GUID}/resourceGroups/[^/]+", _nothing, _SDK, _RESOURCES),
    Rule(
        "GET",
        rf"/subscriptions/{_GUID}/providers/Microsoft\.KeyVault/locations/\w+/deletedVaults/[^/]+",
        _nothing,
        "learn.microsoft.com/rest/api/keyvault/keyvault/vaults/get-deleted",
        frozenset({"2024-11-01", "2025-05-01"}),
    ),
    Rule(
        "GET",
        rf"/subscriptions/{_GUID}/resourceGroups/[^/]+/providers/.+",
        _nothing,
        "bicep/main.json",
        _template_versions(),
    ),
)
_TOKEN = (
    "client_id",
    "client_info",
    "grant_type",
    "scope",
    "device_code",
    "refresh_token",
    "code",
    "claims",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
)
_LOGIN = (
    Rule(
        "GET",
        rf"/({_GUID}|organizations)/v2\.0/\.well-known/openid-configuration",
        _nothing,
        "OpenID Connect Discovery 1.0",
    ),
    Rule("POST", rf"/({_GUID}|organizations)/oauth2/v2\.0/devicecode", fields("client_id", "scope"), "RFC 8628, 3.1"),
    # `code` beside `device_code` is MSAL's own, for servers of an older form.
    Rule(
        "POST", rf"/({_GUID}|organizations)/oauth2/v2\.0/token", fields(*_TOKEN), "RFC 8628, 3.4; RFC 6749, 4.4 and 6"
    ),
    # The person's part: what a browser does on the page that the real service shows. The sandbox alone is asked.
    Rule(
        "POST", rf"/({_GUID}|organizations)/oauth2/v2\.0/deviceauth/approve", fields("user_code", "upn"), "the sandbox"
    ),
)
# docs.github.com/actions/reference/security/oidc: what a job asks for its token with.
_OIDC = (Rule("GET", r"/token", _nothing, "docs.github.com/actions/reference/security/oidc", frozenset({"2.0"})),)
_VAULT_VERSIONS = frozenset(
    re.findall(
        r'"(20\d\d-\d\d-\d\d|7\.\d)"',
        inspect.getsource(importlib.import_module("azure.keyvault.secrets"))
        + inspect.getsource(importlib.import_module("azure.keyvault.secrets._shared.client_base")),
    )
)
_VAULT = (
    Rule(
        "PUT",
        r"/secrets/[^/]+",
        model(importlib.import_module("azure.keyvault.secrets._generated.models"), "SecretSetParameters"),
        _SDK,
        _VAULT_VERSIONS,
    ),
    Rule("GET", r"/secrets(/[^/]+){0,2}/?", _nothing, _SDK, _VAULT_VERSIONS),
)
_RULES: Mapping[str, tuple[Rule, ...]] = {
    "arm": _ARM,
    "login": _LOGIN,
    "oidc": _OIDC,
    "packages": (
        Rule("GET", "/simple/dbxwizard/", _nothing, "peps.python.org/pep-0503#specification"),
        Rule("GET", r"/files/[^/]+\.whl", _nothing, "peps.python.org/pep-0503: where its links lead"),
    ),
    "vault": _VAULT,
}


def problems(one: Exchange) -> Problems:
    """What the documentation does not have of this request."""
    host = one.request.host.split(":", 1)[0]
    path = unquote(one.request.path)
    if host == "workspace":
        yield from _databricks(one, path)
        return
    if host in ("github", "graph"):
        yield from _described(one, host, path)
        return
    rule = next(
        (
            rule
            for rule in _RULES.get(host, ())
            if rule.method == one.request.method and re.fullmatch(rule.path, path, re.IGNORECASE)
        ),
        None,
    )
    if rule is None:
        yield "no rule says where it is documented"
        return
    version = one.request.query.get("api-version", "")
    if (version or rule.versions) and version not in rule.versions:
        yield f"api-version {version!r} is none of {sorted(rule.versions)}"
    yield from rule.body(_body(one))


def _described(one: Exchange, service: str, path: str) -> Problems:
    """GitHub and Graph by their own API descriptions."""
    found = described.operation(service, one.request.method, path.removeprefix("/api/v3"))
    if found is None:
        yield "the API description has no such operation"
    else:
        yield from described.problems(found, _body(one), one.request.query, service)


_OPERATIONS = tuple(operations())


def _databricks(one: Exchange, path: str) -> Problems:
    found = [known for known in _OPERATIONS if known[0] == one.request.method and known[1].fullmatch(path)]
    if not found:
        if path != "/.well-known/databricks-config":  # databricks.sdk.oauth
            yield "the SDK has no such operation"
        return
    body = frozenset[str]().union(*(known[2] for known in found))
    query = frozenset[str]().union(*(known[3] for known in found))
    form = FORM if path.endswith("/workspace/import") else frozenset()
    if not form:
        yield from (f"the SDK sends no field {name}" for name in sorted(set(_body(one)) - body))
    if one.request.method == "GET":
        yield from (f"the SDK asks for no {name}" for name in sorted(set(one.request.query) - query))


def _body(one: Exchange) -> dict[str, Any]:
    if not one.request.body:
        return {}
    if "form" in one.request.media_type:
        return {name: values[0] for name, values in parse_qs(one.request.body.decode()).items()}
    found: dict[str, Any] = json.loads(one.request.body)
    return found


@dataclass(frozen=True)
class _Runs:
    """Commands as processes, one after the other, against one recorded sandbox."""

    folder: Path
    sandbox: Sandbox
    exchanges: list[Exchange]

    def run(self, *arguments: str, **more: str) -> None:
        environ = environment(
            DBXWIZARD_STATE_DIR=str(self.folder / "state"),
            DBXWIZARD_SANDBOX=self.sandbox.endpoints().resource_manager,
            **more,
        )
        ended = watched(arguments, cwd=self.folder / "project", environ=environ)
        assert ended.code == 0, ended.err.decode()

    def setup(self, *options: str, **more: str) -> None:
        self.run("setup", "--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY, *options, **more)

    def deploy(self, auth: str, **job: str) -> None:
        self.run("deploy", "-e", "Development", "--auth", auth, **job)

    def edit(self, old: str, new: str) -> None:
        path = self.folder / "project" / "environments" / "Development.json"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")


def _with_federation(runs: _Runs) -> None:
    """What a person sends in setup, deploy, and both again."""
    for _ in range(2):
        runs.setup("--reviewer", "grace", "--reviewer", "team:contoso/platform")
        runs.deploy("federated")


def _with_secrets(runs: _Runs) -> None:
    """A job signs in with client secrets, its access token goes to the vault and from there into a secret scope."""
    runs.edit(
        '"Secrets": {\n        "appi_ik"', '"Secrets": {\n        "token": "key-vault:dbkstoken",\n        "appi_ik"'
    )
    runs.setup("--auth", "secret")
    job = secret_job(runs.sandbox.state, runs.exchanges)
    for _ in range(2):
        runs.deploy("secret", **job)


def _on_free(runs: _Runs) -> None:
    """A private repository without environments, of which some files come by a pull request."""
    with opened(runs.sandbox.state) as store, store.transaction():
        make_private(store, "github_pat_read_only")
    runs.setup("--no-github-environments", PAT_GITHUB="github_pat_read_only")
    runs.edit('"Description": "You"', '"Description": "Ada"')
    runs.setup("--no-github-environments", "--isolation", "shared", "--owner")


@pytest.fixture(scope="module", params=[_with_federation, _with_secrets, _on_free])
def sent(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Exchange]:
    """What commands send."""
    folder = tmp_path_factory.mktemp("contract")
    (folder / "project").mkdir()
    with recorded(new_state(folder / "cloud")) as (sandbox, exchanges):
        runs = _Runs(folder, sandbox, exchanges)
        runs.run("init")
        request.param(runs)
        runs.run("doctor")
        runs.run("plan", "-e", "Development", "--scope", "deploy")
    return exchanges


def test_every_request_is_documented(sent: list[Exchange]) -> None:
    wrong = {
        f"{one.request.method} {one.request.host.split(':')[0]} {unquote(one.request.path)}: {problem}"
        for one in sent
        for problem in problems(one)
    }
    assert not wrong, "\n".join(sorted(wrong))


_WORKFLOW = """
on: {workflow_dispatch: {inputs: {code: {type: string}}}}
jobs: {a: {runs-on: x, environment: Test, steps: [run: 'exit ${{ inputs.code }}']}}
"""


def test_every_request_about_runs_is_documented(tmp_path: Path) -> None:
    """Every action of `dbxwizard runs`, each with all that it asks."""
    road = Road(tmp_path)
    with recorded(new_state(tmp_path / ".state")) as (_, exchanges):
        with road.change() as store:
            push(store, {".github/workflows/a.yml": _WORKFLOW})
        run = _about_run(road, 1, "launch", "a.yml", "-i", "code=7", "--follow")["id"]
        _about_run(road, 1, "rerun", "--failed", "--follow")
        [job] = _about_run(road, 1, "rerun", str(run), "--job", "a", "--follow")["jobs"]
        for arguments in (("list", "-e", "Test"), ("list", "--workflow", "a.yml"), ("last", "-e", "Test")):
            assert road.run("runs", *arguments, "--repo", REPOSITORY).code == 0
        assert road.run("runs", "logs", "--job", str(job["id"]), "--repo", REPOSITORY).code == 0
        with road.change() as store:
            [(key, body)] = store.find("github.environment")
            store.put("github.environment", key, {**body, "reviewers": [{"type": "User", "id": ACCOUNT_ID}]})
        for action, code in (("approve", 0), ("reject", 1)):
            _about_run(road, 0, "launch", "a.yml", "-i", "code=0")
            while road.run("runs", action, "--repo", REPOSITORY).code:
                pass
            _about_run(road, code, "watch")
        _about_run(road, 0, "launch", "a.yml", "-i", "code=0")
        _about_run(road, 130, "cancel", "--follow")
    asked = [one for one in exchanges if one.request.host == "github"]
    wrong = {f"{one.request.method} {one.request.path}: {problem}" for one in asked for problem in problems(one)}
    assert not wrong, "\n".join(sorted(wrong))
    writes = {re.sub(r"\d+", "N", one.request.path.partition("/actions/")[2]) for one in asked if one.request.body}
    assert writes == {"workflows/a.yml/dispatches", "runs/N/pending_deployments"}


async def test_every_request_about_issues_is_documented(tmp_path: Path) -> None:
    with recorded(new_state(tmp_path)) as (sandbox, exchanges):
        async with GitHubClient(cloud_of(sandbox), Secret(SANDBOX_TOKEN), REPOSITORY) as client:
            await client.issues.create_issue("Drift in UAT", "differs")
            [issue] = await client.issues.open_issues()
            await client.issues.create_comment(issue.id, "plan")
            [comment] = await client.issues.comments(issue.id)
            await client.issues.update_comment(comment.id, "another plan")
            await client.issues.update_issue(issue.id, state="closed", body="over")
    assert {problem for one in exchanges for problem in problems(one)} == set()
    assert len([one for one in exchanges if one.request.body]) == 4


def _about_run(road: Road, code: int, *arguments: str) -> dict[str, Any]:
    ended = road.run("runs", *arguments, "--repo", REPOSITORY)
    assert ended.code == code, ended.out
    assert "run" in ended.report, ended.out
    found: dict[str, Any] = ended.report["run"]
    return found


def test_the_record_has_writes_to_every_service(sent: list[Exchange], request: pytest.FixtureRequest) -> None:
    written = {one.request.host.split(":")[0] for one in sent if one.request.method != "GET"}
    wanted = {
        _with_federation: {"arm", "graph", "github", "workspace", "login"},
        _with_secrets: {"arm", "graph", "github", "workspace", "login", "vault"},
        _on_free: {"arm", "graph", "github", "login"},
    }
    assert written == wanted[request.node.callspec.params["sent"]]


def test_what_is_not_documented_is_found(sent: list[Exchange]) -> None:
    """The check itself: one more field, at the top and further down, is named."""
    found = next(one for one in sent if "/roleAssignments/" in one.request.path and one.request.method == "PUT")
    body = _body(found)
    rule = model(authorization, "RoleAssignmentCreateParameters")
    assert list(rule(body)) == []
    assert list(rule({**body, "extra": 1})) == ["RoleAssignmentCreateParameters has no field extra"]
    assert list(rule({"properties": {**body["properties"], "extra": 1}})) == [
        "properties has no field properties.extra"
    ]
    what_if = model(deployments, "DeploymentWhatIf")
    assert list(what_if({"properties": {"mode": "Incremental", "extra": 1}})) == [
        "DeploymentWhatIfProperties has no field properties.extra"
    ]
