"""`dbxwizard dev sync` between a folder and the workspace of a deployed environment."""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.dev.notebooks import FILE, Form, form_of
from dbxwizard.dev.own_files import MAX_BYTES
from dbxwizard.dev.sync_plan import Agreed, Move, Version, decide
from dbxwizard.dev.syncing import digest, read_journal
from dbxwizard.sandbox.faults import Fault, add
from tests.dev.desk import ADA, content, dev, objects, sleeping
from tests.roads import Outcome, Road

HOME = f"/Users/{ADA}"
NOTEBOOK = "# Databricks notebook source\nprint(1)\n"


class Desk:
    """A folder of a developer, and its twin in the workspace."""

    def __init__(self, road: Road) -> None:
        self.road, self.folder = road, road.folder / "work"
        self.folder.mkdir()

    def sync(self, *words: str, form: str = "json") -> Outcome:
        return dev(self.road, "sync", str(self.folder), *words, form=form)

    def done(self) -> dict[str, object]:
        """What a sync has done, as far as it has done something."""
        ended = self.sync()
        assert ended.code == 0, ended.out + ended.err
        names = ("pushed", "pulled", "deleted_in_workspace", "deleted_here", "conflicts", "left_out")
        return {name: ended.report[name] for name in names if ended.report[name]}

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def here(self) -> dict[str, str]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_text("utf-8") for path in files}

    def there(self) -> dict[str, str]:
        """Files and notebooks in the workspace."""
        place = f"{HOME}/work/"
        found = {path: body for path, body in objects(self.road, "object").items() if path.startswith(place)}
        return {
            path.removeprefix(place): content(self.road, path).decode()
            for path, body in found.items()
            if body["object_type"] != "DIRECTORY"
        }

    def change_there(self, name: str, text: str) -> None:
        """As somebody in the workspace's editor."""
        with self.road.change() as store:
            [(key, body)] = [one for one in store.find("databricks.object") if one[0].endswith(f"{HOME}/work/{name}")]
            times = {"modified_at": body["modified_at"] + 1000} if "modified_at" in body else {}
            store.put("databricks.object", key, {**body, "content": base64.b64encode(text.encode()).decode(), **times})

    def delete_there(self, name: str) -> None:
        with self.road.change() as store:
            for key, _ in list(store.find("databricks.object")):
                if f"{HOME}/work{name}" in key:
                    store.delete("databricks.object", key)


@pytest.fixture
def desk(deployed: Road) -> Desk:
    return Desk(deployed)


def test_changes_and_deletions_go_both_ways(desk: Desk) -> None:
    desk.write({"a.txt": "a", "deep/er/b.py": "b = 1\n", "note.py": NOTEBOOK, "gone.txt": "gone"})
    assert desk.done() == {"pushed": ["a.txt", "deep/er/b.py", "gone.txt", "note.py"]}
    assert desk.there() == {"a.txt": "a", "deep/er/b.py": "b = 1\n", "note": NOTEBOOK, "gone.txt": "gone"}
    assert objects(desk.road, "object")[f"{HOME}/work/note"]["object_type"] == "NOTEBOOK"
    assert desk.sync().report["status"] == "unchanged"

    desk.change_there("deep/er/b.py", "b = 2\n")
    desk.change_there("note", NOTEBOOK.rstrip() + "2")  # the service takes the last line's end
    desk.write({"a.txt": "a2"})
    (desk.folder / "gone.txt").unlink()
    assert desk.done() == {
        "pushed": ["a.txt"],
        "pulled": ["deep/er/b.py", "note.py"],
        "deleted_in_workspace": ["gone.txt"],
    }
    same = {"a.txt": "a2", "deep/er/b.py": "b = 2\n"}
    assert desk.here() == {**same, "note.py": f"{NOTEBOOK.rstrip()}2\n"}
    assert desk.there() == {**same, "note": f"{NOTEBOOK.rstrip()}2"}

    desk.delete_there("/deep/er/b.py")
    assert desk.done() == {"deleted_here": ["deep/er/b.py"]}
    assert not (desk.folder / "deep").exists()
    assert desk.done() == {}


