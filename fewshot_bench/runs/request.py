"""What a user asks for, before it is known what that takes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from fewshot_bench.settings import setting_texts
from fewshot_bench.tracking.record import leaves

Split = Literal["test", "val"]
DEFAULT_BACKBONE = "conv4-64"
EPISODES, SMOKE_EPISODES = 2000, 200

T = TypeVar("T")


def _several(value: Any) -> Any:
    """One value stands for a list of it alone, and none for an empty list."""
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _each_once(values: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


def _texts(value: Any) -> Any:
    """A table of settings, as a study file has it, is its ``KEY=VALUE`` texts."""
    if not isinstance(value, Mapping):
        return _several(value)
    told = {name: inner for name, inner in leaves(value) if not isinstance(inner, Mapping)}
    return setting_texts({k: str(v).lower() if isinstance(v, bool) else v for k, v in told.items()})


Several = Annotated[tuple[T, ...], BeforeValidator(_several), AfterValidator(_each_once)]
SettingTexts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Seed = Annotated[int, Field(ge=0)]
Shot = Annotated[int, Field(ge=1)]
Way = Annotated[int, Field(ge=2)]


class Scoped(BaseModel):
    """What is asked of one method alone.

    Attributes:
        preset: in place of that of the request.
        settings: ``KEY=VALUE`` texts, after those for every method.
        seeds, n_episodes: in place of those of the request.
        variants: settings that are measured beside these, each added to them, as in an ablation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str | None = None
    settings: SettingTexts = ()
    seeds: Several[Seed] = ()
    n_episodes: int | None = Field(None, ge=2)
    variants: tuple[SettingTexts, ...] = ()

    def then(self, own: "Scoped") -> "Scoped":
        """What is asked where `own` is asked after this: single values replace, others add."""
        return Scoped(
            preset=own.preset or self.preset,
            settings=self.settings + own.settings,
            seeds=own.seeds or self.seeds,
            n_episodes=own.n_episodes or self.n_episodes,
            variants=self.variants + own.variants,
        )

    @property
    def each(self) -> "tuple[Scoped, ...]":
        """What is asked without variants, then with one after the other."""
        rows = [self.settings, *((*self.settings, *variant) for variant in self.variants)]
        update = [{"settings": row, "variants": ()} for row in dict.fromkeys(rows)]
        return tuple(self.model_copy(update=each) for each in update)


class Request(BaseModel):
    """Methods by data sets, backbones, seeds, balances of queries and numbers of shots.

    Whatever there may be several of takes one value, too, under the name in the singular.

    Attributes:
        methods: names in any spelling, or groups of them, see `expanded`.
        shots: labelled images a class.
        datasets, backbones: names in any spelling; without a backbone, each preset's own, else
            `DEFAULT_BACKBONE` or that of a data set of embeddings.
        train_dataset: what to train and select on, if not on what is measured on.
        weights: file of weights for the backbone, which is then not pretrained.
        ways: classes of an episode.
        n_query, query_balances, n_query_way, n_episodes, episode_seed, split: the protocol, as in
            `RunConfig`; without `n_episodes` the preset decides.
        seeds: of weights and training.
        backbone_seed: of the pretraining, for all seeds; None: theirs.
        preset: schedule of every method.
        tune: choose settings from each method's grid on val first.
        settings: ``KEY=VALUE`` texts, for every method; ``METHOD.KEY=VALUE`` for one.
        by_method: what is asked of single methods, by their names or by groups of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    methods: Several[str] = Field(min_length=1)
    shots: Several[Shot] = Field((1,), min_length=1)
    datasets: Several[str] = Field(
        ("glyphs",), min_length=1, validation_alias=AliasChoices("datasets", "dataset")
    )
    train_dataset: str | None = None
    backbones: Several[str] = Field((), validation_alias=AliasChoices("backbones", "backbone"))
    weights: Path | None = None
    ways: Several[Way] = Field((5,), min_length=1, validation_alias=AliasChoices("ways", "n_way"))
    n_query: int = Field(15, ge=1)
    query_balances: Several[str] = Field(
        ("balanced",),
        min_length=1,
        validation_alias=AliasChoices("query_balances", "query_balance"),
    )
    n_query_way: int | None = Field(None, ge=1)
    n_episodes: int | None = Field(None, ge=2)
    episode_seed: int = Field(0, ge=0)
    seeds: Several[Seed] = Field((0,), min_length=1, validation_alias=AliasChoices("seeds", "seed"))
    backbone_seed: Seed | None = None
    preset: str = "default"
    split: Split = "test"
    tune: bool = False
    settings: SettingTexts = ()
    by_method: Mapping[str, Scoped] = Field(
        {}, validation_alias=AliasChoices("by_method", "method")
    )

    def protocol(self, n_way: int) -> dict[str, int | str | None]:
        """What all runs of so many classes share, by the names of `RunConfig`."""
        return {
            "n_way": n_way,
            "n_query": self.n_query,
            "n_query_way": None if self.n_query_way == n_way else self.n_query_way,
            "n_episodes": self.n_episodes
            or (SMOKE_EPISODES if self.preset == "smoke" else EPISODES),
            "episode_seed": self.episode_seed,
        }
