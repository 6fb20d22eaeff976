"""What a user asks for, before it is known what that takes."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Split = Literal["test", "val"]
DEFAULT_BACKBONE = "conv4-64"
EPISODES, SMOKE_EPISODES = 2000, 200


class Request(BaseModel):
    """Methods by numbers of shots, under one protocol on one data set.

    Attributes:
        methods: names in any spelling; ``all`` alone stands for every one.
        shots: labelled images a class.
        dataset, backbone: names in any spelling; without a backbone, `DEFAULT_BACKBONE` or that
            of a data set of embeddings.
        train_dataset: what to train and select on, if not on `dataset`.
        weights: file of weights for the backbone, which is then not pretrained.
        n_way, n_query, query_balance, n_query_way, n_episodes, episode_seed, split: the protocol,
            as in `RunConfig`; without `n_episodes` the preset decides.
        seed: of weights and training.
        preset: schedule of every method.
        tune: choose settings from each method's grid on val first.
        settings: ``KEY=VALUE`` texts, for every method.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    methods: tuple[str, ...] = Field(min_length=1)
    shots: tuple[int, ...] = Field((1,), min_length=1)
    dataset: str = "glyphs"
    train_dataset: str | None = None
    backbone: str | None = None
    weights: Path | None = None
    n_way: int = Field(5, ge=2)
    n_query: int = Field(15, ge=1)
    query_balance: str = "balanced"
    n_query_way: int | None = Field(None, ge=1)
    n_episodes: int | None = Field(None, ge=2)
    episode_seed: int = Field(0, ge=0)
    seed: int = Field(0, ge=0)
    preset: str = "default"
    split: Split = "test"
    tune: bool = False
    settings: tuple[str, ...] = ()

    @property
    def protocol(self) -> dict[str, int | str | None]:
        """What all runs share, by the names of `RunConfig`."""
        return {
            "n_way": self.n_way,
            "n_query": self.n_query,
            "query_balance": self.query_balance,
            "n_query_way": None if self.n_query_way == self.n_way else self.n_query_way,
            "n_episodes": self.n_episodes
            or (SMOKE_EPISODES if self.preset == "smoke" else EPISODES),
            "episode_seed": self.episode_seed,
            "seed": self.seed,
        }
