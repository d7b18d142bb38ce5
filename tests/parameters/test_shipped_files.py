from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dbxwizard.parameters import (
    blanks,
    check_roles,
    find_files,
    fix,
    load,
    load_all,
    roles_in_use,
    set_values,
    validate,
)
from dbxwizard.parameters import model as models
from dbxwizard.parameters.catalog import standard_roles
from dbxwizard.parameters.fields import ENVIRONMENT
from dbxwizard.parameters.json_schema import as_text, schema
from dbxwizard.parameters.nodes import to_value
from dbxwizard.parameters.problems import CODES
from dbxwizard.parameters.shapes import Field, ListOf, MapOf, Record, Shape
from dbxwizard.parameters.syntax import parse

ROOT = Path(__file__).parents[2]
NAMES = ("Development", "UAT", "PreProduction", "Production")
FILES = [ROOT / "environments" / f"{name}.json" for name in NAMES]
OBJECT_ID = "77777777-0000-4000-8000-000000000000"


def plain(path: Path) -> Any:
    root = parse(path.read_text()).root
    assert root is not None
    return to_value(root)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as `init` writes it, as far as the files look at it."""
    (tmp_path / "environments").mkdir()
    for path in FILES:
        (tmp_path / "environments" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "environments" / "schema.json").write_text("{}")
    script = tmp_path / "framework" / "examples" / "remote_analysis.py"
    script.parent.mkdir(parents=True)
    script.touch()
    (tmp_path / "framework" / "pyproject.toml").touch()
    return tmp_path


def fill(path: Path) -> None:
    """What setup does."""
    values = {
        "subscription-id": "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        "repository-url": "https://github.com/contoso/data",
        "git-username": "octocat",
        "principal": OBJECT_ID,
    }
    set_values(path, {blank.pointer: values[blank.fill] for blank in blanks(load(path))})


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_only_what_setup_fills_in_is_missing(project: Path, path: Path) -> None:
    problems = load(project / "environments" / path.name).problems

    assert [(problem.code, problem.message.split('"')[1]) for problem in problems] == [
        ("placeholder", "SubscriptionId"),
        ("placeholder", "git_username"),
        ("placeholder", "url"),
    ]
    assert all("run dbxwizard setup" in problem.fix for problem in problems)


def test_after_setup_all_four_are_valid_in_a_pipeline_too(project: Path) -> None:
    for path in find_files(project):
        before = path.read_text().splitlines()
        fill(path)
        changed = [line for old, line in zip(before, path.read_text().splitlines(), strict=True) if old != line]
        assert all(re.search(r"0a1b2c3d|contoso|octocat|77777777", line) for line in changed)

    result = load_all(project, ci=True)

    assert result.problems == ()
    assert [environment.name for environment in result.environments] == list(NAMES)
    assert {environment.root for environment in result.environments} == {project}


def test_the_four_differ_where_they_should(project: Path) -> None:
    drafts = [file.draft for file in load_all(project).files]
    environments = [draft for draft in drafts if draft is not None]

    assert len(environments) == 4
    assert [one.resources.key_vault.purge_protection for one in environments] == [False, False, True, True]
    assert len({one.resources.resource_group for one in environments}) == 4
    most = [one.clusters[0].settings["autoscale"]["max_workers"] for one in environments]
    assert most == sorted(set(most))
    for one in environments:
        assert {cluster.settings["spark_version"] for cluster in one.clusters} == {"17.3.x-scala2.13"}
        assert all("data_security_mode" in cluster.settings for cluster in one.clusters)
        assert {assignment.principal for assignment in one.role_assignments} == {"databricks-spn", "me"}
        assert one.wheels[0].project == "framework"
        assert one.jobs[0].settings["tasks"][0]["notebook_task"]["source"] == "GIT"


def test_their_roles_are_those_the_deployer_may_give(project: Path) -> None:
    files = load_all(project).files

    assert roles_in_use(file.draft for file in files if file.draft) == standard_roles()
    assert [problem for file in files for problem in check_roles(file)] == []


def test_a_role_of_a_file_counts_as_in_use(project: Path) -> None:
    path = project / "environments" / "UAT.json"
    set_values(path, {"/RBAC_Assignments/0/roles/3": "Cost Management Reader"})
    draft = load(path).draft
    assert draft is not None

    assert roles_in_use([draft]) - standard_roles() == {"Cost Management Reader"}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_they_are_in_the_current_form(path: Path) -> None:
    raw = path.read_bytes()

    assert not fix(path).changed
    assert path.read_bytes() == raw


def test_the_committed_schema_is_the_generated_one() -> None:
    assert (ROOT / "environments" / "schema.json").read_text() == as_text()


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_the_schema_accepts_the_files(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())

    assert [error.message for error in validator.iter_errors(plain(path))] == []
    assert plain(path)["$schema"] == "./schema.json"


def test_the_schema_accepts_the_accelerators_file_once_it_is_fixed(tmp_path: Path, accelerator: str) -> None:
    path = tmp_path / "Development.json"
    path.write_text(accelerator)
    fix(path)

    jsonschema.validate(plain(path), schema(), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"Locaton": "x"}, "Locaton"),
        ({"SubscriptionId": "1234"}, "1234"),
        ({"Resources": {"KeyVault": {"SoftDeleteRetentionDays": 5}}}, "minimum"),
        ({"Clusters": [{"cluster_name": "x"}]}, "required"),
        ({"Access": [{"Principal": "somebody"}]}, "somebody"),
    ],
)
def test_the_schema_refuses_what_validate_refuses(valid: dict[str, Any], change: dict[str, Any], word: str) -> None:
    validator = jsonschema.Draft202012Validator(schema())

    assert list(validator.iter_errors(valid)) == []
    assert any(word in error.message for error in validator.iter_errors({**valid, **change}))


def fields_of(shape: Shape) -> list[tuple[Record, Field]]:
    match shape:
        case ListOf():
            return fields_of(shape.item)
        case MapOf():
            return fields_of(shape.value)
        case Record():
            own = [(shape, one) for one in shape.fields]
            return own + [pair for one in shape.fields for pair in fields_of(one.shape)]
    return []


def test_defaults_of_the_declaration_and_the_model_agree() -> None:
    compared = 0
    for record, one in fields_of(ENVIRONMENT):
        if not one.attribute or not record.model or one.default in ({}, None) or record.model == "Resources":
            continue
        declared = next(f for f in dataclasses.fields(getattr(models, record.model)) if f.name == one.attribute)
        if declared.default is not dataclasses.MISSING:
            expected = tuple(one.default) if isinstance(one.default, list) else one.default
            assert declared.default == expected, (record.model, one.name)
            compared += 1
    assert compared > 20


def test_files_come_in_the_order_of_promotion(tmp_path: Path) -> None:
    folder = tmp_path / "environments"
    folder.mkdir()
    for name in ("zeta", "Production", "alpha", "UAT", "schema", "Development", "PreProduction"):
        (folder / f"{name}.json").write_text("{}")
    (folder / "notes.txt").touch()

    expected = ["Development", "UAT", "PreProduction", "Production", "alpha", "zeta"]

    assert [path.stem for path in find_files(tmp_path)] == expected
    assert [path.stem for path in find_files(folder)] == expected


@pytest.mark.parametrize(
    ("file", "name"),
    [("UAT.json", "UAT"), ("my env (2).json", "my-env-2"), ("ü.json", "environment"), ("x" * 60, "x" * 40)],
)
def test_any_file_name_names_an_environment(tmp_path: Path, valid: dict[str, Any], file: str, name: str) -> None:
    path = tmp_path / file
    path.write_text(json.dumps(valid))

    environment = load(path).environment

    assert environment is not None
    assert (environment.name, environment.resources.resource_group) == (name, f"rg-dbx-{name.lower()}")


def test_paths_start_where_the_file_belongs(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    params = tmp_path / ".github" / "workflows" / "Pipeline_Param"
    params.mkdir(parents=True)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "setup.py").touch()
    path = params / "Development.json"
    path.write_text(
        '{"SubscriptionId": "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "Location": "uksouth",'
        ' "WheelFiles": [{"setup_py_file_path": "lib/setup.py"}]}'
    )

    result = load(path)

    assert {problem.code for problem in result.problems} == {"old-form"}
    assert result.environment is not None
    assert result.environment.root == tmp_path


def test_the_documentation_has_every_code_and_key() -> None:
    text = (ROOT / "docs" / "parameter-file.md").read_text()

    assert [code for code in CODES if f"| `{code}` | {CODES[code]} |" not in text] == []
    assert [one.name for one in ENVIRONMENT.fields if f"`{one.name}`" not in text] == []


def test_the_examples_of_the_documentation_are_valid(project: Path) -> None:
    text = (ROOT / "docs" / "parameter-file.md").read_text()
    examples = re.findall(r"```jsonc\n(.*?)```", text, re.DOTALL)
    path = project / "environments" / "Development.json"
    fill(path)
    base = plain(path)

    assert len(examples) >= 5
    for example in examples:
        root = parse("{" + example + "}").root
        assert root is not None
        (project / "environments" / "Example.json").write_text(json.dumps({**base, **to_value(root)}))
        problems = validate([project / "environments" / "Example.json"])
        assert [str(problem) for problem in problems if problem.severity == "error"] == [], example


def test_reading_files_loads_nothing_but_the_standard_library_and_the_core() -> None:
    code = (
        "import sys; from dbxwizard.parameters import validate; validate(sys.argv[1]);"
        "print([n for n in sys.modules if n.startswith(('dbxwizard.', 'textual', 'azure', 'databricks', 'jsonschema'))"
        " and not n.startswith(('dbxwizard.parameters', 'dbxwizard.core'))])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(ROOT)], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
