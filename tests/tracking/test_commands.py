"""Names and commands of a run of which nothing is as usual, word for word."""

from typing import Any

from fewshot_bench.config import RunConfig
from fewshot_bench.tracking.naming import command_of, run_name

UNUSUAL: dict[str, Any] = {
    "method": "tim",
    "backbone": "resnet12",
    "dataset": "birds",
    "n_way": 4,
    "n_query": 7,
    "query_balance": "dirichlet:2.0",
    "n_query_way": 2,
    "n_episodes": 100,
    "episode_seed": 5,
    "split": "val",
    "seed": 3,
    "backbone_seed": 9,
    "preset": "paper",
    "settings": ("a=b c", "d=1"),
    "train_dataset": "glyphs",
    "train_checksum": "t",
    "recipe": {},
    "data_checksum": "d",
}
CONFIG = RunConfig(**UNUSUAL)


def test_a_command_names_all_that_is_not_as_usual() -> None:
    assert command_of(CONFIG, (5, 1, 10), tuned=True) == (
        "fsbench run --method tim --shots 1 --shots 5 --shots 10 --dataset birds "
        "--train-dataset glyphs --backbone resnet12 --ways 4 --queries 7 "
        "--query-balance dirichlet:2.0 --query-ways 2 --episodes 100 --episode-seed 5 --seed 3 "
        "--backbone-seed 9 --preset paper --split val --tune val --set 'a=b c' --set d=1"
    )


def test_what_is_as_usual_is_not_named() -> None:
    given = {**UNUSUAL, "n_way": 5, "n_query": 15, "query_balance": "balanced", "n_query_way": None}
    given |= {"episode_seed": 0, "split": "test", "seed": 0, "backbone_seed": None, "settings": ()}
    given |= {"preset": "default", "train_dataset": None, "train_checksum": None}
    plain = RunConfig(**given, backbone_weights="abcdef0123", weights_name="mine")
    assert command_of(plain, [1]) == (
        "fsbench run --method tim --shots 1 --dataset birds --backbone resnet12 --weights FILE "
        "--episodes 100"
    )
    assert run_name(plain, "birds") == "tim resnet12 (weights mine-abcdef)"
    assert run_name(plain, "x", "1-shot") == "tim resnet12 (weights mine-abcdef) birds 1-shot"


def test_a_name_says_all_that_is_not_as_usual() -> None:
    assert run_name(CONFIG, "birds", "5-shot", tuned=True) == (
        "tim resnet12 5-shot, paper, a=b c, d=1, tuned on val, 4-way, 7 queries a class, "
        "dirichlet:2.0, queries of 2 classes, stream 5, on val, seed 3, backbone of seed 9, "
        "trained on glyphs"
    )


def test_a_name_spells_four_settings_out() -> None:
    words = ("a=1", "b=2", "c=3", "d=4", "e=5")
    for n, told in ((4, "a=1, b=2, c=3, d=4"), (5, "a=1, b=2, c=3, d=4, 1 more settings")):
        config = RunConfig(**{**UNUSUAL, "settings": words[:n]})
        assert run_name(config, "birds").startswith(f"tim resnet12, paper, {told}, 4-way")


def test_a_name_has_250_characters_at_most() -> None:
    def named(n: int) -> str:
        return run_name(RunConfig(**{**UNUSUAL, "method": "m" * n, "settings": ("\x1b",)}), "birds")

    n = 250 - len(named(1)) + 1
    assert len(named(n)) == 250
    assert named(n).endswith("trained on glyphs")
    assert r", \x1b, " in named(1)
    assert named(n + 1) == f"{('m' + named(n))[:249]}…"
