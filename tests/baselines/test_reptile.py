"""Reptile: its gradient is how far a plain training of each task moves the weights."""

from copy import deepcopy
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.bases.inner_loop import InnerLoopMethod
from fewshot_bench.method import methods
from tests.oracles import close
from tests.synthetic import make_tasks


def reptile(**settings: object) -> InnerLoopMethod:
    torch.manual_seed(0)
    cls = methods["reptile"]
    recipe = cls.recipe_type.model_validate({"inner_lr": 0.01, "inner_steps": 4, **settings})
    method = cls(Conv4((1, 16, 16), (4, 4)), recipe, 5).double()
    assert isinstance(method, InnerLoopMethod)
    return method


def fit(network: nn.Module, images: Tensor, labels: Tensor, n_steps: int) -> float:
    """Adam with beta1 = 0, written out; trains in place and returns the mean loss."""
    squares = [torch.zeros_like(weight) for weight in network.parameters()]
    losses = []
    for step in range(1, n_steps + 1):
        loss = F.cross_entropy(network(images), labels)
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        moves = zip(network.parameters(), gradients, squares, strict=True)
        for weight, gradient, square in moves:
            square.mul_(0.999).add_(0.001 * gradient**2)
            deviation = (square / (1 - 0.999**step)).sqrt() + 1e-8
            weight.data -= 0.01 * gradient / deviation
    return sum(losses) / n_steps


def test_an_outer_step_goes_towards_the_mean_of_the_fitted_weights() -> None:
    method, (episode, labels) = reptile(inner_batch=35).train(), make_tasks(2, 1, separable=True)
    start = [weight.detach().clone() for weight in method.network.parameters()]
    ends, values = [], []
    for task in range(2):
        network = deepcopy(method.network)
        images = torch.cat([episode.support[task], episode.query[task]])
        targets = torch.cat([episode.support_labels[task], labels[task]])
        values.append(fit(network, images, targets, 4))
        ends.append([weight.detach() for weight in network.parameters()])
    outer = torch.optim.SGD(method.parameters(), lr=0.5)
    loss = method.loss(episode, labels)
    close(loss.detach(), torch.tensor(values, dtype=torch.float64).mean())
    torch.autograd.backward(loss)
    outer.step()
    moved = zip(method.network.parameters(), start, *ends, strict=True)
    for weight, theta, first, second in moved:
        close(weight.detach(), theta + 0.5 * ((first + second) / 2 - theta))


def test_at_test_it_fits_the_support_and_leaves_its_own_weights_alone() -> None:
    method, (episode, _) = reptile(test_steps=6).eval(), make_tasks(2, 1, separable=True)
    state = {name: tensor.clone() for name, tensor in method.state_dict().items()}
    with torch.no_grad():
        scores = method(episode)
    for task in range(2):
        network = deepcopy(method.network)
        fit(network, episode.support[task], episode.support_labels[task], 6)
        close(scores[task], network(episode.query[task]))
    assert all(torch.equal(state[name], tensor) for name, tensor in method.state_dict().items())
    assert all(weight.grad is None for weight in method.parameters())


def test_inductively_each_query_is_normalised_with_the_support_alone() -> None:
    """As the release answers without --transductive, and in its batches of the support."""
    method = reptile(test_steps=3, test_batch=4, transductive=False).eval()
    episode, _ = make_tasks(1, 2, separable=True)
    network, support = deepcopy(method.network), episode.support[0]
    rows = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]]
    assert method._batches(10, torch.device("cpu")).tolist() == rows  # type: ignore[operator]
    fitted = method.adapt(support, episode.support_labels[0])
    with torch.no_grad():
        scores = method(episode)[0]
    for name, weight in zip(fitted, network.parameters(), strict=True):
        weight.data = fitted[name].detach()
    for image, answer in zip(episode.query[0][:3], scores, strict=False):
        close(answer, network(torch.cat([support, image[None]]))[-1])
    assert (method.setting, reptile().setting) == ("inductive", "transductive")
    moved = replace(
        episode, query=torch.cat([episode.query[:, :1], episode.query[:, 1:] + 1], dim=1)
    )
    with torch.no_grad():
        close(method(moved)[0, 0], scores[0])


def test_training_goes_through_all_images_before_it_repeats_one() -> None:
    method = reptile(inner_steps=5, inner_batch=4).train()
    batches = method._batches(10, torch.device("cpu"))  # type: ignore[operator]
    assert batches.shape == (5, 4)
    assert sorted(batches.flatten()[:10].tolist()) == list(range(10))
    assert sorted(batches.flatten()[10:].tolist()) == list(range(10))


def test_no_step_at_all_changes_nothing() -> None:
    method, (episode, labels) = reptile(inner_steps=0).train(), make_tasks(1, 1, separable=True)
    torch.autograd.backward(method.loss(episode, labels))
    assert all(not weight.grad.any() for weight in method.parameters() if weight.grad is not None)
