"""Setup writes what only it knows into the environment files, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dbxwizard.core.errors import OperationError
from dbxwizard.parameters import load_all
from dbxwizard.steps.parameter_files import ParameterFilesStep, Person, Values

from .conftest import Apply, plan_of, reasons

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
ADA = Person("aaaaaaaa-2222-4333-8444-555555555555", "ada@contoso.example")
GRACE = Person("bbbbbbbb-2222-4333-8444-555555555555", "grace@contoso.example")
READERS = Person("cccccccc-2222-4333-8444-555555555555", "data-readers", "Group")
PEOPLE = {"me": ADA, "user:grace@contoso.example": GRACE, "group:data-readers": READERS}


async def person(name: str) -> Person:
    return PEOPLE[name]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    shutil.copytree(ENVIRONMENTS, tmp_path / "environments")
    return sorted(path for path in (tmp_path / "environments").glob("*.json") if path.name != "schema.json")


@pytest.fixture
def step(files: list[Path]) -> ParameterFilesStep:
    values = Values(SUBSCRIPTION, "ada", "https://github.com/contoso/databricks", person)
    return ParameterFilesStep(files, values)


async def test_every_blank_is_filled_and_a_pipeline_can_read_the_files(
    step: ParameterFilesStep, files: list[Path], apply: Apply
) -> None:
    assert [problem for problem in load_all(files).problems if problem.severity == "error"]
    await apply(step)
    loaded = load_all(files, ci=True)
    assert [str(problem) for problem in loaded.problems if problem.severity == "error"] == []
    for environment in loaded.environments:
        assert environment.subscription_id == SUBSCRIPTION
        assert {folder.url for folder in environment.git_folders} == {"https://github.com/contoso/databricks"}
        assert {git.username for git in environment.git} == {"ada"}
        assert "me" not in {access.principal for access in environment.access}


async def test_the_id_of_a_person_comes_with_type_and_name(
    step: ParameterFilesStep, files: list[Path], apply: Apply
) -> None:
    await apply(step)
    (development,) = [one for one in load_all(files).environments if one.name == "Development"]
    (access,) = development.access
    assert (access.principal, access.principal_type, access.principal_name) == (ADA.object_id, "User", ADA.name)
    acls = [acl for scope in development.secret_scopes for acl in scope.acls if acl.principal == ADA.object_id]
    assert [acl.principal_name for acl in acls] == [ADA.name]
    for environment in load_all(files).environments:  # Production names people here alone
        assigned = [role for role in environment.role_assignments if role.principal == ADA.object_id]
        assert [(role.principal_type, role.principal_name) for role in assigned] == [("User", ADA.name)]


async def test_a_second_run_has_nothing_to_do(step: ParameterFilesStep, files: list[Path], apply: Apply) -> None:
    await apply(step)
    before = [path.read_bytes() for path in files]
    assert reasons(await plan_of(step)) == []
    await apply(step)
    assert [path.read_bytes() for path in files] == before


async def test_comments_and_layout_stay(step: ParameterFilesStep, files: list[Path], apply: Apply) -> None:
    path = next(path for path in files if path.name == "Development.json")
    before = path.read_text().splitlines()
    await apply(step)
    after = path.read_text().splitlines()
    kept = [line for line in before if "//" in line and "<>" not in line]
    assert [line for line in after if line in kept] == kept


async def test_what_somebody_filled_in_stays(step: ParameterFilesStep, files: list[Path], apply: Apply) -> None:
    path = next(path for path in files if path.name == "UAT.json")
    other = "99999999-2222-4333-8444-555555555555"
    path.write_text(path.read_text().replace('"SubscriptionId": "<>"', f'"SubscriptionId": "{other}"'))
    assert not [reason for reason in reasons(await plan_of(step)) if reason.startswith("UAT.json/SubscriptionId")]
    await apply(step)
    assert other in path.read_text()


async def test_a_plan_names_file_and_field(step: ParameterFilesStep) -> None:
    named = reasons(await plan_of(step))
    assert f"Development.json/SubscriptionId: <> → {SUBSCRIPTION}" in named
    assert f"Development.json/Access/0/Principal: me → {ADA.object_id}" in named
    assert f"Development.json/Access/0/PrincipalName: absent → {ADA.name}" in named
    assert not [reason for reason in named if "principalType" in reason]  # the file says User already


async def test_people_are_found_by_their_sign_in_name(tmp_path: Path, step: ParameterFilesStep, apply: Apply) -> None:
    path = tmp_path / "environments/Development.json"
    path.write_text(path.read_text().replace('"principal": "me"', '"principal": "user:grace@contoso.example"'))
    await apply(step)
    assert f'"principal": "{GRACE.object_id}"' in path.read_text()


async def test_groups_are_written_by_id_with_type_and_name(
    tmp_path: Path, step: ParameterFilesStep, apply: Apply
) -> None:
    path = tmp_path / "environments/Development.json"
    path.write_text(path.read_text().replace('"Principal": "me"', '"Principal": "group:data-readers"'))
    await apply(step)
    development = next(one for one in load_all([path], ci=True).environments)
    (access,) = development.access
    assert (access.principal, access.principal_type, access.principal_name) == (
        READERS.object_id,
        "Group",
        "data-readers",
    )
    acls = [acl for scope in development.secret_scopes for acl in scope.acls if acl.principal == READERS.object_id]
    assert [acl.principal_name for acl in acls] == ["data-readers"]


async def test_who_can_not_be_found_is_told_before_anything_is_written(files: list[Path], apply: Apply) -> None:
    async def nobody(name: str) -> Person:
        raise OperationError("person-unknown", f"nobody is called {name}")

    before = [path.read_bytes() for path in files]
    step = ParameterFilesStep(files, Values(SUBSCRIPTION, "ada", "https://github.com/contoso/databricks", nobody))
    with pytest.raises(OperationError, match="nobody is called me"):
        await apply(step)
    assert [path.read_bytes() for path in files] == before
