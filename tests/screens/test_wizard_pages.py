"""What each page of the wizard shows and decides, and what it says when a service fails."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Input

from dbxwizard.backend.workflows.files import Choices, rendered
from dbxwizard.backend.workflows.update import read_base
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github.access import add_token
from dbxwizard.sandbox.github.seed import REPOSITORY, SANDBOX_TOKEN, set_plan
from dbxwizard.sandbox.tokens import TENANT_ID
from dbxwizard.screens.blocks import in_halves, large, qr_matrix
from dbxwizard.screens.device_code import DeviceCodeScreen
from dbxwizard.screens.git_token import GitTokenDialog
from tests.backend.looking import connected
from tests.hosting import Hosting, hosting
from tests.roads import Road
from tests.screens.pilots import driven, error, settled, text, until, waits
from tests.screens.walking import arrived, click_words, decide, kept, may_go_on, next_plan, place, press, says, tab_to

URI = "https://microsoft.com/devicelogin"


def test_the_picture_of_a_qr_code_is_its_matrix() -> None:
    """As segno computes it, which a phone's library reads; drawn in half blocks, two rows to a line."""
    import segno

    lines = in_halves(qr_matrix(URI)).splitlines()
    rows = [[character in blocks for character in line] for line in lines for blocks in ("▀█", "▄█")]
    height = int(segno.make_qr(URI, error="l").symbol_size(border=0)[1])
    inner = [row[2:-2] for row in rows[2:-2]][:height]
    assert inner == [list(map(bool, row)) for row in segno.make_qr(URI, error="l", boost_error=False).matrix]
    assert {len(line) for line in lines} == {33}


def test_large_letters_differ_from_each_other_and_wrap() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    assert len({large(letter, 6) for letter in letters}) == len(letters)
    assert len(large("ABCDEFGHI", 80).splitlines()) == 4
    assert len(large("ABCDEFGHI", 36).splitlines()) == 8


async def test_a_device_code_is_shown_copied_and_approved_as_the_sandboxs_person(host: Hosting) -> None:
    decide(host, "sign_in")
    async with driven(host.program("--sign-in", "browser"), 80, 24) as pilot:
        assert "nobody is signed in yet" in text(pilot)
        await tab_to(pilot, "device-code")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeviceCodeScreen))
        await pilot.press("y")
        code = pilot.app.clipboard
        assert f"Enter {code}" in text(pilot)
        await pilot.press("enter")  # the button that approves has the focus
        await until(pilot, lambda: place(pilot) == "sign_in")
        await settled(pilot)
        assert "ada@contoso.example (user, device-code)" in text(pilot)
        assert "you are Owner" in text(pilot)
        await pilot.press("y")
        assert "contoso/databricks" in pilot.app.clipboard
        assert may_go_on(pilot)
    assert approvals(host) == 1
    assert len(code) == 9


async def test_a_sign_in_that_is_given_up_holds_up_nobody(host: Hosting) -> None:
    """Not the page, not the next one, and not the end of the program."""
    decide(host, "sign_in")
    async with driven(host.program("--sign-in", "browser"), 80, 24) as pilot:
        await tab_to(pilot, "device-code")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeviceCodeScreen))
        await pilot.press("escape")
        await settled(pilot)
        assert "nobody is signed in yet" in text(pilot)
        await press(pilot, "auto")
        assert "ada@contoso.example" in text(pilot)
    host.join()
    assert approvals(host) == 1  # of what was found


def approvals(host: Hosting) -> int:
    """How many device codes somebody approved on the sandbox."""
    with Road(host.folder).store() as store:
        return sum(one["path"].endswith("/deviceauth/approve") for one in store.requests())


TOKENS = [("ghp_nobody", "Bad credentials"), ("ghp_less", "lacks the scopes workflow")]


@pytest.mark.parametrize(("token", "told"), TOKENS)
async def test_a_token_that_will_not_do_is_told_at_once(host: Hosting, token: str, told: str) -> None:
    with Road(host.folder).change() as store:
        add_token(store, "ghp_less", "ada", scopes=("repo",))
    decide(host, "sign_in")
    async with driven(host.program(), 100, 30) as pilot:
        await tab_to(pilot, "token")
        await pilot.press(*token, "enter")
        await settled(pilot)
        assert told in text(pilot) + error(pilot)
        assert token not in text(pilot)
        assert not pilot.app.screen.query_one("#token", Input).value
        assert may_go_on(pilot) == (token == "ghp_nobody")  # the one that was found before goes on being used


