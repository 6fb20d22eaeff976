"""Descriptions of rows and studies, in Markdown, as MLflow shows them above a run."""

from collections.abc import Mapping

from fewshot_bench.config import RunConfig
from fewshot_bench.tracking.naming import command_of

NOTE = "mlflow.note.content"  # the tag that MLflow shows as description
_LONGEST = 5000  # characters of a tag


def row_note(row: RunConfig, metrics: Mapping[str, float], tuned: bool = False) -> str:
    """Describe a row: its numbers, and the command that makes them again.

    Args:
        row: what its cells have in common, as the configuration of one.
        metrics: of the row, in percent.
        tuned: settings are chosen on val.
    """
    prefix = "val_" if row.split == "val" else ""
    shots = _shots(metrics, f"{prefix}acc_")
    numbers = [
        f"{metrics[f'{prefix}acc_{k}shot']:.2f} ± {metrics[f'{prefix}ci95_{k}shot']:.2f}"
        for k in shots
    ]
    table = [
        _line([f"{k}-shot" for k in shots]),
        _line(["---"] * len(shots)),
        _line(numbers),
    ]
    title = f"Accuracy in %, mean ± 95 % interval over {row.n_episodes} episodes:"
    remarks = [text for text in (row.caution, row.borrowing) if text]
    again = _again(command_of(row, shots, tuned))
    return "\n\n".join([title, "\n".join(table), *remarks, again])[:_LONGEST]


def cell_note(config: RunConfig) -> str:
    """Describe a cell or trial."""
    remarks = [text for text in (config.caution, config.borrowing) if text]
    return "\n\n".join([*remarks, _again(command_of(config, [config.n_shot]))])[:_LONGEST]


def study_note(name: str, command: str) -> str:
    """Describe a study."""
    return f"The study {name}.\n\n{_again(command)}"[:_LONGEST]


def _shots(metrics: Mapping[str, float], start: str) -> list[int]:
    """Numbers of shots that a row has an accuracy of."""
    ends = (name.removeprefix(start) for name in metrics if name.startswith(start))
    return sorted(int(end.removesuffix("shot")) for end in ends)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _again(command: str) -> str:
    return f"To make it again:\n\n    {command}\n"
