"""Names that tell runs apart, and commands that make them again."""

import shlex
from typing import Any

import pytest
from typer.testing import CliRunner

from fewshot_bench.cli import app, run
from fewshot_bench.errors import UsageError
from fewshot_bench.tracking.naming import LONGEST, command_of, run_name
from fewshot_bench.tracking.notes import cell_note, row_note
from fewshot_bench.tracking.place import Place, checked_name, tags_of
from tests.tracking.records import make_record


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({}, "ssl-meta conv4-64"),
        ({"preset": "paper", "seed": 2}, "ssl-meta conv4-64, paper, seed 2"),
        (
            {"settings": ("lr=0.1",), "query_balance": "dirichlet:2.0"},
            "ssl-meta conv4-64, lr=0.1, dirichlet:2.0",
        ),
        ({"split": "val", "n_way": 20}, "ssl-meta conv4-64, 20-way, on val"),
        (
            {"settings": ("a=1", "b=2", "c=3", "d=4", "e=5", "f=6")},
            "ssl-meta conv4-64, a=1, b=2, c=3, d=4, 2 more settings",
        ),
        ({"train_dataset": "x", "train_checksum": "t"}, "ssl-meta conv4-64, trained on x"),
    ],
)
def test_a_name_says_what_is_unusual(facts: dict[str, Any], name: str) -> None:
    config = make_record(**facts).config
    assert run_name(config, "cifar-fs") == name
    assert run_name(config, "mine").startswith("ssl-meta conv4-64 cifar-fs")


def test_names_and_descriptions_are_as_long_as_a_store_takes() -> None:
    config = make_record(settings=(f"note={'x' * 9000}",)).config
    assert len(run_name(config, "cifar-fs")) == LONGEST
    assert len(cell_note(config)) == len(row_note(config, {})) == 5000


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"preset": "paper", "settings": ("note=a b",), "seed": 3, "split": "val"},
        {"query_balance": "dirichlet:2.0", "n_query_way": 2, "n_way": 4, "n_query": 7},
        {"train_dataset": "glyphs", "train_checksum": "t", "episode_seed": 5},
    ],
)
def test_the_command_asks_for_what_was_run(
    facts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is parsed as the command line parses it, up to the plan."""
    config, asked = make_record(**facts).config, []
    monkeypatch.setattr(run, "_print_plan", lambda request, _: asked.append(request))
    fsbench, *words = shlex.split(command_of(config, (5, 1), tuned=True))
    assert fsbench == "fsbench"
    outcome = CliRunner().invoke(app, [*words, "--dry-run"])
    assert outcome.exit_code == 0, outcome.output
    request = asked[0]
    assert (request.methods, request.shots, request.tune) == (("ssl-meta",), (1, 5), True)
    assert request.settings == config.settings
    told = {name: getattr(request, name) for name in ("preset", "split", "train_dataset")}
    (n_way,) = request.ways
    told |= request.protocol(n_way)
    assert told == {name: getattr(config, name) for name in told}


@pytest.mark.parametrize("text", ["", "a", "=b", "a b=c", "fsbench.key=x", "mlflow.user=x", "é=1"])
def test_a_tag_that_cannot_be_is_one_line(text: str) -> None:
    with pytest.raises(UsageError):
        tags_of([text])


def test_tags_and_experiments_are_read() -> None:
    assert tags_of(["a=b", "c.d=e=f", "g="]) == {"a": "b", "c.d": "e=f", "g": ""}
    assert checked_name(" mine ", "a study") == "mine"
    for name in ("", "  ", "a\nb", "x" * 251):
        with pytest.raises(UsageError):
            checked_name(name, "a study")


def test_cells_of_a_row_differ_in_shots_and_what_follows_alone() -> None:
    one, five = (make_record(n_shot=k, recipe={"lr": k}).config for k in (1, 5))
    assert Place().row_id(one) == Place().row_id(five)
    for facts in ({"seed": 1}, {"settings": ("a=1",)}, {"split": "val"}, {"data_checksum": "x"}):
        assert Place().row_id(make_record(**facts).config) != Place().row_id(one)
    assert Place(asked=one).row_id(one) != Place().row_id(one)
