"""Logistic regression: the same as scikit-learn's, which RFS's release uses."""

import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression

from tests.baselines.made_up import embedded_tasks, method_of


@pytest.mark.parametrize("c", [0.1, 1.0, 100.0])
@pytest.mark.parametrize(("n_shot", "n_way"), [(1, 5), (5, 5), (3, 3)])
def test_agrees_with_scikit_learn(c: float, n_shot: int, n_way: int) -> None:
    episode = embedded_tasks(n_shot, n_way=n_way)
    ours = method_of("logistic", 12, n_way, C=c)(episode).softmax(-1)
    for t in range(3):
        reference = LogisticRegression(C=c, max_iter=10_000, tol=1e-10)
        reference.fit(F.normalize(episode.support[t], dim=-1), episode.support_labels[t])
        expected = reference.predict_proba(F.normalize(episode.query[t], dim=-1))
        torch.testing.assert_close(ours[t], torch.from_numpy(expected), rtol=0, atol=1e-5)


def test_the_solution_has_no_slope() -> None:
    """Gradients of the penalised loss vanish at weights recovered from the scores alone."""
    episode, c = embedded_tasks(5, dim=40), 10.0
    method = method_of("logistic", 40, C=c, normalise=False)
    support = episode.support
    eyes = torch.eye(40, dtype=torch.float64).expand(3, -1, -1)
    both = torch.cat([eyes, torch.zeros(3, 1, 40, dtype=torch.float64)], dim=1)
    scores = method.classify(support, episode.support_labels, both, 5)
    bias = scores[:, -1:].clone().requires_grad_()
    weights = (scores[:, :-1] - scores[:, -1:]).clone().requires_grad_()
    losses = F.cross_entropy(
        (support @ weights + bias).flatten(0, 1), episode.support_labels.flatten(), reduction="sum"
    )
    loss = c * losses + weights.square().sum() / 2
    for gradient in torch.autograd.grad(loss, [weights, bias]):
        assert float(gradient.abs().max()) < 1e-7


def test_single_precision_converges() -> None:
    """It must not run to the limit of steps for want of digits."""
    episode = embedded_tasks(5, dim=40)
    arguments = (episode.support.float(), episode.support_labels, episode.query.float(), 5)
    short = method_of("logistic", 40, C=100.0, max_steps=500).float().classify(*arguments)
    endless = method_of("logistic", 40, C=100.0, max_steps=10_000).float().classify(*arguments)
    assert torch.equal(short, endless)
    exact = method_of("logistic", 40, C=100.0)(episode)
    torch.testing.assert_close(short.double(), exact, rtol=0, atol=5e-3)
