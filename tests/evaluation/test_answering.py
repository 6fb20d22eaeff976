"""The answer to one task: in parts for an inductive method, all at once for a transductive one."""

import pytest
import torch
from torch import Tensor

from fewshot_bench.backbones.precomputed import Precomputed
from fewshot_bench.evaluation import answering
from fewshot_bench.evaluation.answering import task_scores
from fewshot_bench.method import Method
from fewshot_bench.recipe import Recipe
from fewshot_bench.results import Setting


class Noting(Method):
    """Scores a query by its own numbers, and notes how many it was asked together."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(Precomputed(3), Recipe(), 3)
        self.setting, self.asked = setting, list[int]()

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        self.asked.append(query.shape[1])
        return query


@pytest.mark.parametrize(("setting", "asked"), [("inductive", [4, 4, 2]), ("transductive", [10])])
def test_queries_are_scored_in_their_order(
    setting: Setting, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "_ROWS", 4)
    method, query = Noting(setting), torch.rand(10, 3, requires_grad=True)
    scores = task_scores(method, torch.rand(3, 3), torch.arange(3), query, 3, embedded=True)
    assert method.asked == asked
    assert torch.equal(scores, query.double())
    assert scores.dtype == torch.float64
    assert not scores.requires_grad


def test_images_are_scored_fewer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "_IMAGES", 6)
    method, images = Noting("inductive"), torch.rand(13, 3, 1, 1)
    task_scores(method, images[:3].flatten(1), torch.arange(3), images, 3, embedded=True)
    assert method.asked == [6, 6, 1]
