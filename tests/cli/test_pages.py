"""``fsbench list KIND NAME``."""

import pytest
from typer.testing import CliRunner

from fewshot_bench.backbones.base import backbones
from fewshot_bench.cli import app
from fewshot_bench.data.entry import datasets
from fewshot_bench.errors import UsageError
from fewshot_bench.report.method_page import method_page


def fsbench(*arguments: str) -> str:
    outcome = CliRunner().invoke(app, list(arguments))
    if outcome.exception:
        raise outcome.exception
    return outcome.output


def test_a_method_s_page_is_plain_markdown_in_a_pipe() -> None:
    assert fsbench("list", "methods", "Proto_Net") == method_page("proto-net")
    options = ("--preset", "paper", "--dataset", "glyphs")
    page = method_page("baseline", "paper", "glyphs")
    assert fsbench("list", "method", "baseline", *options) == page


def test_a_terminal_gets_it_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # makes rich take the pipe for a terminal
    text = fsbench("list", "methods", "tim")
    assert "| `n_steps`" not in text
    assert "n_steps" in text


@pytest.mark.parametrize("name", ["conv4-64", "resnet12-tadam"])
def test_a_backbone_s_page_has_the_sizes_it_is_built_with(name: str) -> None:
    page = fsbench("list", "backbones", name)
    backbone = backbones[name]((3, 84, 84))
    count = sum(weights.numel() for weights in backbone.parameters())
    (line,) = [line for line in page.splitlines() if line.startswith("| 84x84")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells == ["84x84, colour", *cells[1:2], str(backbone.out_dim), f"{count:,}"]
    assert cells[1] == "x".join(map(str, backbone.map_shape or ()))


@pytest.mark.parametrize("name", list(datasets))
def test_a_data_set_s_page_names_source_and_licence(name: str) -> None:
    page, entry = fsbench("list", "datasets", name), datasets[name]
    assert f"- Source: {entry.source}\n- Licence: {entry.licence}\n" in page
    assert all(f"| `{key}` " in page for key in entry.overrides)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("methods", "--preset", "paper"), "need a NAME"),
        (("datasets", "glyphs", "--preset", "paper"), "belong to 'fsbench list methods NAME'"),
        (("methods", "timm"), "did you mean 'tim'"),
        (("backbones", "conv5"), "no backbone is called 'conv5'"),
    ],
)
def test_what_cannot_be_shown_is_one_line(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        fsbench("list", *arguments)
