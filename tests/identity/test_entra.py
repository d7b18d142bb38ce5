"""The sandbox's sign-in, by the unmodified azure-identity and MSAL."""

from __future__ import annotations

import functools
import re
import threading
import webbrowser
from html import unescape
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    ClientAssertionCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
)

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.credentials import claims_of
from dbxwizard.clients.transport import sync_options
from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.entra import secrets
from dbxwizard.sandbox.entra.directory import ADA, ADA_ID, AZURE_CLI, GRACE
from dbxwizard.sandbox.store import Document
from tests.identity.world import MakeApplication, World

ARM = "https://management.core.windows.net//.default"
SUBJECT = "repo:contoso@9801001/databricks@988100001:environment:Production"


def options(cloud: Cloud) -> dict[str, Any]:
    return {
        "authority": cloud.authority,
        "disable_instance_discovery": True,
        "retry_total": 0,
        **sync_options(cloud),
    }


def give_secret(world: World, application: Document, *, ends_at: float = 4e9, made_at: float = 0.0) -> str:
    key_id = f"key-{application['appId']}"
    with world.changing() as store:
        secret = secrets.make(store, key_id)
    credential = {"keyId": key_id, "displayName": "test", "hint": secret[:3], "createdAt": made_at, "startAt": 0.0}
    world.change("directory.application", application["id"], passwordCredentials=[credential | {"endAt": ends_at}])
    return secret


def trust(world: World, application: Document, **differing: Any) -> None:
    credential = {
        "id": "one",
        "name": "production",
        "issuer": "host:oidc",
        "subject": SUBJECT,
        "audiences": ["api://AzureADTokenExchange"],
        "description": None,
        "effectiveAt": 0.0,
    }
    world.change("directory.application", application["id"], federatedIdentityCredentials=[credential | differing])


def secret_credential(
    cloud: Cloud, client_id: str, secret: str, tenant: str = tokens.TENANT_ID
) -> ClientSecretCredential:
    return ClientSecretCredential(tenant, client_id, secret, **options(cloud))


def job_credential(cloud: Cloud, client_id: str, job: dict[str, str], audience: str = "") -> ClientAssertionCredential:
    return ClientAssertionCredential(
        tokens.TENANT_ID, client_id, lambda: job_assertion(cloud, job, audience), **options(cloud)
    )


