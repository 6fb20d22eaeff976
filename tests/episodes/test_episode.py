"""A batch of tasks: embedded as one, and taken apart again."""

import torch
from torch import Tensor

from fewshot_bench.episodes.episode import Episode


def test_all_images_are_embedded_together_and_once() -> None:
    support, query = torch.rand(2, 3, 1, 4, 4), torch.rand(2, 5, 1, 4, 4)
    episode = Episode(support, torch.zeros(2, 3).long(), query, 3, classes=torch.ones(2, 3).long())
    batches: list[int] = []

    def network(images: Tensor) -> Tensor:
        batches.append(len(images))
        return images.flatten(1)

    found = episode.embed(network)
    assert batches == [16]
    assert torch.equal(found.support, support.flatten(2))
    assert torch.equal(found.query, query.flatten(2))
    assert found.embedded
    assert not episode.embedded
    assert found.n_way == 3
    assert found.support_labels is episode.support_labels
    assert found.classes is episode.classes
    assert found.embed(network) is found
    assert batches == [16]
