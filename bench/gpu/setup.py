"""What all pieces are given, and what each of their rows gives back."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Setup:
    """Where and how large.

    Attributes:
        device: to measure on; the CPU is what it is compared with.
        out: folder for what the pieces write.
        toy: sizes that a CPU is done with in seconds; the numbers mean nothing then.
        data: what ``fsbench data import cifar-fs`` takes, for the deep row.
        epochs: of the deep row's pretraining.
    """

    device: torch.device
    out: Path
    toy: bool = False
    data: Path | None = None
    epochs: int = 30

    def size(self, full: int, toy: int) -> int:
        """The one that is asked for."""
        return toy if self.toy else full


@dataclass(frozen=True)
class Found:
    """What came of a row.

    Attributes:
        value: the number, in `unit`.
        unit: as ``episodes/s``.
        aim: at least so much; at most, where `at_most`.
        at_most: whether less is better.
        peer: the same number by the peer on the same device, if it runs here.
        note: what else is to be said.
    """

    value: float
    unit: str
    aim: float | None = None
    at_most: bool = False
    peer: float | None = None
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the aim is met, or there is none."""
        if self.aim is None:
            return True
        return self.value <= self.aim if self.at_most else self.value >= self.aim


class SkippedError(Exception):
    """A row that cannot be had here, and why."""


Work = Callable[[], Found]
Rows = Iterable[tuple[str, Work]]


@dataclass(frozen=True)
class Piece:
    """Rows that belong together.

    Attributes:
        name: on the command line.
        title: in the report.
        rows: makes the rows, each of which is measured when it is called.
    """

    name: str
    title: str
    rows: Callable[[Setup], Rows]


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """Largest difference, relative to the largest number of the first; both go to the CPU."""
    first, second = one.detach().double().cpu(), other.detach().double().cpu()
    return float((first - second).abs().max() / first.abs().max().clamp(min=1e-30))
