"""SIB against its authors' release: what it answers, and what it learns from."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.method import Method, methods
from fewshot_bench.ops.basic import prototypes
from tests.oracles import Identity, close, embedded, load

# The names of the authors' release, and ours.
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


@pytest.mark.parametrize("lost", [slice(1), slice(None)])
def test_an_image_whose_embedding_is_zero_is_stepped_from_as_the_release_does(
    shared: Path, lost: slice
) -> None:
    """Autograd's own product with the Jacobian of what the release scores by, F.normalize."""
    data = load(shared, "sib_k3_1shot")
    method: Any = sib(data, "episode").eval()
    data["support"][:, lost] = 0
    e = embedded(data)
    query = F.normalize(e.query, dim=-1)
    means = prototypes(F.normalize(e.support, dim=-1), e.support_labels, e.n_way)
    weights = (method.diagonal * means).detach().requires_grad_()

    def score(weights: Tensor) -> Tensor:
        cosines = query @ F.normalize(weights, dim=-1).transpose(1, 2)
        scores: Tensor = method.scale * (method.bias + cosines)
        return scores

    for _ in range(3):
        inferred = method.gradient_net(score(weights), False)
        (pulled,) = torch.autograd.grad(score(weights), weights, inferred)
        weights = weights - method.recipe.step_size * pulled
    ours = method(e)
    assert torch.isfinite(ours).all()
    close(ours, score(weights))
