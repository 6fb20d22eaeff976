"""Holm's correction: against R's, and what must hold of any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.statistics.corrections import holm

P_VALUES = st.lists(st.floats(0, 1), max_size=20)


def test_as_r_adjusts_them() -> None:
    """``p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")``, and Holm's paper's way by hand."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(P_VALUES)
def test_it_lies_between_no_correction_and_bonferronis(p_values: list[float]) -> None:
    adjusted = np.array(holm(p_values))
    assert (adjusted >= p_values).all()
    assert (adjusted <= np.minimum(1, len(p_values) * np.array(p_values))).all()


@given(P_VALUES, st.randoms())
def test_order_in_is_order_out(p_values: list[float], random: st.DataObject) -> None:
    order = list(range(len(p_values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    mixed = holm([p_values[i] for i in order])
    adjusted = holm(p_values)
    assert mixed == [adjusted[i] for i in order]
    ranked = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(adjusted)[ranked]) >= 0).all()


@given(P_VALUES)
def test_what_is_rejected_is_what_stepping_down_rejects(p_values: list[float]) -> None:
    """Holm 1979: reject while the k-th smallest of m is at most 0.05 / (m - k + 1)."""
    rejected = 0
    for k, p in enumerate(sorted(p_values)):
        if p * (len(p_values) - k) > 0.05:
            break
        rejected += 1
    assert sum(p <= 0.05 for p in holm(p_values)) == rejected
