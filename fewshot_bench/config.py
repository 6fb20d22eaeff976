"""What a run is: validated, complete, and hashed."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.utilities.files import stable_hash
from fewshot_bench.utilities.query_balance import dirichlet_alpha

_YOUNGER = ("n_query_way", "train_dataset", "train_checksum", "backbone_weights", "backbone_seed")
_LABELS = ("preset", "settings", "published", "fitted", "shared_classes", "weights_name")


class RunConfig(BaseModel):
    """One cell of a table: a method, a backbone and a data set at one number of shots.

    Attributes:
        method, backbone, dataset: registry names.
        n_way, n_shot, n_query, query_balance, n_episodes, episode_seed: the test protocol;
            `query_balance` is ``balanced`` or ``dirichlet:ALPHA``; `n_query_way` says how many of
            the classes have queries, None: all.
        split: whose classes it is measured on: ``test``, or ``val`` while settings are chosen.
        seed: of initial weights and training; the test episodes do not depend on it.
        backbone_seed: of the pretraining, if that is another; so several seeds of a meta-training
            share a backbone.
        preset, settings: the schedule and the ``KEY=VALUE`` texts asked for, as labels for
            readers; `recipe` says what they amount to.
        published: as a label, the data set whose values of the paper the preset has, where they
            are borrowed from another than what is trained on.
        recipe: the method's complete recipe, resolved.
        data_checksum: of the data set.
        train_dataset, train_checksum: what it is pretrained, meta-trained and selected on, if not
            on `dataset`, of which `split` alone is then used.
        fitted: as a label, how images change to fit the network of `train_dataset`, as
            ``28x28x1 -> 32x32x3``; None: not in shape.
        shared_classes: as a label, how many of the measured classes have the name of one that
            `train_dataset` trains or selects on.
        backbone_weights: digest of the weights that the user gave for the backbone, see
            `keep_weights`; None: it is pretrained, or comes so.
        weights_name: as a label, what their file was called.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    backbone: str
    dataset: str
    n_way: int = Field(5, ge=2)
    n_shot: int = Field(1, ge=1)
    n_query: int = Field(15, ge=1)
    query_balance: str = "balanced"
    n_query_way: int | None = Field(None, ge=1)
    n_episodes: int = Field(2000, ge=1)
    episode_seed: int = Field(0, ge=0)
    split: Literal["test", "val"] = "test"
    seed: int = Field(0, ge=0)
    backbone_seed: int | None = Field(None, ge=0)
    preset: str = "default"
    settings: tuple[str, ...] = ()
    published: str | None = None
    recipe: dict[str, Any]
    data_checksum: str
    train_dataset: str | None = None
    train_checksum: str | None = None
    fitted: str | None = None
    shared_classes: int | None = Field(None, ge=0)
    backbone_weights: str | None = None
    weights_name: str | None = None

    @field_validator("query_balance")
    @classmethod
    def _known_balance(cls, value: str) -> str:
        dirichlet_alpha(value)
        return value

    @model_validator(mode="after")
    def _whole_origin(self) -> Self:
        if (self.train_dataset is None) != (self.train_checksum is None):
            raise ValueError("train_dataset and train_checksum come together")
        return self

    @property
    def pretraining_seed(self) -> int:
        """Seed of the pretraining."""
        return self.seed if self.backbone_seed is None else self.backbone_seed

    @property
    def spec(self) -> EpisodeSpec:
        """The shape of a test episode."""
        alpha = dirichlet_alpha(self.query_balance)
        return EpisodeSpec(self.n_way, self.n_shot, self.n_query, alpha, self.n_query_way)

    @property
    def key(self) -> str:
        """Hash of all that determines the result; the labels do not.

        A field that is younger than stored results counts where it is set.
        """
        unset = {name for name in _YOUNGER if getattr(self, name) is None}
        return stable_hash(self.model_dump(mode="json", exclude={*_LABELS, *unset}))

    @property
    def title(self) -> str:
        """How messages name the cell."""
        place = "" if self.split == "test" else f" on {self.split}"
        origin = f", trained on {self.train_dataset}" if self.train_dataset else ""
        return f"{self.method} {self.network} {self.dataset} {self.n_shot}-shot{place}{origin}"

    @property
    def network(self) -> str:
        """The backbone, with the weights that were given for it."""
        return f"{self.backbone} ({self.given})" if self.given else self.backbone

    @property
    def given(self) -> str:
        """Which weights were given for the backbone, as ``weights mine-abc123``; '' if none."""
        return named_weights(self.weights_name, self.backbone_weights)

    @property
    def borrowing(self) -> str:
        """What must be said of a preset whose values are for other data; else nothing."""
        if self.published is None:
            return ""
        trained_on = self.train_dataset or self.dataset
        return (
            f"the paper of {self.method} says nothing of {trained_on}: preset {self.preset} has "
            f"its values for {self.published}"
        )

    @property
    def caution(self) -> str:
        """What must be said of classes that are not new to what is measured; else nothing."""
        n = self.shared_classes
        if not n:
            return ""
        theirs = "1 class {} has the name" if n == 1 else f"{n} classes {{}} have the names"
        place = f"of the {self.split} split of {self.dataset}"
        return (
            f"{theirs.format(place)} of classes that {self.train_dataset} trains or selects on: "
            "not new to what is measured"
        )


def named_weights(name: str | None, digest: str | None) -> str:
    """Call weights by their file and by what is in it, as ``weights mine-abc123``; '' if none."""
    return f"weights {name or 'given'}-{digest[:6]}" if digest else ""
