"""An episode of three classes whose answers change, to be drawn."""

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.report.figures.refined import RefinedEpisode, Step

Floats = NDArray[np.float64]
N_WAY, DIM = 3, 6
RNG = np.random.default_rng(0)
MEANS = np.eye(N_WAY, DIM) * [[3], [2], [1]]
LABELS = np.repeat(np.arange(N_WAY), 4)


def unit(points: Floats) -> Floats:
    found: Floats = points / np.linalg.norm(points, axis=-1, keepdims=True)
    return found


def answers(*wrong: int) -> NDArray[np.int64]:
    """The truth but for some queries, whose answer is the next class."""
    found = LABELS.copy()
    found[list(wrong)] = (found[list(wrong)] + 1) % N_WAY
    return found


EPISODE = RefinedEpisode(
    classes=("apple", "bee", "a_very_long_name_of_a_class"),
    support=unit(MEANS),
    support_labels=np.arange(N_WAY),
    query=unit(MEANS[LABELS] + 0.2 * RNG.normal(size=(len(LABELS), DIM))),
    query_labels=LABELS,
    steps=(
        Step(0, answers(0, 5, 7), unit(MEANS)),
        Step(1, answers(0, 5), unit(MEANS + 0.3)),
        Step(2, answers(5, 9), unit(MEANS + 0.6)),
    ),
)
