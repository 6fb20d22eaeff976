"""FEAT: against PyTorch's own attention, one task and one class at a time."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from fewshot_bench.baselines.feat import FEAT
from torch import Tensor, nn

from fewshot_bench.episodes.episode import Episode
from tests.baselines.finite_differences import assert_gradient_is_slope
from tests.baselines.made_up import embedded_tasks
from tests.oracles import Identity, close, load_authors

DIM = 12
NO_DROPOUT = {"attention_dropout": 0.0, "dropout": 0.0}


def make_feat(**settings: float) -> FEAT:
    """A FEAT none of whose weights has its initial value."""
    torch.manual_seed(0)
    method = FEAT(Identity(DIM), FEAT.recipe_type.model_validate(settings), 5).double().eval()
    for parameter in method.parameters():
        parameter.data += 0.1 * torch.rand_like(parameter)
    return method


def plain_adapt(method: FEAT, members: Tensor) -> Tensor:
    """One set ``[N, D]`` through `nn.MultiheadAttention` with the same weights."""
    adapt = method.adapt
    attention = nn.MultiheadAttention(DIM, 1, dtype=torch.float64)
    keys, queries, values = (linear.get_parameter("weight") for linear in adapt.inputs)
    attention.in_proj_weight.data = torch.cat([queries, keys, values]).detach()
    attention.in_proj_bias.data.zero_()
    attention.out_proj.weight.data = adapt.output.weight.detach()
    attention.out_proj.bias.data = adapt.output.bias.detach()
    added = members + attention(members, members, members)[0]
    centred = added - added.mean(-1, keepdim=True)
    unit = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    adapted: Tensor = unit * adapt.norm.weight + adapt.norm.bias
    return adapted


def plain_logits(points: Tensor, centres: list[Tensor], temperature: float) -> Tensor:
    return torch.stack([-(points - c).square().sum(-1) / temperature for c in centres], -1)


@pytest.mark.parametrize(("n_way", "n_shot"), [(5, 1), (2, 3)])
def test_answers_as_one_task_at_a_time(n_way: int, n_shot: int) -> None:
    method, episode = make_feat(temperature=3.0), embedded_tasks(n_shot, n_way=n_way, dim=DIM)
    scores = method(episode)
    for t in range(3):
        labels = episode.support_labels[t]
        means = torch.stack([episode.support[t][labels == k].mean(0) for k in range(n_way)])
        close(scores[t], plain_logits(episode.query[t], [*plain_adapt(method, means)], 3.0))


def test_the_contrastive_loss_adapts_one_class_at_a_time() -> None:
    """Also where classes have different numbers of queries."""
    settings = {"balance": 0.3, "contrast_temperature": 5.0, **NO_DROPOUT}
    method, episode = make_feat(**settings), embedded_tasks(2, dim=DIM)
    query_labels = torch.randint(5, (3, 30), generator=torch.Generator().manual_seed(1))
    expected = F.cross_entropy(method(episode).flatten(0, 1), query_labels.flatten())
    for t in range(3):
        images = torch.cat([episode.support[t], episode.query[t]])
        labels = torch.cat([episode.support_labels[t], query_labels[t]])
        centres = [plain_adapt(method, images[labels == k]).mean(0) for k in range(5)]
        expected = expected + 0.1 * F.cross_entropy(plain_logits(images, centres, 5.0), labels)
    close(method.train().loss(episode, query_labels), expected)


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    method, episode = make_feat(**NO_DROPOUT), embedded_tasks(2, dim=DIM)
    query_labels = torch.arange(5).repeat_interleave(6).expand(3, -1)
    assert_gradient_is_slope(method, lambda: method.train().loss(episode, query_labels))


@pytest.mark.parametrize("kind", ["attention_dropout", "dropout"])
def test_each_dropout_acts_in_training_alone(kind: str) -> None:
    method, episode = make_feat(**{**NO_DROPOUT, kind: 0.5}), embedded_tasks(1, dim=DIM)
    torch.manual_seed(0)
    assert torch.equal(method(episode), method(episode))
    method.train()
    assert not torch.equal(method(episode), method(episode))


@pytest.mark.parametrize("shot", [1, 5])
def test_logits_losses_and_gradients_are_the_authors(shared: Path, shot: int) -> None:
    data = load_authors(shared, f"feat_{shot}shot")
    theirs = {"w_ks": "inputs.0", "w_qs": "inputs.1", "w_vs": "inputs.2", "fc": "output"}
    theirs["layer_norm"] = "norm"
    weights = {}
    for key in (key for key in data if key.startswith("param.")):
        _, layer, part = key.split(".")
        weights[f"{theirs[layer]}.{part}"] = data[key]
    settings = {
        "temperature": float(data["temperature"]),
        "contrast_temperature": float(data["temperature2"]),
        "balance": float(data["balance"]),
        **NO_DROPOUT,
    }
    method = FEAT(Identity(64), FEAT.recipe_type.model_validate(settings), 5).double().train()
    method.adapt.load_state_dict(weights)
    support = data["support"].requires_grad_()
    labels = data["support_labels"]
    losses = []
    for t in range(len(support)):
        episode = Episode(support[t : t + 1], labels[t : t + 1], data["query"][t : t + 1], 5, True)
        close(method(episode)[0], data["logits"][t])
        losses.append(method.loss(episode, data["query_labels"][t : t + 1]))
    close(torch.stack(losses), data["total_losses"])
    (gradient,) = torch.autograd.grad(torch.stack(losses).sum(), support)
    close(gradient[:, :5], data["grad_support"])
