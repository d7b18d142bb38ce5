"""Telemetry as exporters send it, and what queries find of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.entra.directory import ADA
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.time import Clock
from tests.conftest import new_state
from tests.sandbox.wire import Answer, Wire

SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
COMPONENT = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Insights/components/appi"
COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class Telemetry:
    """A component, what is sent to it, and who asks."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.arm = wire.person_token(ADA, "https://management.azure.com")
        self.reader = wire.person_token(ADA, "https://api.applicationinsights.io")
        self._arm("POST", f"{SUBSCRIPTION}/providers/Microsoft.Insights/register?api-version=2022-09-01")
        here = {"location": "westeurope"}
        self._arm("PUT", f"{SUBSCRIPTION}/resourceGroups/rg?api-version=2022-09-01", here)
        body = {**here, "kind": "web", "properties": {"Application_Type": "web"}}
        self.properties = self._arm("PUT", f"{COMPONENT}?api-version=2020-02-02", body)["properties"]

    def _arm(self, method: str, path: str, body: object = None) -> Any:
        return self.wire.send(method, "arm", path, token=self.arm, json_body=body).json

    def message(self, text: str, *, key: str = "", at: float | None = None, **properties: str) -> dict[str, Any]:
        moment = datetime.fromtimestamp(self.now() if at is None else at, UTC)
        return {
            "ver": 1,
            "name": "Microsoft.ApplicationInsights.Message",
            "time": moment.isoformat(),
            "iKey": key or self.properties["InstrumentationKey"],
            "tags": {"ai.operation.id": "0af7651916cd43dd8448eb211c80319c", "ai.cloud.role": "dbkframework"},
            "data": {
                "baseType": "MessageData",
                "baseData": {"ver": 2, "message": text, "severityLevel": "Warning", "properties": properties},
            },
        }

    def item(self, base_type: str, **base: Any) -> dict[str, Any]:
        return {**self.message(""), "data": {"baseType": base_type, "baseData": {"ver": 2, **base}}}

    def now(self) -> float:
        return Clock(self.wire.store).now()

    def send(self, *items: object, path: str = "/v2.1/track") -> Answer:
        packed = gzip.compress(json.dumps(items).encode())
        return self.wire.send("POST", "ingestion", path, body=packed, headers={"Content-Encoding": "gzip"})

    def ask(self, query: str, **more: str) -> Answer:
        path = f"/v1/apps/{self.properties['AppId']}/query"
        return self.wire.send("POST", "insights", path, token=self.reader, json_body={"query": query, **more})

    def found(self, query: str, **more: str) -> list[dict[str, Any]]:
        [table] = self.ask(query, **more).json["tables"]
        names = [column["name"] for column in table["columns"]]
        return [dict(zip(names, row, strict=True)) for row in table["rows"]]


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[Telemetry]:
    with Sandbox(new_state(tmp_path)) as sandbox:
        wire = Wire(sandbox.state)
        yield Telemetry(wire)
        wire.close()


def test_the_connection_string_leads_to_the_sandbox(telemetry: Telemetry) -> None:
    parts = dict(part.split("=", 1) for part in telemetry.properties["ConnectionString"].split(";"))
    port = telemetry.wire.store.get("_port", "ingestion") or {}
    assert parts["IngestionEndpoint"] == f"https://127.0.0.1:{port['port']}/"
    assert parts["InstrumentationKey"] == telemetry.properties["InstrumentationKey"]
    assert parts["LiveEndpoint"].endswith(".invalid/")


def test_what_was_sent_is_found_by_its_commit(telemetry: Telemetry) -> None:
    answer = telemetry.send(telemetry.message("loaded", commit=COMMIT), telemetry.message("other", commit="0"))
    assert (answer.status, answer.json["itemsAccepted"], answer.json["errors"]) == (200, 2, [])
    query = f'traces | where customDimensions["commit"] == "{COMMIT}" | project message, severityLevel, cloud_RoleName'
    assert telemetry.found(query) == [{"message": "loaded", "severityLevel": 2, "cloud_RoleName": "dbkframework"}]


