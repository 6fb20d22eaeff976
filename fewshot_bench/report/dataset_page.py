"""A data set's page: what it holds, where it comes from, and how to get it."""

from fewshot_bench.data.drawn import DRAWN
from fewshot_bench.data.entry import datasets
from fewshot_bench.report.markdown import grid, in_cell
from fewshot_bench.report.setting_texts import value_text


def dataset_page(name: str) -> str:
    """Write a data set's page as Markdown.

    Args:
        name: of a registered data set, in any spelling.

    Raises:
        UsageError: there is none of this name.
    """
    entry = datasets[name]
    pairs = zip(entry.classes, ("train", "val", "test"), strict=True)
    counts = ", ".join(f"{n:,} {split}" for n, split in pairs)
    commands = " or ".join(f"`{command}`" for command in entry.commands)
    facts = {
        "Images": shape_text(entry.image_shape),
        "Classes": counts if any(entry.classes) else "yours",
        "Images a class": entry.images_per_class,
        "Source": entry.source,
        "Licence": entry.licence,
        "To get it": "nothing to do, it is drawn on first use" if entry.generate else commands,
    }
    if entry.name in DRAWN:
        facts["Version"] = str(DRAWN[entry.name])
    lines = "\n".join(f"- {fact}: {in_cell(text)}" for fact, text in facts.items())
    parts = [f"# {entry.name}", f"{entry.summary[0].upper()}{entry.summary[1:]}.", lines]
    if entry.overrides:
        changed = [[f"`{key}`", f"`{value_text(v)}`"] for key, v in entry.overrides.items()]
        parts += ["Settings of every method that suit these images:"]
        parts += [grid(["Key", "Default"], changed)]
    return "\n\n".join(parts) + "\n"


def shape_text(image_shape: tuple[int, int, int] | None) -> str:
    """Write a shape ``(C, H, W)`` of images for readers."""
    if image_shape is None:
        return "none, but embeddings"
    channels, height, width = image_shape
    return f"{height}x{width}, {'grey' if channels == 1 else 'colour'}"
