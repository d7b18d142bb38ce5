"""What a job gets of the settings of the machine that serves the sandbox: how pip reaches its index, and nothing else.

pip.pypa.io/en/stable/topics/configuration: a job's home is its own, so pip would find neither its settings nor its
cache. The cache is shared by all jobs and with the user's own pip: what was downloaded once is there for the next job.
"""

from __future__ import annotations

import configparser
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

from platformdirs import site_config_path, user_cache_path, user_config_path

from dbxwizard.sandbox import tls

# Where packages come from, and how: what says where they go stays behind.
_PIP = (
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_TRUSTED_HOST", "PIP_CLIENT_CERT",
    "PIP_PROXY", "PIP_DEFAULT_TIMEOUT", "PIP_TIMEOUT", "PIP_RETRIES", "PIP_CONSTRAINT",
)  # fmt: skip
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_TRUSTED = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
# What a job's programs read; pip's own variable yields to the second one where both are set.
_TRUSTING = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")
_LOOPBACK = "127.0.0.1,localhost"


def settings(environ: Mapping[str, str], folder: Path, links: str) -> dict[str, str]:
    """The variables of a job.

    `folder` holds the sandbox's authority, which a job is to trust beside the machine's. `links`: the page on which the
    sandbox lists its own dbxwizard; pip looks there as well, wherever the sandbox listens by now.
    """
    found = {name: environ[name] for name in (*_PIP, *_PROXIES) if name in environ}
    if any(name in found for name in _PROXIES):
        others = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
        found |= dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(filter(None, (others, _LOOPBACK))))
    own = next((path for path in _user_files(environ) if path.is_file()), None)
    if own is not None:
        found["PIP_CONFIG_FILE"] = str(own)
    return {
        **found,
        "PIP_CACHE_DIR": environ.get("PIP_CACHE_DIR") or str(user_cache_path("pip")),
        **dict.fromkeys(_TRUSTING, str(_trust(environ, folder))),
        "PIP_FIND_LINKS": " ".join((*_found_links(environ), links)),
        "PIP_NO_COMPILE": "0",  # compiling ahead is half of an installation's time (pip reads the 0 as "don't")
    }


def _user_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """The settings that the job's own home hides."""
    if environ.get("PIP_CONFIG_FILE"):
        yield Path(environ["PIP_CONFIG_FILE"])
    yield user_config_path("pip") / "pip.conf"
    yield Path.home() / ".config" / "pip" / "pip.conf"
    yield Path.home() / ".pip" / "pip.conf"


def _trust(environ: Mapping[str, str], folder: Path) -> Path:
    """A bundle of every authority that the machine trusts, with the sandbox's own, which a job at GitHub lacks."""
    named = [environ[name] for name in _TRUSTED if environ.get(name)]
    named += [cert for path in _files(environ) for cert in _values(path, "cert")]
    named += [path for path in (ssl.get_default_verify_paths().cafile,) if path]
    others = [Path(name) for name in dict.fromkeys(named)]
    return tls.bundle(folder, "job-bundle.pem", [path for path in others if path.is_file()])


def _site_files() -> Iterator[Path]:
    yield Path("/etc/pip.conf")
    for base in site_config_path("pip", multipath=True).as_posix().split(":"):
        yield Path(base) / "pip.conf"


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    """All files of settings, the one that decides first."""
    yield from _user_files(environ)
    yield from _site_files()


def _found_links(environ: Mapping[str, str]) -> list[str]:
    """Where the machine's pip looks beside its index: what a variable says takes the place of what a file says."""
    if environ.get("PIP_FIND_LINKS"):
        return environ["PIP_FIND_LINKS"].split()
    said = (links for path in _files(environ) for links in _values(path, "find-links"))
    return next(said, "").split()


def _values(path: Path, option: str) -> Iterator[str]:
    """An option of a file of settings; one that can't be read has none, as pip will say itself."""
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, "utf-8")
    except (OSError, configparser.Error, UnicodeDecodeError):
        return
    for section in ("global", "install"):
        if parser.has_option(section, option):
            yield parser.get(section, option)