async def test_a_repository_that_github_does_not_show_is_told_and_held_back(host: Hosting) -> None:
    decide(host, "sign_in", repo="contoso/databriks")
    async with driven(host.program(), 120, 40) as pilot:
        assert "contoso/databriks  GitHub does not show it" in text(pilot)
        assert "github-repository-not-found" in error(pilot)
        assert not may_go_on(pilot)
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "choose-repository"


async def test_what_was_answered_wrongly_is_mended_where_it_was_asked(host: Hosting) -> None:
    decide(host, "review", wait_minutes="99999")
    async with driven(host.program(), 120, 40) as pilot:
        assert "The page GitHub is where to see to it" in text(pilot)
        await pilot.press("enter")
        await arrived(pilot, "github")
        await pilot.press("ctrl+u", "5", "enter")  # in the field that is wrong
        await settled(pilot)
        assert not error(pilot)
    assert kept(host).wait_minutes == "5"


async def test_without_a_token_its_line_says_so_until_one_is_pasted(fresh: Road) -> None:
    with hosting(fresh.folder, CI="true", AZURE_TENANT_ID=TENANT_ID) as host:
        decide(host, "sign_in")
        async with driven(host.program(), 80, 24) as pilot:
            assert "no token was found" in text(pilot)
            assert not error(pilot)
            assert not may_go_on(pilot)
            await tab_to(pilot, "token")
            await pilot.press(*SANDBOX_TOKEN, "enter")
            await settled(pilot)
            assert may_go_on(pilot)
            await tab_to(pilot, "device-code")  # signing in anew keeps the token
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, DeviceCodeScreen))
            await pilot.press("enter")
            await arrived(pilot, "sign_in")
            assert may_go_on(pilot)


async def test_no_browser_is_offered_where_none_can_open(fresh: Road) -> None:
    with hosting(fresh.folder, DISPLAY="", WAYLAND_DISPLAY="") as host:
        decide(host, "sign_in")
        async with driven(host.program(), 80, 24) as pilot:
            assert "your browser: there is no display" in says(pilot, "#ways")
            await pilot.click("#browser")
            await settled(pilot)
            assert not error(pilot)
    with fresh.store() as store:
        assert not [one for one in store.requests() if str(one["path"]).endswith("/authorize")]


async def test_a_tenant_that_lets_nobody_in_changes_nothing(host: Hosting) -> None:
    decide(host, "sign_in", subscription_name="mine")
    async with driven(host.program(), 80, 24) as pilot:
        await press(pilot, "choose-tenant")
        await pilot.press(*"11111111-2222-4333-8444-555555555555", "enter")
        await settled(pilot)
        assert "unknown-tenant" in error(pilot)
        assert "ada@contoso.example" in says(pilot, "#azure")
        assert may_go_on(pilot)
    assert (kept(host).tenant, kept(host).subscription_name) == ("", "mine")


async def test_a_role_that_somebody_changed_is_compared_and_a_new_name_makes_another(host_set_up: Hosting) -> None:
    road = Road(host_set_up.folder)
    with road.change() as store:
        for key, body in store.find("arm.roleDefinition"):
            if body["roleName"] == "DBX_Custom_Role":
                held = body["permissions"][0]
                actions = [*held["actions"][1:], "Microsoft.Compute/[bold]/read"]
                store.put("arm.roleDefinition", key, body | {"permissions": [held | {"actions": actions}]})
    decide(host_set_up, "custom_role")
    async with driven(host_set_up.program(first="wizard"), 120, 40) as pilot:
        assert "~ differs" in says(pilot, "#standing")
        await pilot.press("slash", *"bold", "enter")
        assert "- too many there" in text(pilot)
        assert "Microsoft.Compute/[bold]/read" in text(pilot).replace("\n", "")
        await pilot.press("slash", "escape")
        await tab_to(pilot, "name")
        await pilot.press("ctrl+u", *"Contoso", "enter")
        await settled(pilot)
        assert "+ will be made" in says(pilot, "#standing")
        assert not may_go_on(pilot)  # the files give another one
        await press(pilot, "rename")
        assert may_go_on(pilot)
        plan = await next_plan(pilot)
    assert plan["custom role Contoso"] == "create"
    assert '"Contoso"' in (road.folder / "environments" / "UAT.json").read_text()


async def test_an_application_of_the_same_name_is_adopted_only_by_choice(host: Hosting) -> None:
    road = Road(host.folder)
    async with connected(road) as connection:
        made = await connection.graph().ensure_application("somebody-elses", {"displayName": "[red]robot"})
    assert made is not None
    client = made["appId"]
    decide(host, "service_principals", main_spn_name="[red]robot")
    async with driven(host.program(first="wizard"), 120, 40) as pilot:
        assert f"client id {client}, owned by ada@contoso.example" in text(pilot)
        assert not may_go_on(pilot)
        assert kept(host).adopt == ()
        await click_words(pilot, "Adopt [red]robot")
        assert may_go_on(pilot)
        assert kept(host).adopt == (f"main-spn={client}",)
        plan = await next_plan(pilot)
        assert not [title for title, action in plan.items() if action == "create" and "robot" in title]
        await click_words(pilot, "Adopt none")
        assert kept(host).adopt == ()
        assert not may_go_on(pilot)


