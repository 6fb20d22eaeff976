"""Weights on disk, keyed by all that made them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, Field, ValidationError
from safetensors import SafetensorError, safe_open
from torch import Tensor

from fewshot_bench.data.drawn import DRAWN
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import home, require_regular, stable_hash
from fewshot_bench.utilities.locks import waiting_lock
from fewshot_bench.utilities.progress import say
from fewshot_bench.utilities.shared_store import bring, share
from fewshot_bench.utilities.tensors import Tensors, load_tensors, save_tensors


@dataclass(frozen=True)
class StoredWeights:
    """A place in the store for the weights that `facts` determine.

    Attributes:
        facts: all that makes the weights but the code, JSON-like; their hash is the key.
        source: digest of the code that is to make them, see `source_digest`.
        renew: make them anew if other code, or former images, made what is stored.
    """

    facts: dict[str, Any]
    source: str = ""
    renew: bool = False

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

    def missing(self) -> bool:
        """True if the weights are to be made; hold the lock.

        Raises:
            UsageError: they were made before, of images that changed since.
        """
        bring(self.path)
        if self.path.exists():
            share(self.path, replace=False)  # made before other machines were asked
            stale = self.stale(_facts_of(self.path))
            if stale and not self.renew:
                say(f"{self.folder.name} was made by other code; --force makes it anew")
            return stale and self.renew
        if not (self.renew or self.checkpoint.exists() or self._of_drawn_images()):
            self._refuse_changed_images()
        return True

    def stale(self, made: Mapping[str, Any]) -> bool:
        """True if what is known of the making of weights names other code."""
        return bool(self.source) and made.get("source", self.source) != self.source

    def _of_drawn_images(self) -> bool:
        """Whether the harness draws the images: others are of another version, and intended."""
        return self.facts.get("dataset") in DRAWN

    def _refuse_changed_images(self) -> None:
        mine = {**self.facts, "data_checksum": None}
        for path in (home() / "weights").glob(f"{self.facts['kind']}-*/model.safetensors"):
            made = _facts_of(path).get("made_by")
            if isinstance(made, dict) and {**made, "data_checksum": None} == mine:
                raise UsageError(
                    f"the images of {self.facts['dataset']} changed since {path.parent.name} was "
                    "trained on them; import the former ones again, or train anew with --force"
                )

    def load(self) -> tuple[Tensors, dict[str, Any]]:
        """Read the finished weights and what is known of their making, see `Training.outcome`.

        Raises:
            UsageError: they are damaged, or were made by something else than `facts`.
        """
        tensors, made = load_tensors(self.path)
        if not (self._made(made) and _is_outcome(made)):
            raise UsageError(
                f"{self.path} holds other weights than its place is for; delete it and run again"
            )
        return tensors, made

    def finish(self, tensors: Mapping[str, Tensor], outcome: Mapping[str, Any]) -> None:
        """File the finished weights; the checkpoint is no longer needed."""
        save_tensors(self.path, tensors, self._facts(outcome))
        share(self.path)
        self.checkpoint.unlink(missing_ok=True)

    def save_checkpoint(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Replace the checkpoint of unfinished training."""
        save_tensors(self.checkpoint, tensors, self._facts({"state": state}))

    def share_checkpoint(self) -> None:
        """Let another machine go on from the checkpoint."""
        share(self.checkpoint)

    def load_checkpoint(self) -> tuple[Tensors, dict[str, Any]] | None:
        """Return the tensors and the state of unfinished training; None if it is to begin.

        Raises:
            UsageError: the file is damaged, or is another configuration's.
        """
        bring(self.checkpoint, replace=False)
        if not self.checkpoint.exists():
            return None
        tensors, made = load_tensors(self.checkpoint)
        if not (self._made(made) and isinstance(made.get("state"), dict)):
            raise UsageError(
                f"{self.checkpoint} belongs to another configuration; delete it and run again"
            )
        if self.stale(made):
            say(f"{self.folder.name}: the code changed since its checkpoint; starting anew")
            return None
        return tensors, made["state"]

    def _made(self, made: Mapping[str, Any]) -> bool:
        """Whether what is known of the making of weights is what makes these."""
        try:
            return stable_hash(made.get("made_by")) == self.key
        except RecursionError:
            return False

    def _facts(self, outcome: Mapping[str, Any]) -> dict[str, Any]:
        return {"made_by": self.facts, "source": self.source, **outcome}


class _Outcome(BaseModel):
    """What is read of the making of finished weights, see `Training.outcome`."""

    seconds: float = Field(ge=0, allow_inf_nan=False)
    curves: list[tuple[str, int, float]]


def _is_outcome(made: Mapping[str, Any]) -> bool:
    try:
        _Outcome.model_validate(made)
    except ValidationError:
        return False
    return True


def identity(key: str, made: Mapping[str, Any]) -> str:
    """Name what is stored under `key` so that weights made anew by other code differ."""
    return f"{key}-{made['source']}" if made.get("source") else key


def _facts_of(path: Path) -> dict[str, Any]:
    """Read what is known of weights, without the weights; nothing if the file is damaged."""
    try:
        require_regular(path)
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["facts"])
    except (SafetensorError, LookupError, ValueError, OSError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def load_into(module: torch.nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load a state dictionary strictly.

    Raises:
        UsageError: names, shapes or kinds of numbers differ from the module's.
    """
    try:
        for name, own in module.state_dict().items():
            kinds = [(t.is_floating_point(), t.is_complex()) for t in (own, tensors.get(name, own))]
            if len(set(kinds)) > 1:
                raise RuntimeError(f"{name} holds other kinds of numbers")
        module.load_state_dict(dict(tensors))
    except RuntimeError:
        raise UsageError(f"the weights in {path} do not fit; delete it and run again") from None
