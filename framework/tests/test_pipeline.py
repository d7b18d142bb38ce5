from __future__ import annotations

from typing import Any

import pytest

from dbkframework.steps import Rows, StepFailedError, data_version, pipeline, step
from dbkframework.testing import Recorded

ROWS: Rows = [{"size": 1}, {"size": 2}, {"size": 2}]


@step("drop repeated")
def drop_repeated(rows: Rows) -> Rows:
    return list({row["size"]: row for row in rows}.values())


@step("total")
def total(rows: Rows) -> int:
    return sum(int(row["size"]) for row in rows)


@step("fail")
def fail(value: int) -> int:
    raise KeyError(f"no {value}")


def test_each_step_tells_what_it_had_and_gave(recorded: Recorded) -> None:
    run = pipeline("sizes", drop_repeated).then(total).run(ROWS)
    assert run.value == 3
    assert [(one.name, one.given.rows, one.made.rows) for one in run.steps] == [
        ("drop repeated", 3, 2),
        ("total", 2, None),
    ]
    assert run.steps[0].made == run.steps[1].given
    assert [span.name for span in recorded.spans] == ["sizes/drop repeated", "sizes/total", "sizes"]
    told = recorded.spans[0].attributes
    assert (told["input.rows"], told["output.rows"], told["output.columns"]) == (3, 2, 1)
    assert (
        told["output.fingerprint"] == run.steps[0].made.fingerprint == recorded.spans[1].attributes["input.fingerprint"]
    )


def test_a_step_that_fails_is_named_and_the_ones_after_it_do_not_run(recorded: Recorded) -> None:
    with pytest.raises(StepFailedError, match="step fail of sizes failed: KeyError: 'no 5'") as raised:
        pipeline("sizes", total).then(fail).then(step("after")(lambda value: value)).run(ROWS)
    assert isinstance(raised.value.__cause__, KeyError)
    assert raised.value.step == "fail"
    assert [(span.name, span.error is None) for span in recorded.spans] == [
        ("sizes/total", True),
        ("sizes/fail", False),
        ("sizes", False),
    ]


def test_a_name_is_used_once() -> None:
    with pytest.raises(ValueError, match="sizes has a step drop repeated already"):
        pipeline("sizes", drop_repeated).then(drop_repeated)


def test_a_step_is_still_its_function() -> None:
    assert total(ROWS) == 5


def test_the_same_content_is_the_same_version_and_other_content_is_not() -> None:
    assert data_version(ROWS) == data_version([dict(row) for row in ROWS])
    assert data_version(ROWS).fingerprint != data_version(ROWS[:2]).fingerprint
    assert data_version(object()).attributes("input") == {"input.kind": "object"}


def test_versions_of_pandas_and_numpy() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(ROWS)
    version = data_version(frame)
    assert (version.kind, version.rows, version.columns) == ("DataFrame", 3, ("size",))
    assert version == data_version(frame.copy())
    assert version.fingerprint != data_version(frame.rename(columns={"size": "width"})).fingerprint
    assert data_version(frame.to_numpy()).rows == 3
    assert data_version(pandas.DataFrame({"cell": [[1], [2]]})).fingerprint == ""


def test_a_version_of_a_spark_dataframe_computes_nothing(local_spark: Any) -> None:
    frame = local_spark.range(5)
    version = data_version(frame)
    assert (version.rows, version.columns, len(version.fingerprint)) == (None, ("id",), 8)
    assert version == data_version(local_spark.range(5))
    assert version != data_version(frame.where("id > 2"))
