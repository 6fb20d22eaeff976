"""Accuracies in points as they vary: episodes are hard or easy for all, seeds good or bad."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Points, for 2,000 episodes: an episode is hard for all methods, for one of them, for one training.
COMMON, OWN, TRAINING = 8.0, 4.0, 4.0


def two_methods(
    n_seeds: tuple[int, int],
    seed_sd: float,
    *,
    shared: float = 0.0,
    difference: float = 0.0,
    repeats: int = 6000,
    n: int = 30,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Many studies ``[repeats, S, n]`` of two methods, whose true means differ by `difference`.

    A method of one seed has no spread between seeds. With fewer episodes than 2,000 all effects of
    seeds, and the difference, grow as the error of a mean over episodes does.

    Args:
        n_seeds: of each method.
        seed_sd: points between seeds, at 2,000 episodes.
        shared: correlation of the methods' equal seeds, as of a backbone that both build upon.
        difference: points, likewise.
        repeats: studies.
        n: episodes.
        seed: of the simulation.
    """
    rng = np.random.default_rng(seed)
    grown = np.sqrt(2000 / n)
    hardness = rng.normal(0, COMMON, (repeats, 1, n))
    of_seeds = rng.normal(0, 1, (repeats, max(n_seeds), 1))
    found = []
    for count in n_seeds:
        own = rng.normal(0, 1, (repeats, count, 1))
        effect = np.sqrt(shared) * of_seeds[:, :count] + np.sqrt(1 - shared) * own
        spread = grown * seed_sd if count > 1 else 0.0
        values = hardness + rng.normal(0, OWN, (repeats, 1, n)) + spread * effect
        found.append(values + rng.normal(0, TRAINING, (repeats, count, n)))
    return found[0] + grown * difference, found[1]