def test_of_a_conflict_both_versions_stay_on_both_sides(desk: Desk) -> None:
    desk.write({"both.py": "0\n", "mine.py": "0\n", "theirs.py": "0\n", "same.py": "0\n"})
    assert desk.sync().code == 0
    desk.write({"both.py": "here\n", "mine.py": "kept\n", "same.py": "1\n"})
    desk.change_there("both.py", "there\n")
    desk.change_there("same.py", "1\n")
    desk.change_there("theirs.py", "kept\n")
    desk.delete_there("/mine.py")
    (desk.folder / "theirs.py").unlink()
    done = desk.done()
    assert isinstance(done["conflicts"], dict)
    [(path, kept)] = done["conflicts"].items()
    assert (path, done["pushed"], done["pulled"]) == ("both.py", ["mine.py"], ["theirs.py"])
    files = {"both.py": "here\n", kept: "there\n", "mine.py": "kept\n", "theirs.py": "kept\n", "same.py": "1\n"}
    assert desk.here() == desk.there() == files
    assert desk.done() == {}


def test_what_git_ignores_stays_where_it_is_on_both_sides(desk: Desk) -> None:
    desk.write({".gitignore": "*.log\nbuild/\n", "a.log": "a", "build/b": "b", ".env": "TOKEN=1", "c.txt": "c"})
    (desk.folder / "link.txt").symlink_to(desk.folder / "c.txt")
    assert desk.done() == {"pushed": [".gitignore", "c.txt"]}
    assert set(desk.there()) == {".gitignore", "c.txt"}
    desk.write({".gitignore": "*.log\nbuild/\nc.txt\n"})  # now ignored: it stays on both sides
    assert desk.done() == {"pushed": [".gitignore"]}
    assert {"a.log", "build/b", ".env", "c.txt"} <= set(desk.here())
    assert "c.txt" in desk.there()
    subprocess.run(["git", "init", "--quiet"], cwd=desk.folder, check=True)
    subprocess.run(["git", "add", "--force", "a.log"], cwd=desk.folder, check=True)
    assert desk.done() == {"pushed": ["a.log"]}  # tracked is not ignored


def test_a_jupyter_notebook_keeps_its_outputs_here(desk: Desk) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# A title"]},
        {
            "cell_type": "code",
            "metadata": {},
            "source": ["print(1)\n", "print(2)"],
            "outputs": ["x"],
            "execution_count": 3,
        },
    ]
    model = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    desk.write({"j.ipynb": json.dumps(model)})
    assert desk.done() == {"pushed": ["j.ipynb"]}
    assert objects(desk.road, "object")[f"{HOME}/work/j"]["object_type"] == "NOTEBOOK"
    assert desk.done() == {}
    desk.change_there("j", content(desk.road, f"{HOME}/work/j").decode().replace("print(2)", "print(3)"))
    assert desk.done() == {"pulled": ["j.ipynb"]}
    assert json.loads(desk.here()["j.ipynb"])["cells"][1]["source"][1] == "print(3)"
    assert desk.done() == {}


def test_a_file_becomes_a_notebook_and_is_one_there(desk: Desk) -> None:
    desk.write({"n.py": "print(1)\n"})
    assert desk.sync().code == 0
    desk.write({"n.py": NOTEBOOK})
    assert desk.done() == {"pushed": ["n.py"]}
    assert desk.there() == {"n": NOTEBOOK}
    assert desk.done() == {}


def test_what_the_workspace_does_not_take_is_said_and_left_out(desk: Desk) -> None:
    desk.write({"big.bin": "x" * (MAX_BYTES + 1), "n.py": NOTEBOOK, "n.sql": "-- Databricks notebook source\n"})
    ended = desk.sync(form="text")
    assert ended.code == 0
    assert f"left out: big.bin: {MAX_BYTES + 1} bytes; a workspace takes at most {MAX_BYTES}" in ended.out
    assert "left out: n.sql: in the workspace it would be called n, as n.py is" in ended.out
    assert set(desk.there()) == {"n"}


