"""`dbxwizard serve` as its user starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from yarl import URL

from dbxwizard.core.errors import UsageError
from dbxwizard.web import tls
from tests.conftest import new_state
from tests.driving import dbxwizard
from tests.terminal.driving import InTerminal, processes_with, wait_until_ended
from tests.web.visiting import PATIENCE, Visitor


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and jump.contoso.com, and its key."""
    made = trustme.CA().issue_cert("jump.contoso.com", "127.0.0.1")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    made.cert_chain_pems[0].write_to_path(certificate)
    made.private_key_pem.write_to_path(key)
    return certificate, key


@asynccontextmanager
async def serving(
    *arguments: str, cwd: Path, ending: signal.Signals = signal.SIGINT
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`dbxwizard serve` with its address; ended by a signal, and then without a complaint."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dbxwizard", "serve", "--port", "0", *arguments),
        cwd=cwd,
        env={**os.environ, "DBXWIZARD_STATE_DIR": str(cwd / ".state")},
        stdout=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(PATIENCE):
            yield process, (await process.stdout.readline()).decode().strip()
        process.send_signal(ending)
        assert await process.stdout.read() == b""  # the address is all that stdout has
        assert await process.wait() == (0 if ending is not signal.SIGKILL else -ending)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--host", "0.0.0.0"), "tls-needed"),
        (("--host", "::"), "tls-needed"),
        (("--host", "jump.contoso.com"), "tls-needed"),
        (("--tls-cert", "server.pem"), "usage"),
        (("--tls-key", "server.key"), "usage"),
        (("--tls-cert", "none.pem", "--tls-key", "none.key"), "tls-unreadable"),
        (("--port", "http"), "option-invalid"),
        (("--port", "65536"), "option-invalid"),
        (("--sessions", "0"), "option-invalid"),
        (("--root", "nowhere"), "not-a-folder"),
    ],
)
def test_what_can_not_be_served_is_one_error(arguments: tuple[str, ...], code: str, tmp_path: Path) -> None:
    done = dbxwizard("serve", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("error: ") == 1
    assert f"{code}: " in done.stderr


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    async with serving(cwd=tmp_path) as (_, address):
        done = await asyncio.to_thread(dbxwizard, "serve", "--port", str(URL(address).port), cwd=tmp_path)
    assert done.returncode == 2
    assert "port-taken: can't listen on 127.0.0.1" in done.stderr


async def test_the_token_is_on_stdout_and_nowhere_else(tmp_path: Path, visitor: Visitor) -> None:
    async with serving("--log-file", "log", "--verbose", cwd=tmp_path) as (_, address):
        token = URL(address).query["token"]
        await visitor.enter(address)
        assert await visitor.status(address) == 403
    assert holding(token, tmp_path) == []


def holding(text: str, folder: Path) -> list[Path]:
    """The files below `folder` that hold `text`."""
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


async def test_with_tls(certificate: tuple[Path, Path], tmp_path: Path, visitor: Visitor) -> None:
    files = ("--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # who it is, is not the question here
    async with serving("--host", "0.0.0.0", *files, cwd=tmp_path) as (_, address):
        url = URL(address)
        assert (url.scheme, url.host) == ("https", "jump.contoso.com")
        async with visitor.http.get(url.with_host("127.0.0.2"), ssl=context) as answer:
            assert answer.status == 403  # reachable there, but that is no name of the certificate
        async with visitor.http.get(url.with_host("127.0.0.1"), ssl=context) as answer:
            assert answer.status == 200
            assert "; Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_the_program_and_its_backend_end_with_the_server(
    tmp_path: Path, visitor: Visitor, number: signal.Signals
) -> None:
    new_state(tmp_path / ".state")
    state = f"DBXWIZARD_STATE_DIR={tmp_path / '.state'}"
    async with serving("--sandbox", "--read-only", cwd=tmp_path, ending=number) as (_, address):
        await visitor.enter(address)
        terminal = await visitor.connect("?width=120&height=40")
        await terminal.wait_for("what is missing")
        await terminal.wait_for("READ-ONLY")
        started = [*processes_with(state, "open"), *processes_with(state, "host")]
        assert len(started) == 2
    await asyncio.to_thread(wait_until_ended, started)


def test_keys_that_do_not_fit(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    other = trustme.CA().issue_cert("other.contoso.com").private_key_pem.bytes()
    for content, code in (
        (other, "tls-key-invalid"),
        (b"no key", "tls-key-invalid"),
        (_encrypted(), "tls-key-encrypted"),
    ):
        certificate[1].write_bytes(content)
        with pytest.raises(UsageError) as raised:
            tls.load(*certificate)
        assert raised.value.code == code
    certificate[0].write_bytes(b"no certificate")
    with pytest.raises(UsageError, match="tls-cert-invalid"):
        tls.load(*certificate)


def test_enter_prints_another_address(tmp_path: Path) -> None:
    environ = {"DBXWIZARD_STATE_DIR": str(tmp_path / ".state")}
    with InTerminal(sys.executable, "-m", "dbxwizard", "serve", "--port", "0", cwd=tmp_path, **environ) as program:
        program.wait_for(b"ctrl+c ends")
        program.press("\n")
        while program.output.count(b"token=") < 2:
            program.wait_for_more()
        program.press("\x03")
        assert program.wait_for_end() == 0
    tokens = [word for word in program.output.split() if b"token=" in word]
    assert len(set(tokens)) == 2


def _encrypted() -> bytes:
    """A private key with a passphrase."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    encryption = serialization.BestAvailableEncryption(b"passphrase")
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
