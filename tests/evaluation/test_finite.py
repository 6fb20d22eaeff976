"""Numbers that are not finite are never counted, wherever a method is asked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fewshot_bench import api
from fewshot_bench.bases.nearest_cosine import NearestCosine
from fewshot_bench.classifier import FewShotClassifier
from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.answering import task_scores
from fewshot_bench.evaluation.evaluate import evaluate
from fewshot_bench.method import AtOnce, methods
from fewshot_bench.utilities.tensors import all_finite
from tests.embeddings import make_arrays
from tests.synthetic import make_method, make_split

X, Y = make_arrays()
VALUES = [float("nan"), float("inf"), -float("inf")]


class Odd(NearestCosine):
    """Nearest prototypes, but one score of the task whose support begins with a mark is odd."""

    value, mark = float("nan"), torch.zeros(0)

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        scores = super().classify(support, support_labels, query, n_way)
        marked = (support[:, 0] == self.mark).all(1)
        scores[marked, -1, -1] = self.value
        return scores


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("at_once", [AtOnce(), AtOnce(tasks=1), AtOnce(tasks=7)])
def test_the_evaluator_names_method_and_episode(
    value: float, at_once: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever place the episode has in a batch or a block; 30 of 100 are in the first block."""
    source = EpisodeSource(make_split(), EpisodeSpec(5, 1, 4))
    method = make_method("proto-net").float()
    first = int(source.indices(70, 1).support[0, 0])
    episodes = [i for i in range(100) if source.indices(i, 1).support[0, 0] == first]
    monkeypatch.setattr(Odd, "value", value)
    monkeypatch.setattr(Odd, "at_once", at_once)
    odd = Odd(method.backbone, method.recipe, 5).eval()
    mark = odd.embed(source.split.tensor(np.array([first]), "cpu"))[0].detach()
    monkeypatch.setattr(Odd, "mark", mark)
    monkeypatch.setattr("fewshot_bench.evaluation.features._IMAGES_PER_CHUNK", {"cpu": 1})
    with pytest.raises(UsageError, match=rf"^Odd gives scores .* in episode {episodes[0]};"):
        evaluate(odd, source, 100)


def test_every_way_of_asking_refuses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """By embeddings, as a classifier, and for one task; told by the name of the registry."""

    def classify(self: Any, *_task: Any) -> Tensor:
        return torch.full((1, 5, 5), float("inf"))

    monkeypatch.setattr(methods["logistic"], "classify", classify)
    with pytest.raises(UsageError, match=r"^logistic gives scores .* in episode 0;"):
        api.evaluate("logistic", X, Y, n_query=1, n_episodes=3)
    classifier = FewShotClassifier("logistic").fit(X[:40], Y[:40])
    for answer in (classifier.predict, classifier.predict_proba):
        with pytest.raises(UsageError, match=r"^logistic gives scores .* in query 0;"):
            answer(X[40:45])
    method = make_method("logistic")
    task = (torch.rand(5, 32), torch.arange(5), torch.rand(5, 32), 5, True)
    with pytest.raises(UsageError, match=r"^logistic gives"):
        task_scores(method, *task)


def test_embeddings_that_are_not_finite_name_row_and_file(tmp_path: Path) -> None:
    method = make_method("proto-net").float()
    split: ImageSplit = make_split()
    np.save(tmp_path / "images.npy", split.images)
    stored = np.load(tmp_path / "images.npy", mmap_mode="r")
    object.__setattr__(split, "images", stored)
    source = EpisodeSource(split, EpisodeSpec(5, 1, 4))
    norm = next(m for m in method.modules() if isinstance(m, nn.BatchNorm2d))
    norm.running_var.fill_(float("nan"))  # type: ignore[union-attr]
    with pytest.raises(UsageError, match=r"^row 0 of .*images.npy has an embedding by Conv4"):
        evaluate(method, source, 5)


def test_all_kinds_of_tensors_are_looked_through() -> None:
    for dtype in (torch.float64, torch.bfloat16, torch.float16, torch.complex64):
        for value in VALUES:
            tensor = torch.ones(3, 4, dtype=dtype)
            assert all_finite(tensor)
            tensor[2, 1] = value
            assert not all_finite(tensor)
    assert all_finite(torch.tensor([-1e308, 1e308], dtype=torch.float64))
    assert not all_finite(torch.tensor([float("nan")]).to(torch.float8_e5m2))
    assert all(map(all_finite, (torch.ones(2, dtype=torch.bool), torch.empty(0), torch.ones(()))))
