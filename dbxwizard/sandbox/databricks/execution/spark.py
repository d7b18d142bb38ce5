"""Spark of a cluster that runs: a Spark Connect server of its own, started when somebody first connects."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from dbxwizard.sandbox.databricks import cluster_life
from dbxwizard.sandbox.databricks.execution import runtime, sources
from dbxwizard.sandbox.databricks.execution.variables import driver_variables
from dbxwizard.sandbox.databricks.state import WorkspaceState
from dbxwizard.sandbox.store import Document, Store

SPARK = "pyspark~=4.0.0"  # serves the clients of 15.4 LTS and of 17.3 LTS
_STARTED = "Spark Connect server started at:"
# Ends with its server, and with the process that holds its standard input: one that is killed leaves no Spark behind.
_GUARD = ("sh", "-c", '("$@"; kill -9 0) & read -r _; kill -9 0', "sh")
_SHOWN = 5  # last lines of what a server said that did not start
_CONF = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # quick to start, small
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.connect.grpc.binding.port": "0",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.python.worker.reuse": "false",  # a worker that is used again keeps the wheel that it has imported
    # Databricks Runtime has them in 17.3, Apache Spark from 4.1; databricks-connect asks for them.
    "spark.sql.session.localRelationChunkSizeRows": "10000",
    "spark.sql.session.localRelationChunkSizeBytes": "16777216",
}


@dataclass(slots=True)
class _Server:
    """`change`: of the cluster, so that one that was restarted gets another server."""

    change: int
    process: subprocess.Popen[str]
    port: int
    folder: Path
    libraries: list[Document] = field(default_factory=list)

    def stop(self) -> None:
        """With the Python workers, which are in its group."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class SparkServers:
    """Belongs to the process that serves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[tuple[str, str], _Server] = {}

    def port(self, path: Path, workspace_id: str, cluster_id: str) -> int:
        """Of the cluster's server, which is started where there is none: some seconds. Raises RuntimeMissingError."""
        with self._lock, closing(Store(path)) as store:
            state = WorkspaceState(store, workspace_id)
            cluster = state.get("cluster", cluster_id) or {"change": -1, "spec": {}}
            self._stop_unless(lambda key, server: key != (workspace_id, cluster_id) or _serves(server, cluster))
            server = self._servers.get((workspace_id, cluster_id))
            if server is None:
                server = self._servers[workspace_id, cluster_id] = _start(state, cluster)
            _bring_libraries(state, cluster, server)
            return server.port

    def forget_ended(self, store: Store) -> None:
        """Ends those whose cluster has ended or has started anew; the next time, while one is just starting."""
        if self._servers and self._lock.acquire(blocking=False):
            try:
                self._stop_unless(
                    lambda key, server: _serves(server, WorkspaceState(store, key[0]).get("cluster", key[1]))
                )
            finally:
                self._lock.release()

    def close(self) -> None:
        with self._lock:
            self._stop_unless(lambda _key, _server: False)

    def _stop_unless(self, is_wanted: Callable[[tuple[str, str], _Server], bool]) -> None:
        for key, server in list(self._servers.items()):
            if not is_wanted(key, server):
                del self._servers[key]
                server.stop()


def _serves(server: _Server, cluster: Document | None) -> bool:
    is_current = cluster is not None and cluster["change"] == server.change and cluster.get("state") == "RUNNING"
    return is_current and server.process.poll() is None


def _start(state: WorkspaceState, cluster: Document) -> _Server:
    home, java = _spark_home(), _java()
    python = _python_of(cluster)
    folder = Path(tempfile.mkdtemp(prefix="dbxwizard-spark-"))
    variables = driver_variables(state, cluster["spec"], folder)
    variables |= {"SPARK_HOME": str(home), "PYSPARK_PYTHON": str(python), "PATH": f"{java.parent}:{variables['PATH']}"}
    conf = [word for name, value in _CONF.items() for word in ("--conf", f"{name}={value}")]
    command = [
        *_GUARD,
        str(home / "bin" / "spark-submit"),
        "--class",
        "org.apache.spark.sql.connect.service.SparkConnectServer",
    ]
    process = subprocess.Popen(  # noqa: S603
        [*command, "--master", "local[2]", "--driver-memory", "512m", *conf, "spark-internal"],
        cwd=folder,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    server = _Server(cluster["change"], process, 0, folder)
    try:
        server.port = _port_of(process)
    except BaseException:
        server.stop()
        raise
    return server


def _port_of(process: subprocess.Popen[str]) -> int:
    """As it says itself once it listens; what it says later is read and forgotten, so that it never waits."""
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    said: deque[str] = deque(maxlen=_SHOWN)
    for line in process.stderr:
        said.append(line)
        if _STARTED in line:
            threading.Thread(target=_forget, args=(process.stderr,), name="dbxwizard-spark-log", daemon=True).start()
            return int(line.rsplit(":", 1)[1])
    raise runtime.RuntimeMissingError(f"Spark did not start: {''.join(said).strip()}")


def _forget(lines: Iterable[str]) -> None:
    for _ in lines:
        pass


def _bring_libraries(state: WorkspaceState, cluster: Document, server: _Server) -> None:
    """What is installed by now, for the Python workers that begin from now on."""
    installed = [one for one in cluster_life.libraries_of(state, cluster["cluster_id"]) if one["status"] == "INSTALLED"]
    if installed == server.libraries and (server.folder / "site").exists():
        return
    shutil.rmtree(server.folder / "site", ignore_errors=True)
    (server.folder / "more").unlink(missing_ok=True)
    wanted = sources.unpack_wheels(state, {"existing_cluster_id": cluster["cluster_id"]}, server.folder / "site")
    if wanted:
        runtime.link_libraries(_python_of(cluster), wanted, server.folder / "more")
    server.libraries = installed


def _python_of(cluster: Document) -> Path:
    spark_version = str(cluster["spec"].get("spark_version", ""))
    python, _ = runtime.python_for(spark_version)
    return runtime.with_packages(python, runtime.packages_of(spark_version, python))


def _java() -> Path:
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not found or not Path(found).exists():
        raise runtime.RuntimeMissingError(
            "The sandbox's clusters have no Spark here: it needs a Java 17 on this machine."
        )
    return Path(found)


def _spark_home() -> Path:
    """SPARK_HOME, or pyspark of somebody's own environments; else it is installed beside the runtimes' packages."""
    own, given = runtime.own_environments(), os.environ.get("SPARK_HOME")
    homes = [Path(given)] if given else []
    homes += own.glob("*/lib/python*/site-packages/pyspark") if own else []
    found = next((home for home in homes if any((home / "jars").glob("spark-connect_*.jar"))), None)
    if found:
        return found
    if not runtime.installs():
        message = "The sandbox's clusters have no Spark: DBXWIZARD_SANDBOX_RUNTIME is set, and SPARK_HOME is not."
        raise runtime.RuntimeMissingError(message)
    _java()
    python = runtime.with_packages(Path(sys.executable), (SPARK,))
    return next(python.parent.parent.glob("lib/python*/site-packages/pyspark"))
