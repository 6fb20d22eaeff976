"""What was measured: kept as it was, and whole in JSON."""

import pytest

from fewshot_bench.results import Result
from tests.synthetic import make_result


def test_results_survive_json_and_cannot_be_changed() -> None:
    one = make_result([1 / 3, 2 / 3])
    assert Result.model_validate_json(one.model_dump_json()) == one
    with pytest.raises(ValueError, match="frozen"):
        one.seconds = 2.0  # type: ignore[misc]
