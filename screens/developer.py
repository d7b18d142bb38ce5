"""A developer's machine beside an environment: set up, its code pushed to the cluster, its scripts run there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.backend.console.developer_views import TOPIC, DeveloperLine
from dbxwizard.backend.views import is_production
from dbxwizard.core.errors import OperationError
from dbxwizard.screens import developer_words
from dbxwizard.screens.bars import TopBar
from dbxwizard.screens.developer_messages import (
    ClustersFound,
    LineTold,
    MachineExamined,
    MachinePlanned,
    PushPlanned,
    ScriptsFound,
    SyncPlanned,
    WorkDone,
)
from dbxwizard.screens.developer_words import ERROR, INFORMATION
from dbxwizard.screens.dialogs import Question
from dbxwizard.screens.lines_page import LinesPage
from dbxwizard.screens.page import AskFailed
from dbxwizard.screens.picking import Item, Picker
from dbxwizard.screens.words import NO_FILES, many

if TYPE_CHECKING:
    from dbxwizard.backend.console.developer_views import (
        CheckTold,
        PushShown,
        SetupShown,
        SyncShown,
    )

_HEAD = (
    "s makes this machine ready to run code on the environment's cluster, t checks that it does, p puts this folder's "
    "framework on the cluster (W: on every save), u runs a script or notebook there, b keeps this folder and one of "
    "the workspace the same. C chooses another cluster, a how code signs in."
)
_SIGN_INS = {"oauth": "as you", "token": "with an access token of yours, in .env, for 30 days"}


class DeveloperScreen(LinesPage):
    heading = "Dev"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "environment", "Environment"),
        Binding("s", "machine", "Set up"),
        Binding("t", "check", "Check"),
        Binding("p", "push", "Push"),
        Binding("u", "script", "Run"),
        Binding("b", "sync", "Sync"),
        Binding("c", "cancel", "Cancel"),
        Binding("o", "browse", "Browser"),
        Binding("C", "cluster", "Cluster", key_display="C", show=False),
        Binding("a", "sign_in", "How code signs in", show=False),
        Binding("W", "watch", "Push on every save", key_display="W", show=False),
        Binding("w", "wrap", "Wrap", show=False),
        Binding("ampersand", "only", "Only lines with", key_display="&", show=False),
        Binding("Y", "save_copy", "Save", key_display="Y", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._environment = self._cluster = ""
        self._auth = next(iter(_SIGN_INS))
        self._doing = ""  # in words, while it goes on
        self._asked = 0
        self._script = self._words = ""
        self._url = ""

    def body(self) -> Iterable[Widget]:
        yield Static(_HEAD, id="dev-head", classes="words", markup=False)
        yield from super().body()

    def on_mount(self) -> None:
        self._environment = next(iter(self.situation.environments), "")
        self._stop = self.program.backend.listen(TOPIC, self._line_told)
        self.view.wrap = True
        self.view.focus()
        self.tell()

    def on_unmount(self) -> None:
        self._stop()

    def _line_told(self, line: DeveloperLine | CheckTold) -> None:
        self.post_message(LineTold(line))

    # what goes on

    @work(exclusive=True, group="developer")
    async def _do(self, words: str, work: Awaitable[Message], *, looks: bool) -> None:
        """One thing at a time; cancelled, so is what the backend does for it."""
        self._doing = words
        self.program.developing = "" if looks else words.partition(";")[0]
        self._offer()
        with self.query_one(TopBar).waiting(words):
            try:
                self.post_message(await work)
            except OperationError as error:
                self._say((f"✗ {error.code}: {error.message}",), ERROR)
                self.post_message(AskFailed(error))
            finally:
                self._doing = self.program.developing = ""
                if self.is_attached:
                    self._offer()

    def _begin(self, title: str, words: str, work: Callable[[str], Awaitable[Message]], *, looks: bool = False) -> None:
        """`looks`: it changes nothing, so nobody minds that leaving ends it."""
        self.action_dismiss_error()
        self._asked += 1
        if title:
            self._say((f"── {title}",))
        self._do(words, work(str(self._asked)), looks=looks)

    def _say(self, lines: Iterable[str], level: str = INFORMATION) -> None:
        self.view.add((level, line) for line in lines)
        self.tell()

    @on(LineTold)
    def show_line(self, message: LineTold) -> None:
        line = message.line
        if line.asked != str(self._asked):
            return
        if isinstance(line, DeveloperLine):
            self._say((line.text,))
        else:
            self._say(developer_words.of_check(line), ERROR if line.state == "failed" else INFORMATION)

    @on(WorkDone)
    def show_end(self, message: WorkDone) -> None:
        self.view.add((level, text) for level, text in message.lines)
        if message.end is not None:
            self._url = message.end.url
        self._offer()

    def standing(self) -> Iterable[str]:
        yield f"environment: {self._environment}" + ("  ⚠ production" if is_production(self._environment) else "")
        if self._cluster:
            yield f"cluster: {self._cluster}"
        if self._auth == "token":
            yield "code signs in with a token"
        if self._doing:
            yield f"▶ {self._doing}"

    def tell(self) -> None:
        """Whether it follows says nothing here."""
        shown, whole = self.view.count
        lines = f"{whole} lines" if shown == whole else f"{shown} of {whole} lines"
        self.query_one("#log-state", Static).update(" · ".join((*self.standing(), lines)))

    def _offer(self) -> None:
        self.tell()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something goes on, it can be cancelled, and nothing else begins."""
        match action:
            case "follow" | "level":
                return False
            case "cancel":
                return bool(self._doing)
            case "machine" | "check" | "push" | "watch" | "script" | "sync" | "environment" | "cluster" | "sign_in":
                return not self._doing
            case "browse":
                return bool(self._url)
        return super().check_action(action, parameters)

    # keys

    def action_environment(self) -> None:
        items = [Item(name, name) for name in self.situation.environments]
        self.app.push_screen(Picker("Beside which environment?", items, self._environment), self._take_environment)

    def _take_environment(self, name: str | None) -> None:
        if name:
            self._environment, self._cluster = name, ""
            self.tell()

    def action_cluster(self) -> None:
        if name := self._chosen():

            async def look(_: str) -> Message:
                return ClustersFound(await self.ask.developer_clusters(environment=name))

            self._begin("", "looking for clusters", look, looks=True)

    @on(ClustersFound)
    def offer_clusters(self, message: ClustersFound) -> None:
        items = [Item(name, name, state.lower()) for name, state in message.clusters]
        self.app.push_screen(Picker("On which cluster?", items, self._cluster), self._take_cluster)

    def _take_cluster(self, name: str | None) -> None:
        if name:
            self._cluster = name
            self.tell()

    def action_sign_in(self) -> None:
        items = [Item(key, words) for key, words in _SIGN_INS.items()]
        self.app.push_screen(Picker("How does code on this machine sign in?", items, self._auth), self._take_sign_in)

    def _take_sign_in(self, auth: str | None) -> None:
        if auth:
            self._auth = auth
            self.tell()

    def action_cancel(self) -> None:
        self._say((f"■ cancelled: {self._doing}",))
        self.workers.cancel_group(self, "developer")

    def action_browse(self) -> None:
        self.program.browse(self._url)

    def _chosen(self) -> str:
        if not self._environment:
            self.notify(NO_FILES, severity="warning")
        return self._environment

    # this machine

    def action_machine(self) -> None:
        if name := self._chosen():
            cluster, auth = self._cluster, self._auth

            async def plan(_: str) -> Message:
                return MachinePlanned(await self.ask.plan_machine(environment=name, cluster=cluster, auth=auth))

            self._begin(f"dev setup beside {name}", "looking at this machine", plan, looks=True)

    @on(MachinePlanned)
    def offer_changes(self, message: MachinePlanned) -> None:
        shown = message.shown
        where = f"Python {shown.python}, Databricks Runtime {shown.runtime}, cluster {shown.cluster}"
        self._say((where, *(f"note: {note}" for note in shown.notes)))
        if not shown.changes:
            self._say(("everything is as it should be",))
            return
        for change in shown.changes:
            self._say(developer_words.of_change(change))
        yours = f"Of what you wrote: {', '.join(shown.touched)}.\n" if shown.touched else ""
        changes = "\n".join(f"{change.action} {change.name}" for change in shown.changes)
        question = Question(
            "Set up this machine?",
            f"{yours}{changes}\nThe lines behind this say why, and how.",
            (("apply", "Set up"),),
            dangerous=bool(shown.touched),
        )
        self.app.push_screen(question, lambda answer: self._set_up(shown) if answer else self._leave())

    def _set_up(self, shown: SetupShown) -> None:
        async def apply(asked: str) -> Message:
            made = await self.ask.set_up_machine(plan=shown.plan, asked=asked)
            return WorkDone([(INFORMATION, f"✓ this machine is ready: {many(made, 'change')}")])

        self._begin("", "setting up this machine", apply)

    def _leave(self) -> None:
        self._say(("nothing was changed",))

    # whether it works

    def action_check(self) -> None:
        self._check(start=False)

    def _check(self, *, start: bool) -> None:
        if name := self._chosen():

            async def check(asked: str) -> Message:
                return MachineExamined(await self.ask.check_machine(environment=name, start=start, asked=asked))

            self._begin(f"dev check beside {name}", "checking this machine", check, looks=True)

    @on(MachineExamined)
    def show_examined(self, message: MachineExamined) -> None:
        checked = message.checked
        words = f"✗ {many(checked.failed, 'check')} failed" if checked.failed else "✓ nothing failed"
        self._say((words,), ERROR if checked.failed else INFORMATION)
        if checked.not_started:
            question = Question(
                f"Start cluster {checked.not_started}?",
                "It stands still, so not all could be checked. While it runs it costs.",
                (("start", "Start and check"),),
            )
            self.app.push_screen(question, lambda answer: self._check(start=True) if answer else None)

    # the framework

    def action_push(self) -> None:
        if name := self._chosen():
            cluster = self._cluster

            async def look(_: str) -> Message:
                return PushPlanned(await self.ask.plan_push(environment=name, cluster=cluster))

            self._begin(f"dev push to {name}", "comparing with the cluster", look, looks=True)

    @on(PushPlanned)
    def offer_push(self, message: PushPlanned) -> None:
        shown = message.shown
        if shown.unchanged:
            self._say((f"cluster {shown.cluster} has it already; nothing was sent",))
            return
        if not (shown.starts or shown.restarts):
            self._push(shown)
            return
        title = f"Start cluster {shown.cluster}?" if shown.starts else f"Restart cluster {shown.cluster}?"
        words = (
            f"It is {shown.state}; while it runs it costs."
            if shown.starts
            else "It runs with another wheel. All who use it lose what they have in memory."
        )
        question = Question(
            title,
            f"{words}\nPushed: {', '.join(shown.projects)}",
            (("push", "Start and push" if shown.starts else "Restart and push"),),
            typed=self._environment if is_production(self._environment) else "",
            dangerous=shown.restarts,
        )
        self.app.push_screen(question, lambda answer: self._push(shown) if answer else self._leave())

    def _push(self, shown: PushShown) -> None:
        async def push(asked: str) -> Message:
            lines = await self.ask.push_code(plan=shown.plan, asked=asked)
            return WorkDone([(INFORMATION, f"✓ {line}") for line in lines])

        self._begin("", f"pushing to {shown.cluster}", push)

    def action_watch(self) -> None:
        if name := self._chosen():
            question = Question(
                f"Push to {name} on every save?",
                "Until c ends it. A cluster that stands still is started; one that runs with another wheel is "
                "restarted each time, and all who use it lose what they have in memory.",
                (("watch", "Watch"),),
                typed=name if is_production(name) else "",
                dangerous=True,
            )
            self.app.push_screen(question, lambda answer: self._watch(name) if answer else None)

    def _watch(self, name: str) -> None:
        cluster = self._cluster

        async def watch(asked: str) -> Message:
            await self.ask.push_on_save(environment=name, cluster=cluster, asked=asked)
            return WorkDone([])  # it ends by being cancelled

        self._begin(f"dev push --watch to {name}", "pushing on every save; c ends it", watch)

    # this folder

    def action_sync(self) -> None:
        if name := self._chosen():

            async def look(_: str) -> Message:
                return SyncPlanned(await self.ask.plan_sync(environment=name))

            self._begin(f"dev sync with {name}", "looking for the folder", look, looks=True)

    @on(SyncPlanned)
    def offer_sync(self, message: SyncPlanned) -> None:
        shown = message.shown
        question = Question(
            "Keep these the same?",
            f"{shown.folder}\n{shown.remote}, in the workspace\n"
            "What changed on one side goes to the other; of a conflict both versions stay. What git ignores "
            "stays here.",
            (("once", "Sync"), ("on_save", "On every save")),
            typed=self._environment if is_production(self._environment) else "",
        )
        self.app.push_screen(question, lambda answer: self._sync(shown, answer) if answer else self._leave())

    def _sync(self, shown: SyncShown, answer: str) -> None:
        on_save = answer == "on_save"

        async def sync(asked: str) -> Message:
            lines = await self.ask.sync_folders(plan=shown.plan, on_save=on_save, asked=asked)
            return WorkDone([(INFORMATION, f"✓ {lines[0]}"), *((INFORMATION, line) for line in lines[1:])])

        self._begin("", "syncing on every save; c ends it" if on_save else "syncing", sync)

    # a script

    def action_script(self) -> None:
        if name := self._chosen():

            async def look(_: str) -> Message:
                return ScriptsFound(await self.ask.scripts(environment=name))

            self._begin("", "looking for scripts", look, looks=True)

    @on(ScriptsFound)
    def offer_scripts(self, message: ScriptsFound) -> None:
        items = [Item(name, name) for name in message.names]
        picker = Picker("Run which script or notebook?", items, self._script, by_hand="another file")
        self.app.push_screen(picker, self._take_script)

    def _take_script(self, script: str | None) -> None:
        from dbxwizard.screens.script_dialog import ScriptDialog

        if not script:
            return
        words = self._words if script == self._script else ""
        self._script = script
        self.app.push_screen(ScriptDialog(script, self._environment, words), self._take_words)

    def _take_words(self, words: str | None) -> None:
        """In Production only by who types its name."""
        if words is None:
            return
        self._words = words
        if not is_production(self._environment):
            self._run(words)
            return
        question = Question(
            f"Run {self._script} in {self._environment}?",
            "It runs as you, on the cluster that others use.",
            (("run", "Run"),),
            typed=self._environment,
            dangerous=True,
        )
        self.app.push_screen(question, lambda answer: self._run(words) if answer else None)

    def _run(self, words: str) -> None:
        environment, cluster, script = self._environment, self._cluster, self._script

        async def run(asked: str) -> Message:
            end = await self.ask.run_script(
                environment=environment, cluster=cluster, script=script, words=words, asked=asked
            )
            return WorkDone(developer_words.of_end(end), end)

        self._begin(f"dev run {script} {words}".rstrip() + f" in {environment}", f"running {script}", run)
