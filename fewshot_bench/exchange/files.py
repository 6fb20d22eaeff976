"""Result files: finished runs in one parquet file, for other machines and other days."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fewshot_bench.errors import UsageError
from fewshot_bench.exchange.schema import SCHEMA, digest_of, from_table, of_later_versions, to_table
from fewshot_bench.tracking.measurement import Measurement
from fewshot_bench.tracking.possible import check_possible
from fewshot_bench.tracking.record import age
from fewshot_bench.utilities.files import atomic_file, require_regular
from fewshot_bench.utilities.validation import first_of
from fewshot_bench.version import __version__

_FACTS = b"fewshot_bench.results"  # in the file's metadata
_LEVEL = 19  # of zstd: such files are small, and are written once
_DAMAGE = (
    ValueError,  # pyarrow's errors, and pydantic's
    LookupError,
    TypeError,
    AttributeError,
    OSError,
    MemoryError,
    RuntimeError,
    ArithmeticError,
)


def require_parquet(path: Path) -> None:
    """Refuse a name that says another format.

    Raises:
        UsageError: it does not end in ``.parquet``.
    """
    if path.suffix.lower() != ".parquet":
        raise UsageError(f"'{path}' is written as parquet; end its name in .parquet")


def write_results(measurements: Sequence[Measurement], path: Path) -> None:
    """Write finished runs into one file; of the same runs it has the same content.

    Raises:
        UsageError: the disk cannot be written.
    """
    from pyarrow import parquet

    # Right answers of runs that are equally good compress best side by side.
    alike = sorted(measurements, key=lambda run: (run.config.spec.n_queries, run.mean, *age(run)))
    table = to_table(alike)
    facts = {"schema": SCHEMA, "digest": digest_of(table), "fewshot_bench": __version__}
    table = table.replace_schema_metadata({_FACTS: json.dumps(facts)})
    with atomic_file(path) as partial:
        parquet.write_table(
            table,
            partial,
            compression="zstd",
            compression_level=_LEVEL,
            use_dictionary=[name for name in table.column_names if name != "right"],
            write_statistics=False,
        )


def read_results(path: Path) -> list[Measurement]:
    """Read the runs of a file that `write_results` wrote, every one of them checked, by age.

    The digest in it tells damage and careless changes, not forgery: whoever knows how it is made
    can make it anew. What does not agree with itself is refused even so.

    Raises:
        UsageError: it is no such file, is damaged or was changed, or is of a later version.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        require_regular(path)
        with parquet.ParquetFile(path) as file:
            facts = json.loads((file.schema_arrow.metadata or {}).get(_FACTS, b"null"))
            _check_kind(facts, path)
            table = file.read()
        if digest_of(table) != facts["digest"]:
            raise ValueError("its content is not what was written")
        if of_later_versions(table):
            raise _later(facts, path)
        return sorted(_checked(from_table(table)), key=age)
    except FileNotFoundError:
        raise UsageError(f"there is no file {path} of results") from None
    except (*_DAMAGE, pa.ArrowException) as error:
        reason = first_of(error) if isinstance(error, ValidationError) else str(error)
        raise UsageError(
            f"{path} is damaged or was changed ({reason.partition(chr(10))[0][:200]}); export it "
            "again where it comes from"
        ) from None


def _check_kind(facts: object, path: Path) -> None:
    if not isinstance(facts, dict) or not isinstance(facts.get("schema"), int):
        raise UsageError(f"{path} is no file of results; 'fsbench export -o FILE' writes one")
    if facts["schema"] > SCHEMA:
        raise _later(facts, path)


def _later(facts: Mapping[str, Any], path: Path) -> UsageError:
    return UsageError(
        f"{path} was written by fewshot_bench {facts.get('fewshot_bench')}, which is later "
        "than this one; install that to read it"
    )


def _checked(measurements: list[Measurement]) -> list[Measurement]:
    for each in measurements:
        check_possible(each.tracked())
    return measurements
