"""What tests of changed data sets share: what is stored, and how it is refused."""

from collections.abc import Callable

import pytest

from fewshot_bench.data.store import open_dataset
from fewshot_bench.errors import UsageError

SPLITS = ("train", "val", "test")
COUNT = 100  # rows of each class


def refused(says: str = "get it again", ask: Callable[[str], object] = open_dataset) -> None:
    with pytest.raises(UsageError, match=says) as error:
        ask("mine")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600
