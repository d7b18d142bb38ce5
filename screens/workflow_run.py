"""A workflow run on GitHub: its graph of jobs and steps as it goes on, why it failed, and what can be done about it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static
from textual.widgets.tree import TreeNode

from dbxwizard.core.errors import OperationError
from dbxwizard.screens.dialogs import Question
from dbxwizard.screens.job_graph import named, stages, strip
from dbxwizard.screens.job_log import JobLogScreen
from dbxwizard.screens.page import AskFailed, Page
from dbxwizard.screens.reviewing import Review, ReviewDialog
from dbxwizard.screens.run_view import duration
from dbxwizard.screens.run_words import budget_told, failure_lines, look_told, trouble_told, waiting_told
from dbxwizard.screens.widgets import Branches
from dbxwizard.screens.words import age, of_workflow, shown

if TYPE_CHECKING:
    from dbxwizard.backend.console.github_runs import Failure, Node, RunJob, RunLook, RunStep, WatchedRun

_OPEN = ("in_progress", "failure", "timed_out")  # jobs whose steps are shown without being asked for
_FEW = 12  # lines of a run whose jobs are all open


class JobTree(Branches["Place"]):
    """Enter opens the log of the line's job; space opens and closes its steps."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.log", "Log")]


@dataclass(frozen=True, slots=True)
class Place:
    """What a line is: a job that is still to come, a job, or a step of one."""

    key: str
    node: Node
    job: RunJob | None = None
    step: RunStep | None = None

    @property
    def state(self) -> str:
        one = self.step or self.job
        return one.state if one is not None else ""


class RunSeen(Message):
    def __init__(self, seen: WatchedRun) -> None:
        super().__init__()
        self.seen = seen


class LookTold(Message):
    def __init__(self, look: RunLook) -> None:
        super().__init__()
        self.look = look


class FailuresFound(Message):
    def __init__(self, failures: tuple[Failure, ...]) -> None:
        super().__init__()
        self.failures = failures


