"""Git objects have the names that git gives them (computed with git 2.39.5 for this content)."""

from __future__ import annotations

from pathlib import Path

from dbxwizard.sandbox.github.objects import Entry, GitObjects, Ident
from dbxwizard.sandbox.store import Store

FILES = {
    "a": ("100644", b"hello\n"),
    "a.d/run": ("100755", b"#!/bin/sh\n"),
    "a-b/c": ("100644", b"x"),
    "link": ("120000", b"a"),
}
TREE = "0fe66fa751420634194e0aec2c310c92b576016c"
COMMIT = "8d27961961c759e9d7f7861fa5d3011d51a0519a"
ADA = Ident("Ada Sandbox", "ada@contoso.example", 1_788_249_600)


def written(path: Path) -> tuple[GitObjects, str]:
    objects = GitObjects(Store(path / "state.sqlite"), 1)
    entries = {name: Entry(mode, objects.write("blob", content)) for name, (mode, content) in FILES.items()}
    return objects, objects.write_files(entries)


def test_trees_and_commits_are_gits_own(tmp_path: Path) -> None:
    objects, tree = written(tmp_path)
    assert tree == TREE
    assert objects.write_commit(tree, (), ADA, ADA, "first\n\nbody\n") == COMMIT


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    objects, tree = written(tmp_path)
    found = {path: (entry.mode, objects.blob(entry.sha)) for path, entry in objects.files(tree).items()}
    assert found == FILES
    assert list(objects.tree(tree)) == ["a", "a-b", "a.d", "link"]
    first = objects.write_commit(tree, (), ADA, ADA, "first")
    second = objects.commit(objects.write_commit(tree, (first,), ADA, ADA, "second\n\nwith a body"))
    assert (second.parents, second.author, second.message) == ((first,), ADA, "second\n\nwith a body")


def test_history_goes_through_both_parents_once(tmp_path: Path) -> None:
    objects, tree = written(tmp_path)

    def commit(message: str, at: int, *parents: str) -> str:
        who = Ident("Ada", "ada@contoso.example", at)
        return objects.write_commit(tree, parents, who, who, message)

    root = commit("root", 1)
    left, right = commit("left", 2, root), commit("right", 3, root)
    merge = commit("merge", 4, left, right)
    assert [found.message for found in objects.history(merge)] == ["merge", "right", "left", "root"]
    assert objects.contains(merge, root)
    assert not objects.contains(left, right)
    assert objects.merge_base(left, right) == root
