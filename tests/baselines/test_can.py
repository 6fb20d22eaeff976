"""CAN: one query and one class at a time, with the correlation of all pairs of places."""

import pytest
import torch
import torch.nn.functional as F
from fewshot_bench.baselines.can import CAN
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from tests.baselines.finite_differences import assert_gradient_is_slope
from tests.oracles import Identity, close

CHANNELS, N_BASE, N_WAY = 4, 7, 3


class Maps(Identity):
    """Hands maps of a given size through."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__(CHANNELS)
        self.in_shape = self.map_shape = (CHANNELS, height, width)


def make_can(size: tuple[int, int] = (2, 3), **settings: float) -> CAN:
    """A CAN that knows seven classes, with running statistics that are not the initial ones."""
    torch.manual_seed(0)
    recipe = CAN.recipe_type.model_validate({"temperature": 0.3, **settings})
    method = CAN(Maps(*size), recipe, N_WAY).double().eval()
    method.see_base(torch.zeros(1, dtype=torch.float64), torch.arange(N_BASE))
    for tensor in method.buffers():
        if tensor.is_floating_point():
            tensor.data += torch.rand_like(tensor)
    return method


def make_tasks(
    size: tuple[int, int] = (2, 3), n_shot: int = 2, n_query: int = 4
) -> tuple[Episode, Tensor]:
    """Two tasks; the queries' labels are apart."""
    generator = torch.Generator().manual_seed(1)
    dim = CHANNELS * size[0] * size[1]
    labels = torch.stack([torch.arange(N_WAY), torch.arange(N_WAY).flip(0)]).repeat(1, n_shot)
    support, query = (
        torch.rand(2, n, dim, generator=generator, dtype=torch.float64)
        for n in (N_WAY * n_shot, n_query)
    )
    classes = torch.tensor([[4, 0, 6], [1, 2, 3]])
    truth = torch.randint(N_WAY, (2, n_query), generator=generator)
    return Episode(support, labels, query, N_WAY, embedded=True, classes=classes), truth


def correlation(one: Tensor, other: Tensor) -> Tensor:
    """Cosine of each place of a map ``[C, m]`` with each of another, ``[m, m]``."""
    return F.cosine_similarity(one[:, :, None], other[:, None, :], dim=0)


def plain_attention(method: CAN, cosines: Tensor) -> Tensor:
    """Section 3.2 of the paper, given cosines of own (rows) with other places."""
    kernel: Tensor = method.attention.fusion(cosines.mean(0)[None])[0]
    fused = torch.stack([(row * kernel).mean() for row in cosines])
    weights: Tensor = (fused / method.recipe.temperature).softmax(0) + 1
    return weights


def plain_pair(method: CAN, query: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """Maps ``[C, m]`` of a query and of a class, each weighted given the other."""
    cosines = correlation(query, mean)
    weighted = query * plain_attention(method, cosines)
    return weighted, mean * plain_attention(method, cosines.T)


def plain_scores(method: CAN, queries: Tensor, means: list[Tensor]) -> Tensor:
    rows = []
    for query in queries:
        pairs = [plain_pair(method, query, mean) for mean in means]
        pooled = [(q.mean(1), c.mean(1)) for q, c in pairs]
        rows.append(torch.stack([7 * (q @ c) / (q.norm() * c.norm()) for q, c in pooled]))
    return torch.stack(rows)


def parts(episode: Episode, t: int) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Maps of support and queries of a task ``[N, C, m]``, and means of the classes."""
    support, query = (
        x[t].reshape(x.shape[1], CHANNELS, -1) for x in (episode.support, episode.query)
    )
    means = [support[episode.support_labels[t] == k].mean(0) for k in range(N_WAY)]
    return support, query, means


@pytest.mark.parametrize("size", [(2, 3), (1, 1)])
@pytest.mark.parametrize("n_shot", [1, 3])
def test_answers_as_one_pair_at_a_time(size: tuple[int, int], n_shot: int) -> None:
    method, (episode, _) = make_can(size), make_tasks(size, n_shot)
    scores = method(episode)
    for t in range(2):
        _, query, means = parts(episode, t)
        close(scores[t], plain_scores(method, query, means))


def test_the_loss_is_of_every_place_in_the_task_and_among_all_classes() -> None:
    method, (episode, truth) = make_can(nearest_weight=0.3), make_tasks()
    assert episode.classes is not None
    errors, errors_among_all = [], []
    for t in range(2):
        _, query, means = parts(episode, t)
        for maps, label in zip(query, truth[t], strict=True):
            pairs = [plain_pair(method, maps, mean) for mean in means]
            for place in range(6):
                cosines = [F.cosine_similarity(q[:, place], c.mean(1), dim=0) for q, c in pairs]
                errors.append(F.cross_entropy(7 * torch.stack(cosines), label))
                logits = method.classifier(pairs[int(label)][0][:, place])
                errors_among_all.append(F.cross_entropy(logits, episode.classes[t, label]))
    expected = torch.stack(errors_among_all).mean() + 0.3 * torch.stack(errors).mean()
    close(method.loss(episode, truth), expected)


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    method, (episode, truth) = make_can(), make_tasks()
    assert_gradient_is_slope(method, lambda: method.train().loss(episode, truth))


@pytest.mark.parametrize("n_rounds", [1, 2])
def test_the_surest_queries_join_the_support(n_rounds: int) -> None:
    """Of 15 queries 7 in the first round and 14 in the second."""
    method, (episode, _) = make_can(n_rounds=n_rounds), make_tasks(n_query=15)
    scores = method(episode)
    for t in range(2):
        support, query, means = parts(episode, t)
        for n_surest in (7, 14)[:n_rounds]:
            now = plain_scores(method, query, means)
            joining = now.max(1).values.argsort(descending=True)[:n_surest]
            means = []
            for k in range(N_WAY):
                own = [*support[episode.support_labels[t] == k]]
                own += [query[i] for i in joining if now[i].argmax() == k]
                means.append(torch.stack(own).mean(0))
        close(scores[t], plain_scores(method, query, means))


def test_joining_queries_make_it_transductive() -> None:
    assert make_can().setting == "inductive"
    assert make_can(n_rounds=2).setting == "transductive"
