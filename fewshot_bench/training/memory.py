"""Whether embeddings leave anything to learn from: a network may know its images by heart."""

from fewshot_bench.bases.nearest_cosine import NearestCosine
from fewshot_bench.data.dataset import Dataset, Split
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.evaluation.evaluate import inputs_of, score_episodes
from fewshot_bench.method import Method
from fewshot_bench.recipe import Recipe

_N_EPISODES = 100
_FEW = 0.01  # errors that leave next to nothing to learn from ...
_FEWER = 0.1  # ... and so much fewer than on new classes that the images themselves are known


def known_by_heart(method: Method, dataset: Dataset) -> str | None:
    """Say so if class means hardly ever err on train images, and often on those of val.

    What is meta-trained on such embeddings sees tasks that are solved already: its gradients
    vanish, and what it learns does not fit new classes. Nothing is said of a method that embeds in
    a way of its own, whose embeddings would have to be made for this alone.

    Args:
        method: whose embeddings they are.
        dataset: its train and val splits are looked at.
    """
    if method.needs_maps or type(method).embed is not Method.embed:
        return None
    train, val = (_errors(method, dataset[split]) for split in ("train", "val"))
    if train >= min(_FEW, _FEWER * val):
        return None
    return (
        f"class means answer {100 * (1 - train):.1f} % of the queries of train images, and "
        f"{100 * (1 - val):.1f} % of val's: the network knows its images by heart, which leaves "
        "little to learn; if you have them, --set train.augment=natural embeds them anew in "
        "every step"
    )


def _errors(method: Method, split: Split) -> float:
    """Share of queries that the nearest class mean gets wrong, 1-shot, of 5 classes at most."""
    shape = EpisodeSpec(min(5, len(split.class_names)), 1, min(5, min(split.class_counts) - 1))
    judge = NearestCosine(method.backbone, Recipe(), shape.n_way)
    source, inputs = EpisodeSource(split, shape), inputs_of(judge, split)
    return 1 - float(score_episodes(judge, source, _N_EPISODES, inputs).accuracies.mean())
