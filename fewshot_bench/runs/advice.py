"""From results to advice: how methods compare with the best of them, and what to say of it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from fewshot_bench.results import RunRecord
from fewshot_bench.runs.request import Request
from fewshot_bench.statistics.corrections import holm
from fewshot_bench.statistics.family import behind_best
from fewshot_bench.statistics.paired import PairedComparison, compare

ALPHA = 0.05


@dataclass(frozen=True)
class Rated:
    """A method beside the one that it is compared with.

    Attributes:
        record: of the run.
        behind: accuracy of the first method minus that of this one, on the same episodes; None
            for the first.
        p_value: of that difference, corrected (Holm) for all comparisons with the first; for those
            of all pairs, if the first is the best by these very episodes.
    """

    record: RunRecord
    behind: PairedComparison | None = None
    p_value: float = 1.0

    @property
    def name(self) -> str:
        """Method and network."""
        return f"{self.record.config.method} on {self.record.config.network}"

    @property
    def accuracy(self) -> str:
        """Mean and interval in percent."""
        result = self.record.result
        return f"{100 * result.mean:.1f} ± {100 * result.ci95:.1f} %"

    @property
    def gap(self) -> str:
        """How much better the first is, in points."""
        if self.behind is None:
            return ""
        points = round(100 * self.behind.difference, 1) + 0.0  # which is never -0.0
        return f"{points:.1f} ± {100 * self.behind.ci95:.1f} points"

    @property
    def cost(self) -> str:
        """Milliseconds an episode, without embeddings that are shared."""
        milliseconds = 1000 * self.record.result.episode_seconds
        return f"{milliseconds:.0f}" if milliseconds >= 10 else f"{milliseconds:.2g}"

    @property
    def p_text(self) -> str:
        """The corrected p-value."""
        if self.behind is None:
            return ""
        return "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.3f}"


def rated(records: Sequence[RunRecord], ranked: bool = False) -> tuple[Rated, ...]:
    """Compare all with the best, best first; with `ranked` with the first, as they stand.

    Raises:
        UsageError: they were not measured on the same episodes.
    """
    ordered = records if ranked else sorted(records, key=lambda r: r.result.mean, reverse=True)
    first, *others = ordered
    gaps = [compare(first.result, other.result) for other in others]
    if ranked:
        corrected = holm([gap.p_value for gap in gaps])
    else:  # the data chose the first
        corrected = behind_best([{0: record.result} for record in ordered])[1:]
    return (Rated(first), *map(Rated, others, gaps, corrected))


def finalists(best_first: Sequence[Rated], plain: str) -> list[RunRecord]:
    """Choose whom to measure on test: the best, the runner-up, the best inductive, the plain one.

    Args:
        best_first: as `rated` returns them.
        plain: name of the plainest method; it stands with the best one's network if it can.
    """
    records = [r.record for r in best_first]
    inductive = [r for r in records if r.result.setting == "inductive"]
    simple = [r for r in records if r.config.method == plain]
    simple.sort(key=lambda r: r.config.network != records[0].config.network)
    chosen = [*records[:2], *inductive[:1], *simple[:1]]
    return [r for i, r in enumerate(chosen) if r not in chosen[:i]]


def advice(test: Sequence[Rated], plain: str) -> list[str]:
    """Say in a few sentences which to take.

    Args:
        test: the finalists on test; the first is recommended, the second the runner-up.
        plain: name of the plainest method.
    """
    best, *others = test
    beside = _beside(others[:1])
    sentences = [f"Take {best.name}: {best.accuracy} on test, {best.cost} ms an episode{beside}."]
    inductive = next((r for r in test if r.record.result.setting == "inductive"), None)
    if best is inductive:
        sentences.append(
            "It is inductive, and the best of those: it answers each query by itself, however "
            "many there are and of whichever classes."
        )
    elif inductive is not None:
        sentences.append(
            "It is transductive: it reads all queries together. If they may be imbalanced or come "
            f"one by one, take {inductive.name}, the best inductive one on val: "
            f"{inductive.accuracy} on test."
        )
    baseline = next((r for r in others[1:] if r.record.config.method == plain), None)
    if baseline is not None and baseline is not inductive:
        sentences.append(f"The plain {baseline.name} has {baseline.accuracy}{_gain(baseline)}.")
    return sentences


def _beside(runner_up: Sequence[Rated]) -> str:
    """Compare the recommended one with the runner-up, by what the episodes of test can tell."""
    for other in runner_up:
        if other.behind is None or other.p_value >= ALPHA:
            return (
                f"; these episodes do not tell it from {other.name} ({other.gap}, {other.p_text})"
            )
        if other.behind.difference > 0:
            return f"; better than {other.name} by {other.gap} ({other.p_text})"
        return f"; val chose it, but on test {other.name} differs from it by {_against(other)}"
    return ""


def _against(other: Rated) -> str:
    assert other.behind is not None
    gain = f"{-100 * other.behind.difference:+.1f} ± {100 * other.behind.ci95:.1f} points"
    return f"{gain} ({other.p_text})"


def _gain(other: Rated) -> str:
    return f", a difference of {other.gap} ({other.p_text})" if other.behind else ""


def command(best: RunRecord, asked: Request) -> str:
    """Write the command that uses a method on a user's own task."""
    config = best.config
    words = ["fsbench", "predict", "--method", config.method, "--train-dataset", config.dataset]
    words += ["--backbone", config.backbone]
    words += ["--weights", str(asked.weights)] if asked.weights else []
    words += ["--preset", asked.preset] if asked.preset != "default" else []
    words += ["--seed", str(asked.seeds[0])] if asked.seeds != (0,) else []
    return shlex.join([*words, "--support", "SUPPORT", "--query", "QUERY", "-o", "answers.csv"])
