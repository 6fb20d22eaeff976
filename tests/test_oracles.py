"""Agreement with independent implementations, to 1e-8 in float64."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method, methods


def close(ours: Tensor | None, theirs: Tensor) -> None:
    """Assert agreement to 1e-8; a weight without gradient counts as zero."""
    ours = torch.zeros_like(theirs) if ours is None else ours.reshape(theirs.shape)
    torch.testing.assert_close(ours.to(theirs.dtype), theirs, rtol=1e-8, atol=1e-8)


class Identity(Backbone):
    """Hands embeddings of length D through."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.in_shape = self.map_shape = (dim, 1, 1)

    def feature_map(self, images: Tensor) -> Tensor:
        return images


def load(shared: Path, name: str) -> dict[str, Tensor]:
    with np.load(shared / "oracles" / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(np.asarray(arrays[key])) for key in arrays.files}


def embedded(data: dict[str, Tensor], n_way: int = 5) -> Episode:
    labels = data["support_labels"].expand(data["support"].shape[:2])
    return Episode(data["support"], labels, data["query"], n_way, embedded=True)


# SIB: the names of the authors' release, and ours.
_SIB_NAMES = {
    "bias": "bias",
    "scale_cls": "scale",
    "wnLayerFavg.weight": "diagonal",
    "dni.layer1.0": "gradient_net.linears.0",
    "dni.layer1.2": "gradient_net.norms.0",
    "dni.layer2.0": "gradient_net.linears.1",
    "dni.layer2.2": "gradient_net.norms.1",
    "dni.layer3": "gradient_net.linears.2",
}


def sib_name(theirs: str) -> str:
    if theirs in _SIB_NAMES:
        return _SIB_NAMES[theirs]
    layer, entry = theirs.rsplit(".", 1)
    return f"{_SIB_NAMES[layer]}.{entry}"


def sib(data: dict[str, Tensor], statistics: str) -> Method:
    cls = methods["ssl-meta"]
    recipe = cls.recipe_type.model_validate(
        {
            "n_steps": int(data["n_steps"]),
            "step_size": float(data["step_size"]),
            "statistics": statistics,
        }
    )
    method = cls(Identity(data["support"].shape[-1]), recipe, int(data["n_way"])).double()
    own = method.state_dict()
    theirs = {k.removeprefix("param."): v for k, v in data.items() if k.startswith("param.")}
    weights = {sib_name(k): v.reshape(own[sib_name(k)].shape) for k, v in theirs.items()}
    method.load_state_dict(weights)
    return method


@pytest.mark.parametrize("name", ["sib_k0_1shot", "sib_k3_1shot", "sib_k5_5shot"])
def test_ssl_meta_answers_as_the_release_does(shared: Path, name: str) -> None:
    data = load(shared, name)
    scores = sib(data, "episode").eval()(embedded(data))
    close(scores, data["logits_one_episode_at_a_time"])


@pytest.mark.parametrize("name", ["sib_k0_1shot", "sib_k3_1shot", "sib_k5_5shot"])
def test_ssl_meta_learns_as_the_release_does(shared: Path, name: str) -> None:
    data = load(shared, name)
    method = sib(data, "meta-batch").train()
    episode = embedded(data)
    close(method(episode), data["logits_whole_meta_batch"])
    loss = method.loss(episode, data["query_labels"])
    close(loss, data["loss_whole_meta_batch"])
    torch.autograd.backward(loss)
    for key in (k for k in data if k.startswith("grad.")):
        ours = dict(method.named_parameters())[sib_name(key.removeprefix("grad."))].grad
        close(ours, data[key])


def maml(data: dict[str, Tensor], first_order: bool) -> tuple[Method, dict[str, str]]:
    """Build the oracle's network; also map its parameter names to ours."""
    cls = methods["maml"]
    steps = int(data["inner_steps"])
    recipe = cls.recipe_type.model_validate(
        {
            "inner_lr": float(data["inner_lr"]),
            "inner_steps": steps,
            "test_steps": steps,
            "first_order": first_order,
        }
    )
    backbone = Conv4((1, 16, 16), (6, 6, 6, 6), bias=True)
    method = cls(backbone, recipe, 5).double()
    theirs = [k.removeprefix("param.") for k in data if k.startswith("param.")]
    ours = [name for name, _ in method.named_parameters()]
    names = dict(zip(theirs, ours, strict=True))
    method.load_state_dict({names[k]: data[f"param.{k}"] for k in theirs})
    return method, names


@pytest.mark.parametrize("order", ["first", "second"])
def test_maml_has_learn2learns_meta_gradient(shared: Path, order: str) -> None:
    data = load(shared, f"learn2learn_maml_{order}_order")
    method, names = maml(data, order == "first")
    method.train()
    episode = Episode(data["support"], data["support_labels"], data["query"], 5)
    close(method(episode), data["query_logits"])
    loss = method.loss(episode, data["query_labels"])
    close(loss, data["meta_loss"])
    torch.autograd.backward(loss)
    parameters = dict(method.named_parameters())
    for theirs, ours in names.items():
        close(parameters[ours].grad, data[f"grad.{theirs}"])
    with torch.no_grad():
        close(method.eval()(episode), data["query_logits"])


@pytest.mark.parametrize("shot", [1, 5])
def test_proto_net_agrees_with_easyfsl(shared: Path, shot: int) -> None:
    """easyfsl scores by the un-squared distance: the order of classes is what agrees."""
    data = load(shared, f"easyfsl_proto_net_{shot}shot")
    cls = methods["proto-net"]
    method = cls(
        Identity(data["support"].shape[-1]),
        cls.recipe_type.model_validate({"scale": None}),
        5,
    )
    scores = method(embedded(data))
    close(-(-scores).sqrt(), data["scores"])
    assert torch.equal(scores.argmax(-1), data["predictions"].long())


def test_cross_entropy_is_the_default_loss(shared: Path) -> None:
    data = load(shared, "easyfsl_proto_net_1shot")
    cls = methods["proto-net"]
    method = cls(nn.Identity(), cls.recipe_type.model_validate({"scale": None}), 5)  # type: ignore[arg-type]
    episode = embedded(data)
    expected = F.cross_entropy(method(episode).transpose(1, 2), data["query_labels"].expand(4, -1))
    close(method.loss(episode, data["query_labels"].expand(4, -1)), expected)
