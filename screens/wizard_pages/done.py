"""What was made, and what comes next."""

from __future__ import annotations

from typing import ClassVar

from dbxwizard.screens.wizard import WizardPage


class DonePage(WizardPage):
    key: ClassVar[str] = "done"
