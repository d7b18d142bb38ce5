"""The index from which the sandbox's jobs get dbxwizard."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

import dbxwizard
from dbxwizard import __version__
from dbxwizard.backend.workflows.files import REQUIREMENTS
from dbxwizard.backend.workflows.install_from import source
from dbxwizard.backend.workflows.sandbox_install import take_from_sandbox
from dbxwizard.backend.workflows.update import read_base, updates
from dbxwizard.clients.cloud import Cloud, discover
from dbxwizard.sandbox.github.runs.machine import settings
from dbxwizard.sandbox.packages import service, wheel
from dbxwizard.sandbox.session import Sandbox
from tests.roads import Road
from tests.sandbox.wire import Wire

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


@pytest.fixture
def wire(sandbox: Sandbox) -> Iterator[Wire]:
    made = Wire(sandbox.state)
    yield made
    made.close()


def get(wire: Wire, address: str) -> bytes:
    answer = wire.send("GET", "packages", "/" + address.split("/", 3)[-1])
    assert answer.status == 200
    return answer.body


def test_the_index_lists_the_wheel_of_the_running_version_with_its_hash(wire: Wire) -> None:
    assert wire.send("GET", "packages", "/simple/", headers=JSON).json["projects"] == [{"name": "dbxwizard"}]
    [file] = wire.send("GET", "packages", "/simple/dbxwizard/", headers=JSON).json["files"]
    content = get(wire, file["url"])
    assert hashlib.sha256(content).hexdigest() == file["hashes"]["sha256"]
    page = wire.send("GET", "packages", "/simple/dbxwizard/")
    assert (page.headers["content-type"].partition(";")[0], file["url"] in page.body.decode()) == (
        "application/vnd.pypi.simple.v1+html",
        True,
    )
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
    assert {"dbxwizard/__main__.py", "dbxwizard/screens/__init__.py", "dbxwizard/_data/workflows/checks.yml"} <= names
    for path in (
        "/simple/other/",
        "/files/x/y.whl",
        f"/files/{'0' * 64}/dbxwizard-9.whl",
        "/files/%2e%2e/state.sqlite",
    ):
        assert wire.send("GET", "packages", path).status == 404


def test_an_installed_dbxwizard_gives_the_same_wheel_again(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pip unpacks it, with what pip adds."""
    name, content = wheel.running_wheel()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
    info = tmp_path / f"dbxwizard-{__version__}.dist-info"
    with (info / "RECORD").open("a") as record:
        csv.writer(record).writerows([[f"{info.name}/INSTALLER", "", ""], ["../../../bin/dbxwizard", "", ""]])
    (info / "INSTALLER").write_text("pip\n")
    monkeypatch.setattr(dbxwizard, "__file__", str(tmp_path / "dbxwizard" / "__init__.py"))
    monkeypatch.setattr(wheel, "distribution", lambda _name: PathDistribution(info))
    again, made = wheel.running_wheel()
    assert again == name
    with zipfile.ZipFile(io.BytesIO(made)) as ours, zipfile.ZipFile(io.BytesIO(content)) as theirs:
        assert sorted(ours.namelist()) == sorted(theirs.namelist())
        assert all(ours.read(one) == theirs.read(one) for one in ours.namelist() if not one.endswith("/RECORD"))
    monkeypatch.setattr(wheel, "distribution", lambda _name: PathDistribution(tmp_path / "nothing"))
    answer = wire.send("GET", "packages", "/simple/dbxwizard/")
    assert (answer.status, b"No wheel can be made" in answer.body) == (503, True)


def on_the_sandbox(sandbox: Sandbox) -> Cloud:
    at = sandbox.endpoints()
    index = f"{at.packages}/simple"
    return discover(at.resource_manager, ca_bundle=at.ca_bundle, is_sandbox=True, package_index=index)


def test_init_names_the_sandbox_s_wheel_and_a_newer_one_takes_its_place(
    fresh: Road, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = fresh.folder / REQUIREMENTS
    line = f"dbxwizard=={__version__} --hash=sha256:{hashlib.sha256(wheel.running_wheel()[1]).hexdigest()}"
    assert line in requirements.read_text().splitlines()
    requirements.write_text(requirements.read_text() + "mine==1.0 --hash=sha256:00\n")
    cloud = on_the_sandbox(sandbox)
    assert take_from_sandbox(fresh.folder, cloud) == []
    monkeypatch.setattr(service, "running_wheel", lambda: (f"dbxwizard-{__version__}-py3-none-any.whl", b"newer"))
    assert take_from_sandbox(fresh.folder, cloud) == [REQUIREMENTS]
    assert hashlib.sha256(b"newer").hexdigest() in requirements.read_text()
    assert requirements.read_text().endswith("mine==1.0 --hash=sha256:00\n")
    assert take_from_sandbox(fresh.folder, cloud) == []
    base = read_base(fresh.folder)
    assert base is not None
    assert [one.path for one in updates(fresh.folder, base, base.choices, base.install) if one.changes] == []


def test_what_somebody_said_stays(fresh: Road, sandbox: Sandbox, tmp_path: Path) -> None:
    given = tmp_path / f"dbxwizard-{__version__}-py3-none-any.whl"
    given.write_bytes(b"a wheel")
    assert fresh.run("init", "--update", "--install-from", str(given), form="text").code == 0
    assert take_from_sandbox(fresh.folder, on_the_sandbox(sandbox)) == []
    base = read_base(fresh.folder)
    assert base is not None
    assert base.install == source(str(given)).lines


def test_a_job_gets_how_pip_reaches_its_index_and_nothing_else_of_the_machine(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    own = tmp_path / ".config" / "pip" / "pip.conf"
    own.parent.mkdir(parents=True)
    authority = tmp_path / "company.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\ncompany\n")
    own.write_text(f"[global]\ncert = {authority}\n[install]\nfind-links = /company/wheels\n")
    environ = {
        "PIP_INDEX_URL": "https://packages.example/simple",
        "PIP_TARGET": "/elsewhere",
        "AWS_SECRET_ACCESS_KEY": "hidden",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "NO_PROXY": "internal.example",
    }
    found = settings(environ, sandbox.state.parent, "https://links.example/")
    assert (found["PIP_INDEX_URL"], found["PIP_CONFIG_FILE"]) == ("https://packages.example/simple", str(own))
    assert found["PIP_FIND_LINKS"] == "/company/wheels https://links.example/"
    assert found["NO_PROXY"] == found["no_proxy"] == "internal.example,127.0.0.1,localhost"
    assert {"PIP_TARGET", "AWS_SECRET_ACCESS_KEY"} & found.keys() == set()
    trusted = Path(found["PIP_CERT"]).read_text()
    assert "company" in trusted
    assert (sandbox.state.parent / "ca.pem").read_text() in trusted
    own.write_bytes(b"\xff\xfe no settings")
    assert (
        "company" not in Path(settings(environ, sandbox.state.parent, "https://links.example/")["PIP_CERT"]).read_text()
    )
