"""Fuzz all targets with atheris: ``python tests/fuzz/run_atheris.py RUNS``, or ``make fuzz``.

RUNS inputs in all, divided among the targets, each in a process of its own. Coverage of this
package guides the mutations; an input takes at most 20 s and 2 GB. The input that breaks a target
is kept in the current folder as ``crash-*``, ``oom-*`` or ``timeout-*``.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["fewshot_bench", "zipfile", "tarfile", "pickle"]):
    from tests.fuzz.targets import TARGETS, seeds


def main() -> None:
    """Run one target if it is named, else each in turn."""
    runs, *name = sys.argv[1:]
    if name:
        _fuzz(name[0], int(runs))
        return
    each = -(-int(runs) // len(TARGETS))
    for target in TARGETS:
        print(f"{target}: {each} inputs", flush=True)
        subprocess.run([sys.executable, __file__, str(each), target], check=True)
    print(f"{each * len(TARGETS)} inputs, none of which broke anything")


def _fuzz(target: str, runs: int) -> None:
    with tempfile.TemporaryDirectory() as corpus:
        for i, seed in enumerate(seeds(target)):
            (Path(corpus) / str(i)).write_bytes(seed)
        limits = [f"-runs={runs}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=32768"]
        atheris.Setup([sys.argv[0], *limits, "-verbosity=1", corpus], TARGETS[target])
        atheris.Fuzz()


main()
