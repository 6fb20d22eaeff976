"""Full and read-only disks: one line says which file was refused, and no half of one is trusted.

``FSBENCH_DISKS=12`` tries as many sizes of disk; each is a run or two, of ten seconds each.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fewshot_bench.data.store import open_dataset
from fewshot_bench.errors import UsageError
from fewshot_bench.results import RunRecord
from fewshot_bench.utilities.files import atomic_folder
from fewshot_bench.utilities.tensors import load_tensors, save_tensors
from tests.data.files import image_tree, make_files

FSBENCH = [sys.executable, "-c", "from fewshot_bench.cli import main; main()"]
RUN = ["run", "--method", "simple-shot", "--preset", "smoke", "--episodes", "20"]
RUN += ["--set", "pretrain.epochs=1"]
N_SIZES = int(os.environ.get("FSBENCH_DISKS", "2"))
SIZES = [int(kib) for kib in np.linspace(900, 6800, N_SIZES)]  # KiB; the run needs about 7,100
# In a namespace of its own: mount, make the home, run, and copy what is left to where it stays.
SCRIPT = """
mount -t tmpfs -o "$1" tmpfs "$2" && cd "$2" || exit 99
copy="$3"; shift 3
mkdir -p home 2>/dev/null && ln -s "$GLYPHS" home/data
"$@"
code=$?
cp -a . "$copy"
exit $code
"""


@pytest.fixture(scope="module")
def may_mount() -> None:
    """Skip where neither root nor a user's own namespace may mount."""
    if shutil.which("unshare") is None:
        pytest.skip("a small disk takes 'unshare' of Linux")
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this machine does not permit to mount: {done.stderr.strip()}")


def on_a_disk(tmp_path: Path, options: str, *arguments: str) -> tuple[int, str, Path]:
    """Run a command with home and current folder on a disk of its own.

    Returns:
        Exit code, stderr, and the folder of the disk, with what it held but more room.
    """
    open_dataset("glyphs")  # drawn beforehand: it is larger than the disk
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    disk.mkdir()
    copy.mkdir()
    home = os.environ["FSBENCH_HOME"]
    environment = {"FSBENCH_HOME": str(disk / "home"), "GLYPHS": f"{home}/data"}
    script = ["unshare", "-rm", "sh", "-c", SCRIPT, "sh", options, str(disk)]
    done = subprocess.run(
        [*script, str(copy), *FSBENCH, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "Traceback" not in done.stderr
    disk.rmdir()
    return done.returncode, done.stderr, copy.rename(disk)


def refused(stderr: str) -> str:
    """The one line that says what was wrong."""
    (line,) = [line for line in stderr.splitlines() if line.startswith("fsbench: ")]
    assert stderr.endswith(line + "\n")
    return line


def finish(disk: Path) -> list[float]:
    """Run again where there is room, from what the full disk held."""
    environment = {**os.environ, "FSBENCH_HOME": str(disk / "home")}
    subprocess.run([*FSBENCH, *RUN], cwd=disk, env=environment, check=True, capture_output=True)
    (record,) = (disk / "home" / "results").glob("*.json")
    return list(RunRecord.model_validate_json(record.read_text()).result.accuracies)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    folder = tmp_path_factory.mktemp("room")
    open_dataset("glyphs")
    (folder / "home").mkdir()
    (folder / "home" / "data").symlink_to(Path(os.environ["FSBENCH_HOME"]) / "data")
    return finish(folder)


@pytest.mark.slow
@pytest.mark.parametrize("kib", SIZES)
@pytest.mark.usefixtures("may_mount")
def test_a_run_on_a_full_disk_goes_on_where_there_is_room(
    kib: int, expected: list[float], tmp_path: Path
) -> None:
    """Whichever file fills the disk: database, checkpoint, weights, embeddings, artifacts.

    What the store cannot take any more is kept in the home, if that has room for it.
    """
    code, stderr, disk = on_a_disk(tmp_path, f"size={kib}k", *RUN)
    if code == 0:  # the result was there before the disk was full, and is owed to the store
        assert "the result is kept here; 'fsbench sync' sends it" in stderr
        assert list((disk / "home").glob("owed/*/*.json"))
    else:
        assert code == 2
        assert any(words in refused(stderr) for words in ("No space left", "disk is full"))
    assert not [f for f in disk.rglob("*") if f.name.endswith(".partial")]
    for file in (disk / "home").glob("*/**/*.safetensors"):
        load_tensors(file)
    for file in (disk / "home").glob("results/*.json"):
        RunRecord.model_validate_json(file.read_text())
    assert finish(disk) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [RUN, ["data", "show", "glyphs"], ["data", "download", "cifar-fs"]],
    ids=["run", "show", "download"],
)
@pytest.mark.usefixtures("may_mount")
def test_a_read_only_disk_is_named(arguments: list[str], tmp_path: Path) -> None:
    code, stderr, disk = on_a_disk(tmp_path, "ro", *arguments)
    assert code == 2
    assert "Read-only file system" in refused(stderr)
    assert not list(disk.iterdir())


IMPORT = ["data", "import", "folder", "--size", "84"]
UNCHECKED = "import fewshot_bench.data.write as w; w.check_space = lambda *_: None; "


@pytest.mark.parametrize("start", ["", UNCHECKED], ids=["before", "meanwhile"])
@pytest.mark.usefixtures("may_mount")
def test_an_import_that_does_not_fit_leaves_nothing(start: str, tmp_path: Path) -> None:
    """Refused at once; or, if another program fills the disk meanwhile, at that write."""
    split = {"train": ["a"], "val": ["b"], "test": ["c"]}
    images = make_files(tmp_path / "images", image_tree(split, per_class=5))
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    script = 'mount -t tmpfs -o size=64k tmpfs "$FSBENCH_HOME/data" && "$@"; code=$?; '
    script += 'ls -A "$FSBENCH_HOME/data"; exit $code'
    command = [FSBENCH[0], FSBENCH[1], start + FSBENCH[2], *IMPORT, str(images)]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", *command],
        env={**os.environ, "FSBENCH_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    words = "No space left on device" if start else "GB free; make room"
    assert words in refused(done.stderr)


@pytest.mark.parametrize("size", [0, 100, 4096])
def test_a_file_that_is_cut_short_is_not_there(size: int, tmp_path: Path) -> None:
    """A quota of the process in place of a disk: weights, tables and data sets alike."""
    resource = pytest.importorskip("resource", reason="limits of POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        with pytest.raises(UsageError, match=r"cannot write .*w\.safetensors"):
            save_tensors(tmp_path / "w.safetensors", {"x": torch.zeros(9999)}, {})
        with (
            pytest.raises(UsageError, match=r"cannot write .*d \(File too large\)"),
            atomic_folder(tmp_path / "d") as partial,
        ):
            (partial / "x").write_bytes(bytes(9999))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())