class Done(Message):
    """GitHub has taken what was asked of it."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class WorkflowRunScreen(Page):
    heading = "Run"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("a", "review", "Review"),
        Binding("F", "rerun(True)", "Rerun failed", key_display="F"),
        Binding("R", "rerun(False)", "Rerun all", key_display="R"),
        Binding("c", "cancel", "Cancel the run"),
        Binding("o", "browse", "Browser"),
        Binding("r", "follow", "Look again", show=False),
    ]

    def __init__(self, run: int, title: str = "") -> None:
        super().__init__()
        self._run, self._title = run, title
        self._seen: WatchedRun | None = None
        self._look: RunLook | None = None
        self._given_up = False
        self._lines: dict[str, TreeNode[Place]] = {}
        self._explained: frozenset[int] = frozenset()  # jobs whose failure was looked for
        self._failures: tuple[Failure, ...] = ()
        self._offered: dict[str, bool] = {}

    def body(self) -> Iterable[Widget]:
        yield Static(Text(self._title), id="run-title", markup=False)
        yield Static("", id="trouble", markup=False)
        yield Static("", id="waits-for", markup=False)
        with VerticalScroll(id="failures"):
            yield Static("", id="failure", markup=False)
        yield Static("", id="job-graph", markup=False)
        tree = JobTree("jobs")
        tree.show_root, tree.guide_depth, tree.auto_expand = False, 2, False
        yield tree
        yield Static("", id="log-state", markup=False)

    @property
    def tree_of(self) -> Branches[Place]:
        return self.query_one(Branches)

    def on_mount(self) -> None:
        for name in ("#trouble", "#waits-for", "#failures", "#job-graph"):
            self.query_one(name).display = False
        self.tree_of.focus()
        listen = self.program.backend.listen
        self._stops = (listen("github-run", self._told), listen("github-run-look", self._look_told))
        self.set_interval(1.0, self._tick)
        self.action_follow()

    def on_unmount(self) -> None:
        for stop in self._stops:
            stop()

    # following

    def action_follow(self) -> None:
        self.action_dismiss_error()
        self._follow()

    def _follow(self) -> None:
        self._look, self._given_up = None, False
        self._draw_standing()
        self._watch()

    @work(exclusive=True, group="follow")
    async def _watch(self) -> None:
        try:
            await self.ask.follow_github_run(run=self._run)
        except OperationError as error:
            self._look, self._given_up = None, True
            self.post_message(AskFailed(error))

    def show_failure(self, error: OperationError) -> None:
        super().show_failure(error)
        self._draw_standing()

    def _look_told(self, look: RunLook) -> None:
        if look.run == self._run:
            self.post_message(LookTold(look))

    @on(LookTold)
    def show_look(self, message: LookTold) -> None:
        self._look = message.look
        self._tick()

    def _told(self, seen: WatchedRun) -> None:
        if seen.run.id == self._run:
            self.post_message(RunSeen(seen))

    @on(RunSeen)
    def show_run(self, message: RunSeen) -> None:
        self._seen = message.seen
        self._draw()
        failed = frozenset(job.id for job in _jobs(message.seen) if job.failed)
        if failed != self._explained:
            self._explained = failed
            self._failures = tuple(one for one in self._failures if one.job.id in failed)
            if failed:
                asked = self.ask.explain_github_run(run=self._run)
                self.request(asked, FailuresFound, "looking for what failed")
            self._draw_failures()

    @on(FailuresFound)
    def show_failures(self, message: FailuresFound) -> None:
        self._failures = message.failures
        self._draw_failures()

    # drawing

    def recolour(self) -> None:
        self._draw()
        self._draw_failures()

    def _draw(self) -> None:
        seen = self._seen
        if seen is None:
            return
        places = list(_places(seen))
        if [one.key for one in places] != list(self._lines):
            self._rebuild(places)
        for place in places:
            node = self._lines[place.key]
            node.data = place
            node.set_label(self._label(place))
        graph = self.query_one("#job-graph", Static)
        columns = stages(seen.nodes)
        graph.display = len(columns) > 1 and self.app.size.width >= 60
        graph.update(strip(columns, self.app.size.width - 2, self.app.theme_variables))
        self._draw_waiting(seen)
        self._tick()
        self._offer_keys()

    def _rebuild(self, places: Sequence[Place]) -> None:
        """What was open or closed stays so, and the cursor where it was."""
        tree = self.tree_of
        here = tree.cursor_node.data.key if tree.cursor_node and tree.cursor_node.data else ""
        opened = {key: node.is_expanded for key, node in self._lines.items()}
        tree.clear()
        self._lines = {}
        small = len(places) <= _FEW
        for place in places:
            if place.step is not None and place.job is not None:
                self._lines[place.key] = self._lines[f"job {place.job.id}"].add_leaf("", place)
            elif place.job is not None:
                wanted = opened.get(place.key, small or place.job.state in _OPEN)
                self._lines[place.key] = tree.root.add("", place, expand=wanted, allow_expand=bool(place.job.steps))
            else:
                self._lines[place.key] = tree.root.add_leaf("", place)
        self.call_after_refresh(self._put_cursor, here or self._first())

    def _first(self) -> str:
        """The step that failed, or the job that runs, else the first line."""
        for state in ("failure", "in_progress"):
            for key, node in self._lines.items():
                if node.data and node.data.job and node.data.job.state == state:
                    return key
        return next(iter(self._lines), "")

    def _put_cursor(self, key: str) -> None:
        if key in self._lines:
            self.tree_of.move_cursor(self._lines[key])

    def _label(self, place: Place) -> Text:
        colours, step, job = self.app.theme_variables, place.step, place.job
        after = self._after(place.node)
        if step is not None:
            return Text.assemble(shown(of_workflow(step.state), colours), f"  {step.name}", self._took(step))
        if job is not None:
            sign = shown(of_workflow(job.state), colours)
            return Text.assemble(sign, (f"  {named(place.node, job.name)}", "bold"), self._took(job), (after, "dim"))
        name = named(place.node, place.node.title)
        return Text.assemble(shown(of_workflow(""), colours), f"  {name}", (after, "dim"))

    def _after(self, node: Node) -> str:
        """What the job waits for, by the names of the jobs; by the id of one that the file lacks."""
        names = {one.id: named(one, one.title) for one in self._seen.nodes} if self._seen else {}
        return f"  after {', '.join(names.get(one, one) for one in node.needs)}" if node.needs else ""

    def _took(self, one: RunJob | RunStep) -> tuple[str, str]:
        if not one.started_at or one.state in ("skipped", "queued", "waiting", "pending"):
            return "", ""
        return f"  {duration((one.ended_at or self._now()) - one.started_at)}", "dim"

    def _now(self) -> float:
        """Now, but for what was seen as over: it took until it was seen."""
        return self._seen.run.updated_at if self._seen and self._seen.run.ended else time.time()

    def _tick(self) -> None:
        self._draw_standing()
        seen = self._seen
        if seen is None:
            return
        self.query_one("#run-title", Static).update(self._headline(seen))
        for node in self._lines.values():
            place = node.data
            if place is not None and place.state == "in_progress":
                node.set_label(self._label(place))

    def _draw_standing(self) -> None:
        trouble = trouble_told(self._look, time.time()) if self._look else ""
        self.query_one("#trouble").display = bool(trouble)
        self.query_one("#trouble", Static).update(trouble)
        about = (*budget_told(self._seen.budget), self._seen.run.html_url) if self._seen else ()
        self.query_one("#log-state", Static).update(" · ".join((self._standing(), *about)))

    def _standing(self) -> str:
        if self._given_up:
            return "✗ not followed any more: r looks again"
        if self._look is not None and self._look.error is not None:
            return look_told(self._look, time.time())
        if self._seen is not None and self._seen.run.ended:
            return "over"
        return look_told(self._look, time.time()) if self._look else "… asking GitHub"

    def _headline(self, seen: WatchedRun) -> Text:
        run = seen.run
        attempt = f", attempt {run.attempt}" if run.attempt > 1 else ""
        took = duration((run.updated_at if run.ended else time.time()) - run.started_at)
        facts = f"{run.workflow} #{run.number}{attempt} · {run.event} on {run.branch} {run.commit[:7]} · by {run.actor}"
        sign = shown(of_workflow(run.state), self.app.theme_variables)
        when = f"{age(time.time() - run.created_at)} ago, {took}"
        return Text.assemble(sign, "  ", (run.title or run.name, "bold"), f"  {when}\n", (facts, "dim"))

    def _draw_waiting(self, seen: WatchedRun) -> None:
        lines = [waiting_told(one.name, one.reviewers, one.timer) for one in seen.waiting]
        if any(one.may_approve for one in seen.waiting):
            lines.append("a approves or rejects")
        self.query_one("#waits-for").display = bool(lines)
        self.query_one("#waits-for", Static).update(Text("\n".join(lines)))

    def _draw_failures(self) -> None:
        self.query_one("#failures").display = bool(self._failures)
        self.query_one("#failure", Static).update(Text("\n").join(self._failure_lines()))

    def _failure_lines(self) -> Iterator[Text]:
        for one in self._failures:
            yield from failure_lines(one, self.app.theme_variables)

    def copied(self) -> str:
        if self._seen is None:
            return ""
        head = self._headline(self._seen).plain
        lines = [self._label(place).plain for place in _places(self._seen)]
        failed = [line.plain for line in self._failure_lines()]
        return "\n".join((head, self._seen.run.html_url, *failed, *lines))

    # keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What fits the state that the run is in."""
        if action in ("review", "rerun", "cancel"):
            return self._offers().get(f"{action}{parameters[0] if parameters else ''}", False)
        return super().check_action(action, parameters)

    def _offers(self) -> dict[str, bool]:
        seen = self._seen
        if seen is None:
            return {}
        failed = any(job.failed or job.state == "cancelled" for job in _jobs(seen))
        return {
            "review": bool(seen.waiting),
            "rerunTrue": seen.run.ended and failed,
            "rerunFalse": seen.run.ended,
            "cancel": not seen.run.ended,
        }

    def _offer_keys(self) -> None:
        if self._offers() != self._offered:
            self._offered = self._offers()
            self.refresh_bindings()

    def action_back(self) -> None:
        self.dismiss()

    @on(Branches.NodeSelected)
    def action_log(self) -> None:
        """Of the job under the cursor, or of the one that has the step."""
        node = self.tree_of.cursor_node
        place = node.data if node is not None else None
        if place is not None and place.job is not None:
            self.app.push_screen(JobLogScreen(place.job))

    def action_browse(self) -> None:
        if self._seen is None:
            return
        node = self.tree_of.cursor_node
        job = node.data.job if node is not None and node.data is not None else None
        self.program.browse(job.html_url if job and job.html_url else self._seen.run.html_url)

    @on(Done)
    def go_on(self, message: Done) -> None:
        self.notify(message.words, markup=False)
        self._follow()

    # what changes something

    def _confirm(
        self, title: str, text: str, answer: tuple[str, str], asked: Callable[[], Awaitable[None]], words: str
    ) -> None:
        """`asked` is sent once somebody has said yes; where Production is concerned by who types its name."""
        production = self._seen.production if self._seen else ()

        def decided(given: str | None) -> None:
            if given:
                self.request(asked(), lambda _: Done(words), words)

        typed = production[0] if production else ""
        self.app.push_screen(Question(title, text, (answer,), typed=typed, dangerous=True), decided)

    def action_rerun(self, failed: bool) -> None:
        what = "what failed, and what waited for it," if failed else "all jobs"
        self._confirm(
            "Rerun failed jobs?" if failed else "Rerun all jobs?",
            f"Runs {what} again, at the same commit.",
            ("rerun", "Run again"),
            lambda: self.ask.rerun_github_run(run=self._run, failed=failed),
            "it is run again",
        )

    def action_cancel(self) -> None:
        self._confirm(
            "Cancel this run?",
            "GitHub stops what runs. What a deployment had begun stays half-way until it is run again.",
            ("stop", "Cancel the run"),
            lambda: self.ask.cancel_github_run(run=self._run),
            "it is being cancelled",
        )

    def action_review(self) -> None:
        if self._seen is not None and self._seen.waiting:
            self.app.push_screen(ReviewDialog(self._seen.waiting), self._reviewed)

    def _reviewed(self, review: Review | None) -> None:
        if review is None:
            return
        words = f"{'approved' if review.approve else 'rejected'}: {', '.join(review.environments)}"
        asked = self.ask.review_github_run(
            run=self._run, environments=review.environments, approve=review.approve, comment=review.comment
        )
        self.request(asked, lambda _: Done(words), "telling GitHub")


def _jobs(seen: WatchedRun) -> Iterator[RunJob]:
    for node in seen.nodes:
        yield from node.jobs


def _places(seen: WatchedRun) -> Iterator[Place]:
    """In the order in which jobs need each other, each job with its steps."""
    for column in stages(seen.nodes):
        for node in column:
            if not node.jobs:
                yield Place(f"node {node.id}", node)
            for job in node.jobs:
                yield Place(f"job {job.id}", node, job)
                for step in job.steps:
                    yield Place(f"job {job.id} step {step.number}", node, job, step)
