"""The comments beside a preset's values, wherever the values are written."""

from fewshot_bench.bases.published_pretraining import SIMPLE_SHOT
from fewshot_bench.method import methods
from fewshot_bench.recipe import Recipe
from fewshot_bench.report.preset_sources import preset_sources


class Commented(Recipe):
    """Of comments in every place."""

    presets = {  # noqa: RUF012
        # of all, above
        "paper": {  # and behind
            "train.steps": 10,  # [main.py]
            # Fitted to
            # the data.
            "train.lr": 0.1,
            "train.n_way": 5,
            "train.milestones": (
                0.5,
                0.7,  # [here]
            ),
        },
        "paper@omniglot": {"train.steps": 3, "train.lr": 0.2},  # [of the last]
        "paper:5": {**SIMPLE_SHOT, "pretrain.nesterov": True},  # [not what it was]
    }


class Inherited(Commented):
    """Of what another says."""


def test_comments_stand_behind_values_or_above_them() -> None:
    assert dict(preset_sources(Commented, "paper")) == {
        "": "of all, above and behind",
        "train.steps": "[main.py]",
        "train.lr": "Fitted to the data.",
        "train.milestones": "[here]",
    }
    assert preset_sources(Inherited, "paper") == preset_sources(Commented, "paper")


def test_a_line_of_several_values_speaks_of_the_last() -> None:
    assert preset_sources(Commented, "paper@omniglot") == [("train.lr", "[of the last]")]


def test_what_is_unpacked_is_read_where_it_is_written() -> None:
    said = dict(preset_sources(Commented, "paper:5"))
    assert said["pretrain.nesterov"] == "[not what it was]"
    assert "train.py" in said["pretrain.milestones"]


def test_presets_of_real_methods_have_their_sources() -> None:
    def of(name: str, layer: str = "paper") -> dict[str, str]:
        return dict(preset_sources(methods[name].recipe_type, layer))

    assert "trainer.py" in of("tim")["pretrain.label_smoothing"]
    assert "config" in of("ssl-meta")["train.steps"]
    assert of("lr-d2")["train.n_query"] != of("r2d2")["train.n_query"]
    assert preset_sources(methods["tim"].recipe_type, "paper@nowhere") == []


def test_a_recipe_without_a_source_has_nothing_to_read() -> None:
    typed = type("Typed", (Recipe,), {"presets": {"paper": {}}, "__module__": "builtins"})
    assert preset_sources(typed, "paper") == []
