"""Databricks Connect as it comes, against Spark of a cluster of the sandbox."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import time
from collections.abc import Mapping
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient as Sdk

from tests.databricks.conftest import ADA, World
from tests.databricks.unmodified import SETTINGS, ask, sdk_for
from tests.venvs import NEEDS_SPARK, SPARK_HOME, connect_venv

DATABRICKS = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"

CODE = """
import json, sys
from databricks.connect import DatabricksSession
from pyspark.sql.functions import udf

spark = DatabricksSession.builder.getOrCreate()

@udf("string")
def there(number):
    import sys
    return ".".join(map(str, sys.version_info[:2]))

frame = spark.createDataFrame([(1, "a"), (2, "b")], "n int, s string")
print(json.dumps({
    "one": spark.sql("SELECT 1 AS one").collect()[0]["one"],
    "rows": [row.s for row in frame.where("n > 1").collect()],
    "python": spark.range(1).select(there("id")).collect()[0][0],
}))
"""


def python_of(version: str) -> Path:
    """Of the environment with that databricks-connect."""
    return connect_venv(version) / "bin" / "python"


def connect(world: World, version: str, cluster_id: str, token: str, code: str = CODE) -> Any:
    """What `code` printed in a process with databricks-connect, as JSON; the last line of its error where it failed."""
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(world.store.path.parent),
        "USER": "ada",
        "DATABRICKS_HOST": world.url,
        "DATABRICKS_TOKEN": token,
        "DATABRICKS_CLUSTER_ID": cluster_id,
        "REQUESTS_CA_BUNDLE": str(world.cloud.ca_bundle),
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(world.cloud.ca_bundle),
    }
    done = subprocess.run([python_of(version), "-c", code], env=variables, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


# What each of several calls came to, without Spark's messages: the door looks at headers alone.
CALLS = """
import json, os, grpc

with open(os.environ["CA"], "rb") as file:
    credentials = grpc.ssl_channel_credentials(file.read())
for call in json.loads(os.environ["CALLS"]):
    with grpc.secure_channel(os.environ["ADDRESS"], credentials) as channel:
        ask = channel.unary_unary(call["method"])
        try:
            ask(b"", metadata=list(call["headers"].items()))
        except grpc.RpcError as error:
            print(json.dumps([error.code().name, error.details()]))
