"""Every target of the fuzzer, with a hundred inputs; ``make fuzz`` tries a million."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, seeds


@pytest.mark.parametrize("name", TARGETS)
def test_good_inputs_are_no_trouble(name: str) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=100, suppress_health_check=[HealthCheck.data_too_large])
@given(data=st.data())
def test_bad_inputs_are_one_line(name: str, data: st.DataObject) -> None:
    """Good inputs with some bytes replaced, taken out or put in, and then cut; or any bytes."""
    damaged = bytearray(data.draw(st.sampled_from([b"", *seeds(name)])))
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(damaged)))
        gone = data.draw(st.integers(0, 4))
        damaged[start : start + gone] = data.draw(st.binary(max_size=8))
    cut = data.draw(st.just(len(damaged)) | st.integers(0, len(damaged)))
    TARGETS[name](bytes(damaged[:cut]))
