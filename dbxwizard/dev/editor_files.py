"""Files for VS Code: settings, recommended extensions, the workspace of the accelerator, the dev container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dbxwizard.dev.changes import FileChange, existing, exists
from dbxwizard.dev.json_files import How, Wish, json_change
from dbxwizard.parameters.model import JsonValue
from dbxwizard.parameters.nodes import Object, to_value
from dbxwizard.parameters.syntax import parse

DOCKERFILE = ".devcontainer/Dockerfile"
_EXTENSIONS = ("ms-python.python", "ms-toolsai.jupyter", "databricks.databricks")
_OUTSIDE = "ms-vscode-remote.remote-containers"  # of no use within the container
_SETTINGS = (
    # A folder is allowed, and right on every system.
    Wish(("python.defaultInterpreterPath",), "${workspaceFolder}/.venv"),
    Wish(("python.envFile",), "${workspaceFolder}/.env"),
    Wish(("databricks.python.envFile",), "${workspaceFolder}/.env"),
    Wish(("python.terminal.useEnvFile",), True, How.OFFER),
    Wish(("python.analysis.extraPaths",), ["framework/src"], How.INCLUDE),
    Wish(("python.testing.pytestEnabled",), True, How.OFFER),
    Wish(("python.testing.cwd",), "${workspaceFolder}/framework", How.OFFER),
    Wish(("jupyter.notebookFileRoot",), "${workspaceFolder}", How.OFFER),
)
_VENV_VOLUME = "source=dbxwizard-venv-${devcontainerId},target=${containerWorkspaceFolder}/.venv,type=volume"
# The packages of the lock are in the image; .venv sees them there, so the settings are the same inside and outside.
_AFTER = (
    "sudo chown vscode .venv && python -m venv --clear --system-site-packages .venv && "
    ".venv/bin/python -m pip install --no-deps --no-build-isolation --editable framework"
)


def editor_changes(root: Path, python: str) -> Iterator[FileChange]:
    """`python`: the minor version of the container's Python. Raises UsageError for files that are no JSON."""
    for name, wishes, why in (
        (".vscode/settings.json", _SETTINGS, "interpreter, .env and tests of the framework"),
        (".vscode/extensions.json", _recommended(root), "extensions for Python, notebooks and Databricks"),
        ("workspace.code-workspace", _workspace(), "the folder as a workspace"),
        (".devcontainer/devcontainer.json", _container(root, python), f"a container with Python {python}"),
    ):
        change = json_change(existing(root / name), name, wishes, why)
        if change:
            yield change
    dockerfile = existing(root / DOCKERFILE)
    if not exists(dockerfile):
        yield FileChange(dockerfile, DOCKERFILE, dockerfile_text(), yours=False, why="the image of the container")


def own_dockerfile(root: Path) -> bool:
    """Whether the project has one that dev setup did not write; it stays as it is."""
    document = existing(root / DOCKERFILE)
    return exists(document) and document.text.replace("\r\n", "\n") != dockerfile_text()


def dockerfile_text() -> str:
    return (Path(__file__).parent / "data" / "Dockerfile").read_text("utf-8")


def _recommended(root: Path) -> tuple[Wish, ...]:
    """Without those that the project says nobody wants."""
    document = existing(root / ".vscode/extensions.json")
    found = parse(document.text).root
    unwanted = to_value(found).get("unwantedRecommendations", []) if isinstance(found, Object) else []
    names: list[JsonValue] = [one for one in (*_EXTENSIONS, _OUTSIDE) if one not in unwanted]
    return (Wish(("recommendations",), names, How.INCLUDE),)


def _workspace() -> tuple[Wish, ...]:
    return (Wish(("folders",), [{"path": "."}], How.INCLUDE), Wish(("settings",), {}, How.OFFER))


def _container(root: Path, python: str) -> tuple[Wish, ...]:
    """containers.dev/implementors/json_reference; each key that people may want otherwise stays as they have it."""
    features = ("common-utils:2", "azure-cli:1", "github-cli:1")
    user: dict[str, JsonValue] = {"username": "vscode"}
    return (
        Wish(("name",), f"{root.resolve().name}, as the cluster's runtime", How.OFFER),
        Wish(("build", "dockerfile"), "Dockerfile", How.OFFER),
        Wish(("build", "args", "PYTHON"), python),
        *(
            Wish(("features", f"ghcr.io/devcontainers/features/{one}"), user if one == features[0] else {}, How.OFFER)
            for one in features
        ),
        Wish(("remoteUser",), "vscode", How.OFFER),
        Wish(("mounts",), [_VENV_VOLUME], How.INCLUDE),
        Wish(("postCreateCommand",), _AFTER, How.OFFER),
        Wish(("customizations", "vscode", "extensions"), list(_EXTENSIONS), How.INCLUDE),
    )
