"""Points the unmodified `az` and `gh` to a sandbox and prints what worked: command, worked or refused, and why.

azure-cli comes from PyPI into an environment of its own, gh from Debian where it may be installed. Ends with 0 when
every command of REQUIRED worked.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from dbxwizard.sandbox.github.oidc import Job, job_token_request
from dbxwizard.sandbox.github.seed import REPOSITORY, SANDBOX_TOKEN
from dbxwizard.sandbox.ports import Ports
from dbxwizard.sandbox.session import Endpoints, locate
from dbxwizard.sandbox.store import Store

ROOT = Path(__file__).parent.parent
VENV = ROOT / ".venv-clients"
UV = Path(sys.executable).with_name("uv")
REQUIRED = (
    "az cloud register",
    "az login --service-principal",
    "az role definition create",
    "az ad sp create-for-rbac",
    "az deployment sub create",
    "az keyvault secret set",
    "gh secret set",
    "gh run list",
    "gh run watch",
    "gh run view",
    "gh run rerun",
    "gh workflow run",
)
# Options that tell two forms of one command apart; the others stay out of the table.
_TELLING = ("--service-principal", "--federated-token", "--use-device-code", "--env", "--log")
_PATIENCE = 300.0  # seconds for one command
_CLOUD, _GROUP, _ROLE, _APPLICATION = "sandbox", "rg-clients", "Sandbox Group Reader", "sandbox-clients"
# What the template names, and what the workspace's managed group needs besides.
_PROVIDERS = (
    "Databricks", "Storage", "KeyVault", "OperationalInsights", "Insights", "Compute", "Network", "ManagedIdentity",
)  # fmt: skip
_TEMPLATE = (
    "-f", str(ROOT / "bicep" / "main.json"), "-l", "westeurope", "-n", "clients",
    "-p", "environmentName=Development", "location=westeurope", "resourceGroupName=rg-clients-development",
)  # fmt: skip
_WORKFLOW = """
name: Greet
on: workflow_dispatch
jobs: {greet: {runs-on: ubuntu-latest, steps: [{name: Say hello, run: echo hello to UAT}]}}
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one command came to. `reason` is empty where it worked."""

    command: str
    reason: str = ""


@dataclass(slots=True)
class Client:
    """One program with the environment that points it to the sandbox. `program` is None where it is missing."""

    name: str
    program: str | None
    environ: Mapping[str, str]
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self, *words: str, typed: str = "", says: str = "") -> Any:
        """What the command printed, as JSON where it is; "" where it failed. `says`: what it has to print."""
        if self.program is None:
            return self.note(words, "not installed")
        try:
            done = subprocess.run(  # noqa: S603
                [self.program, *words],
                check=False, capture_output=True, text=True, input=typed, env=self.environ, timeout=_PATIENCE,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return self.note(words, f"no end after {_PATIENCE:.0f} seconds")
        if done.returncode:
            return self.note(words, first_error(done.stderr or done.stdout))
        if says not in done.stdout:
            return self.note(words, f"it ended well, but did not print {says!r}")
        self.note(words)
        return _parsed(done.stdout)

    def note(self, words: tuple[str, ...], reason: str = "") -> str:
        self.outcomes.append(Outcome(f"{self.name} {_title(words)}", reason))
        print("." if not reason else "x", end="", file=sys.stderr, flush=True)
        return ""

    def field(self, name: str, *words: str) -> str:
        """One field of what the command answers, by az's --query; "" where it failed."""
        return str(self.run(*words, "--query", name, "-o", "tsv")).strip()


def _title(words: tuple[str, ...]) -> str:
    plain = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
    return " ".join((*words[:plain], *(word for word in words if word in _TELLING)))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def first_error(text: str) -> str:
    """The line of a program's words that says what went wrong; of a deployment's errors the first inner one."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("WARNING:")]
    if "Inner Errors:" in lines[:-1]:
        return lines[lines.index("Inner Errors:") + 1]
    marked = [line for line in lines if line.startswith(("ERROR:", "X ")) and not line.endswith("traceback:")]
    return next(iter([*marked, *lines]), "it said nothing").removeprefix("ERROR: ")


@contextmanager
def served(state: Path) -> Iterator[Endpoints]:
    """A new sandbox in a process of its own; nothing takes time in it."""
    command = [sys.executable, "-m", "dbxwizard", "sandbox", "serve", "--state", str(state), "--latency", "zero"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603
        try:
            assert process.stdout is not None  # noqa: S101  asked for above
            first = process.stdout.readline().strip()
            if not first.startswith("export DBXWIZARD_SANDBOX="):
                sys.exit("the sandbox did not start; `dbxwizard sandbox serve` says why")
            yield locate(first.partition("=")[2])
        finally:
            process.terminate()


def install_az() -> str | None:
    """From PyPI; None where that fails."""
    program, python = VENV / "bin" / "az", VENV / "bin" / "python"
    if not program.exists():
        print(f"installing azure-cli into {VENV.name}", file=sys.stderr)
        _tried(UV, "venv", "--quiet", "--clear", "--python", sys.executable, VENV)
        _tried(UV, "pip", "install", "--quiet", "--python", python, "azure-cli")
    return str(program) if program.exists() else None


def install_gh() -> str | None:
    """From Debian's packages where this process may install them; None where it may not."""
    apt = shutil.which("apt-get")
    if shutil.which("gh") is None and apt and os.geteuid() == 0:
        print("installing gh", file=sys.stderr)
        _tried(apt, "update", "-qq")
        _tried(apt, "install", "-y", "-qq", "gh")
    return shutil.which("gh")


