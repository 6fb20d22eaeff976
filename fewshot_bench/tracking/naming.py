"""What runs are called, and the command that makes them again."""

import shlex
from collections.abc import Iterable, Iterator

from fewshot_bench.config import RunConfig
from fewshot_bench.utilities.printing import printable

MOST_SETTINGS = 4  # that a name spells out
LONGEST = 250  # characters of a name, in MLflow's tables


def run_name(config: RunConfig, experiment: str, part: str = "", tuned: bool = False) -> str:
    """Name a run so that it can be told apart; what is as usual goes without saying.

    Args:
        config: of the run.
        experiment: that it is in; if it is not called like the data set, the name has that, too.
        part: what it is of its row, as ``1-shot``.
        tuned: its settings are chosen on val.
    """
    data = "" if experiment == config.dataset else config.dataset
    head = " ".join(filter(None, (config.method, config.network, data, part)))
    name = printable(", ".join([head, *_unusual(config, tuned)]))
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _unusual(config: RunConfig, tuned: bool) -> Iterator[str]:
    """Yield what is not by default."""
    given = config.settings
    if config.preset != _usual("preset"):
        yield config.preset
    yield from given[:MOST_SETTINGS]
    if len(given) > MOST_SETTINGS:
        yield f"{len(given) - MOST_SETTINGS} more settings"
    if tuned:
        yield "tuned on val"
    words = {
        "n_way": "{}-way",
        "n_query": "{} queries a class",
        "query_balance": "{}",
        "n_query_way": "queries of {} classes",
        "episode_seed": "stream {}",
        "split": "on {}",
        "seed": "seed {}",
        "backbone_seed": "backbone of seed {}",
        "train_dataset": "trained on {}",
    }
    for field, text in words.items():
        if (value := getattr(config, field)) != _usual(field):
            yield text.format(value)


def _usual(field: str) -> object:
    return RunConfig.model_fields[field].default


def command_of(config: RunConfig, shots: Iterable[int], tuned: bool = False) -> str:
    """Return the command that makes runs of a configuration again, at some numbers of shots."""
    options = {
        "dataset": config.dataset,
        "train-dataset": config.train_dataset,
        "backbone": config.backbone,
        "weights": "FILE" if config.backbone_weights else None,
        "ways": _told(config, "n_way"),
        "queries": _told(config, "n_query"),
        "query-balance": _told(config, "query_balance"),
        "query-ways": config.n_query_way,
        "episodes": config.n_episodes,
        "episode-seed": _told(config, "episode_seed"),
        "seed": _told(config, "seed"),
        "backbone-seed": config.backbone_seed,
        "preset": _told(config, "preset"),
        "split": _told(config, "split"),
        "tune": "val" if tuned else None,
    }
    words = ["fsbench", "run", "--method", config.method]
    words += [word for shot in sorted(shots) for word in ("--shots", str(shot))]
    words += [w for name, v in options.items() if v is not None for w in (f"--{name}", str(v))]
    words += [word for text in config.settings for word in ("--set", text)]
    return shlex.join(words)


def _told(config: RunConfig, field: str) -> object:
    value = getattr(config, field)
    return None if value == _usual(field) else value
