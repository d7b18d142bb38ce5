"""What goes wrong, said so that a person can mend it."""

from __future__ import annotations


class FrameworkError(Exception):
    """`fix` says what to do about it; the text of the error holds both."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(f"{message}: {fix}" if fix else message)
        self.message, self.fix = message, fix
