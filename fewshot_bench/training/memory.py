"""Whether embeddings leave anything to learn from: a network may know its images by heart."""

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.bases.nearest_cosine import NearestCosine
from fewshot_bench.data.dataset import Split
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.evaluation.evaluate import score_episodes
from fewshot_bench.evaluation.features import Table
from fewshot_bench.recipe import Recipe

_N_EPISODES = 100
_FEW = 0.01  # errors that leave next to nothing to learn from ...
_FEWER = 0.1  # ... and so much fewer than on new classes that the images themselves are known

Seen = tuple[Split, Table]  # with the embeddings of its images


def known_by_heart(backbone: Backbone, train: Seen, val: Seen) -> str | None:
    """Say so if class means hardly ever err on train images, and often on those of val.

    What is meta-trained on such embeddings sees tasks that are solved already: its gradients
    vanish, and what it learns does not fit new classes.

    Args:
        backbone: that made the embeddings.
        train: what is learned from.
        val: of new classes.
    """
    learned, new = (_errors(backbone, *seen) for seen in (train, val))
    if learned >= min(_FEW, _FEWER * new):
        return None
    return (
        f"class means answer {100 * (1 - learned):.1f} % of the queries of train images, and "
        f"{100 * (1 - new):.1f} % of val's: the network knows its images by heart, which leaves "
        "little to learn; if you have them, --set train.augment=natural embeds them anew in "
        "every step"
    )


def _errors(backbone: Backbone, split: Split, table: Table) -> float:
    """Share of queries that the nearest class mean gets wrong, 1-shot, of 5 classes at most."""
    shape = EpisodeSpec(min(5, len(split.class_names)), 1, min(5, min(split.class_counts) - 1))
    judge = NearestCosine(backbone, Recipe(), shape.n_way)
    scores = score_episodes(judge, EpisodeSource(split, shape), _N_EPISODES, table)
    return 1 - float(scores.accuracies.mean())