def job_assertion(cloud: Cloud, job: dict[str, str], audience: str = "") -> str:
    answer = direct().get(
        f"{job['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={audience or cloud.federation_audience}",
        headers={"Authorization": f"bearer {job['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
        verify=str(cloud.ca_bundle),
    )
    return str(answer.json()["value"])


def direct() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def refused(credential: Any, scope: str = ARM) -> str:
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(scope)
    found = re.search(r"AADSTS\d+", str(caught.value))
    return found.group() if found else str(caught.value)


def test_a_client_secret_signs_in(cloud: Cloud, world: World, make_application: MakeApplication) -> None:
    application = make_application()
    credential = secret_credential(cloud, application["appId"], give_secret(world, application))
    claims = claims_of(credential.get_token(ARM).token)
    assert claims["appid"] == application["appId"]
    assert (claims["aud"], claims["idtyp"]) == ("https://management.core.windows.net/", "app")
    assert world.store.get("directory.servicePrincipal", claims["oid"])
    assert "scp" not in claims


def test_a_secret_is_kept_as_a_hash(world: World, make_application: MakeApplication) -> None:
    secret = give_secret(world, make_application())
    assert secret.encode() not in world.store.path.read_bytes()
    assert len(secret) == 40


def test_wrong_expired_and_new_secrets(cloud: Cloud, world: World, make_application: MakeApplication) -> None:
    application = make_application()
    secret = give_secret(world, application)
    assert refused(secret_credential(cloud, application["appId"], "wrong")) == "AADSTS7000215"
    secret = give_secret(world, application, ends_at=world.clock().now() - 1)
    assert refused(secret_credential(cloud, application["appId"], secret)) == "AADSTS7000222"
    world.latency("demo")
    secret = give_secret(world, application, made_at=world.clock().now())
    assert refused(secret_credential(cloud, application["appId"], secret)) == "AADSTS7000215"
    world.advance(1)
    assert secret_credential(cloud, application["appId"], secret).get_token(ARM).token


def test_unknown_application_tenant_and_resource(cloud: Cloud, world: World, make_application: MakeApplication) -> None:
    application = make_application()
    secret = give_secret(world, application)
    nobody = "99999999-0000-0000-0000-000000000000"
    assert refused(secret_credential(cloud, nobody, "x")) == "AADSTS700016"
    assert refused(secret_credential(cloud, AZURE_CLI, "x")) == "AADSTS7000218"
    assert "double check your tenant" in refused(secret_credential(cloud, nobody, "x", nobody))
    credential = secret_credential(cloud, application["appId"], secret)
    assert refused(credential, "https://nothing.example/.default") == "AADSTS500011"
    assert refused(credential, "https://management.azure.com/user_impersonation") == "AADSTS1002012"


def test_an_application_without_a_service_principal(
    cloud: Cloud, world: World, make_application: MakeApplication
) -> None:
    application = make_application()
    secret = give_secret(world, application)
    with world.changing() as store:
        store.delete("directory.servicePrincipal", application["id"].replace("1", "3", 1))
    assert refused(secret_credential(cloud, application["appId"], secret)) == "AADSTS7000229"


def test_a_job_signs_in_with_its_own_token(cloud: Cloud, world: World, make_application: MakeApplication) -> None:
    application = make_application()
    trust(world, application)
    job = world.job(environment="Production")
    claims = claims_of(job_credential(cloud, application["appId"], job).get_token(ARM).token)
    assert claims["appid"] == application["appId"]


@pytest.mark.parametrize(
    ("trusted", "code"),
    [
        ({"issuer": "https://token.actions.githubusercontent.com"}, "AADSTS700211"),
        ({"audiences": ["api://other"]}, "AADSTS700212"),
        ({"subject": "repo:contoso/databricks:environment:Production"}, "AADSTS700213"),
        ({"subject": SUBJECT.lower()}, "AADSTS7002138"),
        ({"effectiveAt": 4e9}, "AADSTS70025"),
    ],
)
def test_an_assertion_that_is_not_trusted(
    cloud: Cloud, world: World, make_application: MakeApplication, trusted: dict[str, Any], code: str
) -> None:
    application = make_application()
    trust(world, application, **trusted)
    assert refused(job_credential(cloud, application["appId"], world.job(environment="Production"))) == code


def test_a_changed_trust_holds_as_it_was_until_it_has_replicated(
    cloud: Cloud, world: World, make_application: MakeApplication
) -> None:
    application = make_application()
    known = {"issuer": "host:oidc", "subject": SUBJECT, "audiences": [cloud.federation_audience]}
    trust(world, application, subject="another", effectiveAt=4e9, previous=known)
    job = world.job(environment="Production")
    assert job_credential(cloud, application["appId"], job).get_token(ARM).token


def test_an_assertion_must_be_signed_by_its_issuer_and_in_time(
    cloud: Cloud, world: World, make_application: MakeApplication
) -> None:
    application = make_application()
    trust(world, application)
    job = world.job(environment="Production")
    genuine = job_assertion(cloud, job)
    forged = tokens.sign(world.store, "entra", claims_of(genuine))
    for assertion, code in ((forged, "AADSTS50013"), ("no.jwt", "AADSTS50027")):
        present = functools.partial(str, assertion)
        given = ClientAssertionCredential(tokens.TENANT_ID, application["appId"], present, **options(cloud))
        assert refused(given) == code
    world.advance(3600)
    late = ClientAssertionCredential(tokens.TENANT_ID, application["appId"], lambda: genuine, **options(cloud))
    assert refused(late) == "AADSTS700024"


def device_credential(cloud: Cloud, upn: str = ADA, answers: list[requests.Response] | None = None) -> Any:
    def approve(uri: str, code: str, _expires: object) -> None:
        assert "user_code" in direct().get(uri, verify=str(cloud.ca_bundle)).text
        form = {"user_code": code, "upn": upn}
        answer = direct().post(f"{uri}/approve", data=form, verify=str(cloud.ca_bundle))
        if answers is not None:
            answers.append(answer)

    return DeviceCodeCredential(prompt_callback=approve, timeout=0, **options(cloud))


def test_a_device_code_signs_a_person_in_and_refreshes(cloud: Cloud, world: World) -> None:
    credential = device_credential(cloud)
    claims = claims_of(credential.get_token(ARM).token)
    assert (claims["oid"], claims["upn"], claims["scp"]) == (ADA_ID, ADA, "user_impersonation")
    graph = claims_of(credential.get_token(cloud.graph_scope).token)
    assert graph["aud"] == cloud.graph
    assert "Application.ReadWrite.All" in graph["scp"].split()
    assert sum("devicecode" in line for line in world.seen("login")) == 1


def test_the_device_code_page_knows_the_people_of_the_directory(cloud: Cloud) -> None:
    assert claims_of(device_credential(cloud, GRACE).get_token(ARM).token)["upn"] == GRACE
    answers: list[requests.Response] = []
    assert "Timed out" in refused(device_credential(cloud, "eve@contoso.example", answers))
    assert answers[0].json()["error_codes"] == [50034]


def test_a_tenant_may_block_the_device_code_flow(cloud: Cloud, world: World) -> None:
    world.setting(block_device_code=True)
    assert refused(device_credential(cloud)) == "AADSTS53003"


def post(cloud: Cloud, path: str, **form: str) -> requests.Response:
    return direct().post(f"{cloud.authority}{path}", data=form, verify=str(cloud.ca_bundle))


def test_a_device_code_is_pending_expires_and_works_once(cloud: Cloud, world: World) -> None:
    started = post(cloud, "/organizations/oauth2/v2.0/devicecode", client_id=AZURE_CLI, scope=ARM).json()
    assert started["interval"] == 5
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": AZURE_CLI,
        "device_code": started["device_code"],
    }
    token = "/organizations/oauth2/v2.0/token"
    pending = post(cloud, token, **form)
    assert (pending.status_code, pending.json()["error"]) == (400, "authorization_pending")
    assert pending.json()["error_codes"] == [70016]
    world.advance(901)
    assert post(cloud, token, **form).json()["error"] == "expired_token"
    wrong = post(cloud, token, **form | {"device_code": "x"})
    assert wrong.json()["error"] == "bad_verification_code"
    again = post(cloud, "/organizations/oauth2/v2.0/devicecode", client_id=AZURE_CLI, scope=ARM).json()
    form["device_code"] = again["device_code"]
    post(cloud, "/common/oauth2/v2.0/deviceauth/approve", user_code=again["user_code"].lower(), upn=ADA)
    assert post(cloud, token, **form).status_code == 200
    assert post(cloud, token, **form).json()["error"] == "bad_verification_code"


