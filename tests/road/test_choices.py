"""The decisions of setup, each tried on the whole road."""

from __future__ import annotations

import json

import pytest

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.seed import LOGIN, OWNER, REPOSITORY, REPOSITORY_ID, set_plan
from dbxwizard.sandbox.github.values import open_secrets
from dbxwizard.sandbox.tokens import TENANT_ID
from tests.roads import Road

PAT = "github_pat_read_only"  # opens the sandbox alone
SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"


def make_private(road: Road, *, pat: bool = True) -> None:
    with road.change() as store:
        body = store.get("github.repository", REPOSITORY)
        assert body
        store.put("github.repository", REPOSITORY, {**body, "private": True})
        if pat:
            access.add_token(
                store,
                PAT,
                LOGIN,
                kind="fine-grained",
                permissions={"contents": "read", "metadata": "read"},
                repositories=[REPOSITORY],
                expires_at=1_830_297_600.0,
            )


def assignments(road: Road) -> set[tuple[str, str]]:
    """(role's name, scope) of everything that setup's principals hold."""
    shown = road.show()
    people = {one["id"]: one["displayName"] for one in shown["servicePrincipals"]}
    with road.store() as store:
        names = {body["name"]: body["roleName"] for body in store.all("arm.roleDefinition")}
    return {
        (f"{people[one['principalId']]}: {names[one['roleDefinitionId'].rsplit('/', 1)[-1]]}", one["scope"])
        for one in shown["roleAssignments"]
        if one["principalId"] in people
    }


def test_owner_gives_the_main_service_principal_owner(fresh: Road) -> None:
    assert fresh.setup("--owner").code == 0
    assert assignments(fresh) == {
        ("dbxwizard-contoso-databricks-main: Owner", SUBSCRIPTION),
        ("dbxwizard-contoso-databricks-databricks: DBX_Custom_Role", SUBSCRIPTION),
        ("dbxwizard-contoso-databricks-plan: Reader", SUBSCRIPTION),
        ("dbxwizard-contoso-databricks-plan: DBX_Plan_Role", SUBSCRIPTION),
    }
    assert fresh.deploy("-e", "Development", **fresh.job("Development")).code == 0


def test_names_are_those_that_were_chosen(fresh: Road) -> None:
    for name in ("Development", "UAT", "PreProduction", "Production"):
        fresh.edit(name, '"DBX_Custom_Role"', '"Contoso Databricks"')
    chosen = {"role": "Contoso Databricks", "main-spn": "deployer", "databricks-spn": "runner", "plan-spn": "reader"}
    names = [part for what, name in chosen.items() for part in (f"--{what}-name", name)]
    assert fresh.setup(*names).code == 0
    shown = fresh.show()
    assert sorted(one["displayName"] for one in shown["applications"]) == ["deployer", "reader", "runner"]
    assert {one["roleName"] for one in shown["roleDefinitions"]} == {"Contoso Databricks", "DBX_Plan_Role"}
    before = fresh.writes()
    assert fresh.setup(*names).report["status"] == "unchanged"
    assert fresh.writes() == before
    assert fresh.deploy("-e", "Development", **fresh.job("Development")).code == 0


def test_isolation_gives_each_environment_a_pair_whose_rights_end_at_its_resource_group(fresh: Road) -> None:
    assert fresh.setup("--isolation", "environment").code == 0
    held = assignments(fresh)
    main = "dbxwizard-contoso-databricks-main-development"
    group = f"{SUBSCRIPTION}/resourceGroups/rg-dbx-development"
    assert {one for one in held if "development:" in one[0]} == {
        (f"{main}: DBX_Deployer_Role", SUBSCRIPTION),
        (f"{main}: Contributor", group),
        (f"{main}: Role Based Access Control Administrator", group),
        ("dbxwizard-contoso-databricks-databricks-development: DBX_Custom_Role", group),
        ("dbxwizard-contoso-databricks-plan-development: Reader", group),
        ("dbxwizard-contoso-databricks-plan-development: DBX_Plan_Role", SUBSCRIPTION),
    }
    at_subscription = {role.split(": ")[1] for role, scope in held if scope == SUBSCRIPTION}
    assert at_subscription == {"DBX_Deployer_Role", "DBX_Plan_Role"}
    before = fresh.writes()
    assert fresh.setup("--isolation", "environment").report["status"] == "unchanged"
    assert fresh.writes() == before


