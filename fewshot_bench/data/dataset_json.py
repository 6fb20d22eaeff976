"""``dataset.json``: what makes a data set of arrays, read as what it should be and nothing else."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fewshot_bench.data.dataset import EMBEDDED_BY, SPLITS
from fewshot_bench.utilities.files import read_text
from fewshot_bench.utilities.validation import first_of

FORMAT = 1
EMBEDDINGS = "embeddings"  # the kind; images say none
_Size = Annotated[int, Field(ge=1, le=2**40)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SplitFacts(BaseModel):
    """A split: the SHA-256 of its rows, and name and number of rows of each class."""

    model_config = ConfigDict(strict=True, frozen=True)

    sha256: _Sha256
    classes: tuple[tuple[Annotated[str, Field(min_length=1)], _Size], ...] = Field(min_length=1)


class DatasetFacts(BaseModel):
    """The content of ``dataset.json``.

    Attributes:
        format: version of all files of a data set.
        kind: of the rows.
        image_shape, mean, std: of images: ``(H, W, C)``, and per channel, of train.
        dim, backbone: of embeddings: their length, and the network, if it is known.
        splits: by name.
        checksum: of all splits together.
        provenance: where the rows come from.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    format: Literal[1]
    kind: Literal["embeddings"] | None = None
    image_shape: tuple[_Size, _Size, _Size] | None = None
    mean: tuple[Annotated[float, Field(ge=0, le=1)], ...] = ()
    std: tuple[Annotated[float, Field(gt=0, le=1)], ...] = ()
    dim: _Size | None = None
    backbone: str | None = None
    splits: dict[Literal["train", "val", "test"], SplitFacts]
    checksum: _Sha256
    provenance: dict[str, Any]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needed = ("test",) if self.kind else SPLITS
        if lacking := [split for split in needed if split not in self.splits]:
            raise ValueError(f"the {lacking[0]} split is missing")
        if self.kind:
            if self.dim is None:
                raise ValueError("dim is missing")
        elif self.image_shape is None:
            raise ValueError("image_shape is missing")
        elif not len(self.mean) == len(self.std) == self.image_shape[2]:
            raise ValueError("mean and std have one number for each channel")
        return self

    @property
    def row(self) -> tuple[str, tuple[int, ...]]:
        """Type and shape of a row, as numpy has them."""
        return ("<f4", (self.dim,)) if self.dim and self.kind else ("|u1", self.image_shape or ())

    @property
    def embedded_by(self) -> str | None:
        """The backbone of a data set of embeddings, see `Dataset`."""
        if not self.kind:
            return None
        return f"{EMBEDDED_BY}:{self.backbone}" if self.backbone else EMBEDDED_BY


def read_facts(folder: Path) -> DatasetFacts:
    """Read the facts of the data set in a folder.

    Raises:
        OSError: there are none.
        ValueError: what does not fit, in one line.
    """
    text = read_text(folder / "dataset.json")
    try:
        return DatasetFacts.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"dataset.json: {first_of(error)}") from None
