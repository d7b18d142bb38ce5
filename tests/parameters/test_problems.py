"""Every problem code, in a file that shows it: what people do wrong, where it is said to be, that it is said safely."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbxwizard.parameters import Loaded, Problem, blanks, check_roles, fix, load, load_all, validate
from dbxwizard.parameters.problems import CODES, MOST_PROBLEMS

Load = Callable[..., Loaded]
GUID = "99999999-0000-4000-8000-000000000000"


def changed(valid: dict[str, Any], where: str, value: Any) -> dict[str, Any]:
    """The file with one value set (or, for ..., taken out); `where` is a path with dots."""
    content = copy.deepcopy(valid)
    node: Any = content
    *above, last = where.split(".")
    for part in above:
        node = node[int(part)] if part.isdigit() else node.setdefault(part, {})
    if value is ...:
        del node[last]
    else:
        node[int(last) if last.isdigit() else last] = value
    return content


TASK = {"task_key": "one", "cluster_name": "small", "notebook_task": {"notebook_path": "/Shared/x"}}
CLUSTER = {
    "cluster_name": "other",
    "spark_version": "17.3.x-scala2.13",
    "node_type_id": "Standard_D4ds_v5",
    "num_workers": 1,
    "data_security_mode": "USER_ISOLATION",
}
ASSIGNMENT = {"roles": ["Reader"], "principal": "databricks-spn"}

# code, where, the value there, severity, a word of the message or advice
WRONG: list[tuple[str, str, Any, str, str]] = [
    ("wrong-type", "Location", 1, "error", "a text, not a number"),
    ("wrong-type", "Clusters", {}, "error", "a list, not an object"),
    ("wrong-type", "Clusters.0.num_workers", True, "error", "a whole number, not true"),
    ("wrong-type", "Clusters.0.num_workers", 1.5, "error", "not a number"),
    ("wrong-type", "Clusters.0.spark_conf", [], "error", "an object, not a list"),
    ("wrong-type", "Clusters.0.docker_image", "x", "error", "an object, not a text"),
    ("wrong-type", "Resources.KeyVault.PurgeProtection", "true", "error", "true or false, not a text"),
    ("wrong-type", "Resources", None, "error", "not null"),
    ("missing-key", "SubscriptionId", ..., "error", "SubscriptionId"),
    ("missing-key", "Clusters.0.spark_version", ..., "error", "spark_version"),
    ("missing-key", "Clusters.0.node_type_id", ..., "error", "node type"),
    ("unknown-key", "Locaton", "x", "error", 'did you mean "Location"?'),
    ("unknown-key", "Clusters.0.node_type", "x", "error", 'did you mean "node_type_id"?'),
    ("unknown-key", "qqqqqq", 1, "error", "docs/parameter-file.md"),
    ("not-allowed", "Resources.Workspace.Sku", "Premium", "error", 'did you mean "premium"?'),
    ("not-allowed", "Clusters.0.data_security_mode", "SHARED_BY_ALL", "error", "SHARED_BY_ALL"),
    ("out-of-range", "Resources.KeyVault.SoftDeleteRetentionDays", 5, "error", "7 to 90"),
    ("out-of-range", "Clusters.0.autotermination_minutes", 5, "error", "10 to 10000, or 0"),
    ("out-of-range", "Clusters.0.cluster_name", "x" * 101, "error", "100"),
    ("out-of-range", "Jobs.0.tasks", [], "error", "at least one"),
    ("out-of-range", "Resources.Tags", {str(n): "x" for n in range(51)}, "error", "50"),
    ("out-of-range", "Jobs.0.name", " ", "error", "empty"),
    ("invalid-value", "RBAC_Assignments", [{**ASSIGNMENT, "scope": "rg-dbx"}], "error", "/subscriptions/ID"),
    ("invalid-value", "RBAC_Assignments", [{**ASSIGNMENT, "scope": f"/subscriptions/{GUID}//x"}], "error", "single /"),
    ("invalid-guid", "SubscriptionId", "1234", "error", "a GUID"),
    ("invalid-name", "Resources.KeyVault.Name", "kv--x", "error", "24"),
    ("invalid-name", "Resources.Storage.Name", "Lake", "error", "small letters"),
    ("invalid-name", "Resources.ResourceGroup", "rg.", "error", "no . at the end"),
    ("invalid-name", "Resources.Tags", {"a<b": "x"}, "error", "without <"),
    ("invalid-name", "Environment", "my env", "error", "letters, digits"),
    ("invalid-region", "Location", "UK South", "error", 'did you mean "uksouth"?'),
    ("unknown-region", "Location", "uksuoth", "warning", 'did you mean "uksouth"?'),
    ("unknown-region", "Location", "atlantis", "warning", "atlantis"),
    ("invalid-node-type", "Clusters.0.node_type_id", "D4ds_v5", "error", 'did you mean "Standard_D4ds_v5"?'),
    ("unknown-node-type", "Clusters.0.node_type_id", "Standard_D4ds_v55", "warning", "Standard_D4ds_v5"),
    ("invalid-runtime", "Clusters.0.spark_version", "17.3 LTS", "error", "17.3"),
    ("unknown-runtime", "Clusters.0.spark_version", "17.9.x-scala2.13", "warning", "did you mean"),
    ("unknown-runtime", "Clusters.0.spark_version", "17.3.x-scala2.12", "warning", 'did you mean "17.3.x-scala2.13"?'),
    ("end-of-support", "Clusters.0.spark_version", "10.4.x-cpu-ml-scala2.12", "warning", "2025-03-18"),
    (
        "invalid-url",
        "Repo_Configuration",
        [{"url": "git@github.com:a/b", "provider": "gitHub", "path": "p"}],
        "error",
        "https://HOST",
    ),
    ("invalid-ip-range", "Resources.Storage.AllowedIpRanges", ["10.0.0.0/8"], "error", "private"),
    ("invalid-ip-range", "Resources.Storage.AllowedIpRanges", ["8.8.8.1/24"], "error", "host bits"),
    ("invalid-ip-range", "Resources.Storage.AllowedIpRanges", ["8.8.8.8/32"], "error", "without a mask"),
    ("invalid-ip-range", "Resources.Storage.AllowedIpRanges", ["everyone"], "error", "203.0.113.0/24"),
    (
        "invalid-path",
        "Repo_Configuration",
        [{"url": "https://github.com/a/b", "provider": "gitHub", "path": "team/app"}],
        "error",
        "one folder",
    ),
    ("invalid-path", "WheelFiles", [{"project": "../framework"}], "error", "stay in the project"),
    ("invalid-path", "WheelFiles", [{"project": "C:/framework"}], "error", "stay in the project"),
    ("invalid-path", "WheelFiles", [{"project": "src\\framework"}], "error", "backslash"),
    ("invalid-principal", "RBAC_Assignments", [{**ASSIGNMENT, "principal": "a@b.c"}], "error", 'mean "user:a@b.c"?'),
    ("invalid-principal", "RBAC_Assignments", [{**ASSIGNMENT, "principal": "dbx-spn"}], "error", "databricks-spn"),
    ("missing-principal", "RBAC_Assignments", [{**ASSIGNMENT, "principal": None}], "error", "names nobody"),
    ("missing-principal", "RBAC_Assignments", [{**ASSIGNMENT, "principal": ""}], "error", "names nobody"),
    ("placeholder", "SubscriptionId", "<>", "error", "run dbxwizard setup"),
    ("placeholder", "SubscriptionId", "00000000-0000-0000-0000-000000000000", "error", "run dbxwizard setup"),
    ("placeholder", "Resources.KeyVault.Name", "<name>", "error", "write the value"),
    ("conflicting-settings", "Clusters.0.autoscale", {"min_workers": 1, "max_workers": 2}, "error", "autoscale"),
    ("conflicting-settings", "Clusters.0.num_workers", ..., "error", "neither"),
    ("conflicting-settings", "Clusters.0.num_workers", 0, "error", "single node"),
    ("conflicting-settings", "Clusters.0.data_security_mode", "SINGLE_USER", "error", "single_user_name"),
    ("conflicting-settings", "Clusters.0.libraries", [{"whl": "/a", "jar": "/b"}], "error", "exactly one"),
    (
        "conflicting-settings",
        "Resources.Storage",
        {"PublicNetworkAccess": False, "AllowedIpRanges": ["8.8.8.8"]},
        "error",
        "public network",
    ),
    (
        "conflicting-settings",
        "RBAC_Assignments",
        [{**ASSIGNMENT, "principalType": "User"}],
        "error",
        'write "ServicePrincipal"',
    ),
    ("conflicting-settings", "Access", [{"Principal": "group:x", "PrincipalType": "User"}], "error", 'write "Group"'),
    ("conflicting-settings", "Jobs.0.tasks.0.job_cluster_key", "x", "error", "exclude each other"),
    ("conflicting-settings", "Jobs.0.tasks.0.notebook_task", ..., "error", "exactly one thing"),
    (
        "conflicting-settings",
        "Jobs.0.git_source",
        {"git_url": "https://github.com/a/b", "git_provider": "gitHub"},
        "error",
        "exactly one of git_branch",
    ),
    ("unknown-reference", "Jobs.0.tasks.0.cluster_name", "smal", "error", 'did you mean "small"?'),
    ("unknown-reference", "Jobs.0.tasks.0.depends_on", [{"task_key": "two"}], "error", '"two"'),
    ("unknown-reference", "WheelFiles", [{"project": "p", "clusters": ["big"]}], "error", "Clusters"),
    ("unknown-reference", "Access", [{"Principal": "group:x", "Jobs": {"night": "CAN_VIEW"}}], "error", "night"),
    ("unknown-reference", "Access", [{"Principal": "group:x", "Folders": {"f": "CAN_READ"}}], "error", '"f"'),
    ("dependency-cycle", "Jobs.0.tasks.0.depends_on", [{"task_key": "one"}], "error", '"one"'),
    ("duplicate-name", "Clusters", [CLUSTER, CLUSTER, {**CLUSTER, "cluster_name": "small"}], "error", '"other"'),
    ("duplicate-name", "Jobs.0.tasks", [TASK, TASK], "error", "already in"),
    ("duplicate-name", "Resources.Storage.Containers", ["raw", "raw"], "error", '"raw"'),
    ("duplicate-name", "RBAC_Assignments", [ASSIGNMENT, ASSIGNMENT], "warning", '"Reader"'),
    ("path-not-found", "WheelFiles", [{"project": "nowhere"}], "warning", '"nowhere"'),
    ("old-form", "ResourceGroupName", "rg", "warning", "ResourceGroup"),
]


@pytest.mark.parametrize(("code", "where", "value", "severity", "word"), WRONG)
def test_each_wrong_value_is_said(
    loaded: Load, valid: dict[str, Any], code: str, where: str, value: Any, severity: str, word: str
) -> None:
    result = loaded(changed(valid, where, value))

    found = [problem for problem in result.problems if problem.code == code]
    assert len(found) == 1, result.problems
    assert found[0].severity == severity
    assert word in f"{found[0].message}; {found[0].fix}"
    assert found[0].fix
    assert (result.environment is None) == (severity == "error")


def test_a_valid_file_has_no_problem(loaded: Load, valid: dict[str, Any]) -> None:
    result = loaded(valid)

    assert result.problems == ()
    assert result.environment is not None


def test_the_place_is_that_of_the_value(loaded: Load) -> None:
    text = '{\n  "SubscriptionId": "1f8cbbe3-0000-4000-8000-000000000000",\n\n  # where\n  "Location": "UK South"\n}'

    [problem] = loaded(text).problems

    assert (problem.location.line, problem.location.column) == (5, 15)
    assert str(problem).startswith(f"{problem.location.file}:5:15: invalid-region: ")
    assert str(problem).endswith('; did you mean "uksouth"?')


def test_everything_is_said_at_once_in_order_of_place(loaded: Load, valid: dict[str, Any]) -> None:
    content = changed(valid, "Location", "UK South")
    content = changed(content, "Clusters.0.node_type_id", "D3")
    content = changed(content, "Jobs.0.tasks.0.cluster_name", "none")

    problems = loaded(content).problems

    assert [problem.code for problem in problems] == ["invalid-region", "invalid-node-type", "unknown-reference"]
    assert [problem.location.line for problem in problems] == sorted(problem.location.line for problem in problems)


def test_a_wrong_value_hides_no_other_problem(loaded: Load, valid: dict[str, Any]) -> None:
    text = json.dumps(changed(valid, "Clusters.0.node_type_id", "D3"), indent=1).replace('"uksouth"', "uksouth")

    assert [problem.code for problem in loaded(text).problems] == ["invalid-literal", "invalid-node-type"]


def test_the_list_is_bounded(loaded: Load) -> None:
    problems = loaded({f"key{number}": 1 for number in range(2 * MOST_PROBLEMS)}).problems

    assert len(problems) == MOST_PROBLEMS + 1
    assert "too-many-problems" in [problem.code for problem in problems]


def test_a_cycle_of_several_tasks_is_found_and_a_diamond_is_none(loaded: Load, valid: dict[str, Any]) -> None:
    def tasks(**needs: str) -> list[dict[str, Any]]:
        return [
            {**TASK, "task_key": key, "depends_on": [{"task_key": one} for one in needed.split()]}
            for key, needed in needs.items()
        ]

    cycle = loaded(changed(valid, "Jobs.0.tasks", tasks(a="", b="a d", c="b", d="c"))).problems
    diamond = loaded(changed(valid, "Jobs.0.tasks", tasks(a="", b="a", c="a", d="b c"))).problems

    assert [problem.code for problem in cycle] == ["dependency-cycle"]
    assert '"b", "c", "d"' in cycle[0].message
    assert diamond == ()


@pytest.mark.parametrize(
    ("name", "content", "code", "place"),
    [
        ("binary.json", bytes(range(256)), "not-text", (1, 129)),
        ("latin.json", b'{\n "a": "\xe9"}', "not-text", (2, 8)),
        ("utf16.json", b"\xff\xfe{", "not-text", (1, 1)),
        ("huge.json", b" " * 4_000_001, "file-too-large", (1, 1)),
        ("nul.json", b"\0" * 10, "invalid-literal", (1, 1)),
    ],
)
def test_bytes_that_are_no_json_end_in_a_problem(
    loaded: Load, name: str, content: bytes, code: str, place: tuple[int, int]
) -> None:
    result = loaded(content, name)

    assert result.environment is None
    assert code in [problem.code for problem in result.problems]
    first = result.problems[0].location
    # 0x00 to 0x7f are UTF-8; the line feed among them starts line 2
    assert (first.line, first.column) == (place if name != "binary.json" else (2, 118))


def test_paths_that_are_no_file_end_in_a_problem(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    cases = {
        tmp_path: "not-a-file",
        tmp_path / "pipe.json": "not-a-file",
        Path("/dev/zero"): "not-a-file",
        tmp_path / "missing.json": "file-not-found",
        tmp_path / "nul\0.json": "file-unreadable",
        tmp_path / ("x" * 5000): "file-unreadable",
    }

    found = {path: load(path).problems[0] for path in cases}

    assert {path: problem.code for path, problem in found.items()} == cases
    assert all((one.location.line, one.location.column) == (1, 1) and one.fix for one in found.values())


def test_a_file_that_may_not_be_read_ends_in_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "locked.json"
    path.write_text("{}")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)

    assert [problem.code for problem in load(path).problems] == ["file-unreadable"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.text().map(str.encode), st.sampled_from([b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]))
def test_no_bytes_raise(tmp_path: Path, raw: bytes, mark: bytes) -> None:
    path = tmp_path / "Any.json"
    path.write_bytes(mark + raw)

    result = load(path)

    assert result.problems
    assert result.environment is None
    assert blanks(result) == ()


NAMES = """
SubscriptionId Location Resources RBAC_Assignments role roles roleBeneficiaryObjID principal Clusters cluster_name
WheelFiles Cluster Setup_py_File_Path upload_to_cluster? Jobs name settings tasks notebook_task git_branch git_source
existing_cluster_id Git_Configuration personal_access_token Repo_Configuration url provider path SecretScopes Name
Secrets Acls Access Principal ResourceGroupName KeyVault AZURE_DATABRICKS_APP_ID libraries new_cluster job_clusters
"""
KEYS = st.sampled_from(NAMES.split())
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "<>", "x", "gitHub", "github", "me", "setup.py"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(KEYS, ODD, max_size=8), st.sampled_from([None, 2]))
def test_no_value_of_a_known_key_raises_and_fixing_twice_is_fixing_once(
    tmp_path: Path, content: dict[str, Any], indent: int | None
) -> None:
    path = tmp_path / "Odd.json"
    path.write_text(json.dumps(content, indent=indent))

    assert load(path).problems
    fix(path)

    json.loads(path.read_text())
    assert not fix(path).changed
    assert not any(problem.code == "old-form" for problem in load(path).problems)


SECRETS = {
    "GitHub": "ghp_" + "a1B2" * 9,
    "fine-grained": "github_pat_" + "a1B2" * 12,
    "Databricks": "dapi" + "0123456789abcdef" * 2,
    "Entra": "abc8Q~" + "x" * 34,
    "JWT": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.signature",
    "storage": "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=abcdefgh12345678==",
    "signature": "https://x.blob.core.windows.net/c?sv=1&sig=abcdefghijklmnopqrstuv%3D",
    "address": "https://me:hunter2hunter2@github.com/a/b",
}


# A piece of each that is secret in itself.
SECRET_PART = {
    "GitHub": "a1B2a1B2",
    "fine-grained": "a1B2a1B2",
    "Databricks": "01234567",
    "Entra": "xxxxxxxx",
    "JWT": "eyJzdWIi",
    "storage": "abcdefgh",
    "signature": "abcdefgh",
    "address": "hunter2h",
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("where", ["value", "key", "comment", "description", "wrong place"])
def test_a_credential_is_found_and_never_shown(
    loaded: Load, valid: dict[str, Any], tmp_path: Path, kind: str, where: str
) -> None:
    secret = SECRETS[kind]
    content = {
        "value": changed(valid, "Clusters.0.spark_env_vars", {"X": secret}),
        "key": {**valid, secret: 1},
        "comment": valid,
        "description": changed(valid, "Jobs.0.description", f"use {secret} here"),
        "wrong place": changed(valid, "Location", secret),
    }[where]
    text = json.dumps({**content, "ResourceGroupName": "rg"}, indent=1)
    text += f"\n// {secret}" if where == "comment" else ""

    result = loaded(text)
    fixed = fix(tmp_path / "Development.json")

    assert [problem.code for problem in result.problems].count("credential-in-file") == 1
    assert result.environment is None
    assert fixed.changed
    assert SECRET_PART[kind] in secret
    assert SECRET_PART[kind] not in f"{result.problems} {fixed.diff} {fixed.problems}"


@pytest.mark.parametrize(
    "key", ["personal_access_token", "password", "client_secret", "TOKEN", "fs.azure.account.key.x"]
)
def test_a_value_under_a_secret_name_is_found_whatever_it_looks_like(
    loaded: Load, valid: dict[str, Any], tmp_path: Path, key: str
) -> None:
    text = json.dumps(
        {**changed(valid, "Clusters.0.spark_conf", {key: "hunter2"}), "ResourceGroupName": "rg"}, indent=1
    )

    result = loaded(text)

    assert "credential-in-file" in [problem.code for problem in result.problems]
    assert "hunter2" not in f"{result.problems} {fix(tmp_path / 'Development.json').diff}"


@pytest.mark.parametrize("value", ["{{secrets/scope/key}}", "<>", "", "${TOKEN}"])
def test_a_reference_to_a_secret_is_none(loaded: Load, valid: dict[str, Any], value: str) -> None:
    problems = loaded(changed(valid, "Clusters.0.spark_conf", {"spark.password": value})).problems

    assert "credential-in-file" not in [problem.code for problem in problems]


def test_a_secret_in_a_secret_scope_is_never_shown(loaded: Load, valid: dict[str, Any]) -> None:
    scopes = [{"Name": "s", "Secrets": {"password": "hunter2"}}]

    [problem] = loaded({**valid, "SecretScopes": scopes}).problems

    assert problem.code == "invalid-value"
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("principal", "kind", "code"),
    [
        ("me", "User", "identity-me-in-ci"),
        ("user:someone@example.com", "User", "identity-me-in-ci"),
        ("group:data-readers", "Group", "identity-group-in-ci"),
    ],
)
def test_names_that_setup_resolves_are_errors_only_in_a_pipeline(
    loaded: Load, valid: dict[str, Any], principal: str, kind: str, code: str
) -> None:
    content = {**valid, "RBAC_Assignments": [{**ASSIGNMENT, "principal": principal, "principalType": kind}]}

    assert loaded(content).problems == ()
    assert [problem.code for problem in loaded(content, ci=True).problems] == [code]


def test_roles_outside_the_deployers_condition_are_named_at_their_place(loaded: Load, valid: dict[str, Any]) -> None:
    file = loaded({**valid, "RBAC_Assignments": [{**ASSIGNMENT, "roles": ["reader", "Owner"]}]})

    [problem] = check_roles(file, {"Reader"})

    assert problem.code == "role-not-allowed"
    assert '"Owner"' in problem.message
    assert "run setup again" in problem.fix
    assert problem.location.line == file.document.text.splitlines().index('        "Owner"') + 1


def write_all(folder: Path, *contents: dict[str, Any]) -> list[Path]:
    paths = [folder / f"{name}.json" for name in ("One", "Two", "Three")[: len(contents)]]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(json.dumps(content))
    return paths


@pytest.mark.parametrize(
    ("change", "collide"),
    [
        (("Resources.ResourceGroup", "rg-same"), True),
        (("Resources.KeyVault.Name", "kv-same"), True),
        (("Resources.Storage.Name", "lakesame"), True),
        (("Resources.Workspace.ManagedResourceGroup", "rg-managed"), True),
        (("Resources.Workspace.Name", "dbx-same"), False),
    ],
)
def test_two_environments_that_would_make_the_same_resource(
    tmp_path: Path, valid: dict[str, Any], change: tuple[str, str], collide: bool
) -> None:
    paths = write_all(tmp_path, changed(valid, *change), changed(valid, *change))

    problems = validate(paths)

    assert [problem.code for problem in problems] == (["environments-collide"] if collide else [])
    assert all(problem.location.file == str(paths[1]) and "One.json" in problem.message for problem in problems)


def test_the_same_group_in_another_subscription_is_no_collision(tmp_path: Path, valid: dict[str, Any]) -> None:
    same = changed(valid, "Resources.ResourceGroup", "rg-same")

    assert validate(write_all(tmp_path, same, {**same, "SubscriptionId": GUID})) == ()


def test_two_files_of_one_environment(tmp_path: Path, valid: dict[str, Any]) -> None:
    named = {**valid, "Environment": "Test"}

    result = load_all(write_all(tmp_path, named, {**valid, "Environment": "TEST"}, valid))

    assert [problem.code for problem in result.problems] == ["duplicate-environment"]
    assert [environment.name for environment in result.environments] == ["Test", "Three"]


def test_a_folder_without_files(tmp_path: Path) -> None:
    assert [problem.code for problem in validate(tmp_path)] == ["no-files"]
    assert [problem.code for problem in validate(tmp_path / "missing")] == ["no-files"]
    assert [problem.code for problem in validate([])] == ["no-files"]


def test_a_problem_is_rendered_on_one_line(loaded: Load, valid: dict[str, Any]) -> None:
    problems: tuple[Problem, ...] = loaded({**valid, "a\nb\x1b[31m": 1}).problems

    assert "\n" not in str(problems[0])
    assert "\x1b" not in str(problems[0])


def test_every_code_has_a_test() -> None:
    here = Path(__file__).parent
    tested = "".join(path.read_text() for path in here.glob("test_*.py"))

    assert [code for code in CODES if f'"{code}"' not in tested] == []
