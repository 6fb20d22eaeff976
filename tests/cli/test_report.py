"""``fsbench report`` as a user drives it."""

from pathlib import Path

import pytest

from fewshot_bench.exchange.files import write_results
from tests.commands import fsbench
from tests.report.study_page.contents import study


@pytest.fixture
def results(tmp_path: Path, empty_home: Path) -> Path:
    """A file of the runs of a study."""
    path = tmp_path / "runs.parquet"
    write_results([each.model_copy(update={"studies": ("mine",)}) for each in study()], path)
    return path


def test_a_page_is_written_with_figures_and_the_command_that_wrote_it(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = results.with_name("answer.html")
    asked = ["mine", "--results", str(results), "-m", "bpa", "-m", "TIM"]
    assert fsbench("report", *asked, "-o", str(file)) == 0
    assert f"6 runs in {file}, 0." in capsys.readouterr().out
    page = file.read_text("utf-8")
    assert len(page.encode()) < 5_000_000
    assert "<title>mine: few-shot methods on cifar-fs</title>" in page
    assert page.count("<figure") >= 3  # accuracies, shots, cost and more
    again = "fsbench report mine --results runs.parquet --method bpa --method TIM -o answer.html"
    assert again in page
    assert str(results.parent) not in page
    assert "The images of cifar-fs are not on the machine that wrote this page." in page
    assert "maml" not in page.partition('id="beside"')[0]


def test_a_study_file_tells_its_name_and_what_it_is_for(results: Path) -> None:
    file = results.with_name("some.toml")
    file.write_text('name = "mine"\nsummary = "Who wins?"\nmethods = ["tim"]\n')
    page = results.with_name("x.html")
    asked = ("--results", str(results), "-m", "tim", "-k", "5", "-o", str(page))
    assert fsbench("report", str(file), *asked) == 0
    assert '<p class="soft">Who wins?</p>' in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "x.pdf"], "'x.pdf' is written as HTML; end its name in .html"),
        (["-o", "/dev/null/x.html"], "cannot write /dev/null/x.html"),
        (["theirs"], "no finished run of a study 'theirs'"),
        (["--shots", "3"], "no finished run fits all these options"),
    ],
)
def test_what_is_wrong_is_one_line(
    results: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fsbench("report", "--results", str(results), *arguments) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1
