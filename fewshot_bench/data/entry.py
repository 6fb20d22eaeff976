"""What the harness knows of a data set before it has it; and the registry of those there are."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from fewshot_bench.data.content import Content, EmbeddingContent
from fewshot_bench.data.download import Download
from fewshot_bench.registry import Registry

Reader = Callable[
    ..., AbstractContextManager[Content | EmbeddingContent]
]  # of a path, and of options
NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class DatasetEntry:
    """What is known of a data set.

    Attributes:
        name: registry name.
        summary: one line.
        image_shape: ``(C, H, W)``; None for embeddings.
        classes: number of classes of train, val and test; zeros if they are the user's.
        images_per_class: as a user reads it.
        source: who made it, and the paper of the split.
        licence: as its authors state it.
        read: opens what a user has downloaded; None if there is nothing to import.
        options: keyword arguments that `read` takes.
        generate: makes the content; None unless the harness can draw it itself.
        downloads: files `fsbench data download` gets, in the folder given to `read` (a single
            file is given itself).
        overrides: recipe settings by dotted name that suit these images.
        kind: what the images show; a paper's settings for one data set are taken over by
            another of its kind only. None: anything.
    """

    name: str
    summary: str
    image_shape: tuple[int, int, int] | None
    classes: tuple[int, int, int]
    images_per_class: str
    source: str
    licence: str
    read: Reader | None = None
    options: frozenset[str] = frozenset()
    generate: Callable[[], Content] | None = None
    downloads: tuple[Download, ...] = ()
    overrides: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    kind: Literal["photographs", "characters"] | None = None

    @property
    def commands(self) -> list[str]:
        """Those that bring it, any of them; PATH is what the user has downloaded."""
        downloads = [f"fsbench data download {self.name}"] if self.downloads else []
        return [*downloads, f"fsbench data import {self.name} PATH"]

    @property
    def how_to_get(self) -> str:
        """One line for a user who has not got it."""
        ways = " or ".join(f"'{command}'" for command in self.commands)
        return f"{self.name} is not on this machine; get it with {ways}"


datasets: Registry[DatasetEntry] = Registry("dataset")
