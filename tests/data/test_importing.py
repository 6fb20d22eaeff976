"""What can be asked of an import, and what cannot."""

from pathlib import Path

import pytest

from fewshot_bench.data.importing import download_files, import_dataset
from fewshot_bench.errors import UsageError


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("glyphs", {}, "nothing to import"),
        ("cifar-fs", {"size": 8}, "--size does not apply to cifar-fs"),
        ("omniglot", {"split_file": Path("x")}, "--split-file does not apply"),
        ("folder", {"as_name": "glyphs"}, "name of a known dataset"),
        ("folder", {"as_name": "../x"}, "cannot name a dataset"),
        ("folder", {}, "has no images in train/CLASS/"),
    ],
)
def test_a_wrong_request_is_one_line(
    name: str, options: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        import_dataset(name, tmp_path, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mini-imagenet", "fsbench data import mini-imagenet PATH"),
        ("folder", "fsbench data import folder PATH"),
        ("glyphs", "nothing to download"),
    ],
)
def test_what_cannot_be_downloaded_says_so(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        download_files(name, lambda _done, _all: None)
