"""Where the workflows get dbxwizard itself: the lines of the requirements file that name it, each file by its hash."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from dbxwizard import __version__
from dbxwizard.core.errors import UsageError

CARRIED = ".github/dbxwizard"  # a wheel that the repository itself carries lies here
_INDEX_FORMS = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"  # PEP 691
_RELEASE = f"dbxwizard=={__version__}"
_WHEEL = re.compile(rf"dbxwizard-{re.escape(__version__)}-[^/]+\.whl")
_SHA256 = re.compile(r"sha256=([0-9a-f]{64})")
FROM_SANDBOX = "# The jobs of the sandbox get it there. For real ones say where it comes from: see --install-from."
UNPUBLISHED = "# No hash: which file this version is, nothing tells, so pip refuses it: see --install-from."


@dataclass(frozen=True, slots=True)
class Source:
    """`files`: what the repository carries, by path."""

    lines: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...] = ()


def source(given: str) -> Source:
    """For an index, the address of a wheel or a wheel on this machine; "" for what is installed here.

    Raises UsageError, Transient where the address doesn't answer, OSError for a wheel that can't be read.
    """
    if not given:
        return _installed()
    if not given.startswith(("https://", "http://")):
        return _carried(Path(given).expanduser())
    _require_publishable(given)
    path = urlsplit(given).path
    return _at_address(given) if path.endswith(".whl") else _of_index(given)


def _installed() -> Source:
    """As pip noted it (PEP 610): a wheel's address with its hash; else the release of this version."""
    try:
        note = json.loads(distribution("dbxwizard").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        note = {}
    sha = note.get("archive_info", {}).get("hashes", {}).get("sha256", "")
    address = str(note.get("url", ""))
    if sha and address.startswith("https://") and not urlsplit(address).username:
        return _by_address(address, sha)
    return Source((UNPUBLISHED, _RELEASE))


def _carried(wheel: Path) -> Source:
    _require_version(wheel.name, str(wheel))
    content = wheel.read_bytes()
    path = f"{CARRIED}/{wheel.name}"
    return Source((f"./{path} {_hash(_sha(content))}",), ((path, content),))


def _at_address(address: str) -> Source:
    """The hash is that of the fragment, or of what is there now."""
    plain, _, fragment = address.partition("#")
    _require_version(unquote(urlsplit(plain).path.rsplit("/", 1)[-1]), address)
    said = _SHA256.search(fragment)
    return _by_address(plain, said[1] if said else _sha(_get(plain).content))


def _by_address(address: str, sha: str) -> Source:
    return Source((f"dbxwizard @ {address} {_hash(sha)}",))


def of_sandbox(index: str, ca_bundle: Path | None) -> Source:
    """The wheel that a sandbox serves, as a release by its hash: its jobs know where to look for it."""
    listed = _of_json(_get(f"{index}/dbxwizard/", accept=_INDEX_FORMS, ca_bundle=ca_bundle).json())
    return Source((FROM_SANDBOX, f"{_RELEASE} {_hash(listed[0][1])}"))


def _of_index(index: str) -> Source:
    """The wheels of this version that a simple index (PEP 503, 691) lists with their hashes."""
    page = f"{index.rstrip('/')}/dbxwizard/"
    answer = _get(page, accept=_INDEX_FORMS)
    listed = _of_json(answer.json()) if "json" in answer.headers.get("content-type", "") else _of_html(answer.text)
    hashes = [_hash(sha) for name, sha in listed if _WHEEL.fullmatch(name)]
    if not hashes:
        raise UsageError(
            "install-from-no-wheel",
            f"the index lists no wheel of dbxwizard {__version__} with its sha256",
            resource=page,
            fix="Upload the wheel there, or give the address of a wheel.",
        )
    return Source((f"--extra-index-url {index}", " ".join((_RELEASE, *hashes))))


def _of_json(page: Any) -> list[tuple[str, str]]:
    files = page.get("files", []) if isinstance(page, dict) else []
    return [(str(one.get("filename")), str(one.get("hashes", {}).get("sha256", ""))) for one in files]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def _of_html(page: str) -> list[tuple[str, str]]:
    links = _Links()
    links.feed(page)
    parts = [urlsplit(urljoin("https://index/", link)) for link in links.found]
    shas = [(unquote(part.path.rsplit("/", 1)[-1]), _SHA256.search(part.fragment)) for part in parts]
    return [(name, sha[1]) for name, sha in shas if sha]


def _get(address: str, *, accept: str = "*/*", ca_bundle: Path | None = None) -> Any:
    from dbxwizard.clients.transport import require_success, send

    direct = urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1")
    answer = send("GET", address, ca_bundle=ca_bundle, direct=direct, headers={"Accept": accept}, resource=address)
    require_success(answer, address)
    return answer


def _require_publishable(address: str) -> None:
    """What is written into the repository holds no password, and what pip fetches goes encrypted or stays here."""
    parts = urlsplit(address)
    if parts.username or parts.password:
        raise UsageError(
            "install-from-password",
            "the address holds a user name or password, which would be written into the repository",
            resource="--install-from",
            fix="Give it without; let pip find them in its own settings (PIP_EXTRA_INDEX_URL, netrc).",
        )
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise UsageError("install-from-plain", "the address is not https", resource=address, fix="Use https.")


def _require_version(name: str, shown: str) -> None:
    if not _WHEEL.fullmatch(name):
        raise UsageError(
            "install-from-wheel",
            f"{name} is not a wheel of dbxwizard {__version__}",
            resource=shown,
            fix=f"Give dbxwizard-{__version__}-py3-none-any.whl, an address that ends so, or an index that has it.",
        )


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hash(sha: str) -> str:
    return f"--hash=sha256:{sha}"
