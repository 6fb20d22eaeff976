"""Meta-Baseline: against scikit-learn's cosines, task by task."""

import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity

from tests.baselines.made_up import embedded_tasks, method_of
from tests.oracles import close


@pytest.mark.parametrize("n_shot", [1, 5])
def test_scores_are_scaled_cosines_to_plain_means(n_shot: int) -> None:
    episode = embedded_tasks(n_shot)
    scores = method_of("meta-baseline", 12, scale=7.0)(episode)
    for t in range(3):
        labels = episode.support_labels[t]
        means = [episode.support[t][labels == k].numpy().mean(0) for k in range(5)]
        close(scores[t], 7 * torch.from_numpy(cosine_similarity(episode.query[t].numpy(), means)))
