"""PPA: the map from activations to weights, and which activations it is learned from."""

import numpy as np
import pytest
import torch
from fewshot_bench.baselines.ppa import PPA
from torch import Tensor

from fewshot_bench.data.dataset import Dataset
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.errors import UsageError
from fewshot_bench.runs.configuration import make_config
from fewshot_bench.training.protocols import training_spec
from tests.oracles import Identity, close
from tests.synthetic import make_dataset

N_CLASSES, DIM = 6, 7


def random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def make_ppa(single: float = 0.7) -> PPA:
    """An untrained PPA that has seen two, or three, images of each of six classes."""
    recipe = PPA.recipe_type.model_validate({"single": single})
    method = PPA(Identity(DIM), recipe, 5).double()
    labels = torch.tensor([0, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0, 0])
    method.see_base(random(len(labels), DIM, seed=1), labels)
    return method


def make_training_tasks() -> tuple[Episode, Tensor]:
    """Two tasks with four of six classes, one image each, and two queries a class."""
    labels = torch.tensor([[2, 0, 3, 1], [1, 3, 0, 2]])
    classes = torch.tensor([[5, 0, 3, 1], [2, 4, 0, 5]])
    query = random(2, 8, DIM, seed=3)
    episode = Episode(random(2, 4, DIM, seed=2), labels, query, 4, True, classes)
    return episode, torch.arange(4).repeat(2).expand(2, 8)


def shake(method: PPA) -> None:
    for weight in method.parameters():
        weight.data += random(*weight.shape, seed=4) - 0.5


def test_at_first_class_weights_are_normalised_prototypes() -> None:
    support, query = random(2, 6, DIM), random(2, 4, DIM, seed=1)
    labels = torch.tensor([0, 1, 2, 2, 1, 0]).expand(2, 6)
    scores = make_ppa()(Episode(support, labels, query, 3, embedded=True))
    for task in range(2):
        for k, pair in enumerate([(0, 5), (1, 4), (2, 3)]):
            mean = (support[task, pair[0]] + support[task, pair[1]]) / 2
            close(scores[task, :, k], query[task] @ (mean / mean.norm()))


def plain_weight(method: PPA, activation: Tensor) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The predictor written out for one class."""
    first, _, second = method.predictor.linears
    w1, b1, w2, b2 = (
        p.detach().numpy() for layer in (first, second) for p in (layer.weight, layer.bias)
    )
    hidden = w1 @ (activation.numpy() / np.linalg.norm(activation.numpy())) + b1
    weight = w2 @ np.where(hidden > 0, hidden, 0) + b2
    return weight / np.linalg.norm(weight)  # type: ignore[no-any-return]


@pytest.mark.parametrize("single", [0.0, 1.0])
def test_learns_from_single_images_or_from_means_over_the_train_split(single: float) -> None:
    method, (episode, query_labels) = make_ppa(single), make_training_tasks()
    shake(method)
    assert episode.classes is not None
    base, of = random(13, DIM, seed=1), [0, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0, 0]
    losses = []
    for task in range(2):
        weights = []
        for k in range(4):
            image = episode.support[task, int((episode.support_labels[task] == k).nonzero())]
            rows = [i for i, c in enumerate(of) if c == int(episode.classes[task, k])]
            weights.append(plain_weight(method, image if single else base[rows].mean(0)))
        for query, label in zip(episode.query[task].numpy(), query_labels[task], strict=True):
            logits = np.stack(weights) @ query
            losses.append(np.log(np.exp(logits).sum()) - logits[label])
    close(method.loss(episode, query_labels), torch.tensor(np.mean(losses)))


def test_seven_of_ten_classes_are_predicted_from_one_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    method, n = make_ppa(), 5000
    labels = torch.arange(N_CLASSES).repeat(n, 1)
    episode = Episode(torch.zeros(n, 6, DIM), labels, torch.zeros(n, 6, DIM), 6, True, labels)
    seen: list[Tensor] = []

    def record(query: Tensor, activations: Tensor) -> Tensor:
        seen.append(activations)
        return query[..., :6]

    monkeypatch.setattr(method, "score", record)
    torch.manual_seed(0)
    method.loss(episode, labels)
    singles = (seen[0] == 0).all(-1).double()
    assert abs(float(singles.mean()) - 0.7) < 0.01  # 4 standard errors
    assert 0 < float(singles[0].mean()) < 1  # drawn for each class, not for each task


def test_episodes_of_the_training_have_all_classes_and_one_shot() -> None:
    dataset: Dataset = make_dataset()
    config = make_config("ppa", "conv4-64", dataset, n_shot=5)
    recipe = PPA.recipe_type.model_validate(config.recipe).train
    assert recipe is not None
    spec = training_spec(config, recipe, len(dataset["train"].class_names))
    assert (spec.n_way, spec.n_shot) == (len(dataset["train"].class_names), 1)


def test_a_backbone_in_training_is_refused() -> None:
    recipe = PPA.recipe_type.model_validate({"train": {"frozen": False}})
    with pytest.raises(UsageError, match=r"train\.frozen=true"):
        PPA(Identity(DIM), recipe, 5)
