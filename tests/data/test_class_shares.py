"""Classes dealt out by shares: all of them, as asked for, and the same everywhere."""

import hashlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.data.class_shares import read_shares, shared_out

NAMES = st.sets(st.text(min_size=1, max_size=4), min_size=3, max_size=40)
SHARES = st.tuples(st.integers(1, 98), st.integers(1, 98)).filter(lambda s: sum(s) < 100)


@given(NAMES, SHARES, st.integers(0, 9), st.randoms())
def test_shares_are_kept(names: set[str], two: tuple[int, int], seed: int, order: Any) -> None:
    """All classes, each once; each split at least one and about its share."""
    shares = read_shares("/".join(map(str, (*two, 100 - sum(two)))))
    given_names = list(names)
    order.shuffle(given_names)
    splits = shared_out(dict.fromkeys(given_names), shares, seed, "x")
    assert sorted(name for split in splits.values() for name in split) == sorted(names)
    counts = [len(split) for split in splits.values()]
    assert min(counts) >= 1
    for count, share in zip(counts, shares, strict=True):
        assert share * len(names) / 100 - 2 < count < max(1, share * len(names) / 100) + 1
    again = shared_out(dict.fromkeys(sorted(names)), shares, seed, "x")
    assert {s: set(c) for s, c in splits.items()} == {s: set(c) for s, c in again.items()}


def test_a_split_is_the_same_everywhere() -> None:
    """The first classes by the SHA-256 of seed and name in JSON are those of train, and so on."""
    names = ["été", '"', *"abcdefgh"]
    order = sorted(names, key=lambda n: hashlib.sha256(f"[7,{json.dumps(n)}]".encode()).digest())
    splits = shared_out(dict.fromkeys(names), [60, 20, 20], 7, "x")
    assert set(splits["train"]) == set(order[:6])
    assert set(splits["val"]) == set(order[6:8])
    assert shared_out(dict.fromkeys(names), [60, 20, 20], 8, "x") != splits
