"""Fuzz all targets with atheris: ``python tests/fuzz/run_atheris.py RUNS``, or ``make fuzz``.

RUNS inputs in all, divided among the targets, each in processes of its own. Coverage of this
package guides the mutations; an input takes at most 20 s and 2 GB. The input that breaks a target
is kept in the current folder as ``crash-*``, ``oom-*`` or ``timeout-*``.

What is counted, and the inputs that reached new code, are kept there, too: after an interruption
the same command goes on; after its end, the next one counts anew, from these inputs.
"""

import subprocess
import sys
import time
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["fewshot_bench", "zipfile", "tarfile", "pickle"]):
    from tests.fuzz.targets import TARGETS, seeds

PART = 50_000  # inputs of a process; so many are lost at most


def main() -> None:
    """Run one target if it is named, else each in turn."""
    runs, *name = sys.argv[1:]
    if name:
        _fuzz(name[0], int(runs))
        return
    each = -(-int(runs) // len(TARGETS))
    for target in TARGETS:
        _count(target, each)
    for target in TARGETS:
        Path(f"{target}.count").unlink()
    print(f"{each * len(TARGETS)} inputs, none of which broke anything")


def _count(target: str, wanted: int) -> None:
    """Try inputs of a target until as many as are wanted have been counted."""
    count, began = Path(f"{target}.count"), time.monotonic()
    done = before = int(count.read_text()) if count.exists() else 0
    while done < wanted:
        part = min(PART, wanted - done)
        subprocess.run([sys.executable, __file__, str(part), target], check=True)
        done += part
        count.write_text(str(done))
    seconds = time.monotonic() - began
    print(f"{target}: {done} inputs, {done - before} of them in {seconds:.0f} s", flush=True)


def _fuzz(target: str, runs: int) -> None:
    corpus = Path("corpus", target)
    corpus.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(seeds(target)):
        (corpus / f"seed-{i}").write_bytes(seed)
    limits = [f"-runs={runs}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=32768"]
    atheris.Setup([sys.argv[0], *limits, "-verbosity=0", str(corpus)], TARGETS[target])
    atheris.Fuzz()


main()
