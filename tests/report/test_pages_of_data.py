"""Pages of a small data set and a small backbone, to the letter."""

from typing import Any

import pytest
import torch

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.data.download import Download
from fewshot_bench.data.entry import DatasetEntry
from fewshot_bench.registry import Registry
from fewshot_bench.report import backbone_page, dataset_page
from fewshot_bench.report.dataset_page import shape_text

OWN = DatasetEntry(
    name="own",
    summary="tiny images, for a test",
    image_shape=(1, 4, 6),
    classes=(1200, 0, 3),
    images_per_class="5 | 6",
    source="A et al. <2020>",
    licence="free",
    overrides={"pretrain.epochs": 10, "train.lr": 0.5},
)


class Small(Backbone):
    """Two numbers of each image.

    And no more.
    """

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.map_shape = (image_shape[0], 1, 2)
        self.weight = torch.nn.Parameter(torch.zeros(1000 * image_shape[0], 3))


class Flat(Small):
    """Has no maps."""

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        super().__init__(image_shape)
        self.map_shape = None

    @property
    def out_dim(self) -> int:
        return 1234


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    data: Registry[Any] = Registry("dataset")
    bare = {**vars(OWN), "overrides": {}, "classes": (0, 0, 0)}
    entries = [
        OWN,
        DatasetEntry(**{**bare, "name": "colour", "image_shape": (3, 4, 4)}),
        DatasetEntry(**{**bare, "name": "numbers", "image_shape": None, "classes": (0, 0, 1)}),
        DatasetEntry(**{**bare, "name": "again", "image_shape": (3, 4, 4)}),
        DatasetEntry(**{**bare, "name": "drawn", "generate": lambda: None}),
        DatasetEntry(**{**bare, "name": "there", "downloads": (Download.__new__(Download),)}),
    ]
    for entry in entries:
        data.register(entry.name)(entry)
    networks: Registry[Any] = Registry("backbone")
    networks.register("small", "tiny", "s-1")(Small)
    networks.register("flat")(Flat)
    for page in (dataset_page, backbone_page):
        monkeypatch.setattr(page, "datasets", data)
    monkeypatch.setattr(backbone_page, "backbones", networks)
    monkeypatch.setattr(dataset_page, "DRAWN", {"drawn": 7})


def test_a_data_set() -> None:
    assert dataset_page.dataset_page("OWN") == (
        "# own\n\n"
        "Tiny images, for a test.\n\n"
        "- Images: 4x6, grey\n"
        "- Classes: 1,200 train, 0 val, 3 test\n"
        "- Images a class: 5 \\| 6\n"
        "- Source: A et al. &lt;2020>\n"
        "- Licence: free\n"
        "- To get it: `fsbench data import own PATH`\n\n"
        "Settings of every method that suit these images:\n\n"
        "| Key               | Default |\n"
        "| ----------------- | ------- |\n"
        "| `pretrain.epochs` | `10`    |\n"
        "| `train.lr`        | `0.5`   |\n"
    )


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("colour", ["- Images: 4x4, colour", "- Classes: yours"]),
        ("numbers", ["- Images: none, but embeddings", "- Classes: 0 train, 0 val, 1 test"]),
        ("drawn", ["- To get it: nothing to do, it is drawn on first use", "- Version: 7"]),
        (
            "there",
            ["- To get it: `fsbench data download there` or `fsbench data import there PATH`"],
        ),
    ],
)
def test_what_else_a_data_set_can_be(name: str, lines: list[str]) -> None:
    page = dataset_page.dataset_page(name)
    assert [line for line in lines if f"{line}\n" not in page] == []
    assert "Settings" not in page
    assert ("Version" in page) is (name == "drawn")


def test_a_backbone() -> None:
    assert backbone_page.backbone_page("TINY") == (
        "# small\n\n"
        f"- Also called: `s-1`, `tiny`\n- Code: `{__name__}`\n\n"
        "Two numbers of each image.\n\nAnd no more.\n\n"
        "| Images      | Feature map | Length of the embedding | Parameters |\n"
        "| ----------- | ----------- | ----------------------: | ---------: |\n"
        "| 4x6, grey   | 1x1x2       |                       2 |      3,000 |\n"
        "| 4x4, colour | 3x1x2       |                       6 |      9,000 |\n"
    )
    line = "\n| 4x4, colour | none        |                    1234 |      9,000 |\n"
    assert line in backbone_page.backbone_page("flat")
    assert backbone_page.backbone_page("flat").startswith("# flat\n\n- Code: ")


def test_a_shape_is_height_by_width() -> None:
    assert [shape_text((c, 2, 3)) for c in (1, 2, 3)] == ["2x3, grey", "2x3, colour", "2x3, colour"]
    assert shape_text(None) == "none, but embeddings"
