"""hashFiles: the examples of docs.github.com/actions/reference/workflows-and-actions/expressions#hashfiles."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dbxwizard.sandbox.actions.expressions.evaluate import Scope, evaluate
from dbxwizard.sandbox.actions.expressions.hash_files import hash_files

FILES = ("package-lock.json", "web/package-lock.json", "web/Gemfile.lock", "src/a.js", "src/deep/b.js",
         "lib/c.rb", "lib/foo/d.rb", "lib/deep/e.rb", ".hidden/f.txt", "[odd] name.txt")  # fmt: skip


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return Scope({}, {"hashFiles": hash_files(tmp_path)})


@pytest.mark.parametrize(
    ("patterns", "files"),
    [
        ("'**/package-lock.json'", ["package-lock.json", "web/package-lock.json"]),
        ("'/src/*.js'", ["src/a.js"]),
        ("'/lib/**/*.rb'", ["lib/c.rb", "lib/deep/e.rb", "lib/foo/d.rb"]),
        (
            "'**/package-lock.json', '**/Gemfile.lock'",
            ["package-lock.json", "web/Gemfile.lock", "web/package-lock.json"],
        ),
        ("'/lib/**/*.rb', '!/lib/foo/*.rb'", ["lib/c.rb", "lib/deep/e.rb"]),
        # The patterns of @actions/glob: a folder stands for its content, ? and [] for one character, * for dots too.
        ("'src'", ["src/a.js", "src/deep/b.js"]),
        ("'lib/?.rb', 'src/[!b-z].js'", ["lib/c.rb", "src/a.js"]),
        ("'*/f.txt'", [".hidden/f.txt"]),
        ("'[[]odd] name.txt'", ["[odd] name.txt"]),
        ("'# a comment', 'src/a.js'", ["src/a.js"]),
    ],
)
def test_hashes_the_files_that_fit(scope: Scope, patterns: str, files: list[str]) -> None:
    digests = b"".join(hashlib.sha256(name.encode()).digest() for name in files)
    assert evaluate(f"hashFiles({patterns})", scope) == hashlib.sha256(digests).hexdigest()


def test_is_empty_where_nothing_fits(scope: Scope) -> None:
    assert evaluate("hashFiles('*.lock', '../**')", scope) == ""
