"""Made-up answers, kept beside a made-up record."""

import numpy as np

from fewshot_bench.evaluation.predictions import writing_predictions
from fewshot_bench.results import Answers, RunRecord


def keep_answers(record: RunRecord, n_classes: int = 6) -> None:
    """Keep answers of a run of 75 queries an episode, as many of them right as it says."""
    names = tuple(f"class {i}" for i in range(n_classes))
    accuracies, rng = np.asarray(record.result.accuracies), np.random.default_rng(0)
    labels = np.tile(np.repeat(np.arange(5), 15), (len(accuracies), 1))
    wrong = rng.permuted(np.tile(np.arange(75), (len(labels), 1)), axis=1)
    wrong = wrong >= np.rint(75 * accuracies)[:, None]
    drawn = rng.integers(0, n_classes, (len(labels), 1)) + np.arange(5)
    answers = Answers(
        predictions=np.where(wrong, (labels + 1) % 5, labels),
        query_labels=labels,
        query_indices=np.zeros_like(labels),
        classes=np.asarray(names)[drawn % n_classes],
        probabilities=np.ones(labels.shape, dtype=np.float32),
    )
    with writing_predictions(record.config.key, names) as take:
        take(answers)
