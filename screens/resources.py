"""What there is, by environment: Azure, Databricks and GitHub; with clusters that start and jobs that run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static
from textual.widgets.tree import TreeNode

from dbxwizard.core.errors import OperationError
from dbxwizard.screens.dialogs import Question
from dbxwizard.screens.page import AskFailed, Page
from dbxwizard.screens.widgets import Branches
from dbxwizard.screens.words import CLUSTERS, NO_FILES, Sign, age

if TYPE_CHECKING:
    from dbxwizard.backend.console.board import BoardRow
    from dbxwizard.backend.console.items import Item
    from dbxwizard.backend.console.resources import Branch, EnvironmentResources
    from dbxwizard.workspace_actions import ClusterState, JobRun

PAGE = 1000  # things of one kind that are shown at once
_FEW = 10  # things of one kind that are shown without being asked for
_KINDS = {
    "resource": "resources",
    "cluster": "clusters",
    "job": "jobs",
    "git folder": "Git folders",
    "secret scope": "secret scopes",
    "environment": "environment",
    "variable": "variables",
    "secret": "secrets",
}
_DANGEROUS = {"stop": "Stop", "restart": "Restart"}  # what runs on the cluster is lost


@dataclass(frozen=True, slots=True)
class Place:
    """What a line of the tree is: an environment, one of its services, a kind of things, a thing, or more of a kind."""

    environment: str
    service: str = ""
    kind: str = ""
    item: Item | None = None
    branch: Branch | None = None
    rest: tuple[Item, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.environment, self.service, self.kind, self.item.id if self.item else ""


class EnvironmentsListed(Message):
    def __init__(self, rows: tuple[BoardRow, ...]) -> None:
        super().__init__()
        self.rows = rows


class ResourcesSeen(Message):
    def __init__(self, seen: EnvironmentResources) -> None:
        super().__init__()
        self.seen = seen


class DetailsSeen(Message):
    def __init__(self, key: tuple[str, str, str, str], text: str) -> None:
        super().__init__()
        self.key, self.text = key, text


class ClusterSettled(Message):
    def __init__(self, state: ClusterState) -> None:
        super().__init__()
        self.state = state


class RunBegun(Message):
    def __init__(self, environment: str, run: int) -> None:
        super().__init__()
        self.environment, self.run = environment, run


class RunEnded(Message):
    def __init__(self, run: JobRun) -> None:
        super().__init__()
        self.run = run


class ResourcesScreen(Page):
    heading = "Resources"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "refresh", "Refresh"),
        Binding("v", "json", "JSON"),
        Binding("o", "browse", "Browser"),
        Binding("s", "cluster('start')", "Start"),
        Binding("S", "cluster('stop')", "Stop", key_display="S"),
        Binding("R", "cluster('restart')", "Restart", key_display="R"),
        Binding("u", "run_job", "Run"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._production: dict[str, bool] = {}
        self._seen: dict[str, EnvironmentResources] = {}
        self._lines: dict[tuple[str, str, str, str], TreeNode[Place]] = {}
        self._runs: dict[tuple[str, int], JobRun] = {}  # the newest of each job, by environment and job id
        self._json = False
        self._kind = ""  # of the thing under the cursor
        self._filter = ""
        self._stops: list[object] = []

    def body(self) -> Iterable[Widget]:
        with Horizontal(id="resources"):
            tree: Branches[Place] = Branches("environments")
            tree.show_root = False
            tree.guide_depth = 2
            yield tree
            with VerticalScroll(id="thing"):
                yield Static("", id="detail", markup=False)

    @property
    def tree_of(self) -> Branches[Place]:
        return self.query_one(Branches)

    def on_mount(self) -> None:
        self.tree_of.focus()
        listen = self.program.backend.listen
        self._stops = [listen("cluster", self._cluster_seen), listen("job-run", self._run_seen)]
        self.set_interval(1.0, self._grow_older)

    def on_unmount(self) -> None:
        for stop in self._stops:
            stop()  # type: ignore[operator]

    @on(events.ScreenResume)
    def look(self) -> None:
        self.request(self.ask.board(), EnvironmentsListed, "" if self._lines else "looking at the environments")

    def recolour(self) -> None:
        for node in self._lines.values():
            if node.data is not None and node.data.item is not None:
                node.set_label(self._label(node.data.environment, node.data.item))

    # environments

    @on(EnvironmentsListed)
    def show_environments(self, message: EnvironmentsListed) -> None:
        names = {row.name: row.production for row in message.rows}
        if names != self._production:
            self._production = names
            self._fill()
        wanted, self.program.wanted_environment = self.program.wanted_environment, ""
        node = self._lines.get((wanted, "", "", ""))
        if node is not None:
            node.expand()
            self.call_after_refresh(self.tree_of.move_cursor, node)
        else:
            self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """The cursor is somewhere, where nobody has put it elsewhere meanwhile."""
        if not self._production:
            self.query_one("#detail", Static).update(NO_FILES)
        elif self._here is None:
            self.tree_of.move_cursor_to_line(0)

    def _fill(self) -> None:
        self._lines.clear()
        self.tree_of.clear()
        for name, production in self._production.items():
            label = Text.assemble(name, ("  PROD" if production else "", "bold"))
            self._add(self.tree_of.root, Place(name), label)
            if name in self._seen:
                self._grow(self._seen[name])

    def _add(self, parent: TreeNode[Place], place: Place, label: Text, *, leaf: bool = False) -> TreeNode[Place]:
        node = parent.add_leaf(label, place) if leaf else parent.add(label, place)
        self._lines[place.key if not place.rest else (*place.key[:3], "more")] = node
        return node

    @on(Branches.NodeExpanded)
    def load(self, event: Branches.NodeExpanded[Place]) -> None:
        place = event.node.data
        if place is not None and not place.service and place.environment not in self._seen:
            self._look_at(place.environment)

    def _look_at(self, environment: str) -> None:
        self.request(self.ask.resources(environment=environment), ResourcesSeen, f"looking at {environment}")

    @on(ResourcesSeen)
    def show_resources(self, message: ResourcesSeen) -> None:
        seen = message.seen
        self._seen[seen.environment] = seen
        if (seen.environment, "", "", "") in self._lines:
            self._grow(seen)
            self._show()

    # the tree

    def filtered(self, text: str) -> None:
        self._filter = text.lower()
        self._fill()
        if text:
            for key, node in self._lines.items():
                if key[0] in self._seen:  # opening the others would look at every one of them
                    node.expand()

    def _grow(self, seen: EnvironmentResources) -> None:
        """Puts what was seen below its environment; what was open stays open, the cursor stays where it was."""
        root = self._lines[seen.environment, "", "", ""]
        here = self._here
        opened = {key for key, node in self._lines.items() if key[0] == seen.environment and node.is_expanded}
        root.remove_children()
        self._lines = {key: node for key, node in self._lines.items() if key[0] != seen.environment or not key[1]}
        for branch in seen.branches:
            self._grow_branch(root, seen.environment, branch)
        for key in opened & self._lines.keys():
            self._lines[key].expand()
        if here is not None and here.key in self._lines:
            self.tree_of.move_cursor(self._lines[here.key])

    def _grow_branch(self, root: TreeNode[Place], environment: str, branch: Branch) -> None:
        words = "  ✗ not seen" if branch.error else f"  {len(branch.items)}" if branch.items else "  nothing yet"
        label = Text.assemble(branch.service, (words, "dim"))
        node = self._add(root, Place(environment, branch.service, branch=branch), label)
        node.expand()
        kinds: dict[str, list[Item]] = {}
        for item in branch.items:
            if self._filter in f"{item.name} {item.kind} {item.state}".lower():
                kinds.setdefault(item.kind, []).append(item)
        for kind, items in kinds.items():
            under = node
            if len(kinds) > 1:
                label = Text.assemble(_KINDS[kind], (f"  {len(items)}", "dim"))
                under = self._add(node, Place(environment, branch.service, kind, branch=branch), label)
                if len(items) <= _FEW:
                    under.expand()
            self._page(under, environment, branch, kind, tuple(items))

    def _page(
        self, under: TreeNode[Place], environment: str, branch: Branch, kind: str, items: tuple[Item, ...]
    ) -> None:
        for item in items[:PAGE]:
            place = Place(environment, branch.service, kind, item, branch)
            self._add(under, place, self._label(environment, item), leaf=True)
        if rest := items[PAGE:]:
            place = Place(environment, branch.service, kind, branch=branch, rest=rest)
            self._add(under, place, Text(f"… {len(rest)} more: enter shows them", style="italic"), leaf=True)

    def _label(self, environment: str, item: Item) -> Text:
        if item.kind == "cluster":
            sign = _sign(item.state)
            style = self.app.theme_variables.get(sign.style, "")
            return Text.assemble(item.name, "  ", (str(sign), style))
        run = self._runs.get((environment, int(item.id))) if item.kind == "job" else None
        if run is not None:
            return Text.assemble(item.name, ("  run: ", "dim"), run.state.lower())
        if item.kind == "resource":
            return Text.assemble(item.name, (f"  {dict(item.fields)['type'].rpartition('/')[2]}", "dim"))
        return Text(item.name)

    @on(Branches.NodeSelected)
    def show_more(self, event: Branches.NodeSelected[Place]) -> None:
        place = event.node.data
        if place is None or not place.rest or place.branch is None:
            return
        under = event.node.parent
        line = event.node.line
        event.node.remove()
        if under is not None:
            self._page(under, place.environment, place.branch, place.kind, place.rest)
            self.call_after_refresh(self.tree_of.move_cursor_to_line, line)

    # what is under the cursor

    @property
    def _here(self) -> Place | None:
        node = self.tree_of.cursor_node
        return node.data if node is not None else None

    @on(Branches.NodeHighlighted)
    def show_place(self) -> None:
        kind = self._here.kind if self._here is not None and self._here.item is not None else ""
        if kind != self._kind:
            self._kind = kind
            self.refresh_bindings()
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Clusters are started and jobs are run where one is under the cursor."""
        wanted = {"cluster": "cluster", "run_job": "job"}
        return wanted.get(action, self._kind) == self._kind

    def _show(self) -> None:
        place = self._here
        if place is None:
            return
        if self._json and place.item is not None and place.kind not in ("variable", "secret"):
            details = self.ask.resource_details(environment=place.environment, kind=place.kind, item=place.item.id)
            self.request(details, lambda text: DetailsSeen(place.key, text), "reading it")
        else:
            self._detail(self._told(place))

    @on(DetailsSeen)
    def show_details(self, message: DetailsSeen) -> None:
        if self._here is not None and self._here.key == message.key:
            self._detail(message.text)

    def _detail(self, text: str) -> None:
        self.query_one("#detail", Static).update(Text(text))
        self.query_one("#thing").scroll_home(animate=False)

    def _told(self, place: Place) -> str:
        seen = self._seen.get(place.environment)
        when = f"seen {age(time.time() - seen.at)} ago" if seen else "not looked at yet: enter opens it"
        lines = [f"{place.environment}{' (PRODUCTION)' if self._production.get(place.environment) else ''}, {when}"]
        branch, item = place.branch, place.item
        if item is not None:
            lines += ["", f"{item.kind} {item.name}"]
            lines += [f"state: {_sign(item.state)}"] if item.kind == "cluster" else []
            lines += [f"{name}: {value}" for name, value in item.fields]
            lines += [item.url] if item.url else []
            run = self._runs.get((place.environment, int(item.id))) if item.kind == "job" else None
            lines += ["", *_run_told(run)] if run is not None else []
        elif branch is not None:
            lines += ["", branch.service, *([branch.url] if branch.url else [])]
            if branch.error is not None:
                lines.append(f"✗ {branch.error}")
        return "\n".join(lines)

    def _grow_older(self) -> None:
        if not self._json and self._here is not None and self.is_current:
            self.query_one("#detail", Static).update(Text(self._told(self._here)))

    def action_json(self) -> None:
        self._json = not self._json
        self._show()

    def action_refresh(self) -> None:
        place = self._here
        if place is not None:
            self.action_dismiss_error()
            self._look_at(place.environment)

    def action_browse(self) -> None:
        place = self._here
        url = "" if place is None else place.item.url if place.item else place.branch.url if place.branch else ""
        if url:
            self.program.browse(url)
        else:
            self.notify("there is no page for this", severity="warning")

    def copied(self) -> str:
        return str(self.query_one("#detail", Static).content)

    # clusters

    async def action_cluster(self, action: str) -> None:
        place = self._here
        if place is None or place.item is None:
            return
        environment, item = place.environment, place.item
        production = self._production.get(environment, False)

        def decided(answer: str | None) -> None:
            if answer:
                change = self.ask.change_cluster(environment=environment, cluster=item.id, action=action)
                self.request(change, ClusterSettled, f"{action}: {item.name}")

        if action in _DANGEROUS or production:
            await self.app.push_screen(_cluster_question(action, environment, item, production), decided)
        else:
            decided(action)

    def _cluster_seen(self, state: ClusterState) -> None:
        """A notice: the cluster's line shows it at once."""
        self._replace(state.environment, "cluster", state.cluster_id, state=state.state)

    @on(ClusterSettled)
    def tell_settled(self, message: ClusterSettled) -> None:
        state = message.state
        self._cluster_seen(state)
        words = f"cluster {self._name_of(state.environment, 'cluster', state.cluster_id)}: {_sign(state.state)}"
        self.notify(words + (f"  {state.message}" if state.message else ""), markup=False)

    def _name_of(self, environment: str, kind: str, item_id: str) -> str:
        node = self._lines.get((environment, _SERVICE_OF[kind], kind, item_id))
        return node.data.item.name if node is not None and node.data and node.data.item else item_id

    def _replace(self, environment: str, kind: str, item_id: str, *, state: str) -> None:
        from dataclasses import replace

        node = self._lines.get((environment, _SERVICE_OF[kind], kind, item_id))
        if node is None or node.data is None or node.data.item is None:
            return
        node.data = replace(node.data, item=replace(node.data.item, state=state))
        assert node.data.item is not None  # noqa: S101  replaced just now
        node.set_label(self._label(environment, node.data.item))
        if self._here is node.data and not self._json:
            self._detail(self._told(node.data))

    # jobs

    async def action_run_job(self) -> None:
        place = self._here
        if place is None or place.item is None:
            return
        environment, item = place.environment, place.item

        def decided(answer: str | None) -> None:
            if answer:
                self._run_job(environment, int(item.id), item.name)

        if self._production.get(environment):
            question = Question(
                f"Run {item.name} in {environment}?",
                "It runs in production, on production's data.",
                (("run", "Run it"),),
                typed=item.name,
                dangerous=True,
            )
            await self.app.push_screen(question, decided)
        else:
            decided("run")

    @work
    async def _run_job(self, environment: str, job: int, name: str) -> None:
        """Begins the run and follows it; its states come as notices."""
        from dbxwizard.screens.bars import TopBar

        with self.query_one(TopBar).waiting(f"job {name} runs"):
            try:
                run = await self.ask.run_job(environment=environment, job=job)
                self.post_message(RunEnded(await self.ask.follow_run(environment=environment, run=run)))
            except OperationError as error:
                self.post_message(AskFailed(error))

    def _run_seen(self, run: JobRun) -> None:
        self._runs[run.environment, run.job_id] = run
        node = self._lines.get((run.environment, "Databricks", "job", str(run.job_id)))
        if node is not None and node.data is not None and node.data.item is not None:
            node.set_label(self._label(run.environment, node.data.item))
            if self._here is node.data and not self._json:
                self._detail(self._told(node.data))

    @on(RunEnded)
    def tell_ended(self, message: RunEnded) -> None:
        run = message.run
        self._run_seen(run)
        name = self._name_of(run.environment, "job", str(run.job_id))
        fine = run.state == "SUCCESS"
        self.notify(f"job {name}: {run.state.lower()}", severity="information" if fine else "error", markup=False)


_SERVICE_OF = {"cluster": "Databricks", "job": "Databricks"}


def _sign(state: str) -> Sign:
    return CLUSTERS.get(state, Sign("?", state.lower() or "unknown", "warning"))


def _cluster_question(action: str, environment: str, item: Item, production: bool) -> Question:
    texts = {
        "start": "It costs from now on, until it is stopped or has been idle long enough.",
        "stop": "What runs on it is lost. It can be started again.",
        "restart": "What runs on it is lost, and its libraries are installed anew.",
    }
    where = f"{environment} (PRODUCTION)" if production else environment
    return Question(
        f"{action.capitalize()} {item.name} in {where}?",
        texts[action],
        ((action, f"{action.capitalize()} it"),),
        typed=item.name if production else "",
        dangerous=True,
    )


def _run_told(run: JobRun) -> list[str]:
    lines = [f"run {run.run_id}: {run.state.lower()}" + (f" after {run.seconds:.0f} s" if run.ended else "")]
    lines += [run.message] if run.message else []
    lines += [run.url] if run.url else []
    for task in run.tasks:
        lines.append(f"  {task.key}: {task.state.lower()}")
        lines += [f"    {line}" for line in task.output.splitlines()]
    return lines
