"""A backbone's page: what it is, and its size on the images of the registered data sets."""

import inspect

from fewshot_bench.backbones.base import backbones
from fewshot_bench.data.entry import datasets
from fewshot_bench.errors import UsageError
from fewshot_bench.report.dataset_page import shape_text
from fewshot_bench.report.markdown import escape, grid

Shape = tuple[int, int, int]


def backbone_page(name: str) -> str:
    """Write a backbone's page as Markdown; it is built to be measured.

    Args:
        name: of a registered backbone, in any spelling.

    Raises:
        UsageError: there is none of this name.
    """
    registered, maker = backbones.resolve(name), backbones[name]
    aliases = ", ".join(f"`{alias}`" for alias in backbones.aliases(name))
    facts = [f"- Also called: {aliases}"] if aliases else []
    facts.append(f"- Code: `{maker.__module__}`")
    shapes = sorted({s for data in datasets if (s := datasets[data].image_shape)})
    head = ["Images", "Feature map", "Length of the embedding", "Parameters"]
    table = grid(head, [_measured(name, shape) for shape in shapes], range(2, 4))
    parts = [f"# {registered}", "\n".join(facts), inspect.getdoc(maker) or "", table]
    return "\n\n".join(parts) + "\n"


def _measured(name: str, shape: Shape) -> list[str]:
    images = shape_text(shape)
    try:
        backbone = backbones[name](shape)
    except UsageError as error:  # as too small an image
        return [images, escape(str(error)), "-", "-"]
    maps = "x".join(map(str, backbone.map_shape)) if backbone.map_shape else "none"
    count = sum(parameter.numel() for parameter in backbone.parameters())
    return [images, maps, str(backbone.out_dim), f"{count:,}"]
