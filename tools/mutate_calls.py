"""Takes away each call of a screen to the backend, one at a time, and runs the tests that make it: one has to fail.

    python -m tools.mutate_calls [WORD…] [--tests PATH…] [--patience SECONDS]

All calls, or those whose name has one of the words, with all tests of the screens and the editor, or with these.

The first part runs the tests as they are and notes which of them makes which call. The second leaves out one call after
the other, as if its button did nothing, and runs those that make it, the quickest first, until one fails that passes
again with the call. Some ten minutes on an idle machine.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import pytest
from _pytest.runner import runtestprotocol
from textual.worker import NoActiveWorker, get_current_worker

from dbxwizard.backend import client

ROOT = Path(__file__).parent.parent
PATIENCE = 30.0  # seconds that a test waits for what never comes
# Ends a test that waits in another way than by `until`.
_AT_MOST = ("--timeout=300", "--timeout-method=signal", "-o", "timeout_func_only=true")
# Pictures are left out: a test has to tell what is missing by what the program came to.
_TESTS = ("tests/screens", "tests/editor", "--ignore-glob=*pictures.py")


def calls_of_the_source() -> set[str]:
    """Each call of an operation, as `module:function operation`."""
    files = [*(ROOT / "screens").rglob("*.py"), ROOT / "dbxwizard" / "app.py"]
    return {call for path in files for call in _calls(_module(path), ast.parse(path.read_text("utf-8")))}


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts if parts[0] == "dbxwizard" else ("dbxwizard", *parts))


def _calls(module: str, node: ast.AST, within: str = "") -> Iterator[str]:
    """`within` is what Python calls the qualified name of the function."""
    for child in ast.iter_child_nodes(node):
        inner = within
        if isinstance(child, ast.ClassDef):
            inner = f"{within}{child.name}."
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = f"{within}{child.name}.<locals>."
        elif isinstance(child, ast.Lambda):
            inner = f"{within}<lambda>.<locals>."
        match child:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="ask"), attr=operation)):
                yield _named(module, within.removesuffix(".<locals>."), operation)
        yield from _calls(module, child, inner)


def _named(module: str, function: str, operation: str) -> str:
    return f"{module.removeprefix('dbxwizard.')}:{function} {operation}"


@dataclass
class Watch:
    """Stands between the screens and the backend. `without`: the call that is left out; `made`: what was called."""

    without: str = ""
    made: set[str] = field(default_factory=set)

    def operation(self, remote: Any, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            name = _caller(sys._getframe(1), operation)
            self.made.add(name)
            return _nothing() if name and name == self.without else remote._backend.call(operation, **arguments)

        return call


def _caller(frame: FrameType, operation: str) -> str:
    """ "" where a test asks, and no screen."""
    module = str(frame.f_globals["__name__"])
    ours = module == "dbxwizard.app" or module.startswith("dbxwizard.screens.")
    return _named(module, frame.f_code.co_qualname, operation) if ours else ""


async def _nothing() -> None:
    """As if nobody had asked: the worker that would go on with an answer ends."""
    try:
        get_current_worker()
    except NoActiveWorker:
        return
    raise asyncio.CancelledError


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Mutants:
    """The plugin. `wanted`: the calls that are left out, one after the other."""

    wanted: Set[str]
    watch: Watch = field(default_factory=Watch)
    makers: dict[str, list[pytest.Item]] = field(default_factory=dict)
    killers: dict[str, str] = field(default_factory=dict)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        def operation(remote: object, name: str) -> Callable[..., Any]:
            return self.watch.operation(remote, name)

        with mock.patch.object(client._Remote, "__getattr__", operation):
            self._record(session.items)
            for call in sorted(self.wanted):
                self._leave_out(call, session.items)
        return True

    def _record(self, items: Sequence[pytest.Item]) -> None:
        quick: list[tuple[float, pytest.Item, set[str]]] = []
        for place, item in enumerate(items):
            self.watch.made = set()
            seconds, why = _run(item, items[(place + 1) % len(items)])
            print(f"{seconds:6.1f} s  {item.nodeid}  {why}", flush=True)
            if not why:
                quick.append((seconds, item, self.watch.made))
        for _, item, made in sorted(quick, key=lambda one: one[0]):
            for call in made - {""}:
                self.makers.setdefault(call, []).append(item)

    def _leave_out(self, call: str, items: Sequence[pytest.Item]) -> None:
        makers = self.makers.get(call, [])
        for item in makers:
            other = next(one for one in items if one is not item)
            self.watch.without = call
            why = _run(item, other)[1]
            self.watch.without = ""
            anyway = _run(item, other)[1] if why else ""
            if why and not anyway:  # it fails for this reason alone
                self.killers[call] = item.nodeid
                print(f"killed    {call}\n          by {item.nodeid}: {why}", flush=True)
                return
            if anyway:
                print(f"          with {call} fails too {item.nodeid}: {anyway}", flush=True)
        print(f"SURVIVED  {call}: {len(makers)} tests make it", flush=True)


def _run(item: pytest.Item, following: pytest.Item) -> tuple[float, str]:
    """How long the test took, and why it failed, "" where it passed."""
    item.session._setupstate.teardown_exact(item)  # what the one before has left for another than this
    item._initrequest()  # type: ignore[attr-defined]  # so that it can be run more than once
    reports = runtestprotocol(item, log=False, nextitem=following)
    why = next((one.longreprtext.splitlines()[-1:] or ["failed"] for one in reports if one.failed), [""])[0]
    return sum(one.duration for one in reports), why


def main() -> int:
    from tests.screens import pilots

    parser = argparse.ArgumentParser(description="Takes away each call of a screen to the backend: a test has to fail.")
    parser.add_argument("words", nargs="*", metavar="WORD", help="calls whose name has one of these; none: all")
    parser.add_argument("--tests", nargs="+", metavar="PATH", default=_TESTS, help="which tests are run")
    parser.add_argument("--patience", type=float, default=PATIENCE, metavar="SECONDS", help="for what never comes")
    asked = parser.parse_args()
    pilots.PATIENCE = asked.patience
    mutants = Mutants({one for one in calls_of_the_source() if _named_by(asked.words, one)})
    pytest.main(["-q", "-p", "no:cacheprovider", *_AT_MOST, *asked.tests], plugins=[mutants])
    survivors = mutants.wanted - mutants.killers.keys()
    print(f"{len(mutants.killers)} killed, {len(survivors)} survived")
    return 1 if survivors else 0


def _named_by(words: Sequence[str], call: str) -> bool:
    return not words or any(word in call for word in words)


if __name__ == "__main__":
    sys.exit(main())
