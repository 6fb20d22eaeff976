"""Weights on disk: safetensors written atomically, keyed by all that made them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fewshot_bench.errors import UsageError
from fewshot_bench.locking import waiting_lock
from fewshot_bench.storage import atomic_file, cannot_write, home, stable_hash

Tensors = dict[str, Tensor]


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and JSON-like facts as one safetensors file, atomically.

    Raises:
        UsageError: the disk is full, or may not be written.
    """
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    with atomic_file(path) as partial:
        try:
            save_file(plain, partial, metadata={"facts": json.dumps(facts)})
        except SafetensorError as error:  # an error of the disk, in a wrapper
            raise cannot_write(path, error) from error


def load_tensors(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Read what `save_tensors` wrote.

    Raises:
        UsageError: the file is damaged or is no safetensors file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["facts"])
            if not isinstance(facts, dict):
                raise ValueError("its facts are no mapping")
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118
    except (SafetensorError, LookupError, ValueError, OSError, RecursionError) as error:
        raise UsageError(f"{path} is damaged ({error}); delete it and run again") from None


def with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Put ``prefix.`` before every name."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Select the names that begin with ``prefix.`` and strip it."""
    start = f"{prefix}."
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}


@dataclass(frozen=True)
class StoredWeights:
    """A place in the store for the weights that `facts` determine.

    Attributes:
        facts: all that made the weights, JSON-like; their hash is the key.
    """

    facts: dict[str, Any]

    @property
    def key(self) -> str:
        """Hash of the facts."""
        return stable_hash(self.facts)

    @property
    def folder(self) -> Path:
        """Where the weights, their description and the checkpoint of unfinished work lie."""
        return home() / "weights" / f"{self.facts['kind']}-{self.key}"

    @property
    def path(self) -> Path:
        """The finished weights."""
        return self.folder / "model.safetensors"

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint of unfinished training."""
        return self.folder / "last.safetensors"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the right to make these weights; others wait and say so."""
        self.folder.mkdir(parents=True, exist_ok=True)
        news = f"waiting for another process that makes {self.folder.name}"
        with waiting_lock(self.folder / "lock", news):
            yield

    def load(self) -> tuple[Tensors, dict[str, Any]]:
        """Read the finished weights and what is known of their making, see `Training.outcome`.

        Raises:
            UsageError: they are damaged, or were made by something else than `facts`.
        """
        tensors, made = load_tensors(self.path)
        if not {"seconds", "curves"} <= made.keys() or stable_hash(made.get("made_by")) != self.key:
            raise UsageError(
                f"{self.path} holds other weights than its place is for; delete it and run again"
            )
        return tensors, made

    def finish(self, tensors: Mapping[str, Tensor], outcome: Mapping[str, Any]) -> None:
        """File the finished weights; the checkpoint is no longer needed."""
        save_tensors(self.path, tensors, {"made_by": self.facts, **outcome})
        self.checkpoint.unlink(missing_ok=True)


def load_into(module: torch.nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load a state dictionary strictly.

    Raises:
        UsageError: names or shapes differ from the module's.
    """
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError:
        raise UsageError(f"the weights in {path} do not fit; delete it and run again") from None
