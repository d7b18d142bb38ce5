"""The parameter files of the environments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Static

from dbxwizard.screens.wizard import WizardPage


class EnvironmentsPage(WizardPage):
    key: ClassVar[str] = "environments"
    needs: ClassVar[tuple[str, ...]] = ("environments",)

    def content(self) -> Iterable[Widget]:
        found = self.situation
        names = "\n".join(f"  environments/{name}.json" for name in found.environments)
        problems = f"✗ {found.problems} problems" if found.problems else "✓ no problems"
        yield Static(f"{names}\n\n{problems}", markup=False)

    def may_go_on(self) -> str:
        return f"{self.situation.problems} problems in the files" if self.situation.problems else ""
