"""Serving, attaching, taking over, and what survives."""

from __future__ import annotations

import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dbxwizard.sandbox.inspection import log, reset, show
from dbxwizard.sandbox.session import Sandbox, locate

_SERVE = """
import sys
from pathlib import Path
from dbxwizard.sandbox.session import Sandbox
with Sandbox(Path(sys.argv[1])) as sandbox:
    print(sandbox.endpoints().resource_manager, flush=True)
    sys.stdin.read()
"""


def metadata(sandbox: Sandbox) -> int:
    """The status of a public route, asked as a stranger would who trusts the sandbox's authority."""
    endpoints = sandbox.endpoints()
    context = ssl.create_default_context(cafile=str(endpoints.ca_bundle))
    url = f"{endpoints.resource_manager}/metadata/endpoints?api-version=2022-09-01"
    with urllib.request.urlopen(url, context=context, timeout=10) as answer:
        return int(answer.status)


def served_elsewhere(state: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_the_first_serves_and_the_second_attaches(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    with Sandbox(state) as first, Sandbox(state) as second:
        assert first.serves
        assert not second.serves
        assert second.endpoints() == first.endpoints()
        assert metadata(second) == 200


def test_another_process_takes_over_on_the_same_ports_when_the_serving_one_is_killed(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    process, address = served_elsewhere(state)
    with Sandbox(state) as sandbox:
        assert not sandbox.serves
        process.send_signal(signal.SIGKILL)
        process.wait()
        sandbox.wait_until_serving()
        assert sandbox.endpoints().resource_manager == address
        assert metadata(sandbox) == 200


def test_a_served_sandbox_is_found_by_its_address(sandbox: Sandbox) -> None:
    assert locate(sandbox.endpoints().resource_manager) == sandbox.endpoints()


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "https://example.com:443", "https://127.0.0.1", "nonsense"])
def test_only_a_loopback_https_address_is_asked(address: str) -> None:
    with pytest.raises(ValueError, match="not the https address"):
        locate(address)


def test_a_certificate_is_not_trusted_without_the_authority(sandbox: Sandbox) -> None:
    url = f"{sandbox.endpoints().resource_manager}/metadata/endpoints?api-version=2022-09-01"
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(url, context=ssl.create_default_context(), timeout=10)


def test_show_is_the_same_twice_and_asking_is_not_in_the_log(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    first = show(state)
    assert first["subscriptions"]
    assert show(state) == first
    assert log(state) == {"requests": []}


def test_reset_forgets_and_is_refused_while_somebody_serves(tmp_path: Path) -> None:
    from filelock import Timeout

    state = tmp_path / "state.sqlite"
    with Sandbox(state), pytest.raises(Timeout):
        reset(state)
    assert reset(state)
    assert not state.exists()
    assert not reset(state)


def test_the_state_is_readable_by_its_owner_alone(sandbox: Sandbox) -> None:
    assert sandbox.state.stat().st_mode & 0o077 == 0
    assert (sandbox.state.parent / "ca.key").stat().st_mode & 0o077 == 0
