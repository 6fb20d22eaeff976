"""SimpleShot: against easyfsl, and against the release's formula image by image."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.baselines.made_up import embedded_tasks, method_of, scores_of
from tests.oracles import close, embedded, load


@pytest.mark.parametrize("n_shot", [1, 5])
def test_agrees_with_easyfsl(shared: Path, n_shot: int) -> None:
    """easyfsl takes the cosine of raw means, the paper distances to means of unit vectors."""
    data = load(shared, f"easyfsl_simple_shot_{n_shot}shot")
    episode = embedded(data)
    cosines = method_of("simple-shot", 32, transform="UN", metric="cosine")
    close(scores_of(cosines, episode), data["scores"])
    answers = scores_of(method_of("simple-shot", 32, transform="L2N"), episode).argmax(-1)
    assert (answers == data["predictions"]).double().mean() >= 0.99


@pytest.mark.parametrize("transform", ["CL2N", "L2N", "UN"])
def test_scores_are_the_releases_image_by_image(transform: str) -> None:
    method, episode = method_of("simple-shot", 12, transform=transform), embedded_tasks(5)
    base = 1 + torch.rand(40, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    method.see_base(base, torch.zeros(40, dtype=torch.int64))

    def treated(image: torch.Tensor) -> np.ndarray:
        x = image.numpy() - (base.numpy().mean(0) if transform == "CL2N" else 0)
        result: np.ndarray = x if transform == "UN" else x / np.sqrt((x * x).sum())
        return result

    scores = scores_of(method, episode)
    for task in range(3):
        support = [treated(x) for x in episode.support[task]]
        for q, image in enumerate(episode.query[task]):
            for c in range(5):
                own = [support[i] for i in torch.where(episode.support_labels[task] == c)[0]]
                distance = np.linalg.norm(treated(image) - np.mean(own, axis=0))
                assert float(scores[task, q, c]) == pytest.approx(-(distance**2), abs=1e-10)


def test_the_mean_of_the_train_split_is_stored_with_the_weights() -> None:
    method, episode = method_of("simple-shot", 12), embedded_tasks(1)
    method.see_base(torch.full((4, 12), 0.7, dtype=torch.float64), torch.zeros(4).long())
    restored = method_of("simple-shot", 12)
    assert not torch.allclose(scores_of(restored, episode), scores_of(method, episode))
    restored.load_state_dict(method.state_dict())
    assert torch.equal(scores_of(restored, episode), scores_of(method, episode))
