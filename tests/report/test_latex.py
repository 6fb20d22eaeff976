"""LaTeX that a paper can read: it compiles, and no line is too wide, whatever the table."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fewshot_bench.report.formats import render
from fewshot_bench.report.published import load_published
from fewshot_bench.tracking.record import TrackedRun
from tests.report.samples import paper_like, tracked

PROGRAM = shutil.which("tectonic") or shutil.which("pdflatex")
DOCUMENT = r"""\documentclass[%s]{article}
%s
\begin{document}
%s
\end{document}
"""


def wide() -> list[TrackedRun]:
    """Six columns of two data sets, several backbones and seeds, long settings and names."""
    settings = ("train.backbone_lr=0.123456", "inner.first_order=true")
    shapes = [(k, balance) for k in (1, 5) for balance in ("balanced", "dirichlet:2")]
    runs = []
    for i, (n_shot, balance) in enumerate(shapes):
        shape: dict[str, Any] = {"n_shot": n_shot, "query_balance": balance}
        runs += [tracked(2 * i + seed, **shape, seed=seed, mean=0.9) for seed in range(2)]
        runs += [tracked(10 + i, **shape, backbone="resnet12-metaopt")]
    runs += [tracked(20, dataset="mini-imagenet", method="fine-tune-transductive")]
    return [*runs, tracked(50, settings=settings, method="learn2learn-metaoptnet")]


@pytest.mark.skipif(PROGRAM is None, reason="neither tectonic nor pdflatex is installed")
@pytest.mark.parametrize("size", ["10pt", "12pt"])
def test_it_compiles_and_fits_the_text_of_an_article(tmp_path: Path, size: str) -> None:
    assert PROGRAM is not None
    texts = [render(wide(), "latex", cost=True)]
    texts += [render(paper_like(), "latex", published=load_published())]
    (packages,) = {text.partition("\n")[0].removeprefix("% ") for text in texts}
    written = DOCUMENT % (size, packages, "\n".join(texts))
    (tmp_path / "paper.tex").write_text(written, "utf-8")
    options = [] if "tectonic" in PROGRAM else ["-interaction=nonstopmode", "-halt-on-error"]
    options += ["--print"] * (not options)
    done = subprocess.run(
        [PROGRAM, *options, "paper.tex"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
    assert not re.findall(r"Overfull .*|Float too large.*", done.stdout)


def test_costs_and_differences_stand_in_tables_of_their_own() -> None:
    text = render(paper_like(), "latex", cost=True, published=load_published())
    tables = text.split(r"\begin{table}")[1:]
    costs = [table for table in tables if ", minutes" in table]
    assert costs
    assert not any("±" in table.replace(r"$\pm$", "±") for table in costs)
    assert "Differs" in tables[-1]
    assert sum("Differs" in table for table in tables) < len(tables)
