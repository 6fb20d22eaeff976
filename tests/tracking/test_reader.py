"""Runs read back from a real sqlite store."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from fewshot_bench.config import named_weights
from fewshot_bench.tracking import Tracker, load_runs
from fewshot_bench.tracking.place import PARENT
from fewshot_bench.tracking.reader import _pages, tracked
from tests.tracking.incomplete import stored
from tests.tracking.records import log, make_record


def test_a_run_is_found_again_with_all_that_was_measured(uri: str) -> None:
    tracker, record = Tracker(uri), make_record()
    assert not tracker.has(record)
    log(tracker, record)
    assert tracker.has(record)
    (found,) = load_runs(uri)
    assert (found.mean, found.ci95) == pytest.approx((record.result.mean, record.result.ci95))
    assert (found.macro_f1, found.macro_f1_ci95) == pytest.approx(
        (record.result.macro_f1_mean, record.result.macro_f1_ci95)
    )
    assert found.calibration_error == pytest.approx(0.05)
    assert found.setting == "transductive"
    assert found.data_checksum == "d" * 64
    assert found.episode_digest == "e" * 64
    assert found.recipe["train.lr"] == "0.1"
    assert found.recipe["train.milestones"] == "[0.5, 0.7]"
    assert found.started <= found.finished


def test_what_was_trained_on_is_told_and_read(uri: str) -> None:
    tracker = Tracker(uri)
    log(tracker, make_record())
    facts: dict[str, Any] = {"train_dataset": "null", "train_checksum": "t" * 64}  # a fine name
    log(tracker, make_record(**facts, fitted="28x28x1 -> 32x32x3", shared_classes=2))
    plain, crossed = sorted(load_runs(uri), key=lambda run: run.train_dataset)
    told = [
        (run.train_dataset, run.train_checksum, run.fitted, run.shared_classes)
        for run in (plain, crossed)
    ]
    assert told == [("", "", "", 0), ("null", "t" * 64, "28x28x1 -> 32x32x3", 2)]
    assert plain.dataset == crossed.dataset == "cifar-fs"
    names = [tracker.client.get_run(run.run_id).info.run_name for run in (plain, crossed)]
    assert names[1] == f"{names[0]}, trained on null"


def test_runs_from_before_a_fact_was_told_have_its_default(uri: str) -> None:
    tracker = Tracker(uri)
    run = tracker.client.get_run(log(tracker, make_record()))
    for name in ("n_query_way", "train_dataset", "train_checksum", "fitted", "shared_classes"):
        del run.data.params[name]
    (found,) = load_runs(uri)
    assert tracked(run) == found


def test_a_run_of_an_earlier_version_lacks_later_numbers_and_is_read(uri: str) -> None:
    record = make_record()
    lacking = {"macro_f1": None, "calibration_error": None}
    log(
        Tracker(uri), record.model_copy(update={"result": record.result.model_copy(update=lacking)})
    )
    (found,) = load_runs(uri)
    assert found.mean == pytest.approx(record.result.mean)
    assert all(map(math.isnan, (found.macro_f1, found.macro_f1_ci95, found.calibration_error)))


def test_every_fact_of_a_run_is_read_from_its_own_place() -> None:
    """Each has another value, so that none can be taken for another."""
    run = stored("id")
    numbers = {"n_way": 7, "n_shot": 3, "n_query": 4, "n_episodes": 9, "seed": 11}
    words = {name: f"a {name}" for name in ("method", "backbone", "dataset", "split", "preset")}
    later = {"train_dataset": "birds", "train_checksum": "t", "fitted": "28 -> 32"}
    run.data.params = {
        **{name: str(value) for name, value in numbers.items()},
        **words,
        **later,
        "query_balance": "dirichlet:2",
        "n_query_way": "2",
        "shared_classes": "6",
        "settings": '["a=1", "b=2"]',
        "recipe.train.lr": "0.1",
        "weights_name": "mine",
        "backbone_weights": "abc123",
    }
    measured = {"acc_3shot": 0.1, "ci95_3shot": 0.2, "macro_f1_3shot": 0.3}
    measured |= {"macro_f1_ci95_3shot": 0.4, "ece_3shot": 0.5}
    costs = {"train_seconds": 0.6, "ms_per_episode": 0.7}
    run.data.metrics = {**measured, **costs, "acc_1shot": 0.9}
    names = ("key", "setting", "data_checksum", "episode_digest", "version")
    run.data.tags = {f"fsbench.{name}": f"the {name}" for name in names}
    run.data.tags |= {"fsbench.order": "5", "fsbench.record": "r", PARENT: "row"}
    run.info.start_time, run.info.end_time = 2000, 61_000
    places = {("1", "the key"): {"b", "a"}, ("1", "row"): {"c"}, ("2", "the key"): {"d"}}
    assert vars(tracked(run, places)) == {
        "run_id": "id",
        **{name: f"the {name}" for name in names},
        **numbers,
        **words,
        **later,
        "query_balance": "dirichlet:2",
        "n_query_way": 2,
        "shared_classes": 6,
        "settings": ("a=1", "b=2"),
        "recipe": {"train.lr": "0.1"},
        **dict(zip(("mean", "ci95", "macro_f1"), measured.values(), strict=False)),
        "macro_f1_ci95": 0.4,
        "calibration_error": 0.5,
        **costs,
        "started": datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC),
        "finished": datetime(1970, 1, 1, 0, 1, 1, tzinfo=UTC),
        "order": 5,
        "weights": named_weights("mine", "abc123"),
        "record": "r",
        "studies": ("a", "b", "c"),
        "episode_seed": 0,
    }
    run.data.params |= {"n_query_way": "null", "shared_classes": "null", "train_checksum": "null"}
    found = tracked(run)
    assert (found.n_query_way, found.shared_classes, found.train_checksum) == (0, 0, "")
    assert found.train_dataset == ""


def test_all_pages_of_a_search_are_read() -> None:
    class Page(list[int]):
        token: str | None = None

    asked: list[tuple[str, int, str | None]] = []

    def search(what: str, max_results: int, page_token: str | None) -> Page:
        asked.append((what, max_results, page_token))
        page = Page([len(asked)])
        page.token = None if len(asked) == 3 else f"after {len(asked)}"
        return page

    assert list(_pages(search, "runs")) == [1, 2, 3]
    assert asked == [("runs", 1000, None), ("runs", 1000, "after 1"), ("runs", 1000, "after 2")]
