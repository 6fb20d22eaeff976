"""What is told of a run, in words that MLflow keeps."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.tracking.record import flatten


@given(st.recursive(st.integers(), lambda inner: st.dictionaries(st.text("ab"), inner)))
def test_flattening_keeps_every_value(tree: Any) -> None:
    def leaves(value: Any) -> list[Any]:
        if isinstance(value, dict) and value:
            return [leaf for child in value.values() for leaf in leaves(child)]
        return [value]

    assert sorted(flatten({"x": tree}).values()) == sorted(map(json.dumps, leaves(tree)))
