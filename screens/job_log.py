"""A job's log, as soon as GitHub has it; until then the job's steps, as they go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.backend.console.job_log import LogFile
from dbxwizard.core.errors import OperationError
from dbxwizard.screens.job_log_view import JobLogView
from dbxwizard.screens.page import AskFailed, Page
from dbxwizard.screens.words import of_workflow, shown

if TYPE_CHECKING:
    from dbxwizard.backend.console.github_runs import RunJob, WatchedRun

_AGAIN = 2.0  # seconds: GitHub has the log of a job a moment after its end
_MOST = 15  # times that it is asked for


class LogFetched(Message):
    """All of it; None while there is none."""

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self.path = path


class JobLogScreen(Page):
    heading = "Log of a job"
    slash = "search"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("slash", "filter", "Search", key_display="/", show=False),
        Binding("w", "wrap", "Wrap"),
        Binding("z", "fold", "Fold"),
        Binding("t", "times", "Times"),
        Binding("E", "next_error", "Next error", key_display="E"),
        Binding("o", "browse", "Browser"),
        Binding("Y", "save_copy", "Save", key_display="Y"),
    ]

    def __init__(self, job: RunJob) -> None:
        super().__init__()
        self._job = job
        self._path: Path | None = None
        self._asked = 0
        self._stops: list[Callable[[], None]] = []

    def body(self) -> Iterable[Widget]:
        yield Static("", id="job-head", markup=False)
        with VerticalScroll(id="job-steps"):
            yield Static("", id="steps-so-far", markup=False)
        yield JobLogView()
        yield Static("", id="log-state", markup=False)

    @property
    def view(self) -> JobLogView:
        return self.query_one(JobLogView)

    def on_mount(self) -> None:
        listen = self.program.backend.listen
        self._stops = [listen("github-run", self._run_seen), listen("github-log", self._log_begun)]
        self.view.display = False
        self._draw()
        if self._job.ended:
            self._fetch()

    def on_unmount(self) -> None:
        for stop in self._stops:
            stop()

    def recolour(self) -> None:
        self._draw()

    # what there is

    def _run_seen(self, seen: WatchedRun) -> None:
        """The page of the run, below this one, follows it."""
        for node in seen.nodes:
            for job in node.jobs:
                if job.id == self._job.id:
                    ended = job.ended and not self._job.ended
                    self._job = job
                    self._draw()
                    if ended:
                        self._fetch()

    def _fetch(self) -> None:
        if self._job.has_log:
            self._asked += 1
            self.request(self.ask.github_job_log(job=self._job.id), LogFetched, "fetching the log")

    def _log_begun(self, begun: tuple[int, Path]) -> None:
        job, path = begun
        if job == self._job.id:
            self._open(path)

    def _open(self, path: Path) -> None:
        try:
            self.view.open(LogFile(path))
        except FileNotFoundError:  # it is whole by now, and has its own name: LogFetched tells it
            return
        except OSError as error:
            problem = OperationError("log-unreadable", error.strerror or str(error), resource=str(path))
            self.post_message(AskFailed(problem))
            return
        self.query_one("#job-steps").display = False
        self.view.display = True
        self.view.focus()

    @on(LogFetched)
    def take_log(self, message: LogFetched) -> None:
        self._path = message.path
        if message.path is not None and self.view.file is None:
            self._open(message.path)
        self.view.whole = message.path is not None
        if message.path is None and self._asked < _MOST:
            self.set_timer(_AGAIN, self._fetch)
        if message.path is not None and self._job.failed:
            self.view.seek("##[error]")
        self._draw()

    def show_failure(self, error: OperationError) -> None:
        super().show_failure(error)
        self._draw()

    # drawing

    def _draw(self) -> None:
        job, colours = self._job, self.app.theme_variables
        sign = shown(of_workflow(job.state), colours)
        self.query_one("#job-head", Static).update(Text.assemble(sign, "  ", (job.name, "bold")))
        lines = [Text.assemble(shown(of_workflow(step.state), colours), f"  {step.name}") for step in job.steps]
        self.query_one("#steps-so-far", Static).update(Text("\n").join([Text(self._why_none(), "dim"), *lines]))
        self._tell()

    def _why_none(self) -> str:
        if not self._job.ended:
            return "GitHub gives a job's log when the job has ended. Its steps so far:"
        if not self._job.steps and self._path is None:
            return "The job ended before its first step, so there is no log of it. Its run says why: esc goes there."
        if self._job.has_log and self._path is None and self._asked < _MOST:
            return "The log is being fetched. Its steps:"
        return "GitHub has no log of this job. Its steps:"

    @on(JobLogView.Changed)
    def take_change(self, message: JobLogView.Changed) -> None:
        if message.searched and not message.found:
            self.notify("not found", severity="warning")
        self._tell()

    def _tell(self) -> None:
        view = self.view
        if view.file is None:
            words = [f"{sum(step.state == 'success' for step in self._job.steps)} of {len(self._job.steps)} steps done"]
        else:
            words = [
                f"{view.lines:,} lines, {view.file.size / 1e6:,.1f} MB" + ("" if view.read else " so far"),
                *(["wrapped"] if view.wrap else []),
            ]
        self.query_one("#log-state", Static).update(" · ".join((*words, self._job.html_url)))

    # keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is about the log, once there is one."""
        if action in ("wrap", "fold", "times", "next_error", "save_copy", "filter", "next_match", "previous_match"):
            return bool(self.query(JobLogView)) and self.view.file is not None
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        self.dismiss()

    def action_wrap(self) -> None:
        self.view.wrap = not self.view.wrap

    def action_fold(self) -> None:
        self.view.fold_all()

    def action_times(self) -> None:
        self.view.times = not self.view.times

    def action_next_error(self) -> None:
        self.view.seek("##[error]")

    def action_browse(self) -> None:
        self.program.browse(self._job.html_url)

    def filtered(self, text: str) -> None:
        self.view.seek(text)

    def match(self, step: int) -> None:
        self.view.go(step)

    def copied(self) -> str:
        """The lines in view; `Y` saves them all."""
        return "\n".join(self.view.texts()) if self.view.file is not None else ""

    def action_save_copy(self) -> None:
        if self._path is not None:
            self.program.save_file(f"job-{self._job.id}.log", self._path)
        else:
            self.notify("the log is not all here yet", severity="warning")
