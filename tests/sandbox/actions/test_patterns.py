"""Filter patterns.

docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.sandbox.actions.workflows.patterns import includes, matches

# The tables of that page: a pattern, names that fit, and names that don't (these from its descriptions).
PUBLISHED = [
    ("feature/*", ["feature/my-branch", "feature/your-branch"], ["feature/a/b", "feature"]),
    ("feature/**", ["feature/beta-a/my-branch", "feature/your-branch", "feature/mona/the/octocat"], ["feature"]),
    ("main", ["main"], ["main2", "Main", "a/main"]),
    ("releases/mona-the-octocat", ["releases/mona-the-octocat"], ["releases"]),
    ("*", ["main", "releases", "README.md", "server.rb"], ["a/b"]),
    ("**", ["all/the/branches", "every/tag", "all/the/files.md"], []),
    ("*feature", ["mona-feature", "feature", "ver-10-feature"], ["a/feature", "features"]),
    ("v2*", ["v2", "v2.0", "v2.9"], ["v1", "av2"]),
    ("v[12].[0-9]+.[0-9]+", ["v1.10.1", "v2.0.0"], ["v3.0.0", "v1..1", "v1x0x1"]),
    ("*.jsx?", ["page.js", "page.jsx"], ["page.jsxx", "a/page.js"]),
    ("*.js", ["app.js", "index.js"], ["js/index.js"]),
    ("**.js", ["index.js", "js/index.js", "src/js/app.js"], ["index.ts"]),
    ("docs/*", ["docs/README.md", "docs/file.txt"], ["docs/a/b"]),
    ("docs/**", ["docs/README.md", "docs/mona/octocat.txt"], ["a/docs/b"]),
    ("docs/**/*.md", ["docs/README.md", "docs/mona/hello-world.md", "docs/a/markdown/file.md"], ["README.md"]),
    ("**/docs/**", ["docs/hello.md", "dir/docs/my-file.txt", "space/docs/plan/space.doc"], ["mydocs/a"]),
    ("**/README.md", ["README.md", "js/README.md"], ["aREADME.md"]),
    ("**/*src/**", ["a/src/app.js", "my-src/code/js/app.js"], ["src"]),
    ("**/*-post.md", ["my-post.md", "path/their-post.md"], ["post.md"]),
    ("**/migrate-*.sql", ["migrate-10909.sql", "db/migrate-v1.0.sql", "db/sept/migrate-v1.sql"], ["migrate-a/b.sql"]),
    ("Octo*", ["Octocat"], ["octocat"]),
    ("[CB]at", ["Cat", "Bat"], ["Rat", "at"]),
    ("[1-2]00", ["100", "200"], ["300", "00"]),
    (r"a\*b\+", ["a*b+"], ["aab", "ab+"]),
]
SEQUENCES = [
    (["*.md", "!README.md"], {"hello.md": True, "README.md": False, "docs/hello.md": False}),
    (["*.md", "!README.md", "README*"], {"hello.md": True, "README.md": True, "README.doc": True}),
    (["releases/**", "!releases/**-alpha"], {"releases/10": True, "releases/10-alpha": False, "main": False}),
    (["!main"], {"main": False, "other": False}),
]


@pytest.mark.parametrize(("pattern", "fitting", "others"), PUBLISHED)
def test_fits_what_is_published(pattern: str, fitting: list[str], others: list[str]) -> None:
    assert [name for name in fitting + others if matches(pattern, name)] == fitting


@pytest.mark.parametrize(("patterns", "decided"), SEQUENCES)
def test_the_last_pattern_that_fits_decides(patterns: list[str], decided: dict[str, bool]) -> None:
    assert {name: includes(patterns, name) for name in decided} == decided


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_pattern_decides(pattern: str, name: str) -> None:
    assert matches(pattern, name) in {True, False}


@given(st.text(alphabet="abc/.-", min_size=1, max_size=12))
def test_a_name_without_wildcards_fits_itself(name: str) -> None:
    assert matches(name, name)
    assert matches("**", name)
    assert matches("*", name) == ("/" not in name)
