"""The example of CONTRIBUTING.md, installed as a third party's package, answers an episode."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[1] / "CONTRIBUTING.md"
ANSWER_AN_EPISODE = """
import torch
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.backbones.base import backbones
from fewshot_bench.method import methods

method_type = methods["nearest-centroid"]
backbone = backbones["conv4-64"]((1, 28, 28))
method = method_type(backbone, method_type.recipe_type(), n_way=5).eval()
patterns = torch.randn(2, 5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
labels = torch.arange(5).expand(2, 5)
scores = method(Episode(patterns, labels, patterns.flip(1), n_way=5))
assert scores.shape == (2, 5, 5)
assert torch.equal(scores.argmax(-1), labels.flip(1))
"""


def example(name: str) -> str:
    """Return the fenced block that follows the marker of `name`."""
    blocks = re.findall(
        rf"<!-- example: {re.escape(name)} -->\n```\w+\n(.*?)```", GUIDE.read_text("utf-8"), re.S
    )
    assert len(blocks) == 1
    return str(blocks[0])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed packages that holds the example and its entry point."""
    project = tomllib.loads(example("pyproject.toml"))["project"]
    ((group, points),) = project["entry-points"].items()
    (tmp_path / "fsbench_centroid.py").write_text(example("fsbench_centroid.py"), "utf-8")
    info = tmp_path / f"fsbench_centroid-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return tmp_path


def test_example_is_found_and_answers_an_episode(site: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ANSWER_AN_EPISODE],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
