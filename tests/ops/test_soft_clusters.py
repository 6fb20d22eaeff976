"""Soft k-means on inner products: against means and distances written out."""

import torch

from fewshot_bench.ops.basic import one_hot
from fewshot_bench.ops.soft_clusters import gram_of, soft_clusters
from tests.baselines.made_up import embedded_tasks
from tests.oracles import close

ROUNDS = [(1.0, 5.0), (0.5, 0.3), (2.0, 0.0)]


def test_rounds_are_those_of_means_shares_and_distances() -> None:
    e = embedded_tasks(3, n_tasks=2)
    targets = one_hot(e.support_labels, 5, e.support).transpose(1, 2)
    found = soft_clusters(gram_of(e.support, e.query), targets, ROUNDS)
    for t in range(2):
        y, x, q = targets[t], e.support[t], e.query[t]
        means, log_shares = y @ x / 3, torch.zeros(5, 1, dtype=x.dtype)
        for sharpness, reward in ROUNDS:
            logits = sharpness * (reward * log_shares - torch.cdist(means, q).square() / 2)
            p = logits.softmax(0)
            log_shares = (p.mean(1, keepdim=True) + 1e-6).log()
            means = (y @ x + p @ q) / (3 + p.sum(1, keepdim=True))
        close(found[t], logits)


def test_the_first_round_rewards_nothing() -> None:
    e = embedded_tasks(1)
    targets, gram = one_hot(e.support_labels, 5, e.support).mT, gram_of(e.support, e.query)
    assert torch.equal(
        soft_clusters(gram, targets, [(1.0, 9.0)]), soft_clusters(gram, targets, [(1.0, 0.0)])
    )
