"""CTM: one task at a time, class after class."""

import pytest
import torch
import torch.nn.functional as F
from fewshot_bench.baselines.ctm import CTM
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.errors import UsageError
from tests.oracles import Identity, close

CHANNELS = 3


class Maps(Identity):
    """Hands maps of a given size through."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__(CHANNELS)
        self.in_shape = self.map_shape = (CHANNELS, height, width)


def make_ctm(size: tuple[int, int] = (2, 3), n_way: int = 3, **settings: object) -> CTM:
    """A CTM whose weights and running statistics are all different from their initial values."""
    torch.manual_seed(0)
    recipe = CTM.recipe_type.model_validate({"channels": 8, "depth": 2, **settings})
    method = CTM(Maps(*size), recipe, n_way).double().eval()
    for tensor in [*method.parameters(), *method.buffers()]:
        if tensor.is_floating_point() and tensor.dim() == 1:
            tensor.data += torch.rand_like(tensor)
    return method


def make_tasks(size: tuple[int, int] = (2, 3), n_way: int = 3, n_shot: int = 2) -> Episode:
    generator = torch.Generator().manual_seed(1)
    dim = CHANNELS * size[0] * size[1]
    labels = torch.stack([torch.arange(n_way), torch.arange(n_way).flip(0)]).repeat(1, n_shot)
    support, query = (
        torch.rand(2, n, dim, generator=generator, dtype=torch.float64) for n in (n_way * n_shot, 4)
    )
    return Episode(support, labels, query, n_way, embedded=True)


def plain_block(block: torch.nn.Module, maps: Tensor) -> Tensor:
    """A bottleneck written out, in evaluation mode."""
    weights = {name: value.detach() for name, value in block.state_dict().items()}

    def convolution(x: Tensor, at: str, norm: str) -> Tensor:
        kernel = weights[f"{at}.weight"]
        x = F.conv2d(x, kernel, padding=kernel.shape[-1] // 2)
        mean, variance, scale, shift = (
            weights[f"{norm}.{key}"][:, None, None]
            for key in ("running_mean", "running_var", "weight", "bias")
        )
        normalised: Tensor = (x - mean) / (variance + 1e-5).sqrt() * scale + shift
        return normalised

    inner = convolution(maps, "residual.0", "residual.1").clamp(min=0)
    inner = convolution(inner, "residual.3", "residual.4").clamp(min=0)
    inner = convolution(inner, "residual.6", "residual.7")
    if "shortcut.0.weight" in weights:
        maps = convolution(maps, "shortcut.0", "shortcut.1")
    result: Tensor = (inner + maps).clamp(min=0)
    return result


def plain_stack(stack: torch.nn.Module, maps: Tensor) -> Tensor:
    for block in stack.children():
        maps = plain_block(block, maps[None])[0]
    return maps


@pytest.mark.parametrize("size", [(2, 3), (1, 1)])
@pytest.mark.parametrize("n_shot", [1, 2])
def test_answers_as_one_task_at_a_time(size: tuple[int, int], n_shot: int) -> None:
    ctm, episode = make_ctm(size), make_tasks(size, n_shot=n_shot)
    scores = ctm(episode)
    for task in range(2):
        maps = episode.support[task].reshape(-1, CHANNELS, *size)
        images_of = [(episode.support_labels[task] == k).nonzero().flatten() for k in range(3)]
        of_class = [
            torch.stack([plain_stack(ctm.concentrator, maps[i]) for i in images]).mean(0)
            for images in images_of
        ]
        mask = plain_stack(ctm.projector, torch.cat(of_class)).exp()
        mask = mask / mask.sum(0)
        for q, query in enumerate(episode.query[task].reshape(-1, CHANNELS, *size)):
            masked = mask * plain_stack(ctm.reshaper, query)
            for k, images in enumerate(images_of):
                apart = [masked - mask * plain_stack(ctm.reshaper, maps[i]) for i in images]
                mean = torch.stack([x.square().sum().sqrt() for x in apart]).mean()
                close(scores[task, q, k], -ctm.scale * 8 * mean)


def test_without_a_scale_scores_are_summed_distances() -> None:
    """As `get_embedding_score` of the release's model.py has them; else they are averaged."""
    scaled, plain, episode = make_ctm(scale=5.0), make_ctm(scale=None), make_tasks(n_shot=3)
    close(3 * scaled(episode), scaled.scale * 8 * plain(episode))


def test_the_mask_knows_the_classes_by_the_positions_of_their_labels() -> None:
    ctm, episode = make_ctm(), make_tasks()
    mask = ctm.mask(episode.support, episode.support_labels)
    assert mask.shape == (2, 8, 2, 3)
    close(mask.sum(1), torch.ones(2, 2, 3))
    assert not torch.allclose(ctm.mask(episode.support, 2 - episode.support_labels), mask)


def test_a_bottleneck_is_its_shortcut_at_first() -> None:
    torch.manual_seed(0)
    recipe = CTM.recipe_type.model_validate({"channels": 8})
    block = CTM(Maps(2, 3), recipe, 3).reshaper[1].train()
    maps = torch.rand(4, 8, 2, 3)
    close(block(maps), maps)


def test_what_batch_norm_or_the_weights_cannot_do_is_refused() -> None:
    with pytest.raises(UsageError, match=r"tasks_per_step=2"):
        make_ctm((1, 1), train={"tasks_per_step": 1})
    with pytest.raises(UsageError, match="built for 3 ways, not 2"):
        make_ctm()(make_tasks(n_way=2))
    ctm, episode = make_ctm((1, 1)).train(), make_tasks((1, 1), n_shot=1)
    assert torch.isfinite(ctm.loss(episode, torch.zeros(2, 4, dtype=torch.int64)))
