"""Study files: whatever is in one, it is a study or one line that names file and key."""

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.errors import UsageError
from fewshot_bench.runs.request import Request
from fewshot_bench.runs.study import Study, load_study, read_study, shipped

WHOLE = """
summary = "heads, balanced and not"
methods = ["heads", "ssl-meta"]
datasets = ["glyphs", "cifar-fs"]
backbones = "conv4-64"
shots = [1, 5, 5]
seeds = [0, 1]
query_balances = ["balanced", "dirichlet:2"]
n_episodes = 500

[settings]
normalise = true
pretrain.epochs = 2
pretrain.milestones = [0.5, 0.8]

[method.ssl-meta]
preset = "paper"
settings = { train.lr = 1e-3 }
"""

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
keys = st.sampled_from([*Study.model_fields, "seed", "dataset", "method"]) | st.text(max_size=6)


def toml(value: Any) -> str:
    """Write a value as TOML writes it."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{quoted(k)} = {toml(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case str() | None:
            return quoted(value or "")
        case _:
            return str(value)


def quoted(text: str) -> str:
    return '"' + "".join(rf"\U{ord(c):08x}" for c in text if not 0xD800 <= ord(c) < 0xE000) + '"'


def outcome(text: str) -> str:
    """What is wrong with a file, in one line; of a study its file and methods."""
    try:
        study = read_study(text, "mine", "mine.toml")
    except UsageError as error:
        return str(error)
    return f"mine.toml: {study.methods}"


@given(st.dictionaries(keys, values, max_size=6))
def test_any_table_is_a_study_or_one_line(table: dict[str, Any]) -> None:
    lines = {quoted(key): toml(value) for key, value in table.items()}
    text = "\n".join(f"{key} = {value}" for key, value in lines.items())
    assert tomllib.loads(text).keys() == table.keys()
    assert outcome(text).startswith("mine.toml: ")


@given(st.text(max_size=40) | st.integers(0, len(WHOLE)).map(lambda end: WHOLE[:end]))
def test_any_text_is_a_study_or_an_error_of_a_user(text: str) -> None:
    assert outcome(text).startswith("mine.toml")


def test_a_file_says_all_that_a_request_can() -> None:
    study = read_study(WHOLE, "mine")
    assert (study.name, study.summary) == ("mine", "heads, balanced and not")
    assert study.shots == (1, 5)
    assert study.backbones == ("conv4-64",)
    assert study.settings == (
        "normalise=true",
        "pretrain.epochs=2",
        "pretrain.milestones=0.5,0.8",
    )
    assert study.by_method["ssl-meta"].preset == "paper"
    assert study.by_method["ssl-meta"].settings == ("train.lr=0.001",)


def test_one_value_stands_for_a_list_of_one_under_either_name() -> None:
    text = 'methods = "all"\n{} = {}'
    for one, several, value in (
        ("seed", "seeds", "3"),
        ("dataset", "datasets", '"omniglot"'),
        ("query_balance", "query_balances", '"dirichlet:2"'),
    ):
        short, long = (read_study(text.format(key, value), "x") for key in (one, several))
        assert short == long == read_study(text.format(several, f"[{value}]"), "x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("shots = 1", "lacks the key 'methods'"),
        ("methods = 'tim'\nshot = 1", "no key is called 'shot'; did you mean 'shots'"),
        ("methods = 'tim'\nseed = 1\nseeds = [2]", "'seeds' is there already"),
        ("methods = 'tim'\nshots = [0]", r"shots.0 = '0' does not fit: .*greater"),
        ("methods = []", "methods = "),
        ("methods = 'tim'\n[method.tim]\npresett = 'paper'", "did you mean 'preset'"),
        ("methods = 'tim'\nexperiment = ' '", "the name of an experiment has 1 to"),
        ("methods = 'tim'\ntags = {'a b' = 'c'}", "'a b=c' is no tag"),
        ("methods = 'tim'\ntags = {a = 1}", "tags.a = '1' does not fit"),
        ("methods = 'tim", "mine.toml is no TOML file"),
        ("methods = 'tim'\nsplit = 'train'", "split = 'train' does not fit"),
    ],
)
def test_what_does_not_fit_is_named_with_file_and_key(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        read_study(text, "mine", "mine.toml")
    assert str(error.value).startswith("mine.toml")
    assert "\n" not in str(error.value)


def test_files_and_names_are_found(tmp_path: Path) -> None:
    file = tmp_path / "my study.toml"
    file.write_text('methods = "tim"\nweights = "mine.pt"', "utf-8")
    study = load_study(str(file))
    assert study.name == "my study"
    assert study.weights == tmp_path / "mine.pt"  # from the file, not from where one stands
    with pytest.raises(UsageError, match=r"cannot read the study .*absent\.toml"):
        load_study(str(tmp_path / "absent.toml"))
    with pytest.raises(UsageError, match="no study is called 'smok'; did you mean 'smoke'"):
        load_study("smok")


def test_shipped_studies_say_what_they_are_for() -> None:
    assert shipped().keys() == {
        "smoke",
        "all-imbalance",
        "cifar-fs-conv4",
        "deep-backbones",
        "heads-imbalance",
        "omniglot",
        "ssl-meta-plus",
        "transductive",
        "transductive-omniglot",
    }
    for name, study in shipped().items():
        assert study == load_study(name.upper().replace("-", "_"))
        assert study.summary
        assert isinstance(study, Request)


def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "mine.toml"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match=r"mine\.toml is no study; a plain file is needed"):
        load_study(str(pipe))
