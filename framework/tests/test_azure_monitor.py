"""Azure Monitor through its own SDK, in processes of their own, against an endpoint on 127.0.0.1 and nothing else."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import TOLD_BY_A_MACHINE

pytest.importorskip("azure.monitor.opentelemetry", reason="the extra telemetry is not installed")

SOURCES = Path(__file__).resolve().parents[1] / "src"
# Runs before anything else: no connection leaves for another host, and each that is tried is told.
ALONE = """
import socket, sys
connect = socket.socket.connect
def only_here(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "localhost", "::1"):
        print("ASKED", address, file=sys.stderr)
        raise OSError("no other host")
    return connect(self, address)
socket.socket.connect = only_here
lookup = socket.getaddrinfo
def only_known(host, *arguments, **options):
    if host not in ("127.0.0.1", "localhost"):
        print("ASKED", host, file=sys.stderr)
        raise OSError("no other host")
    return lookup(host, *arguments, **options)
socket.getaddrinfo = only_known
"""
WORK = """
from dbkframework import telemetry
from dbkframework.engine import Secret
from dbkframework.telemetry import Correlation

started = telemetry.start("train", correlation=Correlation(job_run="42", task="train", commit="abc"))
log = telemetry.get_logger("tests")
with telemetry.span("prepare", rows=3) as span:
    log.info("prepared %d", 3, extra={"dropped": 1, "password": "marked-value"})
    span.set(rows_left=2)
try:
    with telemetry.span("model", key=Secret("marked-value").reveal()):
        raise ValueError("not with marked-value")
except ValueError:
    log.exception("no model")
telemetry.metric("accuracy", 0.5, model="forest")
telemetry.metric("accuracy", 1.0, model="forest")
"""


@dataclass
class Ingestion:
    """What came in: each item of telemetry, as Application Insights' own endpoint is sent it (/v2.1/track)."""

    port: int = 0
    items: list[dict[str, Any]] = field(default_factory=list)

    @property
    def connection_string(self) -> str:
        key = "00000000-0000-4000-8000-000000000001"
        return f"InstrumentationKey={key};IngestionEndpoint=http://127.0.0.1:{self.port}/"

    def of(self, kind: str) -> list[dict[str, Any]]:
        """`MessageData`, `ExceptionData`, `RemoteDependencyData`, `MetricData`."""
        return [item["data"]["baseData"] for item in self.items if item["data"]["baseType"] == kind]


@pytest.fixture
def ingestion() -> Iterator[Ingestion]:
    made = Ingestion()

    class Track(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            items = json.loads(gzip.decompress(content) if self.headers.get("Content-Encoding") == "gzip" else content)
            made.items += items
            answer = json.dumps({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  (the library's name)
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Track)
    made.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def silent_endpoint() -> Iterator[Ingestion]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:
        yield Ingestion(listening.getsockname()[1])


def run(folder: Path, connection_string: str, code: str) -> subprocess.CompletedProcess[str]:
    (folder / "sitecustomize.py").write_text(ALONE)
    environment = {name: value for name, value in os.environ.items() if name not in TOLD_BY_A_MACHINE}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(SOURCES)])
    environment["APPLICATIONINSIGHTS_CONNECTION_STRING"] = connection_string
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_all_of_it_arrives_with_the_run_and_without_a_secret(tmp_path: Path, ingestion: Ingestion) -> None:
    done = run(tmp_path, ingestion.connection_string, WORK)
    assert (done.returncode, done.stdout) == (0, "")
    assert "ASKED" not in done.stderr
    [told, prepared] = ingestion.of("MessageData")
    assert told["message"] == "train: job_run 42, task train, commit abc"
    assert prepared["message"] == "prepared 3"
    expected = {"dbk.job_run": "42", "dbk.task": "train", "dbk.commit": "abc", "dropped": "1", "password": "***"}
    assert expected.items() <= prepared["properties"].items()
    spans = {one["name"]: one for one in ingestion.of("RemoteDependencyData")}
    assert (spans["prepare"]["success"], spans["model"]["success"]) == (True, False)
    assert spans["prepare"]["properties"]["rows_left"] == "2"
    assert spans["prepare"]["properties"]["dbk.commit"] == "abc"
    metrics = [one for one in ingestion.of("MetricData") if one["metrics"][0]["name"] == "accuracy"]
    assert [(one["metrics"][0]["count"], one["metrics"][0]["value"]) for one in metrics] == [(2, 1.5)]
    assert metrics[0]["properties"]["model"] == "forest"
    assert {one["exceptions"][0]["typeName"] for one in ingestion.of("ExceptionData")} == {"ValueError"}
    operations = {item["tags"]["ai.operation.id"] for item in ingestion.items if "ai.operation.id" in item["tags"]}
    assert len(operations) == 1
    assert {item["tags"]["ai.cloud.role"] for item in ingestion.items} == {"train"}
    assert "marked-value" not in json.dumps(ingestion.items)
    assert "marked-value" not in done.stderr


# With an SDK that would wait for an hour, and more records than go into one request.
PATIENT = """
from dbkframework.telemetry import azure_monitor
azure_monitor._NETWORK_SECONDS, azure_monitor._EXIT_SECONDS = 3600.0, 0.1
"""
MANY = """
for number in range(600):
    log.info("record %d", number)
    with telemetry.span("step"):
        telemetry.metric("number", number)
print("sent", started.flush(0.1))
"""


@pytest.mark.parametrize("endpoint", ["silent", "absent"])
def test_an_endpoint_that_is_away_neither_fails_nor_holds_up_the_caller(
    tmp_path: Path, silent_endpoint: Ingestion, endpoint: str
) -> None:
    """That the process ends is the proof: nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        absent = Ingestion(closed.getsockname()[1])
    where = silent_endpoint if endpoint == "silent" else absent
    done = run(tmp_path, where.connection_string, PATIENT + WORK + MANY)
    assert done.returncode == 0
    assert done.stdout == "sent False\n" or endpoint == "absent"
    assert "ASKED" not in done.stderr
    assert done.stderr.count("Traceback") == 1
    assert "ERROR   no model\nTraceback" in done.stderr
    assert "marked-value" not in done.stderr


@pytest.mark.parametrize("wrong", ["InstrumentationKey=marked-value", "no connection string marked-value"])
def test_a_wrong_connection_string_is_said_and_not_shown(tmp_path: Path, wrong: str) -> None:
    done = run(tmp_path, wrong, "from dbkframework import telemetry\nprint(telemetry.start('train').destinations)")
    assert (done.returncode, done.stdout) == (0, "('console',)\n")
    assert "Azure Monitor can't be used (ValueError): the console has everything" in done.stderr
    assert "marked-value" not in done.stderr