def test_a_job_with_isolation_deploys_its_environment_and_no_other(fresh: Road) -> None:
    assert fresh.setup("--isolation", "environment").code == 0
    outcome = fresh.deploy("-e", "Development", **fresh.job("Development"))
    assert outcome.code == 0, outcome.err
    other = fresh.deploy("-e", "Production", **fresh.job("Development"))
    assert other.code == 3
    assert "Authorization" in other.errors[0]["code"]


def test_a_person_deploys_with_isolation_and_a_job_finds_nothing_to_do(fresh: Road) -> None:
    assert fresh.setup("--isolation", "environment").code == 0
    assert fresh.deploy("-e", "Development").code == 0
    before = fresh.writes()
    outcome = fresh.deploy("-e", "Development", **fresh.job("Development"))
    assert outcome.report["status"] == "unchanged", outcome.changes()
    assert fresh.writes() == before


@pytest.mark.parametrize("given", [("{0}", "{1}"), ("databricks={1}", "{0}"), ("main-spn={0}", "databricks-spn={1}")])
def test_adopted_applications_go_to_their_keys(set_up: Road, given: tuple[str, str]) -> None:
    """Made by an earlier setup under another repository, then taken over by their ids."""
    applications = {one["displayName"].rsplit("-", 1)[-1]: one["appId"] for one in set_up.show()["applications"]}
    main, databricks = applications["main"], applications["databricks"]
    options = [part for one in given for part in ("--adopt", one.format(main, databricks))]
    before = set_up.writes()
    outcome = set_up.setup(*options)
    assert outcome.report["status"] == "unchanged", outcome.changes()
    assert set_up.writes() == before


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["1", "2", "3", "4"], "adopt-too-many"),
        (["main-spn=1", "main=2"], "adopt-too-many"),
        (["somebody=1"], "adopt-unknown"),
        (["main=x"], "invalid-guid"),
    ],
)
def test_adoptions_that_fit_nothing_are_one_error(fresh: Road, given: list[str], code: str) -> None:
    ids = {number: f"00000000-0000-4000-8000-00000000000{number}" for number in "1234"}
    texts = [f"{one[:-1]}{ids.get(one[-1], one[-1])}" for one in given]
    outcome = fresh.setup(*[part for one in texts for part in ("--adopt", one)])
    assert (outcome.code, [error["code"] for error in outcome.errors]) == (2, [code])


def test_files_stay_here_without_publishing(fresh: Road) -> None:
    assert fresh.setup("--no-publish").code == 0
    assert fresh.head() == "0" * 40
    assert fresh.show()["repositories"][0]["branches"] in ([], {})


def test_setup_of_some_environments_leaves_the_others(fresh: Road) -> None:
    assert fresh.setup("-e", "Development", "-e", "UAT").code == 0
    with fresh.store() as store:
        names = {body["name"] for body in store.all("github.environment")}
    assert names == {"Development", "UAT", "Development-plan", "UAT-plan"}
    assert fresh.setup().code == 0
    before = fresh.writes()
    assert fresh.setup("-e", "UAT").report["status"] == "unchanged"
    assert fresh.writes() == before