def test_every_kind_has_its_table(telemetry: Telemetry) -> None:
    thrown = {"typeName": "ValueError", "message": "no rows", "hasFullStack": True}
    point = {"name": "rows", "value": 150.0, "count": 1}
    called = {"id": "1", "name": "load", "duration": "0.00:00:01.500", "success": True}
    telemetry.send(
        telemetry.item("ExceptionData", exceptions=[thrown], severityLevel="Error"),
        telemetry.item("MetricData", metrics=[point]),
        telemetry.item("RequestData", responseCode="0", **called),
        telemetry.item("RemoteDependencyData", resultCode="0", type="InProc", **called),
        telemetry.item("EventData", name="registered"),
    )
    assert telemetry.found("exceptions | project type, outerMessage, severityLevel") == [
        {"type": "ValueError", "outerMessage": "no rows", "severityLevel": 3}
    ]
    assert telemetry.found("customMetrics | project name, value") == [{"name": "rows", "value": 150.0}]
    assert telemetry.found("requests | project name, duration") == [{"name": "load", "duration": 1500.0}]
    assert telemetry.found("dependencies | project type, success") == [{"type": "InProc", "success": "True"}]
    assert telemetry.found("union requests, dependencies, customEvents | count") == [{"Count": 3}]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ({"iKey": "00000000-0000-0000-0000-000000000000"}, "Invalid instrumentation key"),
        ({"time": "yesterday"}, "102: Field 'time'"),
        ({"time": "2020-01-01T00:00:00Z"}, "103: Field 'time'"),
        ({"data": {"baseType": "SurpriseData", "baseData": {}}}, "101: Field 'data'"),
        ({"data": {"baseType": "MessageData", "baseData": {"ver": 2}}}, "100: Field 'message'"),
        ({"surprise": 1}, "100: Field 'surprise'"),
    ],
)
def test_an_item_that_is_wrong_is_told_and_the_others_are_kept(
    telemetry: Telemetry, spoil: dict[str, Any], words: str
) -> None:
    answer = telemetry.send(telemetry.message("kept"), {**telemetry.message("spoilt"), **spoil})
    assert (answer.status, answer.json["itemsReceived"], answer.json["itemsAccepted"]) == (206, 2, 1)
    [error] = answer.json["errors"]
    assert (error["index"], error["statusCode"]) == (1, 400)
    assert error["message"].startswith(words)
    assert [row["message"] for row in telemetry.found("traces")] == ["kept"]
    assert telemetry.send({**telemetry.message("spoilt"), **spoil}).status == 400


def test_items_come_line_by_line_too(telemetry: Telemetry) -> None:
    lines = "\n".join(json.dumps(telemetry.message(text)) for text in ("one", "two"))
    answer = telemetry.wire.send("POST", "ingestion", "/v2/track", body=lines.encode())
    assert answer.json["itemsAccepted"] == 2
    assert [row["message"] for row in telemetry.found("traces | order by message asc")] == ["one", "two"]


def test_a_body_that_claims_to_be_packed_and_is_not_is_refused(telemetry: Telemetry) -> None:
    headers = {"Content-Encoding": "gzip"}
    assert telemetry.wire.send("POST", "ingestion", "/v2/track", body=b"[]", headers=headers).status == 400


def test_telemetry_is_found_once_it_was_taken_in(telemetry: Telemetry) -> None:
    with telemetry.wire.store.transaction():
        telemetry.wire.store.put("_setting", "latency", {"profile": "real"})
        Clock(telemetry.wire.store).freeze(telemetry.now())
    telemetry.send(telemetry.message("late"))
    assert telemetry.found("traces") == []
    with telemetry.wire.store.transaction():
        Clock(telemetry.wire.store).advance(3.5)
    assert [row["message"] for row in telemetry.found("traces")] == ["late"]


