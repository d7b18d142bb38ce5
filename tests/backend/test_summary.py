"""The last page before setup, after it, after a deployment, and when something has gone."""

from __future__ import annotations

from dataclasses import replace

from markdown_it import MarkdownIt

from dbxwizard.backend.wizard.summary import summary
from dbxwizard.backend.wizard.summary_markdown import summary_markdown
from dbxwizard.backend.wizard.summary_views import Summary
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.sandbox.tokens import TENANT_ID
from dbxwizard.steps.setup_options import SetupOptions
from tests.backend.looking import drafts, look
from tests.roads import Road

OPTIONS = SetupOptions(SUBSCRIPTION_ID, REPOSITORY)


def shown(road: Road, options: SetupOptions = OPTIONS) -> Summary:
    return look(road, lambda connection: summary(connection, options, drafts(road)))


def test_before_setup_nothing_is_there(fresh: Road) -> None:
    found = shown(fresh)
    assert {(one.state, one.detail) for one in found.environments} == {("absent", "its file names no subscription yet")}
    assert (found.applications, {one.exists for one in found.values}) == ((), {False})
    assert found.files
    assert found.files.count == found.files.differing > 10
    assert [one.command for one in found.next] == [
        "dbxwizard setup",
        "dbxwizard setup -e Development",
        "dbxwizard plan",
    ]


def test_after_setup_github_has_it_and_the_first_environment_is_next(set_up: Road) -> None:
    found = shown(set_up)
    names = {"AZURE_CLIENT_ID", "ARM_CLIENT_ID", "AZURE_TENANT_ID", "ARM_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
    names.add("DBXWIZARD_PLAN_SPN")
    assert {one.where for one in found.values} == {"Development", "UAT", "PreProduction", "Production"}
    assert all((set(one.variables), one.secrets) == (names, ()) for one in found.values)
    assert found.files
    assert (found.files.differing, found.files.has_release, found.files.pull_request) == (0, True, None)
    assert len(found.applications) == 3
    assert all("ApplicationMenuBlade/~/Overview/appId/" in one.url for one in found.applications)
    assert found.repository.url.endswith(f"/{REPOSITORY}")
    assert found.next[0].command == "dbxwizard deploy -e Development"
    assert found.values[-1].has_reviewers  # who runs setup is the one, so naming some is nothing to do next
    assert not any("reviewers" in one.title for one in found.next)
    assert "sandbox" in found.note


def test_after_a_deployment_its_workspace_is_a_link_and_the_next_one_comes(deployed: Road) -> None:
    found = shown(deployed)
    made = found.environments[0]
    assert (made.state, made.missing, made.detail) == ("deployed", (), "")
    assert sorted(made.clusters) == ["dbx-sp-cluster", "dbx-sp-cluster2"]
    assert made.jobs == ("job_remote_analysis",)
    portal, workspace = made.links
    assert portal.url == (
        f"https://portal.azure.com/#@{TENANT_ID}/resource/subscriptions/{SUBSCRIPTION_ID}"
        "/resourceGroups/rg-dbx-development"
    )
    assert workspace.url.startswith("https://")
    assert [(one.title, one.url) for one in found.next[:2]] == [
        ("Deploy UAT", ""),
        ("Run a job in Development", workspace.url),
    ]


def test_what_has_gone_is_missing_and_mended_first(deployed: Road) -> None:
    with deployed.change() as store:
        for key, body in store.find("arm.resource"):
            if body["type"].lower() == "microsoft.insights/components":
                store.delete("arm.resource", key)
    (deployed.folder / "README.md").write_text("another\n", "utf-8")
    found = shown(deployed)
    assert (found.environments[0].state, len(found.environments[0].missing)) == ("incomplete", 1)
    assert [one.command for one in found.next[:2]] == ["dbxwizard setup", "dbxwizard deploy -e Development"]
    assert deployed.setup().code == 0
    proposed = shown(deployed)
    assert proposed.files
    assert proposed.files.pull_request
    assert (proposed.next[0].title, proposed.next[0].url) == (
        "Merge the pull request",
        proposed.files.pull_request.url,
    )


def test_client_secrets_have_to_be_renewed(fresh: Road) -> None:
    assert fresh.setup("--auth", "secret").code == 0
    found = shown(fresh, replace(OPTIONS, auth="secret"))
    assert set(found.values[0].secrets) == {"ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID", "AZURE_CREDENTIALS"}
    renew = next(one for one in found.next if one.title.startswith("Renew"))
    assert renew.command == "dbxwizard setup --auth secret"
    assert "None" not in renew.words


def test_what_can_not_be_read_is_said_and_stops_nothing(deployed: Road) -> None:
    with deployed.change() as store:
        for key, _ in store.find("arm.roleAssignment"):
            store.delete("arm.roleAssignment", key)
    found = shown(deployed)
    assert {one.state for one in found.environments} == {"not checked"}
    assert all("does not have authorization" in one.detail for one in found.environments)
    assert len(found.next) == 3


def test_the_same_as_markdown(deployed: Road) -> None:
    found = shown(deployed)
    text = summary_markdown(found)
    tokens = MarkdownIt("commonmark").parse(text)
    links = [
        str(child.attrGet("href")) for token in tokens for child in token.children or () if child.type == "link_open"
    ]
    expected = [
        *(one.url for one in found.applications),
        *(link.url for one in found.environments for link in one.links),
        found.repository.url,
        *(one.url for one in found.next if one.url),
    ]
    assert links == expected
    assert "**Development**: deployed" in text
    assert "1. **Deploy UAT**: Nothing of it is in Azure yet" in text
    assert "`dbxwizard deploy -e UAT`" in text
