"""What a run can be: whoever else writes to a store, a table shows no number that none has."""

from dataclasses import fields
from math import isnan

from fewshot_bench.tracking.record import TrackedRun
from fewshot_bench.utilities.query_balance import dirichlet_alpha

# The interval of two episodes, one all right and one all wrong, is the widest that there is:
# 12.7062 (Student's t, 1 degree of freedom) * 0.7071 (standard deviation) / sqrt(2).
WIDEST = 6.3532  # 6.353102, rounded up
CENTURY = 3.2e9  # seconds
_COUNTS = {
    "n_way": (2, 10**9),
    "n_shot": (1, 10**9),
    "n_query": (1, 10**9),
    "n_episodes": (1, 10**9),
    "n_query_way": (0, 10**9),
    "shared_classes": (0, 10**9),
    "seed": (0, 2**64 - 1),
}
_NUMBERS = {
    "mean": 1.0,
    "ci95": WIDEST,
    "macro_f1": 1.0,
    "macro_f1_ci95": WIDEST,
    "calibration_error": 1.0,
    "train_seconds": CENTURY,
    "ms_per_episode": 1000 * CENTURY,
}
_MAY_LACK = {"ci95", "macro_f1", "macro_f1_ci95", "calibration_error"}  # as of one episode: NaN
_WORDS = {"setting": ("inductive", "transductive"), "split": ("test", "val")}


def check_possible(run: TrackedRun) -> None:
    """Refuse a run with a fact that no run can have.

    Raises:
        ValueError: a word is none of those there are, a text is half a character, or a number is
            not finite or out of range.
        UsageError: its queries are balanced in no way there is.
    """
    for name, words in _WORDS.items():
        if getattr(run, name) not in words:
            raise ValueError(f"{name}={getattr(run, name)!r} is neither {' nor '.join(words)}")
    for name, (least, most) in _COUNTS.items():
        if not least <= getattr(run, name) <= most:
            raise ValueError(f"{name}={getattr(run, name)} is out of range")
    for name, largest in _NUMBERS.items():
        number = getattr(run, name)
        if not (0 <= number <= largest or (isnan(number) and name in _MAY_LACK)):
            raise ValueError(f"{name}={number} is out of range")
    if run.train_checksum and not run.train_dataset:
        raise ValueError("train_dataset='' has data of its own")
    dirichlet_alpha(run.query_balance)
    _check_texts(run)


def _check_texts(run: TrackedRun) -> None:
    """No file can hold half a character, which JSON can."""
    texts = [getattr(run, field.name) for field in fields(run) if field.type is str]
    for text in (*texts, *run.settings, *run.studies, *run.recipe, *run.recipe.values()):
        text.encode("utf-8")
