"""`make bench`: measures and prints, asserts nothing. What each line means: docs/speed.md.

Everything is a ratio within one run, so that a slow machine shows much the same as a fast one.
"""

# ruff: noqa: S603 - only our own commands are run
from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_REPOSITORY = "contoso/databricks"
_ROUNDS = 9
_DEPLOYMENTS = 3  # of one environment, and of four, each on a sandbox of its own
_FRAMEWORK = Path(__file__).resolve().parents[1] / "framework" / "src"
_IMPORT = "import sys; sys.path.insert(0, sys.argv[1]); from dbkframework import engine, models, steps, telemetry"
_FLEETS = (25, 50, 100, 200)
# Runs a command and leaves the graph of its plan beside it.
_WITH_GRAPH = """
import json, sys
import dbxwizard.cli.execution as execution
run = execution.run
async def noting(plan, **options):
    graph = {one.step.id: [list(one.step.needs), bool(one.changes)] for one in plan.steps}
    open("graph.json", "w").write(json.dumps(graph))
    return await run(plan, **options)
execution.run = noting
from dbxwizard.cli.main import run as command
sys.exit(command(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Run:
    """One command as a process: wall-clock seconds, those of a processor, peak memory in MB, and how it ended."""

    seconds: float
    processor: float
    megabytes: float
    code: int


class Bench:
    """A project in a folder of its own, on a sandbox that another process serves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self.environ = {
            **os.environ,
            "DBXWIZARD_STATE_DIR": str(folder / "state"),
            "DBXWIZARD_SANDBOX": "1",
            "DBXWIZARD_NO_PROOF": "1",
            "DBXWIZARD_SANDBOX_STATE": str(folder / "cloud" / "state.sqlite"),
        }

    def run(self, *arguments: str, graph: bool = False) -> Run:
        command = [sys.executable, *(("-c", _WITH_GRAPH) if graph else ("-m", "dbxwizard")), *arguments]
        began = time.perf_counter()
        with (self.folder / "said.txt").open("w") as said:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            print(f"  {arguments[0]} ended with {process.returncode}: {(self.folder / 'said.txt').read_text()[-300:]}")
        elapsed = time.perf_counter() - began
        return Run(elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)

    def asked(self, *arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "dbxwizard", *arguments],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            check=True,
        )
        return json.loads(done.stdout)

    def requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.asked("sandbox", "log")["requests"]
        return found

    @contextmanager
    def served(self, latency: str) -> Iterator[None]:
        server = subprocess.Popen(
            [sys.executable, "-m", "dbxwizard", "sandbox", "serve", "--latency", latency],
            cwd=self.folder, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        if server.stdout:
            server.stdout.readline()  # it listens now
        try:
            yield
        finally:
            server.terminate()
            server.wait()

    def set_up(self) -> None:
        self.run("init")
        subscription = self.asked("sandbox", "show")["subscriptions"][0]["id"]
        self.run("setup", "--subscription", subscription, "--repo", _REPOSITORY, "--yes")

    def span(self, *arguments: str) -> float:
        """Seconds from the beginning of the plan to the end of the run, as the events tell: process start apart."""
        events = self.folder / "events.jsonl"
        events.unlink(missing_ok=True)
        self.run(*arguments, "--yes", "--events", str(events), graph=True)
        told = [json.loads(line) for line in events.read_text().splitlines()]
        return float(told[-1]["at"] - told[0]["at"])


def main() -> None:
    for part in (_startup, _deploying, _fleets):
        print(f"\n{_load()}")
        part()


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def _startup() -> None:
    with tempfile.TemporaryDirectory(prefix="dbxwizard-bench-") as folder:
        bench = Bench(Path(folder))
        bench.run("init")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "--help": [sys.executable, "-m", "dbxwizard", "--help"],
            "validate (four files)": [sys.executable, "-m", "dbxwizard", "validate"],
            "import of the framework": [sys.executable, "-I", "-c", _IMPORT, str(_FRAMEWORK)],
        }
        medians = _medians(commands, bench)
    bare = medians["python -c pass"]
    print(f"{'start':<24} {'median':>8} {'ratio':>6}")
    for name, seconds in medians.items():
        print(f"{name:<24} {seconds * 1000:>6.0f}ms {seconds / bare:>6.1f}")


