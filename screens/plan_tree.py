"""A plan as a tree: environment, step, then the reason per field and the requests that it will send."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap

from rich.text import Text
from textual.widgets.tree import TreeNode

from dbxwizard.backend.views import PlanView, StepView
from dbxwizard.screens.widgets import Branches
from dbxwizard.screens.words import ACTIONS, shown

_NARROWEST = 20  # columns for the words of a right
_INDENTED = 10  # columns before them, and the scrollbar


class PlanTree(Branches[StepView]):
    """Steps that change nothing are left out until `unchanged` is asked for."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002  as Textual names it
        super().__init__("", id=id)
        self.show_root = False
        self.guide_depth = 2
        self._plan: PlanView | None = None
        self._filter = ""
        self._unchanged = False

    def show(self, plan: PlanView) -> None:
        self._plan = plan
        self._fill()

    def narrow(self, text: str) -> None:
        """Only steps in whose words `text` is found."""
        self._filter = text.lower()
        self._fill()

    def toggle_unchanged(self) -> bool:
        self._unchanged = not self._unchanged
        self._fill()
        return self._unchanged

    def _fill(self) -> None:
        self.clear()
        plan = self._plan
        if plan and plan.lacking:
            self._add_lacking(plan)
        for name in plan.environments if plan else ():
            steps = [step for step in plan.steps if step.environment == name and self._shows(step)] if plan else []
            if steps:
                branch = self.root.add(_branch(name, steps), expand=True)
                for step in steps:
                    self._add(branch, step)

    def _add_lacking(self, plan: PlanView) -> None:
        """First, as nothing can be applied while it is so."""
        rights = [right for right in plan.lacking if self._filter in f"{right.words} {right.fix}".lower()]
        branch = self.root.add(Text("rights that lack", "bold"), expand=True) if rights else self.root
        width = max(_NARROWEST, self.size.width - _INDENTED)
        for right in rights:
            first, *others = wrap(f"✗ {right.words}", width, subsequent_indent="  ")
            node = branch.add(Text(first), expand=True)
            for line in (*others, *wrap(f"→ {right.fix}", width, subsequent_indent="  ")):
                node.add_leaf(Text(line))

    def _shows(self, step: StepView) -> bool:
        if not (self._unchanged or step.changes or step.not_checked):
            return False
        return self._filter in " ".join(_words(step)).lower()

    def _add(self, branch: TreeNode[StepView], step: StepView) -> None:
        details = list(_details(step))
        node = branch.add(self._label(step), data=step, allow_expand=bool(details))
        for detail in details:
            node.add_leaf(Text(detail, style="dim"), data=step)

    def _label(self, step: StepView) -> Text:
        sign = ACTIONS["not checked" if step.not_checked else step.action]
        forbidden = ("  not allowed", self.app.theme_variables.get("error", "")) if step.may_not else ""
        return Text.assemble(shown(sign, self.app.theme_variables), "  ", step.title, forbidden)

    def recolour(self) -> None:
        for branch in self.root.children:
            for node in branch.children:
                if node.data is not None:
                    node.set_label(self._label(node.data))


def _branch(name: str, steps: list[StepView]) -> Text:
    counted = Counter("not checked" if step.not_checked else step.action for step in steps)
    words = ", ".join(f"{count} {ACTIONS[action].word}" for action, count in counted.items())
    return Text.assemble((name or "setup", "bold"), f"  {words}")


def _words(step: StepView) -> Iterator[str]:
    yield from (step.title, step.environment, step.action, *_details(step))


def _details(step: StepView) -> Iterator[str]:
    if step.not_checked or step.may_not:
        yield step.not_checked or step.may_not
    yield from step.reasons
    if step.note:
        yield step.note
    yield from (f"⇢ {request}" for request in step.writes)


def totals(plan: PlanView) -> str:
    """Counts in words, how many requests, and who acts."""
    counts = plan.counts()
    told = ", ".join(f"{counts[action]} {sign.word}" for action, sign in ACTIONS.items() if counts[action])
    if not plan.changes and not plan.lacking:
        return f"Nothing to change: {told or 'no steps'}; as {plan.actor}"
    requests = sum(len(step.writes) for step in plan.changes)
    lacking = "; it may not be applied, as rights lack" if plan.lacking else ""
    return f"{told or 'nothing to do'}; {requests} requests that change something; as {plan.actor}{lacking}"
