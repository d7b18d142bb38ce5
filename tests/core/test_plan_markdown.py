"""A plan as Markdown, read back with a parser: whatever its texts hold, it has the same lists and no markup."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dbxwizard.core.change import Action, Change, Reason
from dbxwizard.core.markdown import code, link, words
from dbxwizard.core.plan import Plan, PlannedStep
from dbxwizard.core.plan_markdown import plan_markdown
from dbxwizard.core.requests import Host, Request
from dbxwizard.core.secret import Secret
from dbxwizard.core.step import Step

NASTY = st.text(st.sampled_from("ab \n\r\t`*_[]()<>&#|~$!\\-+.1:@/\"'\u2028\x1b"), max_size=20) | st.text(max_size=20)
EMPTY = '""'
PARSER = MarkdownIt("gfm-like", {"linkify": False})


class Named(Step[None]):
    def __init__(self, number: int, title: str, environment: str) -> None:
        self.id, self.title, self.environment = str(number), title, environment

    async def read(self, inputs: object) -> None: ...

    def diff(self, state: None, inputs: object) -> Change:
        return Change.none()

    async def apply(self, state: None, change: Change, inputs: object, progress: object) -> dict[str, object]:
        return {}


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    planned = []
    for number in range(draw(st.integers(0, 4))):
        step = Named(number, draw(NASTY), draw(st.sampled_from(["", "Development"]) | NASTY))
        reasons = draw(st.lists(st.builds(Reason, NASTY, st.none() | NASTY, NASTY), max_size=2))
        requests = draw(st.lists(st.builds(Request, st.just("PUT"), st.just(Host.ARM), NASTY, NASTY), max_size=2))
        change = Change(draw(st.sampled_from(Action)), tuple(reasons), draw(NASTY))
        not_checked = draw(st.just("") | NASTY)
        planned.append(PlannedStep(step, None, change, not_checked=not_checked, writes=tuple(requests)))
    return Plan(tuple(planned), draw(NASTY))


def plain(text: str) -> str:
    """As a person reads it: unseen characters are a space."""
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).strip().replace("\x00", "\ufffd")


def inline(text: str) -> list[Token]:
    (block,) = [token for token in PARSER.parse(f"- x {text} x") if token.type == "inline"]
    return block.children or []


@given(NASTY)
def test_words_are_read_back_as_they_are(text: str) -> None:
    tokens = inline(words(text))
    assert {token.type for token in tokens} <= {"text", "text_special"}
    assert plain("".join(token.content for token in tokens)) == f"x {plain(text) or EMPTY} x"


@given(NASTY | st.text("-+=.)0123456789 ", max_size=5))
def test_words_begin_no_block(text: str) -> None:
    kinds = [token.type for token in PARSER.parse(f"- {words(text)}")]
    assert kinds.count("list_item_open") == 1
    assert not {"heading_open", "hr", "fence", "code_block"} & set(kinds)


@given(NASTY)
def test_code_is_read_back_as_it_is(text: str) -> None:
    (before, span, after) = inline(code(text))
    assert (before.content, span.type, after.content) == ("x ", "code_inline", " x")
    assert span.content == (plain(text) or EMPTY)


@given(NASTY, NASTY)
def test_a_link_is_one_link_whatever_its_parts_hold(title: str, address: str) -> None:
    url = f"https://example.com/{address}"
    (_, opening, *middle, closing, _) = inline(link(title, url))
    assert (opening.type, closing.type) == ("link_open", "link_close")
    assert plain("".join(token.content for token in middle)) == (plain(title) or EMPTY)
    assert str(opening.attrGet("href")).startswith("https://example.com/")


@given(plans())
def test_a_plan_is_its_list_and_nothing_more(plan: Plan) -> None:
    tokens = PARSER.parse(plan_markdown(plan))
    shown = [one for one in plan.steps if one.changes or one.not_checked]
    details = [
        len(one.change.reasons) + bool(one.change.note) + len(one.writes) for one in shown if not one.not_checked
    ]
    headings = [token for token in tokens if token.type == "heading_open"]
    assert len(headings) == 1 + len({one.step.environment or "setup" for one in shown})
    assert sum(token.type == "list_item_open" for token in tokens) == len(shown) + sum(details)
    kinds = {token.type for token in _all(tokens)}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "table_open", "fence", "code_block", "hr"}


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()


def test_a_plan_as_markdown() -> None:
    request = Request("POST", Host.WORKSPACE, "/api/2.2/jobs/create", "makes the job", optional=True)
    secret = Reason("password", None, Secret("s3cr3t-value"))
    steps = (
        PlannedStep(
            Named(1, "job [nightly]", "Development"),
            None,
            Change(Action.UPDATE, (Reason("name", "a", "b"), secret), "a note"),
            writes=(request,),
        ),
        PlannedStep(Named(2, "cluster", "Development"), None, Change.none()),
        PlannedStep(Named(3, "role", ""), None, Change.none(), not_checked="you may not"),
    )
    assert plan_markdown(Plan(steps, "ada_b")).splitlines() == [
        "# Plan",
        "",
        "0 to create, 1 to update, 0 to delete, 1 unchanged, 1 not checked; acting as ada\\_b.",
        "",
        "## Development",
        "",
        "- **update** job \\[nightly\\]",
        "  - `name`: `a` → `b`",
        "  - `password`: `absent` → `***`",
        "  - a note",
        "  - `POST /api/2.2/jobs/create` (Databricks): makes the job where needed",
        "",
        "## setup",
        "",
        "- **not checked** role: you may not",
    ]