def _medians(commands: Mapping[str, Sequence[str]], bench: Bench) -> dict[str, float]:
    """Taken in turns, so that a busy moment hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(_ROUNDS):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, cwd=bench.folder, env=bench.environ, capture_output=True, check=False)
            taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in taken.items()}


def _deploying() -> None:
    one = [_deployed("-e", "Development") for _ in range(_DEPLOYMENTS)]
    print(f"deploy of one, profile real, critical path {one[0].critical:.1f} s")
    ratios = [run.seconds / run.critical for run in one]
    print(f"  {_each(ratios)} times the critical path; {_load()}")
    four = [_deployed() for _ in range(_DEPLOYMENTS)]
    alone = statistics.median(run.seconds for run in one)
    print(f"deploy of four\n  {_each([run.seconds / alone for run in four])} times one; {_load()}")
    counted = four[0]
    for name, run in (("one", one[0]), ("four", counted)):
        first, second = len(run.first), len(run.second)
        print(f"requests ({name:<4})          first {first}, second {second}, ratio {second / first:.2f}")
    for title, requests in (("first run", counted.first), ("second run", counted.second)):
        print(f"\n{title}, by service and method")
        for (host, method), count in sorted(Counter((_service(one), one["method"]) for one in requests).items()):
            print(f"  {host:<10} {method:<7} {count:>4}")


def _each(values: Sequence[float]) -> str:
    """The median and what it is one of."""
    return f"{statistics.median(values):.3f} (of {', '.join(f'{value:.3f}' for value in values)})"


@dataclass(frozen=True)
class Deployed:
    seconds: float
    critical: float
    first: list[dict[str, Any]]
    second: list[dict[str, Any]]


def _deployed(*options: str) -> Deployed:
    """A first and a second deployment on a sandbox of its own."""
    with tempfile.TemporaryDirectory(prefix="dbxwizard-bench-") as folder:
        bench = Bench(Path(folder))
        with bench.served("zero"):
            bench.set_up()
        with bench.served("real"):
            before = len(bench.requests())
            seconds = bench.span("deploy", *options)
            middle = len(bench.requests())
            graph = json.loads((bench.folder / "graph.json").read_text())
            bench.run("deploy", "--yes", *options)
            requests = bench.requests()
            path = critical_path(graph, Path(bench.environ["DBXWIZARD_SANDBOX_STATE"]))
    return Deployed(seconds, path, requests[before:middle], requests[middle:])


def critical_path(graph: Mapping[str, tuple[list[str], bool]], state: Path) -> float:
    """The longest way through the steps that change, each taking what the profile says that nobody can avoid.

    That is the deployment alone: as long as the sandbox says that it took, the chain of its resources at the profile's
    durations. Nobody waits for clusters to start or, as an owner, for roles to replicate: other steps count nothing.
    """
    from dbxwizard.sandbox.store import Store

    store = Store(state)
    longest = max(one["endedAt"] - one["startedAt"] for one in store.all("arm.deployment") if one["endedAt"])
    store.close()
    ends: dict[str, float] = {}
    for step_id, (needs, changes) in graph.items():  # in the order of the plan: needs come first
        own = longest if changes and step_id.endswith("/infrastructure") else 0.0
        ends[step_id] = max((ends[need] for need in needs), default=0.0) + own
    return max(ends.values())


def _service(request: Mapping[str, Any]) -> str:
    return str(request["host"]).split(":", 1)[0]


def _fleets() -> None:
    print(f"{'environments':>12} {'seconds':>8} {'processor':>10} {'ms each':>8} {'MB':>6}")
    with tempfile.TemporaryDirectory(prefix="dbxwizard-bench-") as folder:
        bench = Bench(Path(folder))
        with bench.served("zero"):
            bench.set_up()
            for size in _FLEETS:
                generate(bench.folder / "environments", size)
                planned = bench.run("plan")
                each = planned.processor / size * 1000
                counted = f"{planned.seconds:>8.1f} {planned.processor:>10.1f} {each:>8.0f} {planned.megabytes:>6.0f}"
                print(f"{size:>12} {counted}   {_load()}")


def generate(folder: Path, size: int) -> None:
    """As many environments as asked for, each like Development under a name of its own."""
    template = folder / "Development.json"
    for name in ("UAT", "PreProduction", "Production"):
        (folder / f"{name}.json").unlink(missing_ok=True)
    for number in range(1, size):
        name = f"Fleet{number:03}"
        text = template.read_text("utf-8").replace("Development", name).replace("development", name.lower())
        (folder / f"{name}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
