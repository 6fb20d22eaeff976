"""``python -m fewshot_bench.report.figures FILE.csv FILE.png`` draws what a table's file holds."""

import sys
from pathlib import Path

from fewshot_bench.report.figures.accuracies import draw_accuracies, read_accuracies
from fewshot_bench.report.figures.saving import save_figure


def main(source: str, target: str) -> None:
    """Draw the accuracies of one data set and backbone into a file."""
    save_figure(draw_accuracies(*read_accuracies(Path(source))), Path(target))


if __name__ == "__main__":
    main(*sys.argv[1:])
