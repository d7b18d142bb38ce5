"""Dark, light and high contrast."""

from __future__ import annotations

from textual.theme import Theme

THEMES = (
    Theme(
        name="dbx-dark",
        primary="#ff6a4d",
        secondary="#3fa7d6",
        accent="#ffb454",
        success="#5fd38d",
        warning="#ffc857",
        error="#ff5c6c",
        background="#10151b",
        surface="#161d26",
        panel="#1e2833",
        foreground="#dde5ee",
        dark=True,
    ),
    Theme(
        name="dbx-light",
        primary="#c63a1e",
        secondary="#0b6e99",
        accent="#8a5a00",
        success="#1a7f45",
        warning="#8a5a00",
        error="#b3202c",
        background="#f7f8fa",
        surface="#ffffff",
        panel="#e8ecf1",
        foreground="#1b2430",
        dark=False,
    ),
    Theme(
        name="high-contrast",
        primary="#ffff00",
        secondary="#00ffff",
        accent="#ffff00",
        success="#00ff00",
        warning="#ffff00",
        error="#ff8080",
        background="#000000",
        surface="#000000",
        panel="#262626",
        foreground="#ffffff",
        dark=True,
        variables={"border": "#ffffff", "border-blurred": "#ffffff", "scrollbar": "#ffffff"},
    ),
)
DEFAULT = THEMES[0].name
