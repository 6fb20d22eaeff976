"""Tasksets: the episodes of the evaluator, in learn2learn's layout."""

from importlib.util import find_spec
from itertools import islice

import pytest
import torch

import fewshot_bench as fsb
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.evaluate import gather
from fewshot_bench.evaluation.features import ImageTable
from fewshot_bench.evaluation.tasksets import Taskset
from fewshot_bench.utilities.optional import import_extra
from tests.synthetic import make_dataset, make_split

SPEC = EpisodeSpec(4, 2, 3)


def source(spec: EpisodeSpec = SPEC) -> EpisodeSource:
    return EpisodeSource(make_split(split="test"), spec)


def test_a_task_is_the_episode_class_by_class_support_first() -> None:
    tasks = list(Taskset(source(), num_tasks=3))
    assert len(tasks) == 3
    table = ImageTable(make_split(split="test"), torch.device("cpu"))
    for i, (data, labels) in enumerate(tasks):
        episode, query_labels = gather(table, source().indices(i, 1), SPEC.n_way)
        assert labels.tolist() == [k for k in range(4) for _ in range(5)]
        for k in range(4):
            of_class = data[5 * k : 5 * k + 5]
            support = episode.support[0][episode.support_labels[0] == k]
            assert torch.equal(
                of_class, torch.cat([support, episode.query[0][query_labels[0] == k]])
            )


def test_it_is_as_long_as_learn2learns() -> None:
    few, endless = Taskset(source(), num_tasks=2), Taskset(source())
    assert (len(few), len(endless)) == (2, 1)
    first = next(islice(endless, 5, None))
    assert torch.equal(first[0], endless[5][0])
    with pytest.raises(IndexError):
        few[2]
    drawn = {tuple(few.sample()[0].flatten()[:8].tolist()) for _ in range(20)}
    assert drawn == {tuple(data.flatten()[:8].tolist()) for data, _ in few}


@pytest.mark.parametrize(
    ("spec", "num_tasks", "says"),
    [
        (EpisodeSpec(4, 2, 3, dirichlet=2.0), -1, "equally many queries of each class"),
        (EpisodeSpec(4, 2, 3, n_query_way=2), -1, "equally many queries of each class"),
        (SPEC, 0, "1 task or more, or -1 for no end, not 0"),
    ],
)
def test_what_learn2learn_has_no_layout_for_is_refused(
    spec: EpisodeSpec, num_tasks: int, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        Taskset(source(spec), num_tasks)


def test_an_endless_set_is_drawn_from_as_far_as_learn2learn_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.randrange", lambda n: n - 1)
    endless = Taskset(source())
    assert torch.equal(endless.sample()[0], endless[2**31 - 1][0])


def test_a_data_set_gives_one_taskset_a_split(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make_dataset()
    monkeypatch.setattr("fewshot_bench.evaluation.tasksets.open_dataset", lambda _: dataset)
    found = fsb.tasksets("synthetic", n_way=3, n_query=2, num_tasks=1)
    assert [tasks.source.split.split for tasks in found] == ["train", "val", "test"]
    assert found.validation is found[1]
    assert [len([*tasks]) for tasks in found] == [1, 1, 1]
    benchmarks = EpisodeSource(dataset["test"], EpisodeSpec(3, 1, 2), seed=0)
    assert torch.equal(found.test[0][0], Taskset(benchmarks)[0][0])
    assert fsb.tasksets("synthetic").test.source.spec == EpisodeSpec(5, 1, 15)
    assert fsb.tasksets("synthetic").test.num_tasks == -1


@pytest.mark.skipif(find_spec("learn2learn") is None, reason="no learn2learn; make learn2learn")
def test_learn2learn_divides_a_task_into_the_episode() -> None:
    library = import_extra("learn2learn", "this test")
    data, labels = Taskset(source())[0]
    (support, support_labels), (query, _) = library.data.partition_task(data, labels, shots=2)
    table = ImageTable(make_split(split="test"), torch.device("cpu"))
    episode, _ = gather(table, source().indices(0, 1), SPEC.n_way)
    assert support_labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    for divided, ours in ((support, episode.support[0]), (query, episode.query[0])):
        rows, own = ({tuple(x.flatten().tolist()) for x in images} for images in (divided, ours))
        assert rows == own
