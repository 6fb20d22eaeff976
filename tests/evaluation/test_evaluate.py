"""The evaluator: right, the same whatever the chunks, and blind to nothing it should see."""

import math
import platform
import time
from dataclasses import fields
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.evaluation import block
from fewshot_bench.evaluation.evaluate import evaluate, gather, inputs_of, score_episodes
from fewshot_bench.evaluation.features import ImageTable, embed_split
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.recipe import Recipe
from fewshot_bench.results import Answers
from fewshot_bench.statistics.metrics import expected_calibration_error, macro_f1
from tests.synthetic import make_method, make_split

SPEC = EpisodeSpec(5, 1, 4)


class Pixels(Backbone):
    """Images themselves as features."""

    def __init__(self, in_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.in_shape = self.map_shape = in_shape

    def feature_map(self, images: Tensor) -> Tensor:
        return images


class Constant(Method):
    """Always answers the first class."""

    setting = "inductive"

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        scores = query.new_zeros(*query.shape[:2], n_way)
        scores[..., 0] = 1
        return scores


def test_known_answers() -> None:
    source = EpisodeSource(make_split(noise=0.0), SPEC)
    nearest = methods["proto-net"](Pixels((1, 16, 16)), methods["proto-net"].recipe_type(), 5)
    assert set(evaluate(nearest, source, 20).accuracies) == {1.0}
    constant = evaluate(Constant(Pixels((1, 16, 16)), Recipe(), 5), source, 20)
    assert set(constant.accuracies) == {0.2}
    assert constant.ci95 == pytest.approx(0, abs=1e-12)
    # One class of five is answered: its F1 is 2·4 of 20 answers and 4 queries.
    assert constant.macro_f1 == pytest.approx([(8 / 24) / 5] * 20)
    assert constant.calibration_error == pytest.approx(math.e / (math.e + 4) - 0.2)


def test_every_answer_is_kept_on_request_and_metrics_follow_from_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = EpisodeSource(make_split(noise=2.0), EpisodeSpec(5, 1, 4, dirichlet=1.0))
    method = make_method("proto-net").float()
    monkeypatch.setattr(type(method), "at_once", AtOnce(numbers=1))
    blocks: list[Answers] = []
    streamed = evaluate(method, source, 200, predictions=blocks.append)
    result = evaluate(method, source, 200, predictions=True)
    assert streamed.answers is None
    assert len(blocks) > 1
    answers = result.answers
    assert answers is not None
    for field in fields(Answers):
        parts = [getattr(part, field.name) for part in blocks]
        assert (np.concatenate(parts) == getattr(answers, field.name)).all()
    hits = answers.predictions == answers.query_labels
    assert result.accuracies == tuple(hits.mean(1))
    assert result.macro_f1 == tuple(macro_f1(answers.predictions, answers.query_labels, 5))
    error = expected_calibration_error(answers.probabilities, hits)
    assert result.calibration_error == pytest.approx(error, abs=1e-9)
    assert answers.probabilities.min() >= 0.2
    names, true, predicted = answers.coded()
    assert (true == source.split.labels[answers.query_indices]).all()
    assert (names == source.split.class_labels).all()
    assert ((true == predicted) == hits).all()


@pytest.mark.parametrize("name", ["proto-net", "ssl-meta", "maml"])
def test_chunks_do_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, source = make_method(name).float(), EpisodeSource(make_split(noise=1.0), SPEC)
    whole = evaluate(method, source, 12)
    monkeypatch.setattr(type(method), "at_once", AtOnce(numbers=1))
    monkeypatch.setattr(block, "_SCORES_AT_ONCE", 1)
    one_by_one = evaluate(method, source, 12)
    assert whole.accuracies == one_by_one.accuracies
    assert whole.macro_f1 == one_by_one.macro_f1
    assert whole.calibration_error == pytest.approx(one_by_one.calibration_error, abs=1e-5)
    assert whole.episode_digest == one_by_one.episode_digest


def test_embedding_first_answers_as_from_images() -> None:
    method, split = make_method("proto-net").float(), make_split()
    indices = EpisodeSource(split, SPEC).indices(0, 3)
    from_table, labels = gather(inputs_of(method, split), indices, 5)
    images, same_labels = gather(ImageTable(split, torch.device("cpu")), indices, 5)
    assert from_table.embedded
    assert not images.embedded
    assert torch.equal(labels, same_labels)
    with torch.no_grad():
        torch.testing.assert_close(method(from_table), method(images), rtol=1e-4, atol=1e-4)


class Examined(Constant):
    """Answers the first class where it is tested, and the second where it is trained."""

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        scores = super().classify(support, support_labels, query, n_way)
        return scores.roll(1, 2) if self.training or self.backbone.training else scores


def test_a_method_is_in_evaluation_mode_whenever_it_is_measured() -> None:
    source = EpisodeSource(make_split(noise=0.0), SPEC)
    method = Examined(Pixels((1, 16, 16)), Recipe(), 5)
    table = inputs_of(method, source.split)
    answers: list[Answers] = []
    score_episodes(method.train(), source, 3, table, answers.append)
    assert (answers[0].predictions == 0).all()
    assert not any(module.training for module in method.modules())


class Counted(Constant):
    """Notes how many tasks it is handed at once."""

    seen: ClassVar[list[int]] = []

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        self.seen.append(len(support))
        return super().classify(support, support_labels, query, n_way)


@pytest.mark.parametrize(
    ("tasks", "numbers", "expected"),
    [
        (1024, 1, {1}),
        (1024, 25 * 256 * 3, {3, 2}),
        (1024, 25 * 256 * 4 - 1, {3, 2}),
        (2, 10**9, {2}),
    ],
)
def test_a_method_is_handed_as_many_tasks_as_it_wants(
    tasks: int, numbers: int, expected: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counted, "at_once", AtOnce(tasks, numbers))
    monkeypatch.setattr(Counted, "seen", [])
    evaluate(Counted(Pixels((1, 16, 16)), Recipe(), 5), EpisodeSource(make_split(), SPEC), 20)
    assert set(Counted.seen) == expected
    assert sum(Counted.seen) == 20


def test_seconds_and_facts_of_a_run_are_told() -> None:
    source = EpisodeSource(make_split(), SPEC)
    began = time.perf_counter()
    result = evaluate(make_method("proto-net").float(), source, 10)
    assert 0 < 10 * result.episode_seconds <= result.seconds <= time.perf_counter() - began
    assert 10 < result.peak_memory_mb < 1e6
    assert result.device == f"cpu ({platform.machine()})"
    assert result.data_checksum == source.split.checksum
    assert result.setting == "inductive"
    assert result.versions["torch"] == torch.__version__
    assert result.versions["python"] == platform.python_version()


def test_embeddings_are_those_of_evaluation_mode() -> None:
    method, split = make_method("proto-net").float(), make_split()
    expected = embed_split(method, split)
    assert torch.equal(embed_split(method.train(), split), expected)


def test_every_method_sees_the_same_episodes() -> None:
    source = EpisodeSource(make_split(), SPEC)
    digests = {evaluate(make_method(n).float(), source, 5).episode_digest for n in list(methods)}
    assert len(digests) == 1


def test_a_method_without_classify_says_so() -> None:
    episode = Episode(torch.ones(1, 2, 1), torch.zeros(1, 2).long(), torch.ones(1, 2, 1), 2, True)
    with pytest.raises(TypeError, match="neither classify nor forward"):
        Method(Pixels((1, 1, 1)), Recipe(), 2)(episode)
