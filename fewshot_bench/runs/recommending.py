"""Which method to take for a user's own data: inexpensive heads, chosen on val, told on test."""

from collections.abc import Sequence
from dataclasses import dataclass

from fewshot_bench.backbones.base import backbones
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.store import open_dataset
from fewshot_bench.errors import UsageError
from fewshot_bench.method import methods
from fewshot_bench.recipe import PretrainRecipe
from fewshot_bench.results import RunRecord
from fewshot_bench.runs.advice import Rated, finalists, rated
from fewshot_bench.runs.configuration import make_config
from fewshot_bench.runs.driver import carry_out
from fewshot_bench.runs.plan import make_plan
from fewshot_bench.runs.request import DEFAULT_BACKBONE, Request
from fewshot_bench.tracking.writer import Tracker
from fewshot_bench.training.pretraining import pretraining
from fewshot_bench.utilities.progress import say

PLAIN = "simple-shot"  # nearest centroids: what every other head is held against


@dataclass(frozen=True)
class Recommendation:
    """What was measured to recommend a method.

    Attributes:
        val: all candidates, best first.
        test: the finalists, as `finalists` orders them: the first is recommended.
    """

    val: tuple[Rated, ...]
    test: tuple[Rated, ...]


def recommend(
    asked: Request, networks: Sequence[str], tracker: Tracker, device: str = "auto"
) -> Recommendation:
    """Measure all inexpensive heads on val, and the finalists on test.

    Args:
        asked: data, protocol of one number of shots, preset and weights; its methods, backbone
            and split do not matter.
        networks: names of backbones; none stands for those whose weights are stored.
        tracker: of the store that gets the runs.
        device: to compute on.

    Raises:
        UsageError: the data or a name do not fit.
    """
    dataset = open_dataset(asked.datasets[0])
    if asked.weights is not None and len(networks) != 1:
        raise UsageError("--weights are those of one network; name it with --backbone, once")
    names = [backbones.resolve(name) for name in networks] or _at_hand(asked, dataset)
    make_plan(_of(asked, names[0], [PLAIN], "test"))  # whatever test lacks is told before val
    val: list[RunRecord] = []
    for name in dict.fromkeys(names):
        wanted = _of(asked, name, heads(asked, dataset, name), "val")
        val += carry_out(wanted, tracker, device)
    best_first = rated(val)
    chosen = [record.config for record in finalists(best_first, PLAIN)]
    tested: dict[tuple[str, str], RunRecord] = {}
    for name in dict.fromkeys(config.backbone for config in chosen):
        wanted = _of(asked, name, [c.method for c in chosen if c.backbone == name], "test")
        for record in carry_out(wanted, tracker, device):
            tested[record.config.method, name] = record
    told = [tested[config.method, config.backbone] for config in chosen]
    return Recommendation(best_first, rated(told, ranked=True))


def _of(asked: Request, backbone: str, methods: Sequence[str], split: str) -> Request:
    wanted = {"methods": tuple(methods), "backbones": (backbone,), "split": split}
    return asked.model_copy(update=wanted)


def heads(asked: Request, dataset: Dataset, backbone: str) -> tuple[str, ...]:
    """Methods that work on embeddings as they are stored, without any training of their own.

    One that wants a pretraining of its own is among them only if that is stored already; the
    others are named.
    """
    shared = _pretraining(asked, dataset, backbone, PLAIN)
    chosen: list[str] = []
    others: list[str] = []
    for name in methods:
        cls, trained = methods[name], _recipe(asked, dataset, backbone, name)["train"]
        if cls.adapts_backbone or cls.needs_maps or trained:
            continue
        own = _pretraining(asked, dataset, backbone, name)
        at_hand = own in (None, shared) or _is_stored(asked, dataset, backbone, own)
        (chosen if at_hand else others).append(name)
    if others:
        say(f"{backbone}: left out, as they want a pretraining of their own: {', '.join(others)}")
    return tuple(chosen)


def _at_hand(asked: Request, dataset: Dataset) -> list[str]:
    """Backbones whose weights are stored; else the default one, which is then pretrained."""
    stored = [
        name
        for name in backbones
        if _is_stored(asked, dataset, name, _pretraining(asked, dataset, name, PLAIN))
    ]
    if not stored:
        say(f"no backbone of {dataset.name} is stored; {DEFAULT_BACKBONE} is pretrained first")
    return stored or [DEFAULT_BACKBONE]


def _recipe(asked: Request, dataset: Dataset, backbone: str, method: str) -> dict[str, object]:
    given = "given" if asked.weights else None  # which does not matter to a recipe
    return make_config(
        method,
        backbone,
        dataset,
        preset=asked.preset,
        n_shot=asked.shots[0],
        backbone_weights=given,
    ).recipe


def _pretraining(
    asked: Request, dataset: Dataset, backbone: str, method: str
) -> PretrainRecipe | None:
    recipe = _recipe(asked, dataset, backbone, method)["pretrain"]
    return None if recipe is None else PretrainRecipe.model_validate(recipe)


def _is_stored(
    asked: Request, dataset: Dataset, backbone: str, recipe: PretrainRecipe | None
) -> bool:
    return (
        recipe is not None and pretraining(dataset, backbone, recipe, asked.seeds[0]).path.exists()
    )
