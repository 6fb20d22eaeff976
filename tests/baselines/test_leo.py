"""LEO: one task at a time with gradients worked out by hand, and slopes of the loss."""

import pytest
import torch
import torch.nn.functional as F
from fewshot_bench.baselines.leo import LEO
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from fewshot_bench.episodes.episode import Episode
from tests.baselines.finite_differences import assert_gradient_is_slope
from tests.oracles import Identity, close

DIM, LATENT = 6, 4
NO_PENALTY = {"kl_weight": 0.0, "encoder_penalty": 0.0, "l2_penalty": 0.0, "orthogonality": 0.0}


def make_leo(**settings: float) -> LEO:
    torch.manual_seed(0)
    recipe = LEO.recipe_type.model_validate({"latent_dim": LATENT, "weight_lr": 0.1, **settings})
    return LEO(Identity(DIM), recipe, 3).double()


def make_tasks(n_shot: int, n_way: int = 3, n_tasks: int = 2) -> tuple[Episode, Tensor]:
    generator = torch.Generator().manual_seed(n_shot)
    labels = torch.arange(n_way).repeat(n_shot).expand(n_tasks, -1)
    support, query = (
        torch.randn(n_tasks, n, DIM, generator=generator, dtype=torch.float64)
        for n in (n_way * n_shot, 2 * n_way)
    )
    return Episode(support, labels, query, n_way, embedded=True), labels[:, :n_way].repeat(1, 2)


def plain_answer(leo: LEO, support: Tensor, labels: Tensor, query: Tensor, n_way: int) -> Tensor:
    """Scores of one task, in the layout and order of the release; no autograd."""
    support, query = (x / x.norm(dim=1, keepdim=True) for x in (support, query))
    codes = [leo.encoder.weight @ x for x in support]
    related = []
    for left in codes:
        pairs = [leo.relation(torch.cat([left, right])) for right in codes]
        related.append(torch.stack(pairs).mean(0)[:LATENT])
    decoder = leo.decoder.weight[:DIM]  # of the means
    targets = F.one_hot(labels, n_way).double()
    of_class = [torch.stack(related)[labels == k].mean(0) for k in range(n_way)]
    n_shot = len(labels) // n_way
    z = torch.stack(of_class)[:, None].repeat(1, n_shot, 1)

    def slope(w: Tensor) -> Tensor:
        """Of the summed cross-entropy; each of K copies has a K-th of the class weight's."""
        logits = torch.einsum("id,nkd->ink", support, w).mean(2)
        return ((logits.softmax(1) - targets).T @ support)[:, None].expand_as(w) / n_shot

    for _ in range(leo.recipe.latent_steps):
        z = z - leo.latent_rates * (slope(z @ decoder.T) @ decoder)
    w = z @ decoder.T
    for _ in range(leo.recipe.weight_steps):
        w = w - leo.weight_rates * slope(w)
    scores: Tensor = torch.einsum("id,nkd->ink", query, w).mean(2)
    return scores


@pytest.mark.parametrize(("n_shot", "n_way"), [(1, 3), (4, 3), (2, 2)])
def test_answers_as_one_task_at_a_time_worked_out_by_hand(n_shot: int, n_way: int) -> None:
    leo, (episode, _) = make_leo().eval(), make_tasks(n_shot, n_way)
    leo.latent_rates.data += torch.rand(LATENT, dtype=torch.float64)
    leo.weight_rates.data += torch.rand(DIM, dtype=torch.float64)
    with torch.no_grad():
        scores = leo(episode)
        for task in range(2):
            rows = episode.support[task], episode.support_labels[task], episode.query[task]
            close(scores[task], plain_answer(leo, *rows, n_way))
    assert not scores.requires_grad


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("n_shot", [1, 2])
def test_the_meta_gradient_is_the_slope_of_the_loss(training: bool, n_shot: int) -> None:
    """Slopes include what second derivatives of the inner loss contribute."""
    leo, (episode, labels) = make_leo(encoder_penalty=0.0).train(training), make_tasks(n_shot)

    def loss() -> Tensor:
        torch.manual_seed(1)
        value: Tensor = leo.loss(episode, labels)
        return value

    assert_gradient_is_slope(leo, loss)


def test_the_loss_is_the_error_and_four_penalties() -> None:
    episode, labels = make_tasks(2)
    values = {name: 0.5 + k for k, name in enumerate(NO_PENALTY)}
    bare, full = make_leo(**NO_PENALTY).eval(), make_leo(**values).eval()
    error = F.cross_entropy(bare(episode).flatten(0, 1), labels.flatten())
    close(bare.loss(episode, labels), error)
    mean, deviation = full.encode(episode.support, episode.support_labels, 3)
    prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    divergence = kl_divergence(Normal(mean, deviation), prior).mean()
    codes, _ = full.adapt(mean, episode.support, episode.support_labels)
    layers = [full.encoder, full.relation[0], full.relation[2], full.relation[4], full.decoder]
    squares = sum(layer.weight.square().sum() / 2 for layer in layers)
    correlation = torch.zeros((), dtype=torch.float64)
    for i in range(LATENT):
        for j in range(LATENT):
            a, b = full.decoder.weight[:, i], full.decoder.weight[:, j]
            correlation += (F.cosine_similarity(a, b, dim=0) - float(i == j)) ** 2 / LATENT**2
    penalties = [divergence, (codes - mean).square().mean(), squares, correlation]
    weighted = sum(
        weight * penalty for weight, penalty in zip(values.values(), penalties, strict=True)
    )
    close(full.loss(episode, labels), error + weighted)


def test_the_encoder_penalty_pulls_the_start_towards_the_adapted_codes_alone() -> None:
    leo, (episode, labels) = make_leo(**NO_PENALTY, latent_steps=1).eval(), make_tasks(1)
    heavy = make_leo(**{**NO_PENALTY, "encoder_penalty": 1e3}, latent_steps=1).eval()
    for method in (leo, heavy):
        torch.autograd.backward(method.loss(episode, labels))
    close(heavy.decoder.weight.grad, leo.decoder.weight.grad)
    assert not torch.allclose(heavy.encoder.weight.grad, leo.encoder.weight.grad)


def test_training_samples_with_the_deviations_of_the_release() -> None:
    leo = make_leo().train()
    codes = torch.full((1, 3, 20_000, LATENT), 0.3, dtype=torch.float64)
    weights = leo.decode(codes)
    mean, raw = leo.decoder(codes[0, 0, 0]).chunk(2)
    expected = (raw.exp() - (1 - (2 / (DIM + 3)) ** 0.5)).clamp(min=1e-10)
    assert (expected > 1e-10).any()
    torch.testing.assert_close(weights.mean((0, 1, 2)), mean, rtol=0, atol=0.02)
    torch.testing.assert_close(weights.std((0, 1, 2)), expected, rtol=0.02, atol=1e-6)
    _, of_codes = leo._gaussian(torch.tensor([0.0, 0.0, 0.7, -0.7]), 0.0)
    close(of_codes, torch.tensor([0.7, -0.7]).expm1().clamp(min=1e-10))
