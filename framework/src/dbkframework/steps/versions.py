"""Which data a step had and gave: size and fingerprint, so that lineage can be followed in telemetry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class DataVersion:
    """`rows` is None where it would have to be computed (Spark); `fingerprint` is empty where there is none."""

    kind: str
    rows: int | None = None
    columns: tuple[str, ...] = ()
    fingerprint: str = ""

    def attributes(self, prefix: str) -> dict[str, Any]:
        """What a span tells of it."""
        given = {"kind": self.kind, "rows": self.rows, "columns": len(self.columns) or None}
        given["fingerprint"] = self.fingerprint or None
        return {f"{prefix}.{name}": value for name, value in given.items() if value is not None}


def data_version(data: Any) -> DataVersion:
    """Of rows, a pandas or Spark DataFrame, a numpy array; of anything else the type alone.

    The same content has the same fingerprint. Of a Spark DataFrame it is that of its plan: nothing is computed.

    >>> data_version([{"size": 1}, {"size": 2}])
    DataVersion(kind='list', rows=2, columns=('size',), fingerprint='b58423d8b744')
    """
    kind, module = type(data).__name__, type(data).__module__
    if module.startswith("pyspark.sql") and hasattr(data, "semanticHash"):
        return DataVersion(kind, None, tuple(data.columns), f"{data.semanticHash() & 0xFFFFFFFF:08x}")
    if module.startswith("pandas") and hasattr(data, "columns"):
        return DataVersion(kind, len(data), tuple(map(str, data.columns)), _of_pandas(data))
    if module.startswith("numpy") and hasattr(data, "tobytes"):
        return DataVersion(
            kind, len(data) if data.shape else None, (), _digest(str(data.shape).encode(), data.tobytes())
        )
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        columns = tuple(data[0]) if data and isinstance(data[0], Mapping) else ()
        return DataVersion(kind, len(data), columns, _digest(*(repr(row).encode() for row in data)))
    return DataVersion(kind)


def _of_pandas(frame: Any) -> str:
    from pandas.util import hash_pandas_object

    try:
        return _digest(str(tuple(frame.columns)).encode(), hash_pandas_object(frame).values.tobytes())
    except TypeError:  # a cell holds something that has no hash
        return ""


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:12]
