"""Every answer of a run on disk: a parquet file beside its record, written and read in parts."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.results import Answers, RunRecord
from fewshot_bench.utilities.files import atomic_file, home, require_regular

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

_FACTS = b"fewshot_bench"  # in the file's metadata: the key of the run, and all its classes
_ROWS = 100_000  # of a row group, at least; it ends with an episode
_DAMAGE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OSError,
    MemoryError,
    RuntimeError,  # NotImplementedError and RecursionError, too
    ArithmeticError,
)
Indices = NDArray[np.int64]


def predictions_path(key: str) -> Path:
    """Where the answers of a configuration are kept."""
    return home() / "results" / f"{key}.predictions.parquet"


@contextmanager
def writing_predictions(key: str, classes: Sequence[str]) -> Iterator[Callable[[Answers], None]]:
    """Yield a function that takes the answers of a run, batch by batch, in bounded memory.

    The file is there, in place of what was, when the block ends without an error. Its columns are
    ``episode``, ``query_index`` (of the image in the split), ``true_class``, ``predicted_class``
    and ``probability`` (of the latter, by the softmax of the scores).

    Args:
        key: of the run's configuration.
        classes: names of all classes of the split.
    """
    from pyarrow import parquet

    schema = _schema().with_metadata({_FACTS: json.dumps({"key": key, "classes": [*classes]})})
    with (
        atomic_file(predictions_path(key)) as partial,
        parquet.ParquetWriter(partial, schema) as writer,
    ):
        groups = _RowGroups(writer)
        yield groups.add
        groups.write()


def has_predictions(record: RunRecord) -> bool:
    """True if the answers of a run are kept, and add up to its accuracies.

    Raises:
        UsageError: the file is damaged, or is of another run.
    """
    path = predictions_path(record.config.key)
    if not path.exists():
        return False
    _, batches = read_predictions(record.config.key)
    accuracies = np.concatenate([(true == predicted).mean(1) for true, predicted in batches])
    expected = np.asarray(record.result.accuracies)
    if accuracies.shape != expected.shape or not np.allclose(accuracies, expected, atol=1e-9):
        raise UsageError(
            f"{path} is of another run: it has not the accuracies of the stored result; delete it "
            "and run again"
        )
    return True


def read_predictions(key: str) -> tuple[list[str], Iterator[tuple[Indices, Indices]]]:
    """Read what `writing_predictions` wrote, in batches of whole episodes.

    Returns:
        All classes of the split; then, of each query of a batch, the class and the one that it was
        taken for, as places in these, int64 ``[n, Q]``.

    Raises:
        UsageError: the file is damaged, or is of another run; while reading, too.
    """
    from pyarrow import parquet

    path = predictions_path(key)
    with _in_one_line(path):
        require_regular(path)
        file = parquet.ParquetFile(path)
        facts = json.loads(file.schema_arrow.metadata[_FACTS])
        classes = [str(name) for name in facts["classes"]]
        if facts["key"] != key:
            raise UsageError(f"{path} is of another run; delete it and run again")
    return classes, _batches(path, file, {name: place for place, name in enumerate(classes)})


def _batches(
    path: Path, file: "parquet.ParquetFile", places: dict[str, int]
) -> Iterator[tuple[Indices, Indices]]:
    for group in range(file.num_row_groups):
        with _in_one_line(path):
            rows = file.read_row_group(group, ["episode", "true_class", "predicted_class"])
            episodes = rows["episode"].to_numpy()
            shape = len(np.unique(episodes)), -1
            true, predicted = (_coded(rows[name], places) for name in rows.column_names[1:])
            batch = true.reshape(shape), predicted.reshape(shape)
        yield batch


def _coded(column: "pa.ChunkedArray", places: dict[str, int]) -> Indices:
    """Look classes up by their names."""
    coded = column.combine_chunks()
    of_file = np.array([places[name] for name in coded.dictionary.to_pylist()], dtype=np.int64)
    found: Indices = of_file[coded.indices.to_numpy()]
    return found


@contextmanager
def _in_one_line(path: Path) -> Iterator[None]:
    """Say of a file that cannot be read that it is damaged; pyarrow's errors are ValueErrors."""
    try:
        yield
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0][:200]
        raise UsageError(f"{path} is damaged ({reason}); delete it and run again") from None


class _RowGroups:
    """Collects batches until they are worth a row group."""

    def __init__(self, writer: "parquet.ParquetWriter") -> None:
        self.writer = writer
        self.waiting: list[pa.Table] = []
        self.n_episodes = 0

    def add(self, answers: Answers) -> None:
        """Take the answers of the next episodes."""
        self.waiting.append(_table(answers, self.n_episodes))
        self.n_episodes += len(answers.predictions)
        if sum(map(len, self.waiting)) >= _ROWS:
            self.write()

    def write(self) -> None:
        """Write what was collected, as one row group."""
        import pyarrow as pa

        if self.waiting:
            rows = pa.concat_tables(self.waiting).unify_dictionaries().combine_chunks()
            self.writer.write_table(rows, row_group_size=len(rows))
        self.waiting = []


def _schema() -> "pa.Schema":
    import pyarrow as pa

    name = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        {
            "episode": pa.int32(),
            "query_index": pa.int32(),
            "true_class": name,
            "predicted_class": name,
            "probability": pa.float32(),
        }
    )


def _table(answers: Answers, first: int) -> "pa.Table":
    """Write answers as rows; `first` is the number of the first episode."""
    import pyarrow as pa

    names, *coded = answers.coded()
    n, n_queries = answers.predictions.shape
    spelt = pa.array([str(name) for name in names.tolist()], pa.string())
    true, predicted = (
        pa.DictionaryArray.from_arrays(codes.ravel().astype(np.int32), spelt) for codes in coded
    )
    episodes = np.repeat(np.arange(first, first + n, dtype=np.int32), n_queries)
    indices = answers.query_indices.ravel().astype(np.int32)
    columns = [episodes, indices, true, predicted, answers.probabilities.ravel()]
    return pa.table(columns, schema=_schema())
