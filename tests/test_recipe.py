"""Recipes: layers, overrides, and what is refused."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from fewshot_bench.backbones.base import backbones
from fewshot_bench.data.entry import datasets
from fewshot_bench.data.published import published_like
from fewshot_bench.errors import UsageError
from fewshot_bench.method import methods
from fewshot_bench.presets import BACKBONE, build_recipe, least_shots, preset_backbone
from fewshot_bench.recipe import Overrides, Recipe, TrainRecipe
from fewshot_bench.settings import setting_names


def maml(*settings: str, **where: object) -> dict[str, object]:
    recipe = build_recipe(methods["maml"].recipe_type, settings=settings, **where)  # type: ignore[arg-type]
    return recipe.model_dump()


def test_a_setting_overrides_any_key() -> None:
    recipe = maml("inner_lr=0.4", "train.lr=1e-2", "first-order=true", "train.milestones=0.5,0.8")
    assert recipe["inner_lr"] == 0.4
    assert recipe["first_order"] is True
    assert recipe["train"]["lr"] == 0.01  # type: ignore[index]
    assert recipe["train"]["milestones"] == (0.5, 0.8)  # type: ignore[index]
    mixed = maml("train.query_balance=balanced,dirichlet:2", "train.min_way=2")["train"]
    assert mixed["query_balance"] == ("balanced", "dirichlet:2")  # type: ignore[index]
    assert "query_balance" not in maml("train.query_balance=none")["train"]  # type: ignore[operator]


def test_a_section_can_be_asked_for_and_left_out() -> None:
    assert maml(preset="paper")["pretrain"] is None
    assert maml("pretrain=default")["pretrain"]["epochs"] == 40  # type: ignore[index]
    assert maml("pretrain.epochs=3")["pretrain"]["epochs"] == 3  # type: ignore[index]
    assert maml("train=none")["train"] is None


def test_layers_follow_each_other() -> None:
    kind = methods["proto-net"].recipe_type
    assert build_recipe(kind, n_shot=1).train.n_way == 30  # type: ignore[union-attr]
    assert build_recipe(kind, n_shot=5).train.n_way == 20  # type: ignore[union-attr]
    sib = methods["ssl-meta"].recipe_type
    data = {"pretrain.epochs": 10}
    for preset, epochs in {"default": 10, "smoke": 1, "paper": 70}.items():
        recipe = build_recipe(sib, preset=preset, dataset=data)
        assert recipe.pretrain.epochs == epochs  # type: ignore[union-attr]
    recipe = build_recipe(sib, preset="smoke", dataset=data, settings=["pretrain.epochs=2"])
    assert recipe.pretrain.epochs == 2  # type: ignore[union-attr]


def test_a_preset_may_differ_by_the_number_of_shots() -> None:
    leo = methods["leo"].recipe_type
    one, five = (build_recipe(leo, preset="paper", n_shot=k).model_dump() for k in (1, 5))
    assert (one["train"]["lr"], five["train"]["lr"]) == (2.739071e-4, 4.102361e-4)
    assert one["train"]["steps"] == five["train"]["steps"] == 100_000
    assert build_recipe(leo, n_shot=5).model_dump()["train"]["lr"] == 2e-3


def test_an_entry_for_some_shots_holds_up_to_the_next_entry() -> None:
    alphas = {
        k: build_recipe(methods["alpha-tim"].recipe_type, n_shot=k).model_dump()
        for k in (1, 2, 4, 5, 20)
    }
    found = {k: values["alpha"] for k, values in alphas.items()}
    assert found == {1: 2.0, 2: 5.0, 4: 5.0, 5: 7.0, 20: 7.0}
    proto = methods["proto-net"].recipe_type
    ways = [build_recipe(proto, n_shot=k).model_dump()["train"]["n_way"] for k in (1, 2, 5)]
    assert ways == [30, 20, 20]
    leo = methods["leo"].recipe_type
    assert build_recipe(leo, preset="paper", n_shot=10) == build_recipe(
        leo, preset="paper", n_shot=5
    )


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("inner_lrr=0.1", "did you mean 'inner_lr'"),
        ("lr=0.1", "did you mean 'train.lr'"),
        ("train.stepz=3", "did you mean 'train.steps'"),
        ("inner_lr=fast", "inner_lr='fast' does not fit: input should be a valid number"),
        ("inner_steps=1.5", "valid integer"),
        ("inner_lr=-1", "greater than 0"),
        ("train.optimizer=rmsprop", "'sgd' or 'adam'"),
        ("inner_lr", "KEY=VALUE"),
        ("train=maybe", "takes 'default' or 'none'"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(setting: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        maml(setting)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_presets_are_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'smoke'"):
        maml(preset="smok")


@pytest.mark.parametrize("name", list(methods))
def test_every_key_of_every_layer_exists(name: str) -> None:
    kind = methods[name].recipe_type
    known = {BACKBONE, *setting_names(kind)}
    for layer in (*kind.shots.values(), *kind.presets.values()):
        assert set(layer) <= known
        assert layer.get(BACKBONE, "conv4-64") in backbones


def test_a_recipe_cannot_be_changed() -> None:
    recipe = Recipe(train=TrainRecipe())
    with pytest.raises(ValueError, match="frozen"):
        recipe.train = None  # type: ignore[misc]


def test_none_is_a_choice_where_a_choice_is_called_so() -> None:
    recipe = build_recipe(Recipe, settings=["train.augment=none", "train.n_way=none"])
    assert recipe.train is not None
    assert recipe.train.augment == "none"
    assert recipe.train.n_way is None


class Published(Recipe):
    """Of a paper with two data sets, at one shot and at five."""

    train: TrainRecipe | None = TrainRecipe()
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "omniglot")
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {"train.steps": 10, "train.lr": 0.5, "backbone": "conv4-64"},
        "paper:5": {"train.steps": 50},
        "paper@omniglot": {"train.steps": 20, "backbone": "resnet18"},
        "paper@omniglot:5": {"train.n_way": 60},
    }


@pytest.mark.parametrize(
    ("data", "n_shot", "steps", "n_way", "network"),
    [
        (None, 1, 10, None, "conv4-64"),
        ("mini-imagenet", 5, 50, None, "conv4-64"),
        ("omniglot", 1, 20, None, "resnet18"),
        ("omniglot", 10, 20, 60, "resnet18"),
    ],
)
def test_a_preset_may_have_values_by_data_set_and_shots(
    data: str | None, n_shot: int, steps: int, n_way: int | None, network: str
) -> None:
    train = build_recipe(Published, preset="paper", n_shot=n_shot, published=data).train
    assert train is not None
    assert (train.steps, train.n_way, train.lr) == (steps, n_way, 0.5)
    assert preset_backbone(Published, "paper", n_shot, data) == network
    assert preset_backbone(Published, "default", n_shot, data) is None


def test_shots_from_which_values_may_differ() -> None:
    assert least_shots(Published) == [1, 5]


@pytest.mark.parametrize(
    ("data", "like"),
    [
        ("omniglot", "omniglot"),
        ("glyphs", "omniglot"),
        ("cifar-fs", "mini-imagenet"),
        ("my-birds", "mini-imagenet"),
        (None, "mini-imagenet"),
    ],
)
def test_a_data_set_borrows_from_one_of_its_kind(data: str | None, like: str) -> None:
    assert published_like(Published, "paper", data, "it") == like
    assert published_like(Published, "default", data, "it") is None


def test_a_paper_without_data_of_the_kind_is_refused() -> None:
    class Photographs(Published):
        published = ("mini-imagenet",)

    with pytest.raises(UsageError, match="the paper of it has nothing like glyphs, but mini-im"):
        published_like(Photographs, "paper", "glyphs", "it")
    assert published_like(Photographs, "default", "glyphs", "it") is None


def test_what_is_younger_is_written_only_where_it_is_set() -> None:
    """Keys of stored results and weights are made of what is written."""
    names = {"nesterov", "decay_norms", "clip_norm_of", "min_way", "query_balance"}
    assert not names & TrainRecipe().model_dump().keys()
    changed = TrainRecipe(nesterov=False, clip_norm_of="tensors")
    assert names & changed.model_dump().keys() == {"nesterov", "clip_norm_of"}
    assert TrainRecipe.model_validate(changed.model_dump(mode="json")) == changed
    assert Recipe.model_validate(Recipe(train=changed).model_dump(mode="json")).train == changed


@pytest.mark.parametrize("name", list(methods))
def test_a_preset_of_a_data_set_is_published_there(name: str) -> None:
    """What others borrow from has to be a data set that is known here, with a kind."""
    kind = methods[name].recipe_type
    assert {datasets[data].kind for data in kind.published} <= {"photographs", "characters"}
    named = {key.partition("@")[2].partition(":")[0] for key in kind.presets}
    assert named - {""} <= set(kind.published)
