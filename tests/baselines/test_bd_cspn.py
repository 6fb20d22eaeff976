"""BD-CSPN: against the releases that have it, easyfsl's other reading, and one class at a time."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.ops.basic import cosine, prototypes, rectified_prototypes, squared_distances
from tests.baselines.made_up import embedded_tasks, method_of, scores_of
from tests.oracles import close, embedded, load, load_authors


def shifted(support: Tensor, query: Tensor) -> Tensor:
    return query + support.mean(1, keepdim=True) - query.mean(1, keepdim=True)


@pytest.mark.parametrize("n_shot", [1, 5])
@pytest.mark.parametrize("release", ["bd_cspn", "bd_cspn_paddle"])
def test_prototypes_are_those_of_the_releases(shared: Path, release: str, n_shot: int) -> None:
    """oveilleux/Realistic_Transductive_Few_Shot and SegoleneMartin/PADDLE (of raw embeddings).

    They give a support image to the class that it is nearest to, which is another than its own in
    some tasks of 5 shots; those are left out. They score by distances to queries not shifted.
    """
    data = load_authors(shared, f"{release}_{n_shot}shot")
    e, support, query = embedded(data), data["support"], data["query"]
    if "param.train_mean" in data:
        support, query = (
            F.normalize(x - data["param.train_mean"], dim=-1) for x in (support, query)
        )
    nearest = cosine(support, prototypes(support, e.support_labels, 5)).argmax(-1)
    alike = (nearest == e.support_labels).all(1)
    assert alike.sum() >= 2
    rectified = rectified_prototypes(
        support, e.support_labels, shifted(support, query), 5, float(data["temperature"])
    )
    close(rectified[alike], data["prototypes"][alike])
    close(squared_distances(query, rectified)[alike].sqrt(), data["distances"][alike])


@pytest.mark.parametrize("n_shot", [1, 5])
def test_easyfsl_weighs_the_images_of_a_class_against_each_other(shared: Path, n_shot: int) -> None:
    """By a softmax over the images of a class, without scale: its numbers are that reading's.

    It also shifts the queries for the prototypes alone; in the paper the shift is made to the
    queries themselves, so also to those that are scored. Ours follows the releases, and answers
    most queries as easyfsl does.
    """
    data = load(shared, f"easyfsl_bd_cspn_{n_shot}shot")
    e = embedded(data)
    moved = shifted(e.support, e.query)
    tasks = zip(e.support, e.support_labels, moved, strict=True)
    close(cosine(e.query, torch.stack([easyfsl(*task) for task in tasks])), data["scores"])
    ours = rectified_prototypes(e.support, e.support_labels, moved, 5, 10.0)
    with pytest.raises(AssertionError):
        close(cosine(e.query, ours), data["scores"])
    same = cosine(e.query, ours).argmax(-1) == data["predictions"]
    assert same.double().mean() > 0.9


def easyfsl(support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
    """Prototypes of one task, ``[5, D]``."""
    basic = torch.stack([support[labels == c].mean(0) for c in range(5)])
    nearest = F.cosine_similarity(query[:, None], basic[None], dim=2).argmax(1)
    rectified = []
    for c in range(5):
        images = torch.cat([support[labels == c], query[nearest == c]])
        weights = F.cosine_similarity(images, basic[c : c + 1]).softmax(0)
        rectified.append(weights @ images)
    return torch.stack(rectified)


def plain(support: Tensor, labels: Tensor, query: Tensor, n_way: int, scale: float) -> Tensor:
    """Scores ``[Q, n_way]`` of one task."""
    support, query = F.normalize(support, dim=1), F.normalize(query, dim=1)
    query = query + support.mean(0) - query.mean(0)
    basic = [support[labels == c].mean(0) for c in range(n_way)]
    images, total, count = torch.cat([support, query]), torch.zeros(n_way, 12).double(), [0] * n_way
    for i, image in enumerate(images):
        powers = [(scale * F.cosine_similarity(image, b, dim=0)).exp() for b in basic]
        c = int(labels[i]) if i < len(support) else int(torch.stack(powers).argmax())
        total[c] += powers[c] / torch.stack(powers).sum() * image
        count[c] += 1
    rectified = total / torch.tensor(count)[:, None]
    return scale * F.cosine_similarity(query[:, None], rectified[None], dim=2)


@pytest.mark.parametrize(("n_shot", "n_way"), [(1, 5), (5, 5), (3, 2)])
def test_scores_follow_the_paper_image_by_image(n_shot: int, n_way: int) -> None:
    episode = embedded_tasks(n_shot, n_way=n_way)
    scores = scores_of(method_of("bd-cspn", 12, n_way, transform="L2N", scale=7.0), episode)
    tasks = zip(episode.support, episode.support_labels, episode.query, strict=True)
    close(scores, torch.stack([plain(*task, n_way, 7.0) for task in tasks]))


def test_a_class_that_no_query_is_given_keeps_its_support() -> None:
    episode = embedded_tasks(2)
    query = episode.support[:, :1].expand(-1, 4, -1)  # all queries are one image
    scores = method_of("bd-cspn", 12).classify(episode.support, episode.support_labels, query, 5)
    assert torch.isfinite(scores).all()
