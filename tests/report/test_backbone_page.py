"""A backbone's page: its names, its code, and its sizes as its definition has them."""

from collections.abc import Callable

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.registry import Registry
from fewshot_bench.report.backbone_page import backbone_page
from tests.markdown import markdown_rows


@pytest.mark.parametrize("name", ["conv4-64", "C64F"])
def test_a_page_has_the_sizes_on_the_images_of_each_kind_of_data(name: str) -> None:
    page = backbone_page(name)
    assert page.startswith("# conv4-64\n\n- Also called: `c64f`, `conv4`\n- Code: `fewshot_bench.")
    head, rule, *rows = markdown_rows(page)
    assert head == ["Images", "Feature map", "Length of the embedding", "Parameters"]
    assert [cell.endswith(":") for cell in rule] == [False, False, True, True]
    inner = 3 * 64 * 64 * 9 + 4 * 2 * 64  # 3 x 3 kernels, scale and shift of four normalisations
    grey, colour = (f"{channels * 64 * 9 + inner:,}" for channels in (1, 3))
    assert rows == [
        ["28x28, grey", "64x1x1", "64", grey],
        ["32x32, colour", "64x2x2", str(64 * 4), colour],
        ["84x84, colour", "64x5x5", str(64 * 25), colour],
    ]


def test_one_without_alias_and_words_refuses_images_in_its_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own: Registry[Callable[..., None]] = Registry("backbone")

    @own.register("picky")
    def refusing(shape: tuple[int, int, int]) -> None:
        raise UsageError(f"{shape[-1]} pixels | are too few")

    monkeypatch.setattr("fewshot_bench.report.backbone_page.backbones", own)
    page = backbone_page("Picky")
    assert page.startswith(f"# picky\n\n- Code: `{__name__}`\n\n\n\n| Images ")
    assert markdown_rows(page)[2] == ["28x28, grey", "28 pixels \\", "are too few", "-", "-"]
