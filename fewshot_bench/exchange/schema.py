"""The columns of a result file, and the digest of what stands in them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

import numpy as np

from fewshot_bench.config import RunConfig
from fewshot_bench.statistics.intervals import confidence95
from fewshot_bench.tracking.measurement import Measurement

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = 1  # version; a file of a later one is refused
_JSON = ("recipe", "versions")  # columns of JSON
_NEAR = 1e-9  # what rounding may change
Row = dict[str, Any]


def to_table(measurements: Sequence[Measurement]) -> "pa.Table":
    """Write measurements as rows, without the metadata of a file."""
    import pyarrow as pa

    most = max((each.config.spec.n_queries for each in measurements), default=0)
    count = pa.uint8() if most < 2**8 else pa.uint16() if most < 2**16 else pa.uint32()
    rows = [_row(each) for each in measurements]
    return pa.Table.from_pylist(rows, schema=pa.schema(_columns(count)))


def from_table(table: "pa.Table") -> list[Measurement]:
    """Read the rows of a file, each checked on its own.

    What files of earlier versions lack, and what is set in no row, has its default.

    Raises:
        ValueError: a row is nothing that a run can have left.
        LookupError: a column lacks.
    """
    known = table.select([name for name in table.column_names if name in _names()])
    return [_measurement(row) for row in known.to_pylist()]


def of_later_versions(table: "pa.Table") -> list[str]:
    """Columns that say something which this version does not know."""
    names = [name for name in table.column_names if name not in _names()]
    return [name for name in names if table[name].null_count < len(table)]


def digest_of(table: "pa.Table") -> str:
    """SHA-256 of all values: any that is changed, added or removed gives another."""
    rows = json.dumps(table.to_pylist(), sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(rows.encode()).hexdigest()


def _columns(count: "pa.DataType") -> "Iterable[tuple[str, pa.DataType]]":
    import pyarrow as pa

    texts, moment = pa.list_(pa.string()), pa.timestamp("us", tz="UTC")
    point = {"name": pa.string(), "step": pa.int64(), "value": pa.float64()}
    code = {"package": pa.string(), "commit": pa.string(), "dirty": pa.bool_()}
    special = {
        "studies": texts,
        "settings": texts,
        "started": moment,
        "finished": moment,
        "right": pa.list_(count),
        "code": pa.struct(code),
        "curves": pa.list_(pa.struct(point)),
    }
    numbers = {"order": pa.int64()} | {name: pa.uint64() for name in _integers()}
    shares = ("mean", "ci95", "macro_f1", "macro_f1_ci95", "calibration_error")
    costs = ("seconds", "episode_seconds", "peak_memory_mb", "train_seconds", "pretrain_seconds")
    numbers |= dict.fromkeys((*shares, *costs), pa.float64())
    known = special | numbers
    return [(name, known.get(name, pa.string())) for name in _names()]


def _names() -> list[str]:
    """Names of the columns, what tells runs apart first, what is long last."""
    own = [name for name in Measurement.model_fields if name not in ("config", "right", "curves")]
    return [*RunConfig.model_fields, "key", *own, "right", "curves"]


def _integers() -> list[str]:
    fields = RunConfig.model_fields.items()
    return [name for name, field in fields if field.annotation in (int, int | None)]


def _row(measurement: Measurement) -> Row:
    row = measurement.model_dump(exclude={"config", "right"})
    row |= measurement.config.model_dump(mode="json")
    row |= {name: json.dumps(row[name]) for name in _JSON}
    return row | {"key": measurement.config.key, "right": measurement.right.tolist()}


def _measurement(row: Mapping[str, Any]) -> Measurement:
    facts = dict(row) | {name: json.loads(row[name]) for name in _JSON}
    facts |= {name: row[name].astimezone(UTC) for name in ("started", "finished")}
    key = facts.pop("key")
    config = RunConfig(
        **{name: facts.pop(name) for name in RunConfig.model_fields if name in facts}
    )
    right = np.asarray(facts.pop("right"), dtype=np.int64)
    found = Measurement(config=config, right=right, **facts)
    _check(found, key)
    return found


def _check(found: Measurement, key: str) -> None:
    """Refuse what does not agree with itself."""
    asked, n_queries = found.config.n_episodes, found.config.spec.n_queries
    if len(found.right) != asked:
        raise ValueError(f"run {found.run_id} has {len(found.right)} of {asked} episodes")
    if found.right.min() < 0 or found.right.max() > n_queries:
        raise ValueError(f"run {found.run_id} has not 0 to {n_queries} right answers an episode")
    if key != found.config.key:
        raise ValueError(f"run {found.run_id} has the key of another configuration")
    told, measured = (
        (found.mean, found.ci95),
        (found.accuracies.mean(), confidence95(found.accuracies.tolist())),
    )
    if not np.allclose(told, measured, rtol=0, atol=_NEAR, equal_nan=True):
        raise ValueError(f"run {found.run_id} has another accuracy than its episodes")
