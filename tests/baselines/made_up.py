"""Embeddings made up for tests of methods on frozen embeddings, and short ways to a method."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method, methods
from tests.oracles import Identity


def method_of(name: str, dim: int, n_way: int = 5, **settings: Any) -> Method:
    """A method on embeddings of length D, float64, with its default settings but these."""
    cls = methods[name]
    return cls(Identity(dim), cls.recipe_type.model_validate(settings), n_way).double().eval()


def embedded_tasks(
    n_shot: int, n_tasks: int = 3, n_way: int = 5, n_query: int = 6, dim: int = 12, seed: int = 0
) -> Episode:
    """Overlapping classes of non-negative embeddings; the support is in random order."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    means = normal(n_tasks, n_way, 1, dim) + 1
    support = (means + normal(n_tasks, n_way, n_shot, dim)).relu().flatten(1, 2)
    query = (means + normal(n_tasks, n_way, n_query, dim)).relu().flatten(1, 2)
    order = torch.randperm(n_way * n_shot, generator=generator)
    labels = torch.arange(n_way).repeat_interleave(n_shot)[order]
    return Episode(support[:, order], labels.expand(n_tasks, -1), query, n_way, embedded=True)


def scores_of(method: Method, episode: Episode) -> Tensor:
    """Scores ``[T, Q, n_way]`` of embeddings as the backbone gives them."""
    support, query = method.transform(episode.support), method.transform(episode.query)
    scores: Tensor = method(replace(episode, support=support, query=query))
    return scores


def stir_norms(network: nn.Module) -> None:
    """Give batch norms statistics and weights of their own, as a training does."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                assert tensor is not None
                noise = torch.rand(tensor.shape, generator=generator, dtype=torch.float64)
                tensor.data += noise.to(tensor.dtype)
