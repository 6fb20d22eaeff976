"""The examples of the guides, installed as third parties' packages, answer an episode."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.guides import DOCS, example

PATTERNS = """
import torch
from fewshot_bench.backbones.base import backbones
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import methods

method_type, maker = methods[{method!r}], backbones[{backbone!r}]
backbone = maker((3, 32, 32))
method = method_type(backbone, method_type.recipe_type(), n_way=5).eval()
patterns = torch.randn(2, 5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
labels = torch.arange(5).expand(2, 5)
scores = method(Episode(patterns, labels, patterns.flip(1), n_way=5))
assert scores.shape == (2, 5, 5)
assert torch.equal(scores.argmax(-1), labels.flip(1))
maps = backbone.feature_map(patterns[0])
assert maps.shape == (5, *backbone.map_shape)
assert torch.equal(backbone(patterns[0]), backbone.features_of(maps))
assert backbone(patterns[0]).shape == (5, backbone.out_dim)
"""


def install(guide: str, module: str, pyproject: str, site: Path) -> None:
    """Put a module and the entry point that its pyproject.toml declares into a folder."""
    project = tomllib.loads(example(guide, pyproject))["project"]
    ((group, points),) = project["entry-points"].items()
    (site / module).write_text(example(guide, module), "utf-8")
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("guide", "module", "pyproject", "method", "backbone"),
    [
        (
            "your-own-method.md",
            "fsbench_centroid.py",
            "pyproject.toml",
            "nearest-centroid",
            "conv4-64",
        ),
        (
            "your-own-backbone.md",
            "fsbench_strided.py",
            "backbone-pyproject.toml",
            "proto-net",
            "strided-net",
        ),
    ],
)
def test_an_example_is_found_and_answers_an_episode(
    guide: str, module: str, pyproject: str, method: str, backbone: str, tmp_path: Path
) -> None:
    install(guide, module, pyproject, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PATTERNS.format(method=method, backbone=backbone)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("guide", "module"),
    [
        ("your-own-method.md", "fsbench_centroid.py"),
        ("your-own-backbone.md", "fsbench_strided.py"),
    ],
)
def test_an_example_keeps_the_style_it_asks_for(guide: str, module: str, tmp_path: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        pytest.skip("ruff comes with the extra dev")
    (tmp_path / module).write_text(example(guide, module), "utf-8")
    configuration = ["--config", str(DOCS.parent / "pyproject.toml"), str(tmp_path / module)]
    for command in (["check", *configuration], ["format", "--check", *configuration]):
        done = subprocess.run([ruff, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