@pytest.fixture
def host_with_secrets(fresh: Road) -> Iterator[Hosting]:
    assert fresh.setup("--auth", "secret").code == 0
    with hosting(fresh.folder) as made:
        yield made


async def test_what_is_published_is_shown_without_a_value(host_with_secrets: Hosting) -> None:
    road = Road(host_with_secrets.folder)
    with road.change() as store:
        for key, body in store.find("github.secret"):
            if key.endswith("/uat/ARM_TENANT_ID"):
                store.put("github.secret", key, body | {"updatedAt": body["updatedAt"] + 60})
    decide(host_with_secrets, "github", auth="secret")
    async with driven(host_with_secrets.program(first="wizard"), 120, 40) as pilot:
        assert not error(pilot)
        assert "2 will be replaced" in says(pilot, "#counts")
        assert "sealed for this repository with its public key" in says(pilot, "#sealed")
        assert re.search(r"UAT: \d{10}", says(pilot, "#sealed"))
        await pilot.press("slash", *"replaced", "enter")
        assert "AZURE_CREDENTIALS" not in text(pilot)
        await pilot.press("y")
        assert pilot.app.clipboard.splitlines() == [
            "secret\tARM_TENANT_ID\tUAT\twill be replaced",
            "variable\tDBXWIZARD_SECRETS\tUAT\twill be replaced",
        ]


@pytest.fixture
def free(fresh: Road) -> Iterator[Hosting]:
    """A private repository on GitHub Free, and its owner's token, which sees the plan."""
    with fresh.change() as store:
        body = store.get("github.repository", REPOSITORY)
        assert body
        store.put("github.repository", REPOSITORY, {**body, "private": True})
        set_plan(store, "contoso", "free")
        add_token(store, "ghp_owner", "ada", scopes=("repo", "workflow", "admin:org"))
        add_token(store, READER, "ada", kind="fine-grained", permissions={"contents": "read", "metadata": "read"})
    with hosting(fresh.folder, GH_TOKEN="ghp_owner", AZURE_TENANT_ID=TENANT_ID) as made:
        yield made


READER = "github_pat_reader"


async def test_a_private_repository_on_free_does_without_environments_by_choice(free: Hosting) -> None:
    decide(free, "github")
    async with driven(free.program(), 120, 40) as pilot:
        assert "github-no-environments" in error(pilot)
        await pilot.press("x")
        place_of_answer = pilot.app.screen.query_one("#github-environments")
        place_of_answer.focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, GitTokenDialog))
        await pilot.press(*"github_pat_nobody", "enter")
        await arrived(pilot, "github")
        assert "git-token-refused" in error(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, GitTokenDialog))
        await pilot.press(*READER, "enter")
        await arrived(pilot, "github")
        assert not error(pilot)
        assert READER not in text(pilot)
        assert "PAT_GITHUB" in text(pilot)
        assert "the repository" in text(pilot)
        deploy = free.folder / ".github" / "workflows" / "deploy.yml"
        assert "\n    environment:" not in deploy.read_text()
    assert not kept(free).github_environments


async def test_a_repository_is_looked_at_where_it_is_chosen(free: Hosting) -> None:
    """Nobody has to go on to learn that it will not do."""
    decide(free, "sign_in")
    async with driven(free.program(), 80, 24) as pilot:
        assert "✗ without environments: the owner's plan has none" in says(pilot, "#repository")
        with Road(free.folder).change() as store:
            set_plan(store, "contoso", "team")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: says(pilot, "#repository").rstrip().endswith(f"{REPOSITORY}  private  empty"))


async def test_a_private_repository_may_do_without_environments_on_any_plan(free: Hosting) -> None:
    with Road(free.folder).change() as store:
        set_plan(store, "contoso", "enterprise")
    decide(free, "github")
    given = replace(free, environ={**free.environ, "PAT_GITHUB": READER})
    async with driven(given.program(), 120, 40) as pilot:
        assert not error(pilot)
        pilot.app.screen.query_one("#github-environments").focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: not kept(free).github_environments)
        await settled(pilot)


