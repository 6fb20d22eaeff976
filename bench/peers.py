"""Environments of the peers, with the patches that make them run beside a current torch."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.measure import ROOT


@dataclass(frozen=True)
class Patch:
    """A replacement in one installed file, where `old` occurs exactly once.

    Attributes:
        path: inside site-packages.
        why: for the report.
    """

    path: str
    old: str
    new: str
    why: str


@dataclass(frozen=True)
class Peer:
    """What pip installs for a peer, and what is patched then.

    Attributes:
        requirements: installed in the usual way.
        patches: of installed files.
        built: a requirement built from its source without regard to what it declares to need.
        why: it is built so; for the report.
        harness: install ours beside it, for a method that calls the peer.
    """

    requirements: tuple[str, ...]
    patches: tuple[Patch, ...] = ()
    built: str | None = None
    why: str = ""
    harness: bool = False


TORCHVISION = Patch(
    path="torchvision/__init__.py",
    old="# .extension) before entering _meta_registrations.\n",
    new=(
        "import torch\n"
        "_declared = torch.library.Library('torchvision', 'FRAGMENT')\n"
        "for _schema in (\n"
        "    'nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor',\n"
        "    'qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor',\n"
        "):\n"
        "    if not hasattr(torch.ops.torchvision, _schema.split('(')[0]):\n"
        "        _declared.define(_schema)\n"
        "# .extension) before entering _meta_registrations.\n"
    ),
    why="torchvision declares its operators nms and qnms itself if its binary cannot be loaded, "
    "as beside a CPU build of torch",
)
EASYFSL_SAMPLER = Patch(
    path="easyfsl/samplers/task_sampler.py",
    old="super().__init__(data_source=None)",
    new="super().__init__()",
    why="TaskSampler calls torch's Sampler without the argument that it no longer takes",
)
LEARN2LEARN = Peer(
    requirements=(
        *("torch", "torchvision", "numpy", "scipy", "requests", "tqdm", "gym==0.26.2"),
        *("cython", "setuptools<80", "wheel"),
    ),
    patches=(TORCHVISION,),
    built="learn2learn==0.2.0",
    harness=True,
    why="its C sources must be made anew by Cython on Python 3.11, and qpth, which it declares to "
    "need and MAML does not use, cannot be installed",
)
PEERS = {
    "easyfsl": Peer(("easyfsl==1.5.0", "torch"), (TORCHVISION, EASYFSL_SAMPLER)),
    "learn2learn": LEARN2LEARN,
}
# The only way to have setup.py of learn2learn 0.2.0 run Cython.
_BUILD = ("--no-deps", "--no-build-isolation", "--use-pep517")
_CYTHONIZE = "--config-settings=--global-option=build_ext"


def install(name: str, folder: Path) -> Path:
    """Return the Python of a peer's environment, made in `folder` if it is not there yet.

    Raises:
        RuntimeError: a patch does not fit what was installed.
        subprocess.CalledProcessError: pip could not install the peer; it has said why.
    """
    home, peer = folder / name, PEERS[name]
    python = home / "bin" / "python"
    if (home / "complete").exists():
        return python
    print(f"Installing {name} into {home}; this takes minutes.", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    constraints = str(ROOT / "constraints.txt")
    subprocess.run([*pip, "-c", constraints, *peer.requirements], check=True)
    if peer.built:
        subprocess.run([*pip, *_BUILD, _CYTHONIZE, peer.built], check=True)
    if peer.harness:
        subprocess.run([*pip, "-c", constraints, "-e", str(ROOT)], check=True)
    for patch in peer.patches:
        apply(patch, next(home.glob("lib/python*/site-packages")))
    (home / "complete").touch()
    return python


def apply(patch: Patch, site_packages: Path) -> None:
    """Patch one file.

    Raises:
        RuntimeError: the text to replace is not there exactly once.
    """
    path = site_packages / patch.path
    text = path.read_text()
    if text.count(patch.old) != 1:
        raise RuntimeError(f"{patch.path} is not the file that its patch was made for")
    path.write_text(text.replace(patch.old, patch.new))