"""
CONFIG = "/spark.connect.SparkConnectService/Config"


@pytest.fixture
def ada(world: World, monkeypatch: pytest.MonkeyPatch) -> Sdk:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(world.cloud.ca_bundle))
    monkeypatch.delenv("SPARK_HOME", raising=False)
    client = sdk_for(world)(ADA)
    client.current_user.me()
    return client


def new_cluster(ada: Sdk, **settings: Any) -> str:
    body = {**SETTINGS, "data_security_mode": "USER_ISOLATION", **settings}
    return str(ask(ada, "POST", "/api/2.1/clusters/create", body=body)["cluster_id"])


def token_of(world: World, name: str, audience: str = DATABRICKS) -> str:
    return world.token(name, audience, int(time.time()) + 3600)


def calls(world: World, *headers: Mapping[str, str], method: str = CONFIG) -> list[list[str]]:
    """Status and message of gRPC for a call with each of these headers."""
    variables = {
        "ADDRESS": world.url.removeprefix("https://"),
        "CA": str(world.cloud.ca_bundle),
        "CALLS": json.dumps([{"method": method, "headers": one} for one in headers]),
    }
    done = subprocess.run([python_of("17.3"), "-c", CALLS], env=variables, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@NEEDS_SPARK
@pytest.mark.parametrize(("version", "python", "scala"), [("17.3", "3.12", "2.13"), ("15.4", "3.11", "2.12")])
def test_the_unmodified_client_runs_code_on_the_cluster(
    world: World, ada: Sdk, monkeypatch: pytest.MonkeyPatch, version: str, python: str, scala: str
) -> None:
    python_of(version)
    monkeypatch.setenv("SPARK_HOME", str(SPARK_HOME))
    cluster = new_cluster(ada, spark_version=f"{version}.x-scala{scala}")
    told = {"one": 1, "rows": ["b"], "python": python}
    assert connect(world, version, cluster, token_of(world, ADA)) == told


def test_calls_are_refused_as_the_workspace_refuses_them(world: World, ada: Sdk) -> None:
    world.know("grace@contoso.example", "Grace")
    ask(ada, "POST", "/api/2.0/preview/scim/v2/Users", body={"userName": "grace@contoso.example"})
    cluster, legacy = new_cluster(ada), new_cluster(ada, cluster_name="old", data_security_mode="LEGACY_TABLE_ACL")
    single = {
        "cluster_name": "single",
        "data_security_mode": "SINGLE_USER",
        "single_user_name": "grace@contoso.example",
    }
    hers = new_cluster(ada, **single)
    mine, other, foreign = (
        {"authorization": f"Bearer {token}"}
        for token in (
            token_of(world, ADA),
            token_of(world, "grace@contoso.example"),
            token_of(world, ADA, "https://management.azure.com/"),
        )
    )

    def on(who: Mapping[str, str], cluster_id: str) -> dict[str, str]:
        return {**who, "x-databricks-cluster-id": cluster_id}

    asked = [on({}, cluster), on(foreign, cluster), mine, on(mine, "0000-000000-nowhere"), on(other, cluster)]
    codes = ["UNAUTHENTICATED", "UNAUTHENTICATED", "INVALID_ARGUMENT", "INVALID_ARGUMENT", "PERMISSION_DENIED"]
    answered = calls(world, *asked, on(mine, legacy), on(mine, hers))
    assert [code for code, _ in answered] == [*codes, "FAILED_PRECONDITION", "PERMISSION_DENIED"]
    assert answered[4][1] == f"PERMISSION_DENIED: You do not have permission to attach to cluster {cluster}"
    assert "Shared and Single User Clusters" in answered[5][1]
    assert "single user of this cluster is 'grace@contoso.example'" in answered[6][1]
    assert calls(world, on(mine, cluster), method="/spark.connect.Other/Config")[0][0] == "UNIMPLEMENTED"


def test_who_connects_to_a_terminated_cluster_starts_it(world: World, ada: Sdk) -> None:
    cluster = new_cluster(ada)
    ask(ada, "POST", "/api/2.1/clusters/delete", body={"cluster_id": cluster})
    assert ask(ada, "GET", f"/api/2.1/clusters/get?cluster_id={cluster}")["state"] == "TERMINATED"
    headers = {"authorization": f"Bearer {token_of(world, ADA)}", "x-databricks-cluster-id": cluster}
    first, second = calls(world, headers, headers)
    # The words on which the client waits for the cluster and calls again.
    assert first == ["FAILED_PRECONDITION", f"INVALID_STATE: Cluster {cluster} is in unexpected state Pending."]
    assert second == [
        "UNIMPLEMENTED",
        "UNIMPLEMENTED: The sandbox's clusters have no Spark: DBXWIZARD_SANDBOX_RUNTIME is set, and SPARK_HOME is not.",
    ]
    assert ask(ada, "GET", f"/api/2.1/clusters/get?cluster_id={cluster}")["state"] == "RUNNING"


def test_clients_that_speak_both_get_the_workspace_s_api(world: World) -> None:
    context = ssl.create_default_context(cafile=str(world.cloud.ca_bundle))
    context.set_alpn_protocols(["h2", "http/1.1"])
    connection = HTTPSConnection("127.0.0.1", int(world.url.rsplit(":", 1)[1]), context=context)
    connection.request("GET", "/.well-known/databricks-config")
    assert json.loads(connection.getresponse().read())["cloud"] == "Azure"
    connection.close()
