"""The terminal program: its modes, its themes, its backend. What is shown is in screens/."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.control import Control
from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.geometry import Offset
from textual.notifications import SeverityLevel
from textual.screen import Screen

from dbxwizard import screens
from dbxwizard.backend import preferences
from dbxwizard.backend.client import Backend
from dbxwizard.core.errors import OperationError
from dbxwizard.screens.modes import MODES, WIZARD, Mode
from dbxwizard.screens.opening import OpeningScreen, SituationSeen
from dbxwizard.screens.page import AskFailed
from dbxwizard.screens.themes import DEFAULT, THEMES

if TYPE_CHECKING:  # the first frame need not wait for these
    from dbxwizard.backend.answers import Answers
    from dbxwizard.backend.frames import Channel
    from dbxwizard.backend.views import PlanView, Situation
    from dbxwizard.parameters.editing.project import Project
    from dbxwizard.screens.leaving import LeavingDialog

_READING = 0.1  # seconds between two looks where the keys act
_STYLES = Path(str(screens.__file__)).parent


@dataclass(frozen=True, slots=True)
class Opening:
    """How the program was called. `arguments`: those of its backend; `first`: wizard, console, or "" for what fits."""

    arguments: Sequence[str]
    state_folder: Path
    first: str = ""
    sandbox: bool = False
    read_only: bool = False
    animated: bool = True
    screen_reader: bool = False


class DbxWizard(App[int]):
    """`connect` gives the channel to a backend; by default it starts one."""

    TITLE = "dbxwizard"
    CSS_PATH: ClassVar[Path] = _STYLES / "opening.tcss"  # and, once the first frame is shown, style.tcss
    answers: Answers  # as soon as the situation is seen
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (100, "-roomy"), (120, "-wide")]  # noqa: RUF012  as Textual types it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", "Quit", show=False, priority=True),
        Binding("q", "leave", "Quit"),
        Binding("question_mark", "keys", "Keys", key_display="?"),
        *(Binding(mode.key, f"go('{mode.name}')", mode.title, show=False) for mode in (WIZARD, *MODES)),
    ]

    def __init__(self, opening: Opening, connect: Callable[[], Channel] | None = None) -> None:
        super().__init__()
        self.opening = opening
        self.backend = Backend()
        self.situation: Situation | None = None
        self.running = self.developing = ""
        self.plan: PlanView | None = None
        self.editing: Project | None = None
        self.wanted_environment = self.wanted_file = ""
        self._read_at = Offset(0, 0)
        self._connect_backend = connect or self._start_backend
        for mode in (WIZARD, *MODES):
            self.add_mode(mode.name, _factory(mode))
        for theme in THEMES:
            self.register_theme(theme)
        kept = preferences.read(opening.state_folder).theme
        self.theme = kept if kept in self.available_themes else DEFAULT
        if not opening.animated:
            self.animation_level = "none"

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda theme: self._keep_theme(theme.name))
        self.backend.listen("git-token", self._ask_git_token)
        self.call_after_refresh(self._open_backend)
        if self.opening.screen_reader:
            self.set_interval(_READING, self._follow_reader)

    def _follow_reader(self) -> None:
        """Keeps the terminal's own cursor, visible, where the keys act."""
        from dbxwizard.screens.reading import SHOWN, place_of

        place = place_of(self.focused)
        if place is not None and place != self._read_at and self._driver is not None:
            self._read_at = self.cursor_position = place
            self._driver.write(Control.move_to(*place).segment.text + SHOWN)

    def _keep_theme(self, name: str) -> None:
        preferences.write(self.opening.state_folder, preferences.Preferences(name))

    def get_default_screen(self) -> Screen[Any]:
        return OpeningScreen()

    async def _open_backend(self) -> None:
        """After the first frame: starting a process takes its time, and so do the styles of everything that follows."""
        if not gc.isenabled():  # put off by who started the program: what was imported since stays for good
            gc.freeze()
            gc.enable()
        self.stylesheet.read(_STYLES / "style.tcss")
        self.stylesheet.parse()
        try:
            self.backend.connect(await asyncio.to_thread(self._connect_backend))
        except OSError as error:
            self.exit(return_code=1, message=f"error: the program can't start its backend: {error.strerror or error}")

    def _start_backend(self) -> Channel:
        from dbxwizard.backend.process import start

        return start(self.opening.arguments, self.opening.state_folder)

    # where one is

    async def on_situation_seen(self, message: SituationSeen) -> None:
        """The wizard until everything is set up, then the console."""
        self.situation, self.answers = message.situation, message.situation.answers
        first = self.opening.first or ("console" if message.situation.setup_done else "wizard")
        await self.switch_mode(WIZARD.name if first == "wizard" else MODES[0].name)

    async def action_go(self, mode: str) -> None:
        if self.situation is not None and mode in (WIZARD.name, *(one.name for one in MODES)):
            await self.switch_mode(mode)

    def go_resources(self, environment: str) -> None:
        self.wanted_environment = environment
        self.call_later(self.action_go, "resources")

    def browse(self, url: str) -> None:
        """Opens the page; over SSH, where a browser would open on the wrong machine, shows and copies its address."""
        if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
            self.copy_to_clipboard(url)
            self.notify(url, title="copied", markup=False)
        else:
            self.open_url(url)

    def action_help_quit(self) -> None:
        """ctrl+c, by which other programs end and which here copies what is marked."""
        self.notify("ctrl+q leaves the program")

    def action_keys(self) -> None:
        from dbxwizard.screens.keys import KeysPanel

        if not isinstance(self.screen, KeysPanel):
            self.push_screen(KeysPanel(self.screen))

    def get_system_commands(self, screen: Screen[Any]) -> Any:
        """What the command palette offers: every mode, and every action of the screen."""
        from dbxwizard.screens.keys import offers

        for mode in (*MODES, WIZARD):
            yield SystemCommand(mode.title, mode.help, _run(self, f"go('{mode.name}')"))
        for offer in offers(screen):
            yield SystemCommand(offer.words, f"key {', '.join(offer.keys)}", _run(offer.node, offer.action))
        yield SystemCommand("Theme", "Choose dark, light or high contrast", self.action_change_theme)

    # runs

    def run_begun(self, run: str) -> None:
        """Remembers what runs, wherever it is watched, until it has ended."""
        self.running = run
        self._await_end(run)

    @work
    async def go_deploy(self, names: Sequence[str]) -> None:
        """To the plan of a deployment of these environments."""
        from dbxwizard.screens.deployments import PlanScreen

        await self.switch_mode("deployments")
        await self.push_screen(PlanScreen(names))

    @work
    async def _await_end(self, run: str) -> None:
        try:
            status = await self.backend.ask.finished(run=run)
        except OperationError as error:
            status = error.code
        if self.running == run:
            self.running = ""
        severity: SeverityLevel = "information" if status in ("success", "unchanged") else "error"
        self.notify(f"the run has ended: {status}", severity=severity, markup=False)

    def _ask_git_token(self, repository: str) -> None:
        """A private repository, for which Databricks needs a token of its own."""
        from dbxwizard.screens.git_token import GitTokenDialog

        async def give(token: str | None) -> None:
            await self.backend.ask.give_git_token(token=token or "")

        self.push_screen(GitTokenDialog(repository), give)

    # leaving

    async def action_leave(self) -> None:
        """What would be lost is asked about: unsaved changes, what the mode Dev does, a deployment of this program."""
        from dbxwizard.screens import leaving

        if isinstance(self.screen, leaving.LeavingDialog):
            return
        unsaved = [session.name for session in self.editing.changed] if self.editing else []
        questions: list[leaving.LeavingDialog] = []
        if unsaved:
            questions.append(leaving.UnsavedDialog(unsaved))
        if self.developing:
            questions.append(leaving.DevelopingDialog(self.developing))
        if self.running:
            questions.append(leaving.LeaveDialog())
        await self._leave_after(questions)

    async def _leave_after(self, questions: Sequence[LeavingDialog], last: str | None = "") -> None:
        """One question after the other; each can be answered with staying."""
        if not questions:
            self._leave(detach=last == "detach")
            return

        async def decided(answer: str | None) -> None:
            if answer:
                await self._leave_after(questions[1:], answer)

        await self.push_screen(questions[0], decided)

    def _leave(self, *, detach: bool) -> None:
        self.backend.leave(detach=detach)
        self.exit(0)

    def copy_to_clipboard(self, text: str) -> None:
        super().copy_to_clipboard(text)
        self.notify("copied", timeout=2)

    def keep(self, answers: Answers) -> None:
        """Keeps what was answered in the wizard, whatever screen comes next."""
        if answers != self.answers:
            self.answers = answers
            self.run_worker(self._keep(answers), group="answers")

    async def _keep(self, answers: Answers) -> None:
        try:
            await self.backend.ask.keep_answers(answers=answers)
        except OperationError as error:
            self.screen.post_message(AskFailed(error))

    def save_text(self, name: str, text: str) -> None:
        """Writes `text` into the state folder's exports and says where."""
        self._save(name, lambda target: target.write_text(text, encoding="utf-8"))

    def save_file(self, name: str, source: Path) -> None:
        """As `save_text`, a whole file."""
        self._save(name, lambda target: shutil.copyfile(source, target))

    def _save(self, name: str, write: Callable[[Path], object]) -> None:
        target = self.opening.state_folder / "exports" / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write(target)
        except OSError as error:
            self.notify(f"{target}: {error.strerror or error}", severity="error", markup=False)
        else:
            self.notify(f"saved: {target}", markup=False)


def _factory(mode: Mode) -> Callable[[], Screen[Any]]:
    def make() -> Screen[Any]:
        screen: Screen[Any] = getattr(import_module(f"dbxwizard.screens.{mode.module}"), mode.screen)()
        return screen

    return make


def _run(node: DOMNode, action: str) -> Callable[[], Any]:
    return lambda: node.app.run_action(action, node)
