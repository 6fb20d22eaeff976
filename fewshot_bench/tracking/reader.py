"""Finished runs, read from a store."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import UTC, datetime
from math import nan
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fewshot_bench.config import named_weights
from fewshot_bench.errors import UsageError
from fewshot_bench.tracking.client import connect
from fewshot_bench.tracking.order import order_of
from fewshot_bench.tracking.place import PARENT, STUDY, cell_tag
from fewshot_bench.tracking.possible import check_possible
from fewshot_bench.tracking.record import TrackedRun, age, metric_prefix
from fewshot_bench.tracking.store import chosen_uri, one_line, sqlite_file
from fewshot_bench.utilities.progress import say

if TYPE_CHECKING:
    from mlflow.entities import Run

RUNS_PER_PAGE = 1000
REASON_LENGTH = 300  # characters; what is wrong may be as long as whoever wrote it pleased
_NULL = "null"  # what JSON makes of None
_CELL = cell_tag("")
Studies = Mapping[tuple[str, str], Set[str]]  # of an experiment and a key or id of a row


def load_runs(uri: str | None = None) -> list[TrackedRun]:
    """Read all finished runs that fsbench wrote, oldest first; a missing sqlite file has none.

    Which is older is told by their order, not by the clocks of those that wrote them.

    Raises:
        UsageError: the address is malformed, or the store does not answer within seconds.
    """
    uri = chosen_uri(uri)
    file = sqlite_file(uri)
    if file is not None and not file.exists():
        return []
    client = connect(uri)
    with one_line(uri):
        experiments = [e.experiment_id for e in _pages(client.search_experiments)]
        query = "attributes.status = 'FINISHED' and tags.`fsbench.key` != ''"
        studies = _studies(_pages(client.search_runs, experiments, f"tags.`{STUDY}` != ''"))
        runs = list(understood(_pages(client.search_runs, experiments, query), studies))
    return sorted(runs, key=age)


def _pages(search: Any, *arguments: Any) -> Iterator[Any]:
    """Yield the results of all pages of a search."""
    token = None
    while True:
        page = search(*arguments, max_results=RUNS_PER_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _studies(rows: "Iterable[Run]") -> Studies:
    """Say which studies have a row: by its id, and with it by the keys of its cells."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        keys = (tag.removeprefix(_CELL) for tag in row.data.tags if tag.startswith(_CELL))
        for name in (row.info.run_id, *keys):
            found.setdefault((row.info.experiment_id, name), set()).add(row.data.tags[STUDY])
    return found


def understood(
    runs: "Iterable[Run]", studies: Studies = MappingProxyType({})
) -> Iterator[TrackedRun]:
    """Translate runs; one that lacks a fact, or whose facts cannot be, is left out by its id."""
    for run in runs:
        try:
            found = tracked(run, studies)
            check_possible(found)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        except (UsageError, OSError, RecursionError) as error:
            reason = str(error)
        else:
            yield found
            continue
        say(f"warning: run {run.info.run_id} is left out: {reason[:REASON_LENGTH]}")


def tracked(run: "Run", studies: Studies = MappingProxyType({})) -> TrackedRun:
    """Translate MLflow's run."""
    data, info = run.data, run.info
    places = ((info.experiment_id, data.tags.get(tag, "")) for tag in ("fsbench.key", PARENT))
    return translated(
        data.params,
        data.tags,
        data.metrics,
        run_id=info.run_id,
        started=datetime.fromtimestamp(info.start_time / 1000, UTC),
        finished=datetime.fromtimestamp(info.end_time / 1000, UTC),
        order=order_of(run),
        studies=tuple(sorted({name for place in places for name in studies.get(place, ())})),
    )


def translated(
    params: Mapping[str, str], tags: Mapping[str, str], metrics: Mapping[str, float], **more: Any
) -> TrackedRun:
    """Translate what is logged of a cell; `more` are fields that MLflow keeps in its own way."""
    shot = int(params["n_shot"])
    share = _shares(metrics, metric_prefix(params["split"], of_cell=True), shot)

    def given(name: str, absent: str = "") -> str:
        """A parameter that older runs do not have, and others have as null."""
        value: str = params.get(name, _NULL)
        return absent if value == _NULL else value

    return TrackedRun(
        key=tags["fsbench.key"],
        setting=tags["fsbench.setting"],
        n_shot=shot,
        method=params["method"],
        backbone=params["backbone"],
        dataset=params["dataset"],
        n_way=int(params["n_way"]),
        n_query=int(params["n_query"]),
        query_balance=params["query_balance"],
        n_query_way=int(given("n_query_way", "0")),
        n_episodes=int(params["n_episodes"]),
        split=params["split"],
        seed=int(params["seed"]),
        preset=params["preset"],
        settings=_texts(params["settings"]),
        recipe={k.removeprefix("recipe."): v for k, v in params.items() if k.startswith("recipe.")},
        mean=share("acc"),
        ci95=share("ci95"),
        macro_f1=share("macro_f1", nan),
        macro_f1_ci95=share("macro_f1_ci95", nan),
        calibration_error=share("ece", nan),
        train_seconds=metrics["train_seconds"],
        ms_per_episode=metrics["ms_per_episode"],
        data_checksum=tags["fsbench.data_checksum"],
        episode_digest=tags["fsbench.episode_digest"],
        train_dataset=params["train_dataset"] if given("train_checksum") else "",
        train_checksum=given("train_checksum"),
        fitted=given("fitted"),
        shared_classes=int(given("shared_classes", "0")),
        version=tags["fsbench.version"],
        weights=named_weights(given("weights_name"), given("backbone_weights")),
        record=tags.get("fsbench.record", ""),
        episode_seed=int(given("episode_seed", "0")),
        **more,
    )


def _shares(metrics: Mapping[str, float], prefix: str, shot: int) -> Callable[..., float]:
    """Return what looks a share in [0, 1] up; earlier versions wrote it as such, and no prefix."""
    now = f"{prefix}acc_{shot}shot" in metrics
    start, unit = (prefix, 100) if now else ("", 1)

    def share(name: str, *absent: float) -> float:
        full = f"{start}{name}_{shot}shot"
        return absent[0] if absent and full not in metrics else metrics[full] / unit

    return share


def _texts(written: str) -> tuple[str, ...]:
    """Read a list of texts, as JSON has it."""
    values = json.loads(written)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"settings={written} is no list of texts")
    return tuple(values)
