"""What the real services refuse beside the five bad requests: media types, odd JSON, forged tokens, others' things."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.databricks.schedule import is_cron
from dbxwizard.sandbox.entra.directory import ADA, ADA_ID, GRACE
from dbxwizard.sandbox.github.seed import REPOSITORY, SANDBOX_TOKEN
from dbxwizard.sandbox.ports import Ports
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.time import Clock
from tests.conftest import new_state
from tests.sandbox.strict_world import AUDIENCES, GROUP, SUBSCRIPTION, VAULT, StrictWorld
from tests.sandbox.wire import FORM, JSON, Answer

GROUP_URL = f"{SUBSCRIPTION}/resourceGroups/rg-other?api-version=2022-09-01"
TOKEN_URL = f"/{tokens.TENANT_ID}/oauth2/v2.0/token"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictWorld]:
    with Sandbox(new_state(tmp_path_factory.mktemp("refused"))) as sandbox:
        made = StrictWorld(sandbox)
        yield made
        made.wire.close()


def put_group(world: StrictWorld, body: bytes, kind: str | None) -> Answer:
    headers = {"Content-Type": kind} if kind else {}
    return world.wire.send("PUT", "arm", GROUP_URL, token=world.owner["arm"], body=body, headers=headers)


@pytest.mark.parametrize("kind", [None, "text/plain", FORM, "application/xml"])
def test_resource_manager_reads_json_alone(world: StrictWorld, kind: str | None) -> None:
    answer = put_group(world, b'{"location": "westeurope"}', kind)
    assert (answer.status, answer.json["error"]["code"]) == (415, "UnsupportedMediaType")
    named = kind or "<null>"
    assert answer.json["error"]["message"].startswith(f"The content media type '{named}' is not supported.")


def test_a_charset_beside_the_media_type_is_no_matter(world: StrictWorld) -> None:
    assert put_group(world, b'{"location": "westeurope"}', "Application/JSON; charset=utf-8").status in (200, 201)


@pytest.mark.parametrize("kind", [None, "text/plain", FORM])
def test_graph_reads_json_alone(world: StrictWorld, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    body, token = b'{"displayName": "x"}', world.owner["graph"]
    answer = world.wire.send("POST", "graph", "/v1.0/applications", token=token, body=body, headers=headers)
    assert answer.status == 400
    assert answer.json["error"]["message"].startswith("Unable to read JSON request payload.")


@pytest.mark.parametrize("kind", [None, JSON, "text/plain"])
def test_the_token_endpoint_reads_forms_alone(world: StrictWorld, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    body = b"grant_type=client_credentials&client_id=x"
    answer = world.wire.send("POST", "login", TOKEN_URL, body=body, headers=headers)
    assert (answer.status, answer.json["error_codes"]) == (400, [900144])


@pytest.mark.parametrize(
    "text",
    ['{"displayName": NaN}', '{"displayName": "x", "notes": Infinity}', '{"displayName": "\\ud800"}', "", "null", "[]"],
)
def test_what_is_no_json_object_is_refused(world: StrictWorld, text: str) -> None:
    headers, token = {"Content-Type": JSON}, world.owner["graph"]
    answer = world.wire.send("POST", "graph", "/v1.0/applications", token=token, body=text.encode(), headers=headers)
    assert answer.status == 400


def test_github_refuses_a_program_without_a_name(world: StrictWorld) -> None:
    answer = world.wire.send("GET", "github", "/user", token=SANDBOX_TOKEN, headers={"User-Agent": ""})
    assert answer.status == 403
    assert "User-Agent" in answer.json["message"]


# Tokens.


def claims(world: StrictWorld, service: str, **changed: Any) -> dict[str, Any]:
    now = int(Clock(world.wire.store).now())
    made = {
        "aud": AUDIENCES[service],
        "exp": now + 600,
        "nbf": now,
        "oid": ADA_ID,
        "tid": tokens.TENANT_ID,
        "appid": "x",
        "idtyp": "user",
        "scp": "Directory.AccessAsUser.All",
    }
    return {name: value for name, value in {**made, **changed}.items() if value is not None}


def forged(world: StrictWorld, service: str) -> Iterator[str]:
    """Tokens that look right and are not the sandbox's Entra's."""
    good, store = claims(world, service), world.wire.store
    yield jwt.encode(good, "", algorithm="none")
    public = tokens.signing_key(store, "entra").public_key()
    pem = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    yield jwt.encode(good, base64.b64encode(pem), algorithm="HS256")
    yield tokens.sign(store, "oidc", good)
    head, body, signature = tokens.sign(store, "entra", good).split(".")
    other = base64.urlsafe_b64encode(json.dumps({**good, "oid": "x"}).encode()).decode().rstrip("=")
    yield f"{head}.{other}.{signature}"
    yield f"{head}.{body}."
    yield tokens.sign(store, "entra", claims(world, service, exp=good["nbf"] - 1))
    yield tokens.sign(store, "entra", claims(world, service, nbf=good["exp"]))
    yield tokens.sign(store, "entra", claims(world, service, appid=None))  # an id token


READS = {
    "graph": "/v1.0/me",
    "arm": f"{SUBSCRIPTION}?api-version=2022-12-01",
    "vault": "/secrets?api-version=7.4",
    "workspace": "/api/2.0/clusters/list",
}


@pytest.mark.parametrize("service", READS)
def test_a_token_that_entra_did_not_sign_for_now_opens_nothing(world: StrictWorld, service: str) -> None:
    genuine = tokens.sign(world.wire.store, "entra", claims(world, service))
    assert world.wire.send("GET", world.host(service), READS[service], token=genuine).status == 200
    for token in forged(world, service):
        answer = world.wire.send("GET", world.host(service), READS[service], token=token)
        # A workspace says 403 to any token that it can't read (docs.databricks.com/dev-tools/auth/troubleshooting).
        assert answer.status in ((401, 403) if service == "workspace" else (401,)), answer.body


@pytest.mark.parametrize("kind", ["Basic", "bearer-token", "Token", ""])
def test_another_kind_of_authorization_is_none(world: StrictWorld, kind: str) -> None:
    headers = {"Authorization": f"{kind} {world.owner['arm']}"}
    assert world.wire.send("GET", "arm", READS["arm"], headers=headers).status == 401


def test_a_challenge_says_where_to_sign_in(world: StrictWorld) -> None:
    for service in ("arm", "vault"):
        answer = world.wire.send("GET", world.host(service), READS[service])
        assert answer.headers["www-authenticate"].startswith("Bearer authorization")
        assert tokens.TENANT_ID in answer.headers["www-authenticate"]


# What belongs to others.


@pytest.fixture(scope="module")
def grace(world: StrictWorld) -> str:
    return world.wire.person_token(GRACE, AUDIENCES["graph"])


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("PATCH", "", {"displayName": "mine"}),
        ("DELETE", "", None),
        ("POST", "/addPassword", {}),
        ("POST", "/federatedIdentityCredentials", {"name": "mine", "issuer": "i", "subject": "s", "audiences": ["a"]}),
        ("PATCH", "/federatedIdentityCredentials/strict", {"subject": "mine"}),
        ("DELETE", "/federatedIdentityCredentials/strict", None),
    ],
)
def test_a_member_changes_nobody_elses_application(
    world: StrictWorld, grace: str, method: str, rest: str, body: Any
) -> None:
    path = f"/v1.0/applications/{world.params['graph']['key']}{rest}"
    answer = world.wire.send(method, "graph", path, token=grace, json_body=body)
    assert (answer.status, answer.json["error"]["code"]) == (403, "Authorization_RequestDenied")


def test_subscriptions_are_listed_to_those_who_have_a_role_in_them(world: StrictWorld) -> None:
    path = "/subscriptions?api-version=2022-12-01"
    assert len(world.wire.send("GET", "arm", path, token=world.owner["arm"]).json["value"]) == 1
    assert world.wire.send("GET", "arm", path, token=world.nobody["arm"]).json["value"] == []


def test_private_repositories_are_listed_to_their_people(world: StrictWorld) -> None:
    path = f"/orgs/{REPOSITORY.split('/', maxsplit=1)[0]}/repos"
    assert len(world.wire.send("GET", "github", path, token=SANDBOX_TOKEN).json) == 1
    assert world.wire.send("GET", "github", path, token="ghp_strict_outsider").json == []


@pytest.mark.parametrize(
    "path", ["clusters/list", "jobs/list", "jobs/runs/list", "repos?path_prefix=/Users", "token/list"]
)
def test_a_member_of_a_workspace_sees_what_is_shared_alone(world: StrictWorld, path: str) -> None:
    def shown(token: str) -> bool:
        answer = world.wire.send("GET", world.host("workspace"), f"/api/2.0/{path}", token=token)
        assert answer.status == 200
        return any(isinstance(value, list) and value for value in answer.json.values())

    assert shown(world.owner["workspace"])
    assert not shown(world.nobody["workspace"])


def test_a_workspace_lets_a_stranger_in_only_with_the_proof_of_both_headers(world: StrictWorld) -> None:
    token = world.wire.person_token(GRACE, AUDIENCES["workspace"])
    headers = {
        "X-Databricks-Azure-Workspace-Resource-Id": f"{GROUP}/providers/Microsoft.Databricks/workspaces/dbx-strict",
        "X-Databricks-Azure-SP-Management-Token": world.owner["arm"],  # somebody else's
    }
    path, host = "/api/2.0/preview/scim/v2/Me", world.host("workspace")
    assert world.wire.send("GET", host, path, token=token).status == 403
    assert world.wire.send("GET", host, path, token=token, headers=headers).status == 403


# Vaults.


@pytest.mark.parametrize("query", ["maxresults=0", "maxresults=26", "maxresults=x", "$skiptoken=x", "maxresults="])
def test_a_vault_checks_its_paging(world: StrictWorld, query: str) -> None:
    path = f"/secrets?api-version=7.4&{query}"
    answer = world.wire.send("GET", world.host("vault"), path, token=world.owner["vault"])
    assert (answer.status, answer.json["error"]["code"]) == (400, "BadParameter")


def test_purge_protection_holds_for_secrets_too(world: StrictWorld) -> None:
    vault = f"{GROUP}/providers/Microsoft.KeyVault/vaults/{VAULT}?api-version=2023-07-01"
    world.ask("vault", "PUT", "/secrets/once?api-version=7.4", {"value": "x"})
    levels = [world.ask("vault", "GET", "/secrets/once?api-version=7.4")["attributes"]["recoveryLevel"]]
    world.ask("arm", "PATCH", vault, {"properties": {"enablePurgeProtection": True}})
    levels.append(world.ask("vault", "GET", "/secrets/once?api-version=7.4")["attributes"]["recoveryLevel"])
    assert levels == ["Recoverable+Purgeable", "Recoverable"]
    world.ask("vault", "DELETE", "/secrets/once?api-version=7.4")
    path = "/deletedsecrets/once?api-version=7.4"
    answer = world.wire.send("DELETE", world.host("vault"), path, token=world.owner["vault"])
    assert (answer.status, answer.json["error"]["innererror"]["code"]) == (403, "ForbiddenByPurgeProtection")


# Names.


@pytest.mark.parametrize(
    "path", ["/SECRETS/strict?api-version=7.4", "/secrets/strict/?api-version=7.4", "/secrets/STRICT?api-version=7.4"]
)
def test_a_secret_has_its_name_in_any_case(world: StrictWorld, path: str) -> None:
    """Names are case insensitive: learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates."""
    wanted = 404 if path.startswith("/SECRETS") else 200  # the sandbox knows the documented spelling of paths alone
    assert world.wire.send("GET", world.host("vault"), path, token=world.owner["vault"]).status == wanted


@pytest.mark.parametrize("path", [GROUP, GROUP.upper(), GROUP.lower()])
def test_resource_ids_ignore_case(world: StrictWorld, path: str) -> None:
    answer = world.wire.send("GET", "arm", f"{path}?api-version=2022-09-01", token=world.owner["arm"])
    assert (answer.status, answer.json["id"]) == (200, GROUP)


def test_a_person_signs_in_by_a_name_in_any_case(world: StrictWorld) -> None:
    token = world.wire.person_token(ADA.upper(), AUDIENCES["graph"])
    assert world.wire.send("GET", "graph", "/v1.0/me", token=token).json["id"] == ADA_ID


# What a handler looks at itself.

COMPUTE = {
    "cluster_name": "c",
    "spark_version": "17.3.x-scala2.13",
    "node_type_id": "Standard_DS3_v2",
    "num_workers": 1,
    "data_security_mode": "USER_ISOLATION",
}


def in_workspace(world: StrictWorld, path: str, body: Any) -> Answer:
    return world.wire.send("POST", world.host("workspace"), path, token=world.owner["workspace"], json_body=body)


@pytest.mark.parametrize(
    "wrong", [{"policy_id": "x"}, {"instance_pool_id": "x"}, {"runtime_engine": "FAST"}, {"autotermination_minutes": 5}]
)
def test_a_cluster_has_what_is_there(world: StrictWorld, wrong: dict[str, Any]) -> None:
    answer = in_workspace(world, "/api/2.1/clusters/create", {**COMPUTE, **wrong})
    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


NIGHTLY = {"quartz_cron_expression": "0 0 1 * * ?", "timezone_id": "Europe/London"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": {**NIGHTLY, "quartz_cron_expression": "0 1 * * *"}},
        {"schedule": {**NIGHTLY, "timezone_id": "Mars/Olympus"}},
        {"schedule": {**NIGHTLY, "pause_status": "SLEEPING"}},
        {"name": "x" * 4097},
    ],
)
def test_a_job_is_checked_before_it_is_made(world: StrictWorld, wrong: dict[str, Any]) -> None:
    answer = in_workspace(world, "/api/2.1/jobs/create", {"schedule": NIGHTLY, **wrong})
    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("0 0 12 * * ?", True),
        ("0 15 10 ? * MON-FRI", True),
        ("0 0/5 14,18 * * ? 2027", True),
        ("0 15 10 L-2 * ?", True),
        ("0 15 10 ? * 6#3", True),
        ("0 15 10 15W jan-jun ?", True),
        ("0 15 10 ? * 6L 2027-2029", True),
        ("0 0 12 * * *", False),  # both days
        ("0 0 12 ? * ?", False),
        ("0 12 * * ?", False),  # five fields
        ("60 0 12 * * ?", False),
        ("0 0 24 * * ?", False),
        ("0 0 12 32 * ?", False),
        ("0 0 12 * 13 ?", False),
        ("0 0 12 ? * FUN", False),
        ("0 0 12 ? * 8", False),
        ("0 0/0 12 * * ?", False),
        ("@daily", False),
        ("", False),
    ],
)
def test_cron_is_quartzs(text: str, good: bool) -> None:
    assert is_cron(text) is good


@pytest.mark.parametrize("change", [{"resource_id": "x"}, {"dns_name": "https://kv-other.vault.azure.net/"}])
def test_a_secret_scope_names_a_vault_that_is_there(world: StrictWorld, change: dict[str, str]) -> None:
    vault = {"resource_id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/{VAULT}"}
    vault["dns_name"] = f"{Ports(world.wire.store).url(f'vault:{VAULT}')}/"
    body = {"scope": "kept", "scope_backend_type": "AZURE_KEYVAULT", "backend_azure_keyvault": {**vault, **change}}
    assert in_workspace(world, "/api/2.0/secrets/scopes/create", body).status == 400
    body["backend_azure_keyvault"] = vault
    assert in_workspace(world, "/api/2.0/secrets/scopes/create", body).status == 200
    assert in_workspace(world, "/api/2.0/secrets/scopes/delete", {"scope": "kept"}).status == 200


@pytest.mark.parametrize(
    "wrong", [{"contentType": "x" * 256}, {"tags": {str(n): "" for n in range(16)}}, {"tags": {"x" * 257: ""}}]
)
def test_a_secret_keeps_to_its_limits(world: StrictWorld, wrong: dict[str, Any]) -> None:
    path, token = "/secrets/limits?api-version=7.4", world.owner["vault"]
    answer = world.wire.send("PUT", world.host("vault"), path, token=token, json_body={"value": "x", **wrong})
    assert (answer.status, answer.json["error"]["code"]) == (400, "BadParameter")


@pytest.mark.parametrize(
    "name",
    ["heads/a", "refs/a", "refs/heads/", "refs//a/b", "refs/heads/a..b", "refs/heads/a b", "refs/heads/.a",
     "refs/heads/a.lock", "refs/heads/a.lock/b",  "refs/heads/a.", "refs/heads/a~1", "refs/heads/@{u}",
     "refs/heads/a\\b"],
)  # fmt: skip
def test_git_knows_which_names_are_refs(world: StrictWorld, name: str) -> None:
    path, sha = f"/repos/{REPOSITORY}/git/refs", world.params["github"]["sha"]
    answer = world.wire.send("POST", "github", path, token=SANDBOX_TOKEN, json_body={"ref": name, "sha": sha})
    assert (answer.status, "is not a valid ref name" in answer.json["message"]) == (422, True)


@pytest.mark.parametrize("name", ["refs/heads/feature/x-1.2", "refs/tags/v1.0", "refs/heads/a@b"])
def test_and_which_are(world: StrictWorld, name: str) -> None:
    body = {"ref": name, "sha": world.params["github"]["sha"]}
    assert world.ask("github", "POST", f"/repos/{REPOSITORY}/git/refs", body)["ref"] == name


def test_an_environments_name_is_not_endless(world: StrictWorld) -> None:
    path = f"/repos/{REPOSITORY}/environments/{'x' * 256}"
    assert world.wire.send("PUT", "github", path, token=SANDBOX_TOKEN, json_body={}).status == 422
