"""A split of classes by shares, at random but the same wherever it is made."""

import re
from collections.abc import Sequence
from typing import TypeVar

from fewshot_bench.data.dataset import SPLITS
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import stable_hash

T = TypeVar("T")


def read_shares(text: str) -> list[int]:
    """Read the percentages of train, val and test from ``60/20/20``.

    Raises:
        UsageError: they are not three, not positive, or do not sum to 100.
    """
    found = re.fullmatch(r"([0-9]{1,3})/([0-9]{1,3})/([0-9]{1,3})", text.strip())
    shares = [int(share) for share in found.groups()] if found else [0]
    if min(shares) < 1 or sum(shares) != 100:
        raise UsageError(
            f"--split {text!r} is not understood; give the percentages of classes for train, val "
            "and test, which sum to 100, as 60/20/20"
        )
    return shares


def shared_out(
    classes: dict[str, T], shares: Sequence[int], seed: int, where: str
) -> dict[str, dict[str, T]]:
    """Deal classes out to the splits, at least one to each.

    The order is that of a hash of seed and name, so it depends on neither the machine nor the
    version of a generator, and a further class hardly moves the others.

    Args:
        classes: by name.
        shares: percentages of train, val and test.
        seed: another one gives another split.
        where: the tree, for messages.

    Raises:
        UsageError: there are fewer classes than splits.
    """
    counts = [1] * len(SPLITS)
    if (total := len(classes)) < len(counts):
        raise UsageError(
            f"{where} has {total} classes; --split needs one each for train, val, test"
        )
    while sum(counts) < total:
        lacking = [share * total - 100 * n for share, n in zip(shares, counts, strict=True)]
        counts[lacking.index(max(lacking))] += 1
    order = sorted(classes, key=lambda name: stable_hash([seed, name]))
    ends = [sum(counts[: i + 1]) for i in range(len(counts))]
    parts = [set(order[end - n : end]) for end, n in zip(ends, counts, strict=True)]
    return {
        split: {name: images for name, images in classes.items() if name in part}
        for split, part in zip(SPLITS, parts, strict=True)
    }
