"""What a field can be set to, in the form and in the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.parameters import catalog, values
from dbxwizard.parameters.edit import apply
from dbxwizard.parameters.editing.choices import choices_at, keys_at
from dbxwizard.parameters.editing.completion import complete, completion_at
from dbxwizard.parameters.editing.paths import FieldPath, shape_at
from dbxwizard.parameters.editing.starters import starter
from dbxwizard.parameters.nodes import Node
from dbxwizard.parameters.syntax import parse

from .conftest import shipped


def root_of(text: str) -> Node | None:
    return parse(text).root


def values_at(path: FieldPath, text: str = "") -> list[str]:
    found = choices_at(root_of(text or shipped()), path)
    return found.values() if found else []


def test_runtimes_say_lts_and_end_of_support_and_start_with_the_recommended_one() -> None:
    found = choices_at(root_of("{}"), ("Clusters", 0, "spark_version"))
    assert found is not None

    assert found.items[0].value == catalog.recommended_runtime()
    assert found.items[0].note == "LTS, supported until 2028-10-22"
    assert found.items[-1].note.startswith(("no support since", "LTS, no support since"))
    notes = {item.value: item.note for item in found.items}
    assert (notes["18.x-scala2.13"], notes["19.x-scala2.13"]) == ("LTS, supported until 2029-06-10", "supported")
    assert {issue.code for key in notes for issue in values.runtime(key, ci=False)} == {"end-of-support"}


@pytest.mark.parametrize(
    ("path", "some"),
    [
        (("Location",), "westeurope"),
        (("Clusters", 0, "node_type_id"), "Standard_D8ds_v5"),
        (("RBAC_Assignments", 0, "roles", 0), "Key Vault Secrets User"),
        (("RBAC_Assignments", 0, "principal"), "main-spn"),
        (("Access", 0, "DataRoles", 0), "Storage Blob Data Reader"),
        (("Jobs", 0, "tasks", 0, "cluster_name"), "dbx-sp-cluster2"),
        (("WheelFiles", 0, "clusters", 1), "dbx-sp-cluster2"),
        (("SecretScopes", 0, "Secrets", "x"), "tenant-id"),
        (("Resources", "Workspace", "NoPublicIp"), "false"),
        (("Resources", "Storage", "Sku"), "Standard_ZRS"),
    ],
)
def test_each_kind_of_field_has_its_list(path: FieldPath, some: str) -> None:
    assert some in values_at(path)


def test_a_free_text_has_no_list() -> None:
    assert choices_at(root_of(shipped()), ("Clusters", 0, "cluster_name")) is None


def test_a_task_can_wait_for_the_other_tasks_of_its_job() -> None:
    text = '{"Jobs": [{"tasks": [{"task_key": "a"}, {"task_key": "b", "depends_on": [{"task_key": ""}]}]}]}'

    assert values_at(("Jobs", 0, "tasks", 1, "depends_on", 0, "task_key"), text) == ["a"]


def test_keys_are_those_that_are_left() -> None:
    found = keys_at(root_of(shipped()), ("Resources", "Workspace"))
    assert found is not None

    assert found.values() == ["Name", "ManagedResourceGroup"]


def test_keys_of_rights_are_names_of_this_file() -> None:
    found = keys_at(
        root_of(shipped().replace('"dbx-sp-cluster2": "CAN_MANAGE"', '"x": "CAN_MANAGE"')), ("Access", 0, "Clusters")
    )
    assert found is not None

    assert found.values() == ["dbx-sp-cluster2"]


# ¦ is the cursor.
@pytest.mark.parametrize(
    ("text", "chosen", "after"),
    [
        ('{"Location": "uk¦south"}', "ukwest", '{"Location": "ukwest"}'),
        ('{"Location": ¦}', "ukwest", '{"Location": "ukwest"}'),
        ('{"Loc¦": "uksouth"}', "Location", '{"Location": "uksouth"}'),
        ('{\n  "Loc¦\n}', "Location", '{\n  "Location": "<>"\n}'),
        ('{\n  ¦\n  "Clusters": []\n}', "Location", '{\n  "Location": "<>",\n  "Clusters": []\n}'),
        ('{"WheelFiles": [{"upload": ¦true}]}', "false", '{"WheelFiles": [{"upload": false}]}'),
        ('{"Clusters": [{"cluster_name": "a"}], "WheelFiles": [{"clusters": [¦]}]}', "a", None),
    ],
)
def test_completing_writes_the_choice_in_its_place(text: str, chosen: str, after: str | None) -> None:
    offset = text.index("¦")
    text = text.replace("¦", "")
    parsed = parse(text)
    found = completion_at(text, parsed, offset)
    assert found is not None
    assert chosen in found.choices.values()

    result = apply(text, complete(text, parsed.root, found, chosen))

    assert result == after if after else f'["{chosen}"]' in result


@given(st.integers(0, len(shipped())), st.integers(0, 40))
def test_completing_never_fails_and_never_harms_the_rest(offset: int, cut: int) -> None:
    text = shipped()[:offset] + shipped()[offset + cut :]
    parsed = parse(text)
    found = completion_at(text, parsed, offset)
    if not found:
        return

    after = apply(text, complete(text, parsed.root, found, found.choices.items[0].value))

    assert after.startswith(text[: found.start])
    assert after.endswith(text[found.end :])


def test_what_is_added_is_complete_but_for_what_only_a_person_knows() -> None:
    root = root_of(shipped())
    for section in (
        "Clusters",
        "Jobs",
        "WheelFiles",
        "RBAC_Assignments",
        "SecretScopes",
        "Access",
        "Repo_Configuration",
    ):
        shape = shape_at((section, 9))
        value = starter(shape, root, (section, 9))
        assert isinstance(value, dict), section
        assert value, section
