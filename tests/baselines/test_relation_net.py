"""Relation network against one pair of maps at a time."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method, methods
from tests.baselines.made_up import stir_norms
from tests.filled import fill, waves
from tests.oracles import close


class Maps(Backbone):
    """Hands maps through."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.in_shape = self.map_shape = shape

    def feature_map(self, images: Tensor) -> Tensor:
        return images


def make(shape: tuple[int, int, int]) -> Method:
    torch.manual_seed(0)
    cls = methods["relation-net"]
    method = cls(Maps(shape), cls.recipe_type.model_validate({"channels": 4}), 2).double().eval()
    stir_norms(method)
    return method


def draw(shape: tuple[int, int, int], n_way: int, n_shot: int) -> Episode:
    generator = torch.Generator().manual_seed(0)
    n = n_way * n_shot
    labels = torch.arange(n_way).repeat(n_shot).expand(2, -1)
    images = torch.randn(2, n + 4, *shape, generator=generator, dtype=torch.float64)
    return Episode(images[:, :n], labels, images[:, n:], n_way)


def normalise(maps: Tensor, norm: nn.Module) -> Tensor:
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    scale, shift = norm.get_parameter("weight"), norm.get_parameter("bias")
    columns = [(maps[:, c] - mean[c]) / (variance[c] + 1e-5).sqrt() for c in range(len(mean))]
    return torch.stack([scale[c] * x + shift[c] for c, x in enumerate(columns)], dim=1).relu()


def relate(method: Method, of_class: Tensor, query: Tensor) -> Tensor:
    """Relation logit of one class map and one query map, joined as in the paper."""
    part = method.get_submodule("relation")
    first: list[Tensor] = [
        part.get_parameter(f"{which}.weight") for which in ("of_class", "of_query")
    ]
    norms = [part.get_submodule(f"relation.{place}") for place in (0, 4)]
    side = min(query.shape[1:])
    padding = 0 if side >= 10 else 1
    maps = F.conv2d(torch.cat([of_class, query])[None], torch.cat(first, dim=1), padding=padding)
    maps = shrink(normalise(maps, norms[0]), keep_edge=side < 4)
    maps = F.conv2d(maps, part.get_parameter("relation.3.weight"), padding=padding)
    vector = shrink(normalise(maps, norms[1]), keep_edge=side < 4).flatten()
    hidden = part.get_submodule("relation.8")(vector).relu()
    logit: Tensor = part.get_submodule("relation.10")(hidden)
    return logit.squeeze()


def shrink(maps: Tensor, keep_edge: bool) -> Tensor:
    """Largest of each two by two entries; what is left over at the edge stands alone or goes."""
    rows = [part.amax(2) for part in torch.split(maps, 2, dim=2) if keep_edge or part.shape[2] == 2]
    parts = torch.split(torch.stack(rows, dim=2), 2, dim=3)
    columns = [part.amax(3) for part in parts if keep_edge or part.shape[3] == 2]
    return torch.stack(columns, dim=3)


@pytest.mark.parametrize("n_way", [2, 3])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (5, 5), (3, 6), (6, 6), (11, 10)])
def test_every_pair_is_compared_by_the_joined_maps(size: tuple[int, int], n_way: int) -> None:
    shape = (3, *size)
    method, episode = make(shape), draw(shape, n_way, n_shot=2)
    scores = method(episode)
    for task in range(2):
        for k in range(n_way):
            of_class = episode.support[task][episode.support_labels[task] == k].mean(0)
            for query in range(4):
                expected = relate(method, of_class, episode.query[task, query])
                close(scores[task, query, k], expected)


@pytest.mark.parametrize(
    ("side", "theirs"),
    [  # RelationNetwork of miniimagenet_train_few_shot.py and omniglot_train_few_shot.py
        (19, (0.07735324680350741, 0.12476656257170275)),
        (5, (0.07308302238020842, 0.03274459258832134)),
    ],
)
def test_relations_are_those_of_the_authors(side: int, theirs: tuple[float, float]) -> None:
    """Their network on two pairs of maps, its weights and ours filled by a formula."""
    cls = methods["relation-net"]
    method = cls(Maps((64, side, side)), cls.recipe_type(), 5).double().eval()
    module = method.get_submodule("relation")
    joined = nn.Conv2d(128, 64, 3)
    fill(nn.Sequential(joined, module.get_submodule("relation")))
    halves = torch.split(joined.weight.data, 64, dim=1)
    for name, half in zip(("of_class", "of_query"), halves, strict=True):
        module.get_submodule(name).weight = nn.Parameter(half)
    of_class, query = torch.split(waves(2, 128, side, side).relu(), 64, dim=1)
    with torch.no_grad():
        logits = module(of_class[:, None], query[:, None])
    close(logits.flatten(), torch.tensor(theirs, dtype=torch.float64))


def test_linear_layers_start_as_the_release_has_them() -> None:
    cls = methods["relation-net"]
    recipe = cls.recipe_type.model_validate({"linear_std": 0.01})
    relation = cls(Maps((64, 6, 6)), recipe, 5).get_submodule("relation.relation")
    for place in (8, 10):
        linear = relation.get_submodule(str(place))
        assert torch.equal(linear.get_parameter("bias"), torch.ones(len(linear.bias)))  # type: ignore[arg-type]
        assert 0 < linear.get_parameter("weight").abs().max() < 0.05


def test_the_loss_is_the_squared_error_of_the_relation() -> None:
    method, episode = make((3, 2, 2)), draw((3, 2, 2), 2, n_shot=1)
    labels = torch.tensor([[0, 1, 1, 0], [1, 1, 0, 0]])
    errors = []
    for row, answers in zip(method(episode).flatten(0, 1), labels.flatten(), strict=True):
        for k, logit in enumerate(row):
            errors.append((1 / (1 + (-logit).exp()) - float(k == answers)) ** 2)
    close(method.loss(episode, labels), torch.stack(errors).mean())
