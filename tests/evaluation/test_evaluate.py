"""The evaluator: right, the same whatever the chunks, and blind to nothing it should see."""

import math
from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import Tensor

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.data.augment import augment, color_jitter, random_crop
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.evaluation import block
from fewshot_bench.evaluation.evaluate import evaluate, gather, inputs_of
from fewshot_bench.evaluation.features import ImageTable
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


def test_every_method_sees_the_same_episodes() -> None:
    source = EpisodeSource(make_split(), SPEC)
    digests = {evaluate(make_method(n).float(), source, 5).episode_digest for n in list(methods)}
    assert len(digests) == 1


def test_a_method_without_classify_says_so() -> None:
    episode = Episode(torch.ones(1, 2, 1), torch.zeros(1, 2).long(), torch.ones(1, 2, 1), 2, True)
    with pytest.raises(TypeError, match="neither classify nor forward"):
        Method(Pixels((1, 1, 1)), Recipe(), 2)(episode)


def test_crops_are_windows_of_the_padded_image() -> None:
    pixels = torch.arange(1, 26, dtype=torch.uint8).view(1, 1, 5, 5).expand(64, 1, 5, 5)
    torch.manual_seed(0)
    crops = random_crop(pixels, 1, flip=True)
    padded = torch.nn.functional.pad(pixels[:1], (1, 1, 1, 1))
    windows = padded.unfold(2, 5, 1).unfold(3, 5, 1).reshape(9, 5, 5)
    allowed = {tuple(w.flatten().tolist()) for w in torch.cat([windows, windows.flip(-1)])}
    seen = {tuple(c.flatten().tolist()) for c in crops}
    assert seen <= allowed
    assert len(seen) > 10


def test_colour_jitter_stays_in_range_and_keeps_grey_grey() -> None:
    torch.manual_seed(0)
    pixels = torch.randint(256, (16, 3, 8, 8), dtype=torch.uint8)
    jittered = color_jitter(pixels)
    assert 0 <= float(jittered.min()) <= float(jittered.max()) <= 255
    assert not torch.allclose(jittered, pixels.float())
    grey = color_jitter(pixels[:, :1].expand(-1, 3, -1, -1))
    torch.testing.assert_close(grey[:, 0], grey[:, 2], rtol=1e-4, atol=1e-2)
    assert color_jitter(pixels, strength=0.0).equal(pixels.float())


def test_no_augmentation_is_none() -> None:
    pixels = torch.randint(256, (2, 1, 8, 8), dtype=torch.uint8)
    assert augment(pixels, "none").equal(pixels)
