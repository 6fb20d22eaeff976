"""A task of a user's own: what is known, what is asked, and which method is to answer."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Task(BaseModel):
    """What is to be answered, by which method.

    Attributes:
        method: registry name.
        support: folder of ``CLASS/image``, or an ``.npz`` file of embeddings ``X`` and labels
            ``y`` (and ``X_base``, ``y_base``, for a method that uses those of base classes).
        query: folder of images at any depth, or an ``.npz`` file of embeddings ``X``.
        train_dataset: with folders, what the method is trained on, or has been; not needed for a
            head on a network that comes with weights.
        backbone: with folders; ``conv4-64`` unless given.
        weights: with folders, a file of weights for the backbone.
        n_way, n_shot, n_query: of the episodes of meta-training; `n_shot` None: as many as the
            support has a class.
        seed: of weights and training.
        preset, settings: see `build_recipe`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    support: Path
    query: Path
    train_dataset: str | None = None
    backbone: str | None = None
    weights: Path | None = None
    n_way: int = Field(5, ge=2)
    n_shot: int | None = Field(None, ge=1)
    n_query: int = Field(15, ge=1)
    seed: int = Field(0, ge=0)
    preset: str = "default"
    settings: tuple[str, ...] = ()