async def test_plans_that_wait_for_one_token_are_asked_about_once(free: Hosting) -> None:
    decide(free, "sign_in", github_environments=False)
    async with driven(free.program(), 80, 24) as pilot:
        ask = pilot.app.backend.ask  # type: ignore[attr-defined]
        given_up, *plans = [asyncio.create_task(ask.plan_setup()) for _ in range(3)]
        await until(pilot, lambda: isinstance(pilot.app.screen, GitTokenDialog))
        given_up.cancel()
        await pilot.press(*READER, "enter")
        assert [plan.scope for plan in await asyncio.gather(*plans)] == ["setup", "setup"]
        await arrived(pilot, "sign_in")


async def test_the_workflows_follow_what_is_decided_and_what_somebody_changed_stays(host: Hosting) -> None:
    checks, deploy = (host.folder / ".github" / "workflows" / name for name in ("checks.yml", "deploy.yml"))
    base = read_base(host.folder)
    assert base
    checks.write_text(f"# ours\n{checks.read_text()}")
    decide(host, "service_principals")
    async with driven(host.program(first="wizard"), 120, 40) as pilot:
        await click_words(pilot, "○ Client secrets")
        await settled(pilot)
        with_secrets = rendered(Choices("secret"), base.install)
        assert checks.read_text() == f"# ours\n{with_secrets['.github/workflows/checks.yml']}"
        assert deploy.read_text() == with_secrets[".github/workflows/deploy.yml"]
        await click_words(pilot, "○ Federation")
        await settled(pilot)
    assert checks.read_text() == f"# ours\n{base.files['.github/workflows/checks.yml']}"
    assert deploy.read_text() == base.files[".github/workflows/deploy.yml"]
    assert read_base(host.folder) == base


async def test_the_wizard_begins_with_what_init_was_told(host: Hosting) -> None:
    told = Road(host.folder).run("init", "--update", "--auth", "secret", "--no-github-environments", "--yes")
    assert told.code == 0
    async with driven(host.program(), 80, 24) as pilot:
        assert place(pilot) == "welcome"
    assert (kept(host).auth, kept(host).github_environments) == ("secret", False)


async def test_a_file_that_is_wrong_is_to_be_mended_before_the_plan(host: Hosting) -> None:
    Road(host.folder).edit("UAT", '"uksouth"', "[12]")
    decide(host, "environments")
    async with driven(host.program(), 80, 24) as pilot:
        assert "mend UAT first" in text(pilot)
        assert "UAT.json line 10, column 15" in text(pilot)
        Road(host.folder).edit("UAT", "[12]", '"uksouth"')
        await pilot.press("ctrl+r")
        await settled(pilot)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: place(pilot) == "review")


async def test_welcome_checks_live_and_again(host_set_up: Hosting) -> None:
    road = Road(host_set_up.folder)
    decide(host_set_up, "welcome")
    async with driven(host_set_up.program(first="wizard"), 120, 40) as pilot:
        assert "USD 148 a month" in says(pilot, "#made")
        assert "rights for setup" in says(pilot, "#lacking")
        with road.store() as store:
            faults.add(store, Fault("status", times=100, service="github"))
        await press(pilot, "check")
        assert "github-unavailable" in says(pilot, "#lacking")
        assert "→" in says(pilot, "#lacking")
        with road.store() as store:
            faults.clear(store)
        await press(pilot, "check")
        assert "github-unavailable" not in says(pilot, "#lacking")
        await pilot.press("y")
        assert "What will be made" in pilot.app.clipboard


async def test_a_service_that_says_nothing_holds_up_neither_the_page_nor_the_end(host: Hosting) -> None:
    decide(host, "custom_role")
    async with driven(host.program(), 80, 24) as pilot:
        with Road(host.folder).store() as store:
            faults.add(store, Fault("stall", service="graph", times=100))
        await pilot.press("ctrl+n")
        await until(pilot, lambda: place(pilot) == "service_principals" and waits(pilot))
        assert "looking for applications" in text(pilot)
        await pilot.press("escape")
        await arrived(pilot, "custom_role")
        assert "will be made" in says(pilot, "#standing")
    host.join()


async def test_a_failed_approval_is_told_where_the_code_is(host: Hosting) -> None:
    decide(host, "sign_in")
    with Road(host.folder).store() as store:
        faults.add(store, Fault("status", service="login", path="*/deviceauth/approve"))
    async with driven(host.program("--sign-in", "browser"), 80, 24) as pilot:
        await tab_to(pilot, "device-code")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeviceCodeScreen))
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "#failure"))
        await press_approve(pilot)
        await until(pilot, lambda: place(pilot) == "sign_in")
        await arrived(pilot, "sign_in")
        assert "ada@contoso.example" in text(pilot)


async def press_approve(pilot: Any) -> None:
    await tab_to(pilot, "approve")
    await pilot.press("enter")