class Browser:
    """Follows the sign-in page as a person's browser would: presses the button of each form."""

    def __init__(self, cloud: Cloud) -> None:
        self._verify = str(cloud.ca_bundle)
        self.last = requests.Response()

    def open(self, url: str) -> bool:
        threading.Thread(target=self._sign_in, args=(url,), daemon=True).start()
        return True

    def _sign_in(self, url: str) -> None:
        self.last = direct().get(url, verify=self._verify)
        while "<form" in self.last.text:
            target = re.search(r'action="([^"]*)"', self.last.text)
            fields = dict(re.findall(r'name="([^"]*)" value="([^"]*)"', self.last.text))
            assert target
            form = {name: unescape(value) for name, value in fields.items()}
            self.last = direct().post(urljoin(self.last.url, unescape(target[1])), data=form, verify=self._verify)


def test_a_browser_signs_a_person_in(cloud: Cloud, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", Browser(cloud).open)
    credential = InteractiveBrowserCredential(timeout=30, **options(cloud))
    token: AccessToken = credential.get_token(ARM)
    assert claims_of(token.token)["upn"] == ADA
    assert claims_of(credential.get_token(cloud.graph_scope).token)["aud"] == cloud.graph


def authorize(cloud: Cloud, **differing: str) -> requests.Response:
    query = {
        "client_id": AZURE_CLI,
        "response_type": "code",
        "redirect_uri": "http://localhost:8400",
        "scope": f"{ARM} offline_access",
        "state": "s",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # RFC 7636, appendix B
        "code_challenge_method": "S256",
    }
    form = query | {"upn": ADA} | differing
    return direct().post(
        f"{cloud.authority}/organizations/oauth2/v2.0/authorize/approve",
        data=form,
        verify=str(cloud.ca_bundle),
        allow_redirects=False,
    )


def test_an_authorization_code_is_bound_to_its_verifier_and_works_once(cloud: Cloud) -> None:
    code = authorize(cloud).headers["Location"].partition("code=")[2].partition("&")[0]
    form = {
        "grant_type": "authorization_code",
        "client_id": AZURE_CLI,
        "code": code,
        "redirect_uri": "http://localhost:8400",
        "code_verifier": "wrong",
    }
    token = "/organizations/oauth2/v2.0/token"
    assert post(cloud, token, **form).json()["error_codes"] == [501481]
    form["code_verifier"] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    answer = post(cloud, token, **form)
    assert answer.status_code == 200
    assert post(cloud, token, **form).json()["error_codes"] == [54005]
    refreshed = post(
        cloud, token, grant_type="refresh_token", client_id=AZURE_CLI, refresh_token=answer.json()["refresh_token"],
        scope=f"{tokens.DATABRICKS_APP_ID}/.default",
    )  # fmt: skip
    assert claims_of(refreshed.json()["access_token"])["aud"] == tokens.DATABRICKS_APP_ID


@pytest.mark.parametrize(
    ("differing", "number"),
    [
        ({"redirect_uri": "https://evil.example"}, 50011),
        ({"client_id": "99999999-0000-0000-0000-000000000000"}, 700016),
        ({"response_type": "token"}, 700051),
        ({"scope": ""}, 900144),
        ({"upn": "eve@contoso.example"}, 50034),
        ({"scope": f"{ARM} https://vault.azure.net/.default"}, 28000),
    ],
)
def test_an_authorization_that_is_refused(cloud: Cloud, differing: dict[str, str], number: int) -> None:
    answer = authorize(cloud, **differing)
    assert answer.status_code == 400
    assert answer.json()["error_codes"] == [number]


def test_the_v1_endpoint_takes_a_resource(cloud: Cloud, world: World, make_application: MakeApplication) -> None:
    application = make_application()
    form = {
        "grant_type": "client_credentials",
        "client_id": application["appId"],
        "client_secret": give_secret(world, application),
    }
    path = f"/{tokens.TENANT_ID}/oauth2/token"
    answer = post(cloud, path, **form, resource=tokens.DATABRICKS_APP_ID).json()
    assert answer["resource"] == claims_of(answer["access_token"])["aud"] == tokens.DATABRICKS_APP_ID
    assert isinstance(answer["expires_on"], str)
    assert post(cloud, path, **form).json()["error_codes"] == [900144]


def test_errors_have_entras_form(cloud: Cloud) -> None:
    answer = post(cloud, f"/{tokens.TENANT_ID}/oauth2/v2.0/token", grant_type="password", unknown="ignored")
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (400, "unsupported_grant_type", [70003])
    assert body["error_description"].startswith("AADSTS70003: ")
    assert f"Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']}" in body["error_description"]
    assert post(cloud, "/nowhere/oauth2/v2.0/token", grant_type="x").json()["error_codes"] == [90002]
    assert post(cloud, f"/{tokens.TENANT_ID}/oauth2/v2.0/token").json()["error_codes"] == [900144]


def test_a_person_signs_in_to_the_providers_clients_only(cloud: Cloud, make_application: MakeApplication) -> None:
    application = make_application()
    form = {"client_id": application["appId"], "scope": ARM}
    assert post(cloud, "/organizations/oauth2/v2.0/devicecode", **form).json()["error_codes"] == [65001]


def test_metadata_names_the_endpoints_that_answer(cloud: Cloud) -> None:
    for tenant in (tokens.TENANT_ID, "organizations", "contoso.example"):
        url = f"{cloud.authority}/{tenant}/v2.0/.well-known/openid-configuration"
        document = direct().get(url, verify=str(cloud.ca_bundle)).json()
        keys = direct().get(document["jwks_uri"], verify=str(cloud.ca_bundle)).json()
        assert keys["keys"][0]["kid"] == "entra"
        assert document["token_endpoint"].startswith(cloud.authority)
    unknown = direct().get(
        f"{cloud.authority}/nowhere/v2.0/.well-known/openid-configuration", verify=str(cloud.ca_bundle)
    )
    assert (unknown.status_code, unknown.json()["error"]) == (400, "invalid_tenant")