def test_a_side_that_has_vanished_deletes_nothing(desk: Desk) -> None:
    desk.write({"a.txt": "a"})
    assert desk.sync().code == 0
    desk.delete_there("")
    gone = desk.sync()
    assert (gone.code, [one["code"] for one in gone.errors]) == (1, ["sync-side-empty"])
    assert desk.here() == {"a.txt": "a"}
    [journal] = (desk.road.folder / ".state" / "sync").glob("*.json")
    assert str(journal) in gone.errors[0]["fix"]
    journal.write_text("{", "utf-8")
    assert [one["code"] for one in desk.sync().errors] == ["sync-journal"]
    journal.unlink()
    assert desk.done() == {"pushed": ["a.txt"]}


def test_what_was_done_before_an_error_is_remembered(desk: Desk) -> None:
    desk.write({"a.txt": "a"})
    assert desk.sync().code == 0
    desk.write({"b.txt": "b"})
    (desk.folder / "a.txt").unlink()
    with desk.road.store() as store:
        add(store, Fault("status", "workspace", "POST", "*/workspace/delete", status=403))
    refused = desk.sync()
    assert (refused.code, len(refused.errors)) == (3, 1)
    assert desk.done() == {"deleted_in_workspace": ["a.txt"]}
    assert desk.there() == {"b.txt": "b"}


def test_watching_sends_each_save(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write({"a.txt": "0"})

    async def save(_seconds: float) -> None:
        step = next(steps)
        if step == 0:
            desk.write({"a.txt": "watched"})
        elif step == 2:
            raise KeyboardInterrupt

    steps = itertools.count()
    sleeping(monkeypatch, save, every=1.0)
    assert desk.sync("--watch", form="text").code == 130
    assert desk.there() == {"a.txt": "watched"}


def test_wrong_words_are_refused(desk: Desk) -> None:
    writes = desk.road.writes()
    cases = {("missing",): "not-a-folder", (".", "no/path"): "option-invalid", (".", "/a", "b"): "usage"}
    for words, code in cases.items():
        ended = dev(desk.road, "sync", *words)
        assert (ended.code, [one["code"] for one in ended.errors]) == (2, [code])
    assert desk.road.writes() == writes


# What a sync decides, over all there can be.

_TEXTS = st.sampled_from(["", "one", "two"])  # "": not there


def _side(text: str) -> dict[str, Version]:
    return {"p": Version(digest(text.encode(), FILE), FILE, "p")} if text else {}


@given(_TEXTS, _TEXTS, _TEXTS)
def test_nothing_is_lost_and_nothing_is_done_twice(here: str, there: str, agreed: str) -> None:
    known = {"p": Agreed(digest(agreed.encode(), FILE), digest(agreed.encode(), FILE), FILE, "p")} if agreed else {}
    move = decide(_side(here), _side(there), known).get("p")
    if here == there == agreed or not (here or there):
        assert move is None
    elif here == there:
        assert move is Move.AGREE
    elif here and there and agreed not in (here, there):
        assert move is Move.CONFLICT
    else:  # the side that differs from what was agreed on wins, unless it only deleted what the other changed
        wins_here = here != agreed and (bool(here) or there == agreed)
        expected = (Move.PUSH if here else Move.DELETE_THERE) if wins_here else Move.PULL if there else Move.DELETE_HERE
        assert move is expected


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("a.py", NOTEBOOK, Form("SOURCE", "PYTHON")),
        ("a.py", NOTEBOOK.replace("\n", "\r\n"), Form("SOURCE", "PYTHON")),
        ("a.py", "print(1)", FILE),
        ("a.sql", "-- Databricks notebook source\n", Form("SOURCE", "SQL")),
        ("a.R", "# Databricks notebook source\n", Form("SOURCE", "R")),
        ("a.txt", NOTEBOOK, FILE),
        ("a.ipynb", "{}", Form("JUPYTER")),
    ],
)
def test_which_files_are_notebooks(name: str, text: str, form: Form) -> None:
    assert form_of(name, text.encode()) == form


def test_a_journal_that_is_missing_is_empty(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none.json") == {}
