"""What a cluster's driver has under this name: the run's context, and dbutils as far as the sandbox plays it.

learn.microsoft.com/azure/databricks/dev-tools/databricks-utils: secrets, widgets, notebook.exit. What else is asked for
is refused by its name.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from types import SimpleNamespace
from typing import Any

TASK: dict[str, Any] = {}


class NotebookExit(Exception):  # noqa: N818 - an end, no error
    """dbutils.notebook.exit was called, with this text."""


def begin(task: dict[str, Any]) -> None:
    TASK.update(task)


class _Part:
    """Of dbutils; what it lacks says so."""

    def __init__(self, name: str, **known: Any) -> None:
        self._name = name
        self.__dict__.update(known)

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(f"the sandbox does not play {self._name}.{name}")


def _secret(scope: str, key: str) -> str:
    """Through the API, as whoever the run runs as: rights are those of the scope."""
    address = f"{TASK['host']}/api/2.0/secrets/get?{urllib.parse.urlencode({'scope': scope, 'key': key})}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {TASK['token']}"})  # noqa: S310
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    try:
        with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310 - https to the workspace
            return base64.b64decode(json.load(answer)["value"]).decode()
    except urllib.error.HTTPError as error:
        said = json.loads(error.read() or b"{}")
        raise PermissionError(f"{said.get('error_code')}: {said.get('message')}") from None


def _widget(name: str, default: str | None = None) -> str:
    values = {**_DEFAULTS, **TASK["widgets"]}
    if name not in values:
        raise ValueError(f"InputWidgetNotDefined: no input widget named {name} is defined")
    return str(values[name])


_DEFAULTS: dict[str, str] = {}


def _text(name: str, default: str = "", label: str = "") -> None:
    _DEFAULTS.setdefault(name, default)


def _exit(value: object = "") -> None:
    raise NotebookExit(str(value))


def _task_value(taskKey: str, key: str, default: Any = None, debugValue: Any = None) -> Any:  # noqa: N803 - theirs
    raise NotImplementedError("the sandbox does not hand values from task to task")


DBUTILS = _Part(
    "dbutils",
    secrets=_Part("dbutils.secrets", get=_secret),
    widgets=_Part("dbutils.widgets", get=_widget, text=_text),
    notebook=_Part("dbutils.notebook", exit=_exit),
    jobs=SimpleNamespace(taskValues=_Part("dbutils.jobs.taskValues", get=_task_value)),
)