def _tried(*command: str | Path) -> None:
    """Runs an installer; what it could not install is missed afterwards."""
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}  # nobody is there to answer
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environ)  # noqa: S603


def clients(folder: Path, sandbox: Endpoints) -> tuple[Client, Client]:
    """az and gh, each with an environment that holds nothing of the caller's and names the certificate authority."""
    home = folder / "home"
    home.mkdir()
    common = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    az = {
        "AZURE_CONFIG_DIR": str(home / "azure"),
        "REQUESTS_CA_BUNDLE": str(sandbox.ca_bundle),
        # The public cloud knows no sign-in host on a loopback address; az has this switch for Azure Stack.
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_CORE_NO_COLOR": "yes",
    }
    gh = {
        "GH_CONFIG_DIR": str(home / "gh"),
        "SSL_CERT_FILE": str(sandbox.ca_bundle),
        "GH_HOST": urlsplit(sandbox.github).netloc,
        "GH_ENTERPRISE_TOKEN": SANDBOX_TOKEN,
        "GH_PROMPT_DISABLED": "1",
        "GH_NO_UPDATE_NOTIFIER": "1",
    }
    return Client("az", install_az(), common | az), Client("gh", install_gh(), common | gh)


def fetch(sandbox: Endpoints, url: str, *, form: Mapping[str, str] | None = None, token: str = "") -> bytes:
    data = urlencode(form).encode() if form else None
    asked = Request(url, data, {"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310
    with urlopen(asked, context=ssl.create_default_context(cafile=str(sandbox.ca_bundle))) as answer:  # noqa: S310
        body: bytes = answer.read()
    return body


# The commands, by what they are about.


def cloud(az: Client, sandbox: Endpoints) -> None:
    az.run("cloud", "register", "-n", _CLOUD, "--endpoint-resource-manager", sandbox.resource_manager)
    az.run("cloud", "set", "-n", _CLOUD)
    az.run("cloud", "show", says=sandbox.login)


def sign_in_person(az: Client, sandbox: Endpoints, folder: Path) -> None:
    """The device code flow, approved at the sandbox's own page as ada."""
    words = ("login", "--use-device-code")
    if az.program is None:
        az.run(*words)
        return
    said = folder / "login.txt"
    with said.open("w") as sink:
        process = subprocess.Popen([az.program, *words], stdout=sink, stderr=sink, env=az.environ)  # noqa: S603
    while process.poll() is None and "enter the code " not in said.read_text():
        time.sleep(0.05)
    if process.poll() is None:
        code = said.read_text().split("enter the code ")[1].split()[0]
        page = f"{sandbox.login}/organizations/oauth2/v2.0/deviceauth/approve"
        fetch(sandbox, page, form={"user_code": code, "upn": "ada@contoso.example"})
    az.note(words, first_error(said.read_text()) if process.wait(_PATIENCE) else "")


def account(az: Client) -> str:
    """The subscription's id."""
    az.run("account", "list", says="dbxwizard sandbox")
    return az.field("id", "account", "show")


def resources(az: Client, subscription: str) -> None:
    az.run("group", "create", "-n", _GROUP, "-l", "westeurope", says="Succeeded")
    az.run("group", "list", says=_GROUP)
    for name in _PROVIDERS:
        az.run("provider", "register", "-n", f"Microsoft.{name}")
    az.run("provider", "show", "-n", "Microsoft.KeyVault", says='"Registered"')
    groups = f"/subscriptions/{subscription}/resourcegroups?api-version=2021-04-01"
    az.run("rest", "--method", "get", "--url", groups, says=_GROUP)


def roles(az: Client, subscription: str, folder: Path) -> None:
    scope = f"/subscriptions/{subscription}"
    role = {
        "Name": _ROLE,
        "IsCustom": True,
        "Description": "Sees resource groups.",
        "Actions": ["Microsoft.Resources/subscriptions/resourceGroups/read"],
        "NotActions": [],
        "AssignableScopes": [scope],
    }
    definition = folder / "role.json"
    definition.write_text(json.dumps(role))
    az.run("role", "definition", "create", "--role-definition", f"@{definition}", says=_ROLE)
    az.run("role", "definition", "update", "--role-definition", f"@{definition}", says=_ROLE)
    az.run("role", "definition", "list", "--name", _ROLE, says=_ROLE)
    me = az.field("id", "ad", "signed-in-user", "show")
    given = ("--assignee", me, "--role", _ROLE, "--scope", f"{scope}/resourceGroups/{_GROUP}")
    az.run("role", "assignment", "create", *given, says=me)
    az.run("role", "assignment", "list", *given, says=me)
    az.run("role", "assignment", "delete", *given)
    az.run("role", "definition", "delete", "--name", _ROLE)


def directory(az: Client, subscription: str) -> dict[str, str]:
    """The service principal that create-for-rbac made: appId, password, tenant."""
    scope = f"/subscriptions/{subscription}"
    made = az.run("ad", "sp", "create-for-rbac", "-n", _APPLICATION, "--role", "Reader", "--scopes", scope)
    principal: dict[str, str] = made or {"appId": "", "password": "", "tenant": ""}
    az.run("ad", "app", "list", "--display-name", _APPLICATION, says=principal["appId"])
    az.run("ad", "app", "show", "--id", principal["appId"], says=_APPLICATION)
    az.run("ad", "sp", "show", "--id", principal["appId"], says=_APPLICATION)
    return principal


def deployment(az: Client) -> None:
    az.run("deployment", "sub", "what-if", *_TEMPLATE, says="Microsoft.Databricks/workspaces")
    az.run("deployment", "sub", "create", *_TEMPLATE, says="Succeeded")
    az.run("deployment", "sub", "show", "-n", "clients", says="Succeeded")
    az.run("deployment", "sub", "list", says="clients")
    az.run("deployment", "operation", "sub", "list", "-n", "clients", says="Succeeded")
    az.run("resource", "list", "-g", "rg-clients-development", says="Microsoft.Databricks/workspaces")


def vault(az: Client, folder: Path) -> None:
    """az makes a vault's address of its name and the cloud's suffix: here 127.0.0.1 and the vault's port."""
    name = az.field("[0].name", "keyvault", "list", "-g", "rg-clients-development")
    found = az.run("keyvault", "show", "-n", name) or {"id": "", "properties": {"vaultUri": ""}}
    address = found["properties"]["vaultUri"].rstrip("/")
    az.run("cloud", "update", "-n", _CLOUD, "--suffix-keyvault-dns", f":{urlsplit(address).port}")
    me = az.field("id", "ad", "signed-in-user", "show")
    role = ("--role", "Key Vault Secrets Officer", "--scope", found["id"])
    az.run("role", "assignment", "create", "--assignee-object-id", me, "--assignee-principal-type", "User", *role)
    value = folder / "value.txt"
    value.write_text("of no worth")
    az.run("keyvault", "secret", "set", "--vault-name", "127.0.0.1", "-n", "first", "-f", str(value), says="first")
    az.run("keyvault", "secret", "show", "--id", f"{address}/secrets/first", says="of no worth")
    az.run("keyvault", "secret", "list", "--vault-name", "127.0.0.1", says="first")
    az.run("keyvault", "list-deleted", says="[]")


def sign_in_application(az: Client, sandbox: Endpoints, principal: dict[str, str], folder: Path) -> None:
    """With the secret, then with the assertion of a GitHub job. Both reach az in files, not as arguments."""
    assertion = job_assertion(sandbox)
    trust = {
        "name": "development",
        "issuer": sandbox.oidc,
        "subject": subject_of(assertion),
        "audiences": ["api://AzureADTokenExchange"],
    }
    files = {"trust": json.dumps(trust), "password": principal["password"], "assertion": assertion}
    for name, text in files.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text)
    given = ("--id", principal["appId"], "--parameters", f"@{folder / 'trust'}")
    az.run("ad", "app", "federated-credential", "create", *given, says="development")
    who = ("login", "--service-principal", "-u", principal["appId"], "-t", principal["tenant"])
    az.run(*who, "-p", f"@{folder / 'password'}", says="servicePrincipal")
    az.run("logout")
    az.run(*who, "--federated-token", f"@{folder / 'assertion'}", says="servicePrincipal")
    az.run("group", "list", says="rg-clients-development")


def job_assertion(sandbox: Endpoints) -> str:
    """What a job of the repository's environment Development gets from GitHub's issuer."""
    store = Store(sandbox.state)
    try:
        with store.transaction():
            url, token = job_token_request(store, Ports(store), Job(REPOSITORY, environment="Development"))
    finally:
        store.close()
    answer = json.loads(fetch(sandbox, f"{url}&audience=api://AzureADTokenExchange", token=token))
    return str(answer["value"])


def subject_of(assertion: str) -> str:
    payload = assertion.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"])


def clean_up(az: Client) -> None:
    az.run("group", "delete", "-n", _GROUP, "--yes")
    az.run("group", "exists", "-n", _GROUP, says="false")


def github(gh: Client) -> None:
    there, environment = ("-R", REPOSITORY), ("--env", "Development")
    gh.run("auth", "status")
    gh.run("api", "user", says="Ada Sandbox")
    gh.run("api", f"repos/{REPOSITORY}", says=REPOSITORY)
    gh.run("api", f"repos/{REPOSITORY}/environments/Development", "-X", "PUT", says="Development")
    gh.run("secret", "set", "FIRST", *there, typed="of no worth")
    gh.run("secret", "list", *there, says="FIRST")
    gh.run("secret", "set", "SECOND", *environment, *there, typed="of no worth")
    gh.run("secret", "list", *environment, *there, says="SECOND")
    gh.run("variable", "set", "THIRD", "--body", "3", *there)
    gh.run("variable", "list", *there, says="THIRD")
    gh.run("run", "list", *there)
    gh.run("workflow", "list", *there)
    gh.run("repo", "view", REPOSITORY)
    gh.run("pr", "list", *there)
    gh.run("pr", "create", "-t", "A title", "-b", "A body", "-H", "other", "-B", "main", *there)
    gh.run("release", "list", *there)
    runs(gh, there)


def runs(gh: Client, there: tuple[str, ...]) -> None:
    """A workflow is started, followed and run again. Without --ref gh asks GraphQL for the default branch."""
    file = f"repos/{REPOSITORY}/contents/.github/workflows/greet.yml"
    content = base64.b64encode(_WORKFLOW.encode()).decode()
    gh.run("api", file, "-X", "PUT", "-f", "message=Greet", "-f", f"content={content}", says="greet.yml")
    gh.run("workflow", "list", *there, says="Greet")
    gh.run("workflow", "view", *there, "greet.yml", "--yaml", says="hello to UAT")
    gh.run("workflow", "run", *there, "greet.yml", "--ref", "main")
    found = gh.run("run", "list", *there, "--json", "databaseId") or [{"databaseId": 0}]
    run = str(found[0]["databaseId"])
    gh.run("run", "watch", *there, "--interval", "1", "--exit-status", run)
    gh.run("run", "view", *there, run, says="greet in")
    gh.run("run", "view", *there, "--log", run, says="hello to UAT")
    gh.run("run", "rerun", *there, run)
    gh.run("run", "watch", *there, "--interval", "1", "--exit-status", run)
    gh.run("workflow", "disable", *there, "greet.yml")


def main() -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dbxwizard-clients-") as name:
        folder = Path(name)
        with served(folder / "sandbox" / "state.sqlite") as sandbox:
            print(f"sandbox: {sandbox.resource_manager}", file=sys.stderr)
            az, gh = clients(folder, sandbox)
            github(gh)
            cloud(az, sandbox)
            sign_in_person(az, sandbox, folder)
            subscription = account(az)
            resources(az, subscription)
            roles(az, subscription, folder)
            principal = directory(az, subscription)
            deployment(az)
            vault(az, folder)
            clean_up(az)
            sign_in_application(az, sandbox, principal, folder)
    print(file=sys.stderr)
    outcomes = [*az.outcomes, *gh.outcomes]
    print("\n".join(table(outcomes)))
    failed = unmet(outcomes)
    worked = sum(not outcome.reason for outcome in outcomes)
    print(
        f"{worked} of {len(outcomes)} worked in {time.monotonic() - began:.0f} s; required and refused: {failed or '-'}"
    )
    return 1 if failed else 0


def table(outcomes: list[Outcome]) -> list[str]:
    """One line for each command; a command that ran more than once with the same end has one."""
    width = max(len(outcome.command) for outcome in outcomes)
    lines = (f"{one.command:<{width}}  {'worked' if not one.reason else 'refused: ' + one.reason}" for one in outcomes)
    return list(dict.fromkeys(lines))


def unmet(outcomes: list[Outcome]) -> list[str]:
    """The required commands that were refused, in any of their forms, or never ran."""

    def works(name: str) -> bool:
        tried = [outcome.reason for outcome in outcomes if f"{outcome.command} ".startswith(f"{name} ")]
        return bool(tried) and not any(tried)

    return [name for name in REQUIRED if not works(name)]


if __name__ == "__main__":
    sys.exit(main())
