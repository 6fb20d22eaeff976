"""Writing a data set of embeddings: as images are written, but as float32."""

from collections.abc import Callable

from fewshot_bench.data.content import EmbeddingContent
from fewshot_bench.data.dataset import SPLITS
from fewshot_bench.data.dataset_json import EMBEDDINGS
from fewshot_bench.data.write import (
    Rows,
    check_classes,
    check_space,
    dataset_folder,
    write_facts,
    write_split,
)
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import atomic_folder


def write_embeddings(
    name: str, content: EmbeddingContent, advance: Callable[[], object] = lambda: None
) -> None:
    """Write a data set of embeddings, with no more than one class in memory beside its source.

    Args:
        name: under which it can be opened.
        content: the classes; each is read once, in order.
        advance: called after every class, for a progress bar.

    Raises:
        UsageError: no test classes, a class that no episode could use or that is in two places,
            or the disk is too small.
    """
    target = dataset_folder(name)
    check_classes(target.name, content.splits, ("test",))
    _check_counts(content)
    with atomic_folder(target) as partial:
        check_space(partial, content.splits, 4 * content.dim)
        rows = Rows((content.dim,), "<f4")
        splits = {
            split: write_split(partial, split, content.splits[split], rows, advance)
            for split in SPLITS
            if content.splits.get(split)
        }
        facts = {"kind": EMBEDDINGS, "dim": content.dim, "backbone": content.backbone}
        write_facts(partial, target.name, splits, facts, content.provenance)


def _check_counts(content: EmbeddingContent) -> None:
    """An episode takes at least two classes, and of each a row as support and one as query."""
    for split, classes in content.splits.items():
        if len(classes) == 1:
            raise UsageError(
                f"{split} has only 1 class, {classes[0].name!r}; give at least 2 to each split"
            )
        for vectors in classes:
            if vectors.count < 2:
                raise UsageError(
                    f"class {vectors.name!r} of {split} has only 1 row; an episode needs 2 of a "
                    "class, leave such classes out"
                )
