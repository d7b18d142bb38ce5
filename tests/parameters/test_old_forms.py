"""The forms of pipelines and forks: read with a warning, used as they were meant, rewritten with every comment kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbxwizard.parameters import Environment, Loaded, Problem, blanks, fix, load, set_values
from dbxwizard.parameters.syntax import parse

Load = Callable[..., Loaded]


def environment(result: Loaded) -> Environment:
    assert result.environment is not None, result.problems
    return result.environment


def old(result: Loaded) -> list[Problem]:
    return [problem for problem in result.problems if problem.code == "old-form"]


def test_the_accelerators_file_loads_without_an_error(loaded: Load, filled: str) -> None:
    result = loaded(filled)

    found = environment(result)
    assert {problem.severity for problem in result.problems} == {"warning"}
    assert {problem.code for problem in result.problems} == {
        "old-form",
        "missing-comma",
        "end-of-support",
        "path-not-found",
    }
    assert found.name == "Development"
    assert found.resources.resource_group == "rg-dbx-development"
    assert [(one.principal, one.roles) for one in found.role_assignments] == [
        ("22222222-0000-4000-8000-000000000000", ("Key Vault Administrator",)),
        (
            "33333333-0000-4000-8000-000000000000",
            ("Key Vault Administrator", "Contributor", "DBX_Custom_Role"),
        ),
    ]
    assert [one.settings["data_security_mode"] for one in found.clusters] == ["USER_ISOLATION"] * 2
    assert [(one.project, one.clusters, one.upload) for one in found.wheels] == [
        ("src/pipelines/dbkframework", ("dbx-sp-cluster",), True)
    ]
    assert found.git[0].username == "contoso"
    assert found.git_folders[0].path == "DevelopmentFolder"


def test_the_accelerators_job_runs_its_notebook_from_the_repository(loaded: Load, filled: str) -> None:
    [job] = environment(loaded(filled)).jobs

    assert job.name == "job_remote_analysis"
    assert job.settings["tasks"] == [
        {
            "task_key": "job_remote_analysis",
            "notebook_task": {
                "notebook_path": "src/tutorial/scripts/framework_testing/remote_analysis",
                "source": "GIT",
            },
            "cluster_name": "dbx-sp-cluster",
        }
    ]


def test_the_missing_commas_are_named_at_the_values_end(loaded: Load, accelerator: str) -> None:
    commas = [problem for problem in loaded(accelerator).problems if problem.code == "missing-comma"]

    lines = accelerator.splitlines()
    assert len(commas) == 2
    for problem in commas:
        line = lines[problem.location.line - 1]
        assert line[: problem.location.column - 1].endswith('"<>"')


def test_its_placeholders_are_errors_and_setup_finds_them(loaded: Load, accelerator: str) -> None:
    result = loaded(accelerator)

    assert result.environment is None
    assert result.draft is not None
    assert [one.principal for one in result.draft.role_assignments] == ["", ""]
    assert [problem.code for problem in result.problems if problem.severity == "error"] == ["placeholder"] * 3
    assert [(blank.fill, blank.pointer) for blank in blanks(result)] == [
        ("subscription-id", "/SubscriptionId"),
        ("principal", "/RBAC_Assignments/0/roleBeneficiaryObjID"),
        ("principal", "/RBAC_Assignments/1/roleBeneficiaryObjID"),
    ]


def test_setup_fills_the_old_file_and_changes_nothing_else(tmp_path: Path, accelerator: str) -> None:
    path = tmp_path / "Development.json"
    path.write_text(accelerator)
    values = {
        blank.pointer: f"{n}" * 8 + "-0000-4000-8000-000000000000" for n, blank in enumerate(blanks(load(path)), 1)
    }

    set_values(path, values)

    expected = accelerator
    for value in values.values():
        expected = expected.replace('"<>"', f'"{value}"', 1)
    assert path.read_text() == expected
    assert load(path).environment is not None


def comments(text: str) -> list[str]:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    return re.findall(r"#[^\r\n]*|//[^\r\n]*|/\*.*?\*/", bare, re.DOTALL)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_fixing_writes_the_current_form_and_keeps_comments_mark_and_newlines(
    tmp_path: Path, filled: str, newline: str, mark: bytes
) -> None:
    path = tmp_path / "Development.json"
    path.write_bytes(mark + filled.replace("\n", newline).encode())
    before = environment(load(path))

    result = fix(path)

    raw = path.read_bytes()
    text = raw.removeprefix(mark).decode()
    assert result.changed
    assert raw.startswith(mark)
    assert text.count("\r") == (text.count("\n") if newline == "\r\n" else 0)
    assert comments(text) == comments(filled)
    assert {problem.code for problem in result.problems} == {"end-of-support", "path-not-found"}
    assert environment(load(path)) == before
    assert not fix(path).changed
    assert path.read_bytes() == raw


def test_the_diff_shows_what_changed(tmp_path: Path, filled: str) -> None:
    path = tmp_path / "Development.json"
    path.write_text(filled)

    diff = fix(path).diff

    assert f"--- {path}\n+++ {path}\n" in diff
    assert '-                "wheel_cluster": "dbx-sp-cluster",\n' in diff
    assert '+                "clusters": ["dbx-sp-cluster"],\n' in diff


def test_lines_that_need_no_change_stay_byte_for_byte(tmp_path: Path, filled: str) -> None:
    path = tmp_path / "Development.json"
    path.write_text(filled)
    fix(path)

    kept = path.read_text().splitlines()

    untouched = [line for line in filled.splitlines() if "spark_version" in line or "git_" in line or "roles" in line]
    assert [line for line in kept if line in untouched] == untouched


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"role": "Reader"}, {"roles": ["Reader"]}),
        ({"role": ["Reader"]}, {"roles": ["Reader"]}),
        ({"roles": "Reader"}, {"roles": ["Reader"]}),
        ({"role": "Reader", "scope": ""}, {"roles": ["Reader"], "scope": ""}),
    ],
)
def test_role_assignments(loaded: Load, valid: dict[str, Any], tmp_path: Path, before: Any, after: Any) -> None:
    result = loaded({**valid, "RBAC_Assignments": [{**before, "roleBeneficiaryObjID": "databricks-spn"}]})

    [assignment] = environment(result).role_assignments
    assert (assignment.roles, assignment.principal) == (("Reader",), "databricks-spn")
    assert all("write" in problem.message and "--fix" in problem.fix for problem in old(result))
    fix(tmp_path / "Development.json")
    assert json.loads((tmp_path / "Development.json").read_text())["RBAC_Assignments"] == [
        {**after, "principal": "databricks-spn"}
    ]


@pytest.mark.parametrize("nobody", [None, "", "<>"])
def test_an_assignment_to_nobody_is_refused_at_its_place(loaded: Load, valid: dict[str, Any], nobody: Any) -> None:
    result = loaded({**valid, "RBAC_Assignments": [{"roles": ["Reader"], "roleBeneficiaryObjID": nobody}]})

    [problem] = [problem for problem in result.problems if problem.severity == "error"]
    line = result.document.text.splitlines()[problem.location.line - 1]
    assert problem.code == ("placeholder" if nobody else "missing-principal")
    assert line[problem.location.column - 1 :] == json.dumps(nobody)


@pytest.mark.parametrize(
    "wheel",
    [
        {"setup_py_file_path": "src/lib/setup.py", "wheel_cluster": "small", "upload_to_cluster?": False},
        {"Setup_py_File_Path": "src/lib/setup.py", "Cluster": "small", "upload_to_cluster": False},
        {"setup_py_file_path": "src\\lib\\setup.py", "clusters": "small", "upload": False},
        {"project": "src/lib", "wheel_cluster": ["small"], "upload": False},
    ],
)
def test_wheels(loaded: Load, valid: dict[str, Any], wheel: Any) -> None:
    result = loaded({**valid, "WheelFiles": [wheel]})

    [found] = environment(result).wheels
    assert (found.project, found.clusters, found.upload) == ("src/lib", ("small",), False)
    assert old(result)


REPOSITORY = {"url": "https://github.com/contoso/data", "provider": "gitHub", "path": "folder"}
GIT_SOURCE = {"git_url": REPOSITORY["url"], "git_provider": "gitHub", "git_branch": "main"}
NOTEBOOK = {"notebook_path": "src/run", "source": "GIT"}
ONE_TASK = {"task_key": "a_job", "cluster_name": "small", "notebook_task": NOTEBOOK}


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (
            {"name": "a job", "cluster_name": "small", "notebook_task": NOTEBOOK, "git_branch": "main"},
            {"name": "a job", "tasks": [ONE_TASK], "git_source": GIT_SOURCE},
        ),
        (
            {"name": "a job", "cluster_name": "small", "git_branch": "main", "notebook_task": NOTEBOOK},
            {"name": "a job", "tasks": [ONE_TASK], "git_source": GIT_SOURCE},
        ),
        (
            {
                "name": "a job",
                "cluster_name": "small",
                "notebook_task": NOTEBOOK,
                "git_branch": "main",
                "existing_cluster_id": "",
                "git_source": {**GIT_SOURCE, "git_provider": "GitHub"},
            },
            {"name": "a job", "tasks": [ONE_TASK], "git_source": GIT_SOURCE},
        ),
        (
            {"name": "a job", "settings": {"name": "a job", "tasks": [ONE_TASK], "format": "MULTI_TASK"}},
            {"name": "a job", "tasks": [ONE_TASK], "format": "MULTI_TASK"},
        ),
        (
            {"settings": {"name": "a job", "tasks": [ONE_TASK]}, "name": "another"},
            {"name": "a job", "tasks": [ONE_TASK]},
        ),
        (
            {"settings": {"cluster_name": "small", "notebook_task": NOTEBOOK}, "name": "a job"},
            {"name": "a job", "tasks": [ONE_TASK]},
        ),
    ],
)
@pytest.mark.parametrize("indent", [None, 2, 30])
def test_jobs(loaded: Load, valid: dict[str, Any], tmp_path: Path, job: Any, expected: Any, indent: int | None) -> None:
    content = {**valid, "Jobs": [job, {"name": "last", "tasks": [ONE_TASK]}], "Repo_Configuration": [REPOSITORY]}

    result = loaded(json.dumps(content, indent=indent))

    assert environment(result).jobs[0].settings == expected
    assert old(result)
    fix(tmp_path / "Development.json")
    assert json.loads((tmp_path / "Development.json").read_text())["Jobs"][0] == expected


def test_a_branch_without_a_repository_gives_way_to_what_is_deployed(loaded: Load, valid: dict[str, Any]) -> None:
    job = {"name": "a job", "cluster_name": "small", "notebook_task": NOTEBOOK, "git_branch": "main"}

    assert environment(loaded({**valid, "Jobs": [job]})).jobs[0].settings == {"name": "a job", "tasks": [ONE_TASK]}


def test_a_notebook_in_another_folder_stays_as_it_is(loaded: Load, valid: dict[str, Any]) -> None:
    notebook = {"notebook_path": "/Repos/11111111-2222-3333-4444-555555555555/other/run", "source": "WORKSPACE"}
    job = {"name": "j", "tasks": [{**ONE_TASK, "notebook_task": notebook}]}

    result = loaded({**valid, "Jobs": [job], "Repo_Configuration": [REPOSITORY]})

    assert result.problems == ()
    assert environment(result).jobs[0].settings["tasks"][0]["notebook_task"] == notebook


@pytest.mark.parametrize("spelled", ["gitHub", "github", "Github", "GITHUB"])
def test_git_providers(loaded: Load, valid: dict[str, Any], spelled: str) -> None:
    content = {
        **valid,
        "Git_Configuration": [{"git_username": "x", "git_provider": spelled}],
        "Repo_Configuration": [{**REPOSITORY, "provider": spelled, "branch": "main"}],
    }
    result = loaded(content)

    found = environment(result)
    assert (found.git[0].provider, found.git_folders[0].provider) == ("gitHub", "gitHub")
    assert found.git_folders[0].branch == "main"
    assert len(old(result)) == (0 if spelled == "gitHub" else 2)


def test_azure_devops_is_a_provider(loaded: Load, valid: dict[str, Any]) -> None:
    git = [{"git_username": "x", "git_provider": "azureDevOpsServices"}]

    assert environment(loaded({**valid, "Git_Configuration": git})).git[0].provider == "azureDevOpsServices"


@pytest.mark.parametrize(("token", "code"), [("hunter2", "credential-in-file"), ("<>", "old-form"), ("", "old-form")])
def test_a_personal_access_token(loaded: Load, valid: dict[str, Any], token: str, code: str) -> None:
    git = [{"git_username": "x", "git_provider": "gitHub", "personal_access_token": token}]

    result = loaded({**valid, "Git_Configuration": git})

    assert code in [problem.code for problem in result.problems]
    assert "hunter2" not in str(result.problems)
    assert (result.environment is None) == (token == "hunter2")


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (None, {"ResourceGroup": "rg-old"}),
        ({}, {"ResourceGroup": "rg-old"}),
        ({"Tags": {"a": "b"}}, {"Tags": {"a": "b"}, "ResourceGroup": "rg-old"}),
        ({"ResourceGroup": "rg-old"}, {"ResourceGroup": "rg-old"}),
    ],
)
@pytest.mark.parametrize("indent", [None, 4])
def test_the_resource_group_at_the_top(
    loaded: Load, valid: dict[str, Any], tmp_path: Path, resources: Any, expected: Any, indent: int | None
) -> None:
    content = {**valid, **({} if resources is None else {"Resources": resources}), "ResourceGroupName": "rg-old"}

    result = loaded(json.dumps(content, indent=indent))

    assert environment(result).resources.resource_group == "rg-old"
    fix(tmp_path / "Development.json")
    fixed = json.loads((tmp_path / "Development.json").read_text())
    assert (fixed["Resources"], "ResourceGroupName" in fixed) == (expected, False)


def test_two_resource_groups_are_an_error(loaded: Load, valid: dict[str, Any]) -> None:
    result = loaded({**valid, "Resources": {"ResourceGroup": "rg-new"}, "ResourceGroupName": "rg-old"})

    assert [problem.code for problem in result.problems] == ["unknown-key"]


def test_clusters_keep_their_libraries_and_get_an_access_mode(loaded: Load, valid: dict[str, Any]) -> None:
    ml = {**valid["Clusters"][0], "cluster_name": "ml", "spark_version": "16.4.x-cpu-ml-scala2.12"}
    plain = {**valid["Clusters"][0], "libraries": [{"pypi": {"package": "x==1"}}]}
    for one in (ml, plain):
        del one["data_security_mode"]

    found = environment(loaded({**valid, "Clusters": [ml, plain]})).clusters

    assert found[0].settings["data_security_mode"] == "SINGLE_USER"
    assert found[0].settings["single_user_name"] == "databricks-spn"
    assert found[1].settings["data_security_mode"] == "USER_ISOLATION"
    assert found[1].libraries == ({"pypi": {"package": "x==1"}},)
    assert "libraries" not in found[1].settings


def test_problems_keep_their_place_whatever_is_rewritten_around_them(loaded: Load, filled: str) -> None:
    text = filled.replace('"Location": "uksouth"', '"Location": "UK South"').replace(
        '"git_provider": "gitHub"', '"git_provider": "gitHup"'
    )

    result = loaded(text)

    lines = text.splitlines()
    errors = [problem for problem in result.problems if problem.severity == "error"]
    assert [lines[p.location.line - 1][p.location.column - 1 :].split(",")[0].strip() for p in errors] == [
        '"UK South"',
        '"gitHup"',
    ]


def test_a_message_with_a_second_place_means_the_file_as_it_is(loaded: Load, filled: str) -> None:
    text = filled.replace('"cluster_name": "dbx-sp-cluster2"', '"cluster_name": "dbx-sp-cluster"')

    [problem] = [problem for problem in loaded(text).problems if problem.code == "duplicate-name"]

    line = next(n for n, line in enumerate(text.splitlines(), 1) if '"cluster_name": "dbx-sp-cluster"' in line)
    assert f"at {line}:29" in problem.message


def test_a_key_that_rewriting_makes_double_is_reported(loaded: Load, valid: dict[str, Any]) -> None:
    wheel = {"project": "p", "upload_to_cluster": True, "upload_to_cluster?": False}

    assert "duplicate-key" in [problem.code for problem in loaded({**valid, "WheelFiles": [wheel]}).problems]


def test_a_broken_file_is_not_touched(tmp_path: Path, filled: str) -> None:
    path = tmp_path / "Development.json"
    path.write_text(filled[:-10])

    result = fix(path)

    assert not result.changed
    assert path.read_text() == filled[:-10]
    assert "unclosed" in [problem.code for problem in result.problems]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_comment_anywhere_survives_fixing(tmp_path: Path, filled: str, data: st.DataObject) -> None:
    ends = [
        match.start() for match in re.finditer(r"(?<=[,{\[}\]])", re.sub(r'"[^"]*"', lambda m: "x" * len(m[0]), filled))
    ]
    blanked = re.sub(r"#[^\n]*", lambda m: "#" * len(m[0]), filled)
    place = data.draw(st.sampled_from([end for end in ends if blanked[end - 1] != "#"]))
    text = f"{filled[:place]} /* kept */ {filled[place:]}"
    path = tmp_path / "Development.json"
    path.write_text(text)

    fix(path)

    fixed = path.read_text()
    assert fixed.count("/* kept */") == 1
    assert not any(finding.severity == "error" for finding in parse(fixed).findings)
    assert not fix(path).changed