def test_a_private_repository_needs_a_token_once(fresh: Road) -> None:
    make_private(fresh)
    before = fresh.writes()
    refused = fresh.setup()
    assert (refused.code, refused.errors[0]["resource"]) == (2, "PAT_GITHUB")
    assert fresh.writes() == before
    assert fresh.setup(PAT_GITHUB=PAT).code == 0
    assert secret(fresh, "Development", "PAT_GITHUB") == PAT
    assert note(fresh, "Development")["PAT_GITHUB"].endswith("until 2028-01-01")
    again = fresh.writes()
    assert fresh.setup().report["status"] == "unchanged"
    assert fresh.setup(PAT_GITHUB=PAT).report["status"] == "unchanged"
    assert fresh.writes() == again


def test_a_token_that_does_not_read_the_repository_is_refused_before_anything_is_written(fresh: Road) -> None:
    make_private(fresh, pat=False)
    before = fresh.writes()
    outcome = fresh.setup(PAT_GITHUB="github_pat_of_somewhere_else")
    assert (outcome.code, [error["code"] for error in outcome.errors]) == (2, ["git-token-refused"])
    assert "github_pat_of" not in outcome.out + outcome.err
    assert fresh.writes() == before


def test_a_job_on_a_private_repository_gives_the_service_principal_the_token(fresh: Road) -> None:
    make_private(fresh)
    assert fresh.setup(PAT_GITHUB=PAT).code == 0
    outcome = fresh.deploy("-e", "Development", **fresh.job("Development"), PAT_GITHUB=PAT)
    assert outcome.code == 0, outcome.err
    (credential,) = fresh.show()["workspaces"][0]["git_credentials"]
    assert credential["git_provider"] == "gitHub"
    assert PAT not in json.dumps(fresh.show())


# A private repository on Free


@pytest.fixture
def free(fresh: Road) -> Road:
    make_private(fresh)
    with fresh.change() as store:
        set_plan(store, OWNER, "free")
    return fresh


def as_owner(road: Road) -> dict[str, str]:
    """The environment of somebody whose token may see the plan of the organisation."""
    token = "ghp_sandbox_owner"
    with road.change() as store:
        access.add_token(store, token, LOGIN, scopes=("repo", "workflow", "admin:org"))
    return {"GH_TOKEN": token, "AZURE_TENANT_ID": TENANT_ID}


WITHOUT = "--no-github-environments"


def test_a_plan_without_environments_is_one_clear_error(free: Road) -> None:
    """The person's token may not see the plan, so another refusal of GitHub's tells of it, before anything is made."""
    before = free.writes()
    outcome = free.setup(PAT_GITHUB=PAT)
    assert (outcome.code, [error["code"] for error in outcome.errors]) == (2, ["github-no-environments"])
    assert "paid plan" in outcome.errors[0]["fix"]
    assert WITHOUT in outcome.errors[0]["fix"]
    assert free.writes() == before


def test_a_plan_without_reviewers_is_accepted_by_name(free: Road) -> None:
    """On Team a private repository has environments and rulesets, and nobody who approves."""
    with free.change() as store:
        set_plan(store, OWNER, "team")
    before = free.writes()
    refused = free.setup(PAT_GITHUB=PAT, **as_owner(free))
    assert (refused.code, [error["code"] for error in refused.errors]) == (2, ["github-no-approval"])
    assert "--no-approval" in refused.errors[0]["fix"]
    assert free.writes() == before
    assert free.setup("--no-approval", PAT_GITHUB=PAT, **as_owner(free)).code == 0
    (repository,) = free.show()["repositories"]
    assert {one["name"] for one in repository["environments"] if one["reviewers"]} == set()
    assert [one["name"] for one in repository["rulesets"]] == ["dbxwizard: main", "dbxwizard: release"]


def test_a_plan_that_is_seen_to_have_no_environments_is_an_error_before_anything_is_written(free: Road) -> None:
    seen = as_owner(free)
    before = free.writes()
    outcome = free.setup(PAT_GITHUB=PAT, **seen)
    assert (outcome.code, [error["code"] for error in outcome.errors]) == (2, ["github-no-environments"])
    assert WITHOUT in outcome.errors[0]["fix"]
    assert free.writes() == before


