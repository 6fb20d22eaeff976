"""Who is best in a column: held against SciPy's paired t-test and Holm's correction by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from fewshot_bench.errors import UsageError
from fewshot_bench.exchange.gathering import Gathered
from fewshot_bench.report.cells import cells, latest
from fewshot_bench.report.study_page.verdicts import verdicts_on
from tests.report.samples import tracked
from tests.report.study_page.contents import SHARES, judged, run, study


def test_pairs_with_the_best_have_the_p_values_of_all_pairs_corrected() -> None:
    runs = {each.config.method: each.accuracies for each in study()[:3]}
    (verdict,) = judged(study()[:3])
    means = {name: shares.mean() for name, shares in runs.items()}
    order = sorted(means, key=lambda name: -means[name])
    assert [rival.cell["method"] for rival in verdict.rivals] == order
    pairs = [(0, 1), (0, 2), (1, 2)]
    p_values = np.array([stats.ttest_rel(runs[order[i]], runs[order[j]]).pvalue for i, j in pairs])
    ranked = np.sort(p_values)
    steps = np.minimum(1, np.maximum.accumulate(ranked * [3, 2, 1]))
    holm = dict(zip(pairs, steps[np.argsort(np.argsort(p_values))], strict=True))
    for place in (1, 2):
        rival = verdict.rivals[place]
        assert rival.p_value == pytest.approx(holm[0, place], rel=1e-6)
        assert rival.behind is not None
        assert rival.behind.difference == pytest.approx(means[order[0]] - means[order[place]])
    assert [rival.is_worse for rival in verdict.rivals] == [False, holm[0, 1] < 0.05, True]
    assert set(verdict.level) == {r for r in verdict.rivals[1:] if not r.is_worse}


def test_columns_are_judged_apart_and_those_of_the_answer_come_first() -> None:
    verdicts = judged([*study(), run("feat", 0.9, 50, n_way=7)])
    facts = [(v.column["n_shot"], v.column["query_balance"], len(v.rivals)) for v in verdicts]
    assert facts == [
        (1, "balanced", 3),
        (5, "balanced", 3),
        (1, "dirichlet:2", 2),
        (1, "balanced", 1),
    ]
    assert {r.cell["method"] for r in verdicts[0].rivals} == set(SHARES)


def test_seeds_are_compared_together() -> None:
    runs = [run(m, s, 10 * i + k, k) for i, (m, s) in enumerate(SHARES.items()) for k in range(3)]
    (verdict,) = judged(runs)
    assert all(r.behind is None or r.behind.n_seeds == (3, 3) for r in verdict.rivals)


def test_without_episodes_nothing_is_said_of_significance() -> None:
    def away(run_id: str) -> NDArray[np.float64]:
        raise UsageError(run_id)

    found = Gathered("sqlite:///x.db", [], study()[:3])
    (verdict,) = verdicts_on(cells(latest(found.runs)), away)
    assert not verdict.told
    assert verdict.level == ()
    assert verdict.best["method"] == judged(study()[:3])[0].best["method"]


def test_equal_means_stay_in_the_order_of_the_table() -> None:
    def away(run_id: str) -> NDArray[np.float64]:
        raise UsageError(run_id)

    runs = [tracked(i, method=f"m{i:02}", mean=0.5 + i % 3 / 10) for i in range(40)]
    (verdict,) = verdicts_on(cells(latest(runs)), away)
    expected = [f"m{i:02}" for third in (2, 1, 0) for i in range(third, 40, 3)]
    assert [rival.cell["method"] for rival in verdict.rivals] == expected
