"""A data set of few small images, which is neither drawn nor downloaded."""

from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data.content import ClassImages, Content
from fewshot_bench.data.write import write_dataset
from tests.synthetic import make_split


def write_patterns(home: Path) -> Path:
    """Write the data set ``patterns`` into a home; return the folder of its data sets."""
    splits = {}
    for split in ("train", "val", "test"):
        parts = np.split(make_split(8, 12, split=split, noise=1.0).images, 8)
        classes = [
            ClassImages(f"{split} {i}", len(part), lambda part=part: part)  # type: ignore[misc]
            for i, part in enumerate(parts)
        ]
        splits[split] = classes
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSBENCH_HOME", str(home))
        write_dataset("patterns", Content((16, 16, 1), splits, {}))
    return home / "data"
