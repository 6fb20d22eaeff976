"""Tables on a terminal."""

from rich.console import Console

from fewshot_bench.report.published import load_published
from fewshot_bench.report.table import build_table
from fewshot_bench.report.terminal import rich
from fewshot_bench.tracking.record import TrackedRun
from tests.report.samples import paper_like, tracked


def shown(runs: list[TrackedRun], width: int = 120, **asked: object) -> list[str]:
    console = Console(
        width=width, record=True, force_terminal=True, color_system=None, markup=False
    )
    with console.capture() as captured:
        console.print(rich(build_table(runs, **asked)))  # type: ignore[arg-type]
    return captured.get().splitlines()


def test_rows_stand_below_their_setting_and_costs_in_columns() -> None:
    lines = shown(paper_like(), cost=True)
    words = [line.split() for line in lines]
    assert ["Inductive"] in words
    assert words.index(["Inductive"]) < words.index(["Transductive"])
    (row,) = [line for line in words if line[:1] == ["proto-net"]]
    assert row[:2] == ["proto-net", "conv4-64"]
    assert row[-4:] == ["1.5", "0.25", "1.5", "0.25"]
    assert any("1-shot, minutes" in line for line in lines)


def test_the_best_is_bold_and_what_runs_say_does_nothing() -> None:
    table = rich(
        build_table([tracked(method="[red]x[/red]\x1b[2J"), tracked(1, method="y", mean=0.1)])
    )
    names = [str(cell) for cell in table.columns[0].cells]
    assert names == ["Inductive", r"  [red]x[/red]\x1b[2J", "  y"]
    numbers = list(table.columns[2].cells)
    assert [getattr(cell, "style", "") for cell in numbers] == ["", "bold", ""]


def test_published_numbers_stand_beside_ours() -> None:
    text = "\n".join(shown(paper_like(), width=300, published=load_published()))
    assert "1-shot, published" in text
    assert "Differs" in text


def test_nothing_is_cut_where_there_is_little_room() -> None:
    runs = [tracked(k, n_shot=k, method="fine-tune-transductive") for k in (1, 2, 3, 5, 10)]
    text = "".join(shown(runs, width=60))
    assert "…" not in text
    assert text.count("±") == 5
