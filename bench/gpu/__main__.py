"""Measure on a GPU, piece by piece; `python -m bench.gpu --help`."""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from bench.gpu import correctness, deep, graphs, peers, rates, resuming
from bench.gpu.journal import Journal, Line
from bench.gpu.report import number, write_report
from bench.gpu.setup import Piece, Setup, SkippedError, Work
from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_version import code_version
from fewshot_bench.utilities.devices import pick_device

PIECES = (
    Piece("answers", "Scores of every method, against the CPU in float64", correctness.answers),
    Piece("gradients", "Gradients of every meta-training, likewise", correctness.gradients),
    Piece("networks", "Backbones, likewise", correctness.networks),
    Piece("steps", "Steps of pretraining, likewise", correctness.steps),
    Piece("resumed", "Training that was stopped", resuming.resumed),
    Piece("heads", "Heads on cached embeddings", rates.evaluations),
    Piece("maml", "Second-order MAML", rates.maml),
    Piece("pretraining", "Pretraining, CIFAR-FS's number of images", rates.pretrainings),
    Piece("meta-training", "Meta-training on cached embeddings", rates.meta_trainings),
    Piece("graphs", "Small steps in a CUDA graph", graphs.rows),
    Piece("images", "Whole evaluations from images", rates.from_images),
    *(
        Piece(f"deep-{name}", f"{name} on CIFAR-FS", partial(deep.rows, name))
        for name in deep.NETWORKS
    ),
    Piece("compiled", "Pretraining through torch.compile", rates.compiled),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and has not been measured; returns 1 if a row is not as it must.

    Args:
        arguments: of the command line; None: those of the process.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.join:
            print(f"{deep.join(options.out, options.join)} is ready for 'fsbench data import'")
            return 0
        if options.report:
            options.report.write_text(write_report(PIECES, Journal(_rows(options), {})))
            return 0
        return _measure(options)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _measure(options: argparse.Namespace) -> int:
    device = pick_device(options.device)
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("FSBENCH_HOME", str(options.out.resolve() / "home"))
    torch.backends.cudnn.benchmark = True
    setup = Setup(device, options.out, options.toy, options.data, options.epochs)
    journal = Journal(_rows(options), _where(setup))
    ends = time.monotonic() + 60 * options.minutes
    failures = 0
    for piece in PIECES:
        if options.pieces and piece.name not in options.pieces:
            continue
        for row, work in piece.rows(setup):
            if options.dry_run:
                state = "done" if journal.done(piece.name, row) else "to do"
                print(f"{piece.name}: {row}: {state}")
            elif time.monotonic() < ends and (options.fresh or not journal.done(piece.name, row)):
                failures += not _row(piece.name, row, work, journal)
                (options.out / "gpu.md").write_text(write_report(PIECES, journal))
    return 1 if failures else 0


def _rows(options: argparse.Namespace) -> Path:
    path: Path = options.out / "rows.jsonl"
    return path


def _row(piece: str, row: str, work: Work, journal: Journal) -> bool:
    """Measure one row and note it; one that fails costs only itself."""
    began = time.monotonic()

    def line(state: str, found: object = None, why: str = "") -> Line:
        seconds = time.monotonic() - began
        return Line(piece, row, state, found, why, seconds, {})  # type: ignore[arg-type]

    try:
        found = work()
    except (SkippedError, UsageError) as error:
        noted = line("skipped", why=str(error))
    except Exception as error:
        traceback.print_exc()
        noted = line("failed", why=f"{type(error).__name__}: {error}"[:300])
    else:
        noted = line("met" if found.met else "missed", found)
    journal.add(noted)
    told = f"{number(noted.found.value)} {noted.found.unit}" if noted.found else noted.why
    print(f"{piece}: {row}: {noted.state}: {told} ({noted.seconds:.1f} s)", flush=True)
    return noted.state != "failed"


def _where(setup: Setup) -> dict[str, str]:
    """Device, versions and commit; toy sizes are told with the device, and never mixed."""
    cuda = setup.device.type == "cuda"
    name = torch.cuda.get_device_name(setup.device) if cuda else "CPU"
    return {
        "device": f"{name}, toy sizes" if setup.toy else name,
        "fewshot_bench": str(code_version()),
        "torch": torch.__version__,
        "CUDA": str(torch.version.cuda),
        "numpy": np.__version__,
        "peers": f"{peers.said('easyfsl')}; {peers.said('learn2learn')}",
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    names = [piece.name for piece in PIECES]
    parser.add_argument("pieces", nargs="*", metavar="PIECE", help=f"all, or: {', '.join(names)}")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu for a trial")
    parser.add_argument("--out", type=Path, default=Path("build/gpu"), help="rows, report, parts")
    parser.add_argument("--data", type=Path, help="archive of CIFAR-100, for the deep rows")
    parser.add_argument("--epochs", type=int, default=30, help="of the deep rows")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no row after these")
    parser.add_argument("--toy", action="store_true", help="tiny sizes: does everything run?")
    parser.add_argument("--fresh", action="store_true", help="measure again what is there")
    parser.add_argument("--dry-run", action="store_true", help="say what is done, and end")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report, and end")
    parser.add_argument("--join", type=Path, metavar="FILE", help="put parts in --out into FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
