"""BPA on PT-MAP as the release puts them together; and on any other head."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.bases.affinity_head import AffinityMethod
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method, methods
from fewshot_bench.ops.basic import one_hot
from fewshot_bench.recipe import PretrainRecipe
from tests.baselines.made_up import embedded_tasks, method_of, scores_of
from tests.oracles import close, embedded, load_authors

NAMES = ["bpa", "bpa-simple-shot"]


def balanced(points: Tensor, n_rounds: int = 10) -> Tensor:
    """Affinities by plain Sinkhorn on one task's embeddings of unit length."""
    n = len(points)
    plan = ((points @ points.T - 1) / 0.2).exp() * (1 - torch.eye(n, dtype=points.dtype))
    for _ in range(n_rounds):
        plan = plan / plan.sum(1, keepdim=True)
        plan = plan / plan.sum(0)
    return plan / plan.max() * (1 - torch.eye(n)) + torch.eye(n)


def centred(sets: list[Tensor]) -> list[Tensor]:
    return [F.normalize(s - s.mean(0), dim=1) for s in sets]


def transport(cost: Tensor) -> Tensor:
    """PT-MAP's assignment at sharpness 3: rows of mass 1, columns of equal mass."""
    plan = (-3 * cost).exp()
    for _ in range(500):
        plan = plan / plan.sum(1, keepdim=True)
        plan = plan * (len(plan) / plan.shape[1] / plan.sum(0))
    return plan


def test_bpa_does_what_the_release_does_task_by_task() -> None:
    e = embedded_tasks(2, n_tasks=2)
    scores = scores_of(method_of("bpa", 12, n_balancing=500, sharpness=3), e)
    for t in range(2):
        sets = centred([F.normalize((s[t] + 1e-6) ** 0.5, dim=1) for s in (e.support, e.query)])
        rows = F.normalize(balanced(torch.cat(sets)), dim=1)
        x, q = centred([rows[:10], rows[10:]])
        y = F.one_hot(e.support_labels[t], 5).double()
        centres = y.T @ x / 2
        for _ in range(20):
            members = torch.cat([y, transport(torch.cdist(q, centres).square())])
            means = members.T @ torch.cat([x, q]) / members.sum(0)[:, None]
            centres = centres + 0.2 * (means - centres)
        close(scores[t].exp(), transport(torch.cdist(q, centres).square()))


@pytest.mark.parametrize("file", ["bpa_1shot_labels", "bpa_5shot"])
def test_bpa_simple_shot_takes_the_nearest_mean_of_the_authors_rows(
    shared: Path, file: str
) -> None:
    """With the 3 rounds after which the release stopped this batch."""
    data = load_authors(shared, file)
    method = method_of("bpa-simple-shot", 32, regulariser=0.1, n_rounds=3)
    found = scores_of(method, embedded(data))
    rows = data["transformed" if "transformed" in data else "transformed_labels"]
    n_support = data["support"].shape[1]
    labels = one_hot(data["support_labels"], 5, rows)
    means = labels.transpose(1, 2) @ rows[:, :n_support] / labels.sum(1)[..., None]
    close(found, -torch.cdist(rows[:, n_support:], means).square())


@pytest.mark.parametrize("name", NAMES)
def test_the_head_keeps_its_defaults(name: str) -> None:
    assert methods[name].recipe_type().pretrain == PretrainRecipe()


def affinities_for(name: str) -> type[Method]:
    """Build the class that puts rows of affinities before a registered head."""
    head = methods[name]
    recipe = type("Recipe", (head.recipe_type, AffinityMethod.recipe_type), {})
    return type("OnAffinities", (AffinityMethod, head), {"__annotations__": {"recipe": recipe}})


@pytest.mark.parametrize(
    "name", ["alpha-tim", "bd-cspn", "laplacian-shot", "logistic", "paddle", "soft-k-means"]
)
def test_any_head_takes_affinities(name: str) -> None:
    episode = embedded_tasks(1)
    made = affinities_for(name)
    settings = {"n_steps": 20} if "n_steps" in made.recipe_type.model_fields else {}
    method = made(method_of(name, 12).backbone, made.recipe_type.model_validate(settings), 5)
    plain = method_of(name, 12, **settings)
    found, before = scores_of(method.double(), episode), scores_of(plain, episode)
    assert found.shape == before.shape
    assert torch.isfinite(found).all()
    assert not torch.allclose(found.softmax(-1), before.softmax(-1), atol=1e-3)


def test_labels_of_the_support_are_used_where_asked() -> None:
    episode = embedded_tasks(5)
    renamed = (episode.support_labels + 1) % 5
    other = Episode(episode.support, renamed, episode.query, 5, embedded=True)
    first, second = (
        scores_of(method_of("bpa-simple-shot", 12, mark_support=marked), episode)
        for marked in (True, False)
    )
    assert not torch.allclose(first, second)
    close(scores_of(method_of("bpa-simple-shot", 12), other).roll(-1, -1), first)