def plan_check(road: Road, *options: str, **environ: str) -> tuple[str, str]:
    """Verdict and fix of what doctor says of the plan."""
    given = ("--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY, *options)
    report = road.run("doctor", *given, **environ).report
    check = next(one for one in report["checks"] if one["name"] == "GitHub plan")
    return check["verdict"], check["fix"]


def test_doctor_names_what_the_plan_lacks_and_what_to_do_without_it(free: Road) -> None:
    assert plan_check(free)[0] == "warning"
    assert WITHOUT in plan_check(free)[1]
    seen = as_owner(free)
    assert plan_check(free, **seen)[0] == "missing"
    assert WITHOUT in plan_check(free, **seen)[1]
    assert plan_check(free, WITHOUT, **seen) == ("warning", "")


def test_without_environments_the_repository_holds_the_variables_and_its_branches_are_trusted(free: Road) -> None:
    assert free.setup(WITHOUT, PAT_GITHUB=PAT).code == 0
    (repository,) = free.show()["repositories"]
    assert repository["environments"] == []
    with free.store() as store:
        variables = {body["name"] for body in store.all("github.variable", f"{REPOSITORY_ID}//")}
        trusts = [body["federatedIdentityCredentials"] for body in store.all("directory.application")]
    assert variables >= {"AZURE_CLIENT_ID", "ARM_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
    for held in trusts:
        assert sorted(one["subject"].rpartition(":ref:")[2] for one in held) == [
            "refs/heads/main",
            "refs/heads/release",
        ]
    before = free.writes()
    assert free.setup(WITHOUT).report["status"] == "unchanged"
    assert free.writes() == before


@pytest.mark.parametrize("branch", ["main", "release"])
def test_a_job_in_no_environment_deploys_from_a_trusted_branch(free: Road, branch: str) -> None:
    assert free.setup(WITHOUT, PAT_GITHUB=PAT).code == 0
    outcome = free.deploy("-e", "Development", **free.job(branch=branch), PAT_GITHUB=PAT)
    assert outcome.code == 0, outcome.err


def test_a_job_of_another_branch_is_not_trusted(free: Road) -> None:
    assert free.setup(WITHOUT, PAT_GITHUB=PAT).code == 0
    outcome = free.deploy("-e", "Development", **free.job(branch="feature"), PAT_GITHUB=PAT)
    assert outcome.code == 3
    assert "AADSTS700213" in outcome.errors[0]["message"]


def test_client_secrets_without_environments_are_those_of_the_repository(free: Road) -> None:
    assert free.setup(WITHOUT, "--auth", "secret", PAT_GITHUB=PAT).code == 0
    assert json.loads(secret(free, "", "AZURE_CREDENTIALS"))["tenantId"] == TENANT_ID
    assert secret(free, "", "PAT_GITHUB") == PAT
    before = free.writes()
    assert free.setup(WITHOUT, "--auth", "secret").report["status"] == "unchanged"
    assert free.writes() == before


def test_isolation_needs_environments(free: Road) -> None:
    before = free.writes()
    outcome = free.setup(WITHOUT, "--isolation", "environment", PAT_GITHUB=PAT)
    assert (outcome.code, [error["code"] for error in outcome.errors]) == (2, ["isolation-without-environments"])
    assert free.writes() == before


# Client secrets instead of federation


def secret(road: Road, environment: str, name: str) -> str:
    """A secret of a GitHub environment, opened with its key as the runner does."""
    with road.change() as store:
        return open_secrets(store, REPOSITORY_ID, environment)[name]


def note(road: Road, environment: str) -> dict[str, str]:
    with road.store() as store:
        body = store.get("github.variable", f"{REPOSITORY_ID}/{environment.lower()}/DBXWIZARD_SECRETS")
    assert body
    found: dict[str, str] = json.loads(body["value"])
    return found


def secret_job(road: Road, environment: str) -> dict[str, str]:
    """A job that signs in with client secrets, as the accelerator's workflows did."""
    job = {name: value for name, value in road.job(environment).items() if not name.startswith(("ACTIONS", "AZURE_C"))}
    names = ("AZURE_CREDENTIALS", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID")
    return job | {name: secret(road, environment, name) for name in names}


def test_client_secrets_are_sealed_under_the_accelerators_names(fresh: Road) -> None:
    assert fresh.setup("--auth", "secret").code == 0
    given = json.loads(secret(fresh, "UAT", "AZURE_CREDENTIALS"))
    assert (given["tenantId"], given["subscriptionId"]) == (TENANT_ID, SUBSCRIPTION_ID)
    assert secret(fresh, "UAT", "ARM_TENANT_ID") == TENANT_ID
    assert secret(fresh, "UAT", "ARM_CLIENT_ID") != given["clientId"]
    assert given["clientSecret"] not in json.dumps(fresh.show())
    before = fresh.writes()
    assert fresh.setup("--auth", "secret").report["status"] == "unchanged"
    assert fresh.writes() == before


def test_a_job_with_client_secrets_deploys_and_puts_the_secret_into_its_scope(fresh: Road) -> None:
    assert fresh.setup("--auth", "secret").code == 0
    outcome = fresh.deploy("-e", "Development", **secret_job(fresh, "Development"))
    assert outcome.code == 0, outcome.err
    scopes = {scope["name"]: scope for scope in fresh.show()["workspaces"][0]["secret_scopes"]}
    assert sorted(scopes["DBX_SP_Credentials"]["keys"]) == [
        "DBX_SP_ClientID",
        "DBX_SP_Client_Secret",
        "DBX_SP_TenantID",
    ]


def test_a_secret_that_somebody_else_wrote_is_made_anew_and_the_old_one_removed(fresh: Road) -> None:
    assert fresh.setup("--auth", "secret").code == 0
    old = secret(fresh, "UAT", "ARM_CLIENT_SECRET")
    with fresh.change() as store:
        key = f"{REPOSITORY_ID}/uat/ARM_CLIENT_SECRET"
        body = store.get("github.secret", key)
        assert body
        store.put("github.secret", key, {**body, "updatedAt": body["updatedAt"] + 3600})
    assert fresh.setup("--auth", "secret").code == 0
    assert secret(fresh, "UAT", "ARM_CLIENT_SECRET") == secret(fresh, "Development", "ARM_CLIENT_SECRET") != old
    with fresh.store() as store:
        kept = [len(body.get("passwordCredentials", [])) for body in store.all("directory.application")]
    assert kept == [1, 1, 1]


@pytest.mark.parametrize(("scopes", "lacking"), [(["workflow"], "repo"), (["repo"], "workflow")])
def test_a_token_that_may_not_write_what_is_published_is_refused_before_anything(
    scopes: list[str], lacking: str, fresh: Road
) -> None:
    with fresh.change() as store:
        access.add_token(store, "ghp_less", LOGIN, scopes=tuple(scopes))
    before = fresh.writes()
    refused = fresh.setup(GH_TOKEN="ghp_less", AZURE_TENANT_ID=TENANT_ID)
    assert (refused.code, refused.errors[0]["code"]) == (3, "github-token-scope")
    assert f"lacks the scope `{lacking}`" in refused.errors[0]["message"]
    assert fresh.writes() == before


def test_workflows_that_are_for_other_choices_are_told_of(fresh: Road) -> None:
    told = "the workflows are for other choices"
    other = fresh.setup("--auth", "secret", "--no-github-environments").err
    assert f"{told} than these; run `dbxwizard init --update --auth secret --no-github-environments`" in other
    assert fresh.run("init", "--update", "--auth", "secret", "--no-github-environments").code == 0
    assert told not in fresh.setup("--auth", "secret", "--no-github-environments").err