QUERIES = [
    ("traces | where message contains 'ALPHA' | project message", ["alpha one"]),
    ("traces | where message has 'on' | count", [0]),
    ("traces | where message startswith 'B' or message endswith 'ONE' | count", [2]),
    ("traces | where message !contains 'a' | count", [0]),
    ("traces | where message in ('beta two', 'x') | project message", ["beta two"]),
    ("traces | where message !in ('beta two') and severityLevel >= 2 | project message", ["alpha one"]),
    ("traces | where customDimensions.rank == '1' | project message", ["alpha one"]),
    ("traces | where isempty(customDimensions['rank']) | project message", ["beta two"]),
    ("traces | where timestamp > ago(1h) and timestamp <= now() | count", [2]),
    ("traces | where timestamp < datetime(2020-01-01T00:00:00Z) | count", [0]),
    ("traces | where timestamp > now() - 30m | count", [2]),
    ("traces | order by message desc | take 1 | project message", ["beta two"]),
    ("traces | sort by message asc | limit 1 | project text = strcat_is_not_known", "SEM0100"),
    ("traces | extend n = toint(customDimensions.rank) | where n == 1 | project n", [1]),
    ("traces | summarize found = count() by severityLevel | project found", [2]),
    ("traces // a comment\n| count;", [2]),
    ("nowhere | count", "SEM0100"),
    ("traces | where nothing == 1", "SEM0100"),
    ("traces | where surprise(message) == 1", "SEM0100"),
    ("traces | surprise", "SYN0002"),
    ("traces | where", "SYN0002"),
    ("traces | where (message == 'x'", "SYN0002"),
    ("traces | take many", "SYN0002"),
    ("traces ? count", "SYN0002"),
    ("", "SYN0002"),
]


@pytest.mark.parametrize(("query", "wanted"), QUERIES, ids=[query for query, _ in QUERIES])
def test_queries(asked: Telemetry, query: str, wanted: list[object] | str) -> None:
    answer = asked.ask(query)
    if isinstance(wanted, str):
        assert answer.status == 400
        error = answer.json["error"]
        assert error["code"] == "BadArgumentError"
        assert error["innererror"]["innererror"]["code"] == wanted
    else:
        assert [row[0] for row in answer.json["tables"][0]["rows"]] == wanted


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telemetry]:
    with Sandbox(new_state(tmp_path_factory.mktemp("insights"))) as sandbox:
        wire = Wire(sandbox.state)
        made = Telemetry(wire)
        made.send(made.message("alpha one", rank="1"), made.message("beta two"))
        yield made
        wire.close()


def test_a_syntax_error_says_where(asked: Telemetry) -> None:
    inner = asked.ask("traces\n| wher message == 1").json["error"]["innererror"]["innererror"]
    assert (inner["line"], inner["pos"], inner["token"]) == (2, 3, "wher")


@pytest.mark.parametrize(("span", "count"), [("PT1H", 1), ("2020-01-01T00:00:00Z/2020-01-02T00:00:00Z", 0)])
def test_a_timespan_limits_what_is_found(telemetry: Telemetry, span: str, count: int) -> None:
    telemetry.send(telemetry.message("now"))
    assert telemetry.found("traces | count", timespan=span) == [{"Count": count}]


@pytest.mark.parametrize("span", ["an hour", "P", "2020-01-01", "x/y"])
def test_a_timespan_that_is_none_is_refused(asked: Telemetry, span: str) -> None:
    assert asked.ask("traces", timespan=span).status == 400


def test_what_azure_monitors_exporter_sends_is_taken(telemetry: Telemetry) -> None:
    """Its level is a number, and a slash doubles where it joins the endpoint with its path."""
    item = telemetry.item("MessageData", message="by number", severityLevel=2)
    answer = telemetry.send(item, path="//v2.1/track")
    assert (answer.status, answer.json["itemsAccepted"]) == (200, 1)
    assert telemetry.found("traces | project message, severityLevel") == [{"message": "by number", "severityLevel": 2}]
    refused = telemetry.send(telemetry.item("MessageData", message="no such level", severityLevel=7))
    assert (refused.status, refused.json["itemsAccepted"]) == (400, 0)
