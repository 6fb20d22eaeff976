"""Files and folders of a tree, found by names that people write in lists."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from fewshot_bench.errors import UsageError


def spelled(name: str) -> str:
    """Compose accents, which macOS keeps apart from their letters in names of files."""
    return unicodedata.normalize("NFC", name)


class Places:
    """Paths, found by their whole name or by any end of it that no other path shares.

    Args:
        where: the tree, for messages.
        paths: ``/``-separated names relative to the root.
    """

    def __init__(self, where: str, paths: Iterable[str]) -> None:
        self._where = where
        self._by_leaf: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for path in paths:
            parts = PurePosixPath(spelled(path)).parts
            self._by_leaf[parts[-1] if parts else ""].append((parts, path))

    def find(self, name: str) -> str | None:
        """Return the path that `name` means; None if there is none.

        Raises:
            UsageError: several end like this, and none is it.
        """
        wanted = PurePosixPath(spelled(name)).parts
        same = self._by_leaf.get(wanted[-1], []) if wanted else []
        fits = [(parts, path) for parts, path in same if parts[-len(wanted) :] == wanted]
        whole = [(parts, path) for parts, path in fits if parts == wanted]
        if len(found := whole or fits) > 1:
            raise UsageError(
                f"{self._where} has both {found[0][1]!r} and {found[1][1]!r}, so {name!r} is "
                "ambiguous; name it by its path, or give a folder with only one of them"
            )
        return found[0][1] if found else None
