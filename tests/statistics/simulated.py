"""Accuracies in points as they vary: episodes are hard or easy for all, seeds good or bad."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from fewshot_bench.statistics.crossed import crossed_difference

Floats = NDArray[np.float64]

# Points, for 2,000 episodes: an episode is hard for all methods, for one of them, for one training.
COMMON, OWN, TRAINING = 8.0, 4.0, 4.0
# Seeds of both methods, whether they are the same, and how much these have in common.
CASES = [((3, 1), False, 0.0), ((5, 1), False, 0.0), ((3, 3), True, 0.0), ((3, 3), True, 0.8)]
CASES += [((5, 5), True, 0.5), ((5, 3), False, 0.0)]


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


def coverage(n_seeds: tuple[int, int], seed_sd: float, shared: float, same: bool) -> list[float]:
    """Shares of studies whose 95 % interval has the truth: ours, Satterthwaite's, without seeds."""
    ours, theirs = two_methods(n_seeds, seed_sd, shared=shared, repeats=20_000)
    found = crossed_difference(ours, theirs, same_seeds=same)
    joint = found.standard_error**2
    parts = (found.episode_variance, found.episode_df), (found.seed_variance, found.seed_df)
    df = joint**2 / sum(variance**2 / degrees for variance, degrees in parts)
    widths = (
        found.half_width(),
        stdtrit(df, 0.975) * found.standard_error,
        stdtrit(found.episode_df, 0.975) * np.sqrt(found.episode_variance),
    )
    return [float((np.abs(found.mean) <= width).mean()) for width in widths]


def main() -> None:
    """Print the table of docs/statistics.md."""
    for n_seeds, same, shared in CASES:
        for seed_sd in (0.0, 0.2, 0.4, 0.8):
            shares = " | ".join(f"{100 * c:.1f}" for c in coverage(n_seeds, seed_sd, shared, same))
            print(f"| {n_seeds[0]}, {n_seeds[1]} | {shared} | {seed_sd} | {shares} |")


if __name__ == "__main__":
    main()
