"""ssl-meta-plus: what it does not depend on, its corners, and what it learns from."""

import math
import sys
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import methods
from fewshot_bench.ops.basic import prototypes
from tests.oracles import Identity, close


def built(seed: int = 0, **settings: Any) -> Any:
    """The method with weights as if trained: at its start both networks say nothing."""
    cls = methods["ssl-meta-plus"]
    method = cls(Identity(6), cls.recipe_type.model_validate(settings), 5).double().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in method.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(0.3 * noise)
    return method


def task(n_way: int = 5, n_shot: int = 2, n_query: int = 20, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(n_way, 6, generator=generator, dtype=torch.float64)
    labels = torch.arange(n_way).repeat(n_shot)[None]
    asked = torch.randint(n_way, (1, n_query), generator=generator)

    def images(of: Tensor) -> Tensor:
        noise = torch.randn(*of.shape, 6, generator=generator, dtype=torch.float64)
        return (centres[of] + 0.7 * noise).relu()

    return [images(labels), labels, images(asked), asked]


@pytest.mark.parametrize("balance", ["estimated", "known"])
@pytest.mark.parametrize("n_way", [2, 5, 20])
def test_no_order_matters(n_way: int, balance: str) -> None:
    method = built(balance=balance)
    support, labels, query, _ = task(n_way, n_shot=3)
    scores = method.classify(support, labels, query, n_way)
    generator = torch.Generator().manual_seed(1)
    classes, images, queries = (
        torch.randperm(n, generator=generator) for n in (n_way, labels.shape[1], query.shape[1])
    )
    shuffled = method.classify(
        support[:, images], classes[labels][:, images], query[:, queries], n_way
    )
    close(shuffled[..., classes], scores[:, queries])


def test_without_steps_and_networks_it_compares_queries_with_class_means() -> None:
    method = built(n_steps=0, trust=False, gradients=False)
    support, labels, query, _ = task(n_shot=1)
    points = F.normalize(torch.cat([support, query], 1), dim=-1)
    apart = torch.cdist(points[:, 5:], prototypes(points[:, :5], labels, 5)).square()
    expected = (-method.numbers[0, 0, 0].exp() / 2 * apart).log_softmax(-1)
    close(method.classify(support, labels, query, 5), expected)


def test_told_that_queries_are_balanced_it_gives_each_class_as_many() -> None:
    support, labels, query, asked = task(n_query=100)
    query = query[:, (asked[0] < 2)]  # of two classes
    answers = {
        balance: built(balance=balance, trust=False).classify(support, labels, query, 5).exp()
        for balance in ("known", "estimated")
    }
    far = {balance: (each.mean(1) - 0.2).abs().max() for balance, each in answers.items()}
    assert far["known"] < far["estimated"] / 4
    close(answers["known"].sum(-1), torch.ones(1, query.shape[1], dtype=torch.float64))


def test_balanced_tasks_are_learned_from_told_and_untold_and_others_untold() -> None:
    method = built()
    support, labels, query, _ = task(n_query=20)

    def answers(known: bool) -> Tensor:
        refined = method.refined(support, labels, query, 5, known)
        losses = [F.nll_loss(answer, asked) for answer in refined]
        return losses[-1] + 0.3 * sum(losses[:-1]) / len(losses)

    for asked, ways in (
        (torch.arange(20)[None] % 5, (False, True)),
        (torch.arange(20)[None] // 19, (False,)),
    ):
        expected = torch.stack([answers(known) for known in ways]).mean()
        close(method.loss(Episode(support, labels, query, 5, embedded=True), asked), expected)


def test_what_is_learned_changes_with_shots_and_ways() -> None:
    method = built()
    support, labels, query, _ = task(n_shot=1)
    twice = method.classify(support.repeat(1, 2, 1), labels.repeat(1, 2), query, 5)
    assert (twice - method.classify(support, labels, query, 5)).abs().max() > 1e-3


def test_pt_map_is_one_of_its_corners(monkeypatch: pytest.MonkeyPatch) -> None:
    cls, support, labels, query, _ = (methods["pt-map"], *task(n_query=30))
    recipe = {"power": 1.0, "sharpness": 6.0, "rate": 0.3, "n_steps": 4, "n_balancing": 400}
    theirs = cls(Identity(6), cls.recipe_type.model_validate({**recipe, "centre": False}), 5)
    method = built(n_steps=4, balance="known", gradients=False)
    with torch.no_grad():
        method.numbers.zero_()
        method.numbers[0, :, 0] = math.log(2 * 6.0)
        method.numbers[1, :, 0] = math.log(0.3 / 0.7)
    monkeypatch.setattr(sys.modules[type(method).__module__], "N_LEVELLING", 400)
    points = [theirs.transform(images) for images in (support, query)]
    expected = theirs.classify(points[0], labels, points[1], 5)
    close(method.classify(points[0], labels, points[1], 5), expected)
