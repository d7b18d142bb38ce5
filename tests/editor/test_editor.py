"""The editor as a person uses it: keys, mouse, paste, resize; what counts is what is in the files."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from dbxwizard.parameters.editing.choices import Choice, LiveList
from dbxwizard.parameters.editing.lines import shown
from dbxwizard.screens.bars import ErrorBar
from dbxwizard.screens.widgets import Choices
from tests.editor.conftest import Editing, editing, filled

DEVELOPMENT = filled("Development")
CLUSTER = DEVELOPMENT[
    DEVELOPMENT.index('    {\n      "cluster_name": "dbx-sp-cluster",') : DEVELOPMENT.index("  ],\n\n  // Python")
]


def path_of(folder: Path, name: str = "Development") -> Path:
    return folder / "environments" / f"{name}.json"


def content(folder: Path, name: str = "Development") -> str:
    return path_of(folder, name).read_bytes().decode()


def error(editor: Editing) -> str:
    return editor.page.query_one(ErrorBar).text


async def paste(editor: Editing, text: str) -> None:
    editor.pilot.app.post_message(events.Paste(text))
    await editor.pilot.pause()
    await editor.read()


# the form


async def test_a_field_is_written_and_saved_after_a_look_at_the_diff(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Resources", "ResourceGroup")
        await editor.press("enter", *"rg-new", "enter", "ctrl+o")
        assert '+    "ResourceGroup": "rg-new",' in editor.screen_text()
        assert content(project_folder) == DEVELOPMENT
        await editor.press("enter")

    assert content(project_folder) == DEVELOPMENT.replace('"rg-dbx-development"', '"rg-new"')


async def test_the_diff_can_be_refused(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Resources", "ResourceGroup")
        await editor.press("enter", *"rg-new", "enter", "ctrl+o", "escape")

        assert editor.page.session.changed
    assert content(project_folder) == DEVELOPMENT


async def test_a_flag_is_switched_and_a_number_written(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Resources", "Workspace", "NoPublicIp")
        await editor.press("space")
        await editor.go_to("Resources", "Monitoring", "RetentionDays")
        await editor.press("enter", "4", "5", "enter")
        await editor.save()

    expected = DEVELOPMENT.replace('"NoPublicIp": true', '"NoPublicIp": false')
    assert content(project_folder) == expected.replace('"RetentionDays": 30', '"RetentionDays": 45')


async def test_what_is_no_number_is_said_and_not_written(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Resources", "Monitoring", "RetentionDays")
        await editor.press("enter", *"many")
        assert "many is no whole number" in editor.screen_text()
        await editor.press("enter")

        assert "no whole number" in error(editor)
        assert not editor.page.session.changed


async def test_a_default_is_overridden_and_taken_out_again(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Resources", "KeyVault", "Name")
        await editor.press("enter", *"kv-one", "enter")
        assert '"Name": "kv-one"' in editor.page.session.text
        await editor.press("delete")
        await editor.go_to("Resources", "Storage", "Name")
        await editor.press("enter", *"lake1", "enter")
        await editor.save()

    old = '"Containers": ["bronze", "silver", "gold"]\n'
    assert content(project_folder) == DEVELOPMENT.replace(old, f'{old.rstrip()},\n      "Name": "lake1"\n')


async def test_a_runtime_is_picked_by_what_it_says(project_folder: Path) -> None:
    async with editing(project_folder, height=40) as editor:
        await editor.go_to("Clusters", 0, "spark_version")
        await editor.press("enter")
        assert "17.3.x-scala2.13  LTS, supported until 2028-10-22" in editor.screen_text()
        await editor.press(*"lts 2.12", "enter")
        await editor.save()

    assert content(project_folder) == DEVELOPMENT.replace('"17.3.x-scala2.13"', '"16.4.x-scala2.12"', 1)


async def test_half_a_word_takes_what_it_starts(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Location")
        await editor.press("enter", *"westeu", "enter")
        await editor.save()

    assert content(project_folder) == DEVELOPMENT.replace('"uksouth"', '"westeurope"')


async def test_a_choice_is_clicked(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Resources", "Storage", "Sku")
        await editor.press("enter")
        await editor.pilot.click("#choices", offset=(3, 2))
        await editor.settled()
        await editor.save()

    assert content(project_folder) == DEVELOPMENT.replace('"Standard_LRS"', '"Standard_GRS"')


class Live:
    """What the services would give."""

    def __init__(self, items: Sequence[Choice] | None, more: Mapping[str, Choice] | None = None) -> None:
        """`more`: what is found only by how its name begins."""
        self.items, self.more, self.asked = items, more or {}, ""

    async def fetch(self, kind: str, environment: str, text: str = "") -> LiveList | None:
        self.asked = f"{kind} for {environment}"
        if self.items is None:
            return None
        found = [one for name, one in self.more.items() if text and name.startswith(text)]
        return LiveList((*self.items, *found), whole=not self.more)


async def test_the_services_lists_come_in_where_somebody_is_signed_in(project_folder: Path) -> None:
    live = Live([Choice("moonbase1", "[red]new[/]")])
    async with editing(project_folder, lists=live) as editor:
        await editor.go_to("Location")
        await editor.press("enter")
        assert "moonbase1  [red]new[/]" in editor.screen_text()
        assert "from the services" in editor.screen_text()
        await editor.press("down", "enter")
        await editor.save()

    assert live.asked == "region for Development"
    assert content(project_folder) == DEVELOPMENT.replace('"uksouth"', '"moonbase1"')


async def test_a_directory_with_more_than_a_list_holds_is_searched_as_one_writes(project_folder: Path) -> None:
    zoe = Choice("user:zoe@contoso.example", "Zoe [b]Z[/b]")
    live = Live([Choice("me", "you")], {"zoe": zoe, "zora": Choice("user:zora@contoso.example", "Zora")})
    async with editing(project_folder, lists=live) as editor:
        await editor.go_to("RBAC_Assignments", 1, "principal")
        await editor.press("enter")
        assert "there are more: write how a name begins" in editor.screen_text()
        await editor.press(*"zoe")
        async with asyncio.timeout(60):
            while zoe.value not in editor.screen_text():
                await editor.pilot.pause()
        assert "Zora" not in editor.screen_text()
        await editor.press("down", "enter")
        await editor.save()

    assert content(project_folder) == DEVELOPMENT.replace('"principal": "me"', f'"principal": "{zoe.value}"')


async def test_the_bundled_list_stays_where_nobody_is(project_folder: Path) -> None:
    async with editing(project_folder, lists=Live(None)) as editor:
        await editor.go_to("Location")
        await editor.press("enter")

        assert "bundled list; the services gave none" in editor.screen_text()
        assert "ukwest" in editor.screen_text() or "uksouth" in editor.screen_text()


# entries


async def test_clusters_are_added_duplicated_moved_and_taken_out(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Clusters", 0)
        await editor.press("d")
        assert editor.page.row is not None
        assert editor.page.row.path == ("Clusters", 1)
        await editor.press("J", "K", "K")
        await editor.go_to("Clusters")
        await editor.press("a")
        await editor.go_to("Clusters", 3)
        await editor.press("delete")
        await editor.save()

    copy = CLUSTER[: CLUSTER.index("    },") + len("    },\n")].replace("dbx-sp-cluster", "dbx-sp-cluster-2")
    assert content(project_folder) == DEVELOPMENT.replace(CLUSTER, copy + CLUSTER)


async def test_every_step_is_undone_and_done_again(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Jobs", 0)
        await editor.press("d", "K", "delete")
        after = editor.page.session.text
        await editor.press("u", "u", "u")
        assert editor.page.session.text == DEVELOPMENT == editor.text.text
        await editor.press("U", "ctrl+r", "U")
        assert editor.page.session.text == after == editor.text.text
        await editor.save()

    assert content(project_folder) == after


async def test_a_role_is_added_to_a_list_of_names(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("RBAC_Assignments", 1, "roles")
        await editor.press("a", *"blob data reader", "down", "enter")
        await editor.save()

    old = '"roles": ["Key Vault Administrator"],'
    new = '"roles": ["Key Vault Administrator", "Storage Blob Data Reader"],'
    assert content(project_folder) == DEVELOPMENT.replace(old, new)


async def test_a_field_is_added_by_name(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Clusters", 1, "spark_conf")
        await editor.go_to("Clusters", 1, "runtime_engine")
        await editor.press("a", *"single_user", "enter", *"someone", "enter")
        await editor.save()

    assert content(project_folder).count('"single_user_name": "someone"') == 1
    assert content(project_folder).replace(',\n      "single_user_name": "someone"', "") == DEVELOPMENT


async def test_a_right_is_given_on_a_cluster_of_this_file(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Access", 0, "Clusters", "dbx-sp-cluster2")
        await editor.press("delete")
        await editor.go_to("Access", 0, "Clusters")
        await editor.press("a")
        assert "a cluster of this file" in editor.screen_text()
        await editor.press("down", "enter")
        await editor.save()

    expected = DEVELOPMENT.replace('"dbx-sp-cluster2": "CAN_MANAGE" }', '"dbx-sp-cluster2": "CAN_ATTACH_TO" }')
    assert content(project_folder).replace("  }", " }") == expected.replace("  }", " }")


# the text


async def test_what_is_typed_is_in_the_form_after_a_pause(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Location")
        await editor.press("ctrl+t")
        assert editor.text.has_focus
        await editor.press("end", "left", "left", "left", *["backspace"] * 4, *"west")
        await editor.read()
        row = next(row for row in editor.form.rows if row.path == ("Location",))
        assert row.value == "ukwesth"
        await editor.save()

    assert content(project_folder) == DEVELOPMENT.replace('"uksouth"', '"ukwesth"')


async def test_the_form_follows_the_cursor_of_the_text_and_the_text_that_of_the_form(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.press("ctrl+t")
        editor.text.go_to(DEVELOPMENT.index('"Standard_LRS"') + 3)
        await editor.settled()
        assert editor.page.row is not None
        assert editor.page.row.path == ("Resources", "Storage", "Sku")
        await editor.press("escape", "j", "enter")
        await editor.press("ctrl+t")

        line = editor.text.document.get_line(editor.text.cursor_location[0])
        assert '"PublicNetworkAccess": false' in line


async def test_a_problem_shows_while_one_types_and_one_key_mends_it(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Location")
        await editor.press("ctrl+t", "end", "left", "left", "backspace")
        await editor.read()
        assert "! warning 10:15" in editor.screen_text()
        assert 'write "uksouth"' in editor.screen_text()
        assert "10!" in editor.screen_text()
        await editor.press("escape")
        assert "! " in next(line for line in editor.screen_text().splitlines() if "Location " in line)
        await editor.press("f")
        await editor.read()
        assert "warning" not in editor.screen_text()
        await editor.press("ctrl+o")

    assert content(project_folder) == DEVELOPMENT


async def test_a_list_of_all_problems_leads_to_each(project_folder: Path) -> None:
    broken = DEVELOPMENT.replace('"uksouth"', '"nowhere9"').replace('"CAN_MANAGE_RUN"', '"CAN_RUN"')
    path_of(project_folder).write_text(broken)
    async with editing(project_folder) as editor:
        await editor.press("p", "j", "enter")
        assert editor.page.row is not None
        assert editor.page.row.path == ("Access", 0, "Jobs", "job_remote_analysis")
        editor.form.focus()
        await editor.press("e")
        assert editor.form.rows[editor.form.place].path == ("Location",)
        await editor.press("E", "f")
        await editor.save()

    assert content(project_folder).count("CAN_RUN") == 0


async def test_old_forms_are_rewritten_by_one_key(project_folder: Path) -> None:
    old = DEVELOPMENT.replace('"principal": "me"', '"roleBeneficiaryObjID": "me"').replace(
        '"project"', '"setup_py_file_path"'
    )
    path_of(project_folder).write_text(old)
    async with editing(project_folder) as editor:
        await editor.press("F")
        await editor.save()

    assert content(project_folder) == DEVELOPMENT


async def test_broken_json_keeps_the_form_as_it_was_and_refuses_its_edits(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Location")
        await editor.press("ctrl+t", "home", "{", '"')
        await editor.read()
        assert "the text is broken: the form waits" in editor.screen_text()
        assert [row.label for row in editor.form.rows[:2]] == ["$schema", "Environment"]
        broken = editor.page.session.text
        await editor.press("escape", "delete")

        assert "mend the text first" in error(editor)
        assert editor.page.session.text == broken
        await editor.press("u", "u")
        await editor.read()
        assert editor.page.session.text == DEVELOPMENT


async def test_a_paste_gets_the_files_line_ends_and_is_one_step(project_folder: Path) -> None:
    path_of(project_folder).write_bytes(codecs.BOM_UTF8 + DEVELOPMENT.replace("\n", "\r\n").encode())
    async with editing(project_folder) as editor:
        await editor.go_to("Location")
        await editor.press("ctrl+t", "home", "home")
        await paste(editor, "  // one\r  // two\n  // three\x1b[31m\r\n")
        await editor.save()
        await editor.press("ctrl+u")
        await editor.save()
        await editor.press("ctrl+r")
        await editor.save()

    expected = DEVELOPMENT.replace('  "Location"', '  // one\n  // two\n  // three\x1b[31m\n  "Location"').replace(
        "\n", "\r\n"
    )
    assert path_of(project_folder).read_bytes() == codecs.BOM_UTF8 + expected.encode()


async def test_completion_writes_a_key_with_a_value_to_start_from(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.press("ctrl+t")
        editor.text.go_to(DEVELOPMENT.index('"RetentionDays": 30') + len('"RetentionDays": 30'))
        await editor.press(",", "enter", *'"LogAn', "ctrl+l")
        await editor.press(*"loganal", "enter")
        await editor.read()

        assert '"RetentionDays": 30,\n"LogAnalyticsName": "<>"' in editor.page.session.text


async def test_completion_offers_what_the_field_takes(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.press("ctrl+t")
        editor.text.go_to(DEVELOPMENT.index('"CAN_MANAGE_RUN"') + 4)
        await editor.press("ctrl+l", *"view", "enter")
        await editor.save()

    assert content(project_folder) == DEVELOPMENT.replace('"CAN_MANAGE_RUN"', '"CAN_VIEW"')


async def test_text_and_form_show_the_session_whatever_is_done(project_folder: Path) -> None:
    path_of(project_folder).write_bytes(DEVELOPMENT.replace("\n", "\r\n", 40).encode())
    async with editing(project_folder) as editor:
        await editor.press("ctrl+t")
        for keys in (
            ["end", "enter", "x", "backspace", "backspace"],
            ["down", "home", "delete", "delete", "ctrl+u"],
            ["shift+down", "shift+down", "ctrl+x", "down", "ctrl+v"],
            ["ctrl+k", "ctrl+k", "ctrl+w", "ctrl+u", "ctrl+u", "ctrl+r"],
            ["escape", "d", "J", "delete", "u", "U", "u"],
        ):
            await editor.press(*keys)
            assert editor.text.document.text == shown(editor.page.session.text)
        await editor.read()
        while editor.page.session.history.undoable:
            await editor.press("ctrl+u")

        assert editor.page.session.text == DEVELOPMENT.replace("\n", "\r\n", 40)
        assert editor.text.document.text == DEVELOPMENT


# finding one's way


async def test_search_goes_to_the_field_and_on(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.press("slash", *"autotermination", "enter")
        assert editor.page.row is not None
        assert editor.page.row.path == ("Clusters", 0, "autotermination_minutes")
        await editor.press("n", "enter", "9", "9", "enter")
        await editor.save()

    first = DEVELOPMENT.index('"autotermination_minutes": 20') + 5
    expected = DEVELOPMENT[:first] + DEVELOPMENT[first:].replace(
        '"autotermination_minutes": 20', '"autotermination_minutes": 99', 1
    )
    assert content(project_folder) == expected


async def test_search_finds_comments_and_goes_on_while_one_writes(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.press("slash", *"WITHOUT WORK", "enter")
        place = DEVELOPMENT.index("without work")
        assert editor.page.text.cursor_offset_in_text == place
        assert editor.page.text.selected_text == "without work"
        await editor.press("slash", "ctrl+u", *"spark_version", "enter", "ctrl+t", "f3")
        second = DEVELOPMENT.index("spark_version", DEVELOPMENT.index("spark_version") + 1)
        assert editor.page.text.cursor_offset_in_text == second
        assert editor.page.row is not None
        assert editor.page.row.path == ("Clusters", 1, "spark_version")
        await editor.press("shift+f3")
        assert editor.page.text.selected_text == "spark_version"
        assert editor.page.row.path == ("Clusters", 0, "spark_version")


async def test_the_mouse_opens_files_containers_and_values(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.pilot.click("#file-1")
        await editor.settled()
        assert editor.page.session.name == "UAT"
        await editor.pilot.click(editor.form, offset=(2, 4))
        await editor.settled()
        assert editor.form.rows[5].path == ("Resources", "ResourceGroup")
        await editor.pilot.click(editor.form, offset=(20, 5), times=2)
        await editor.settled()
        editor.pilot.app.screen.query_one(Input).value = "rg-clicked"
        await editor.press("enter")
        await editor.save()

    assert content(project_folder, "UAT") == filled("UAT").replace('"rg-dbx-uat"', '"rg-clicked"')


async def test_keys_go_through_the_files_and_each_keeps_its_changes(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        for _ in range(4):
            await editor.go_to("Location")
            await editor.press("enter", *"ukwest", "enter", "right_square_bracket")
        await editor.press("w", *"prod", "enter")
        assert editor.page.session.name == "Production"
        await editor.save()

    for name in ("Development", "UAT", "PreProduction", "Production"):
        assert content(project_folder, name) == filled(name).replace('"uksouth"', '"ukwest"')


async def test_a_resized_terminal_shows_both_sides_or_one(project_folder: Path) -> None:
    async with editing(project_folder, width=80, height=24) as editor:
        assert not editor.text.display
        await editor.pilot.resize_terminal(140, 40)
        await editor.until(lambda: editor.text.display and editor.form.display)
        await editor.pilot.resize_terminal(40, 20)
        await editor.go_to("Location")
        await editor.press("enter", *"ukwest", "enter")
        assert "ukwest" in editor.screen_text()
        await editor.save()

    assert content(project_folder) == DEVELOPMENT.replace('"uksouth"', '"ukwest"')


async def test_a_project_without_files_says_what_to_do(tmp_path: Path) -> None:
    async with editing(tmp_path) as editor:
        assert "dbxwizard init" in editor.screen_text()
        await editor.press(
            "enter", "a", "d", "delete", "f", "e", "u", "ctrl+o", "ctrl+t", "slash", "escape", "right_square_bracket"
        )


# bad files


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"\x00" * 50,
        b'{"a": "' + b"x" * 100_000 + b'"}',
        b"[" * 5000,
        b"null",
        b" " * 5_000_000,
    ],
    ids=["empty", "half", "no text", "zeros", "long line", "deep", "null", "too large"],
)
async def test_any_file_is_opened_without_a_traceback_and_left_alone(project_folder: Path, raw: bytes) -> None:
    path_of(project_folder).write_bytes(raw)
    async with editing(project_folder) as editor:
        await editor.press(
            "down",
            "enter",
            "escape",
            "f",
            "e",
            "ctrl+t",
            "down",
            "end",
            "pagedown",
            "escape",
            "m",
            "c",
            "escape",
            "escape",
        )

    assert path_of(project_folder).read_bytes() == raw


async def test_a_large_file_is_edited(project_folder: Path) -> None:
    lines = "\n".join(f'    "key{number}": "value",' for number in range(8_000))
    large = DEVELOPMENT.replace('"spark_conf": {}', f'"spark_conf": {{\n{lines}\n      }}', 1)
    path_of(project_folder).write_text(large)
    async with editing(project_folder) as editor:
        await editor.go_to("Location")
        await editor.press("space", *"ukwest", "enter")
        await editor.save()

    assert content(project_folder) == large.replace('"uksouth"', '"ukwest"')


async def test_read_only_refuses_keys_form_and_saving(project_folder: Path) -> None:
    async with editing(project_folder, read_only=True) as editor:
        await editor.go_to("Resources", "Workspace", "NoPublicIp")
        await editor.press("space")
        assert "read-only" in error(editor)
        await editor.press("ctrl+t", "x", "ctrl+k", "backspace", "escape", "d", "delete", "ctrl+o", "enter")

        assert editor.page.session.text == DEVELOPMENT
    assert content(project_folder) == DEVELOPMENT


async def test_problems_of_several_files_together_are_shown(project_folder: Path) -> None:
    path_of(project_folder, "UAT").write_text(filled("UAT").replace('"rg-dbx-uat"', '"rg-dbx-development"'))
    async with editing(project_folder) as editor:
        await editor.press("right_square_bracket", "p")

        assert "✗ 1" in editor.screen_text()
        listed = editor.page.query_one("#problems", Choices)
        assert "has resource group" in str(listed.get_option_at_index(0).prompt)
