"""Finds passwords, tokens and keys in a file's text, so that nobody pushes them and no message shows them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from dbxwizard.parameters.nodes import Member, Node, Object, children, text_of
from dbxwizard.parameters.problems import Finding

# Shapes from GitHub's list of secret scanning patterns, and from what each service hands out.
_SHAPES = (
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,})"),
    ("a Databricks token", r"\b(?:dapi|dkea|dose)[0-9a-f]{16,}(?:-[0-9])?"),
    ("a client secret of Microsoft Entra", r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{30,}"),
    ("a signed token (JWT)", r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
    (
        "a connection string",
        r"(?i:\b(?:AccountKey|SharedAccess(?:Key|Signature)|InstrumentationKey|Password|Pwd)=[^;\s\"<]{4,})",
    ),
    ("a shared access signature", r"(?i:[?&]sig=[A-Za-z0-9%+/=]{16,})"),
    ("an address with a password", r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^/\s:@\"<]{0,100}:[^/\s@\"<]{1,100}@"),
    ("a private key", r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
)
_ANY = re.compile("|".join(f"({pattern})" for _, pattern in _SHAPES))
_SECRET_KEY = re.compile(
    r"(?i)(password|passwd|pwd|secret|token|credential|(?:api|account|access|private)[_.]?key|connection_?string)"
)
_NO_SECRET_KEY = re.compile(r"(?i)(token_(type|url|endpoint)|secret_?(name|scope)s?|key_?vault)$")
_REFERENCE = re.compile(
    r"\s*|<[^<>]*>|\{\{secrets/[^{}]+\}\}|\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|\*+|true|false|[0-9]+", re.IGNORECASE
)
CODE = "credential-in-file"
_FIX = "take it out of the file and revoke it: whoever can read the repository or its history has it"


def find(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and kind of each credential in a text, comments included."""
    for found in _ANY.finditer(text):
        yield found.start(), found.end(), _SHAPES[(found.lastindex or 1) - 1][0]


def is_hidden(text: str) -> bool:
    return bool(_ANY.search(text))


def findings(text: str, root: Node | None) -> list[Finding]:
    """One for each credential: by its form anywhere in the text, by the name of its key in the tree."""
    found = [Finding(start, "error", CODE, f"this looks like {kind}", _FIX) for start, _, kind in find(text)]
    places = [finding.offset for finding in found]
    for member in secret_members(root) if root else ():
        next_place = bisect_left(places, member.value.start)
        if next_place == len(places) or places[next_place] >= member.value.end:
            message = f"{show(member.name)} holds a credential"
            found.append(Finding(member.value.start, "error", CODE, message, _FIX))
    return found


def redacted(text: str, root: Node | None) -> str:
    """The text with every credential replaced, for a diff or a log."""
    spans = {(start, end) for start, end, _ in find(text)}
    spans |= {(member.value.start, member.value.end) for member in (secret_members(root) if root else ())}
    pieces: list[str] = []
    position = 0
    for start, end in sorted(spans):
        if end > position:
            pieces += (text[position : max(position, start)], "***")
            position = end
    return "".join(pieces) + text[position:]


def show(text: str) -> str:
    """A text of the file in quotes, for a message: short, on one line, and never a credential."""
    if is_hidden(text):
        return '"***"'
    clean = "".join(char if char.isprintable() else "?" for char in text)
    return f'"{clean}"' if len(clean) <= 60 else f'"{clean[:57]}…"'


def secret_members(node: Node, path: tuple[str | int, ...] = ()) -> Iterator[Member]:
    """Members whose name says that their value is secret, where the value is one and not a reference to it."""
    if _names_only(path):
        return
    if isinstance(node, Object):
        yield from (member for member in node.members if _is_secret(member))
    for name, child in children(node):
        yield from secret_members(child, (*path, name))


def _names_only(path: tuple[str | int, ...]) -> bool:
    """SecretScopes name keys of secrets and where values come from, Tags and permissions have keys of their own."""
    return path[:1] == ("SecretScopes",) or path[:2] == ("Resources", "Tags")


def _is_secret(member: Member) -> bool:
    value = text_of(member.value)
    return (
        value is not None
        and bool(_SECRET_KEY.search(member.name))
        and not _NO_SECRET_KEY.search(member.name)
        and not _REFERENCE.fullmatch(value)
    )
