"""Tables show the names of data sets, which are users' own; never the names of classes."""

import csv
import io
from pathlib import Path

import pytest

from fewshot_bench.data.write import dataset_folder
from fewshot_bench.report.formats import render
from tests.report.samples import tracked

NAMES = ["nan", "null", "007", "1e5", "true", "a.b-c", "a--b---c", "0-", "x" * 60]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_as_it_is(name: str, fsbench_home: Path) -> None:
    """Those that an import takes, and that programs read as something else."""
    assert dataset_folder(name).name == name
    runs = [tracked(dataset=name)]
    assert f" {name} 1-shot |" in render(runs, "markdown")
    heading = next(line for line in render(runs, "latex").splitlines() if "multicolumn" in line)
    heading = heading.replace(r"\allowbreak{}", "")
    assert heading.replace("-{}", "-").endswith(f"em}}}}{{{name}}} \\\\")
    assert "--" not in heading
    assert f">{name}</th>" in render(runs, "html")
    (line,) = csv.DictReader(io.StringIO(render(runs, "csv")))
    assert line["dataset"] == name
