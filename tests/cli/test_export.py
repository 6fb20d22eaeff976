"""``fsbench export``, and ``table`` of what it wrote, as a user meets them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fewshot_bench.exchange.gathering import gather
from fewshot_bench.records import keep_record
from fewshot_bench.tracking import Tracker
from tests.commands import fsbench
from tests.tracking.records import make_record

SECRET = "s3cr3t-tag"


@pytest.fixture(scope="module")
def full(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store with a study of two methods and a run on its own, and a home with two of three."""
    folder = tmp_path_factory.mktemp("full")
    shutil.copy(empty_store, folder / "mlflow.db")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSBENCH_HOME", str(folder / "home"))
        study = Tracker(uri, study="mine", tags={"note": SECRET})
        for method in ("tim", "maml"):
            weights = folder / "home" / "weights" / f"method-{method}" / "model.safetensors"
            record = make_record(weights, method=method, dataset="glyphs", n_episodes=20)
            keep_record(record)
            study.send(record)
        Tracker(uri).send(make_record(method="feat", dataset="glyphs", n_shot=5, n_episodes=20))
        yield uri


def test_a_table_of_the_file_is_that_of_the_store(full: str, tmp_path: Path) -> None:
    results, ours, theirs = (str(tmp_path / name) for name in ("r.parquet", "a", "b"))
    assert fsbench("export", "--tracking-uri", full, "-o", results) == 0
    for form in ("markdown", "latex", "html", "csv"):
        assert fsbench("table", "--tracking-uri", full, "-f", form, "-o", ours) == 0
        assert fsbench("table", "--results", results, "-f", form, "-o", theirs) == 0
        assert Path(ours).read_bytes() == Path(theirs).read_bytes()


def test_a_study_by_name_or_file_and_filters_choose_what_is_exported(
    full: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "some.toml"
    file.write_text('name = "mine"\nmethods = ["tim"]\n')
    results = tmp_path / "r.parquet"
    for asked, methods in {
        ("mine",): {"tim", "maml"},
        (str(file),): {"tim", "maml"},
        ("mine", "-m", "tim"): {"tim"},
        ("--shots", "5"): {"feat"},
    }.items():
        assert fsbench("export", *asked, "--tracking-uri", full, "-o", str(results)) == 0
        assert f"{len(methods)} runs in {results}" in capsys.readouterr().out
        assert {run.method for run in gather(None, [results]).runs} == methods


def test_files_by_method_merge_into_the_whole(full: str, tmp_path: Path) -> None:
    names = [str(tmp_path / f"{name}.parquet") for name in ("tim", "rest", "merged", "all")]
    fsbench("export", "--tracking-uri", full, "-m", "tim", "-o", names[0])
    fsbench("export", "--tracking-uri", full, "-m", "maml", "-m", "feat", "-o", names[1])
    both = ["--results", names[0], "--results", names[1]]
    assert fsbench("export", *both, "-o", names[2]) == 0
    assert fsbench("export", "--tracking-uri", full, *both, "-o", names[3]) == 0
    assert Path(names[2]).read_bytes() == Path(names[3]).read_bytes()


def test_nothing_of_the_machine_its_user_or_its_tags_travels(full: str, tmp_path: Path) -> None:
    results = tmp_path / "r.parquet"
    fsbench("export", "--tracking-uri", full, "-o", str(results))
    found = gather(None, [results])
    texts = [found.measurement(run.run_id).model_dump_json(exclude={"right"}) for run in found.runs]
    assert '"weights":"method-tim"' in "".join(texts)
    for secret in (
        full.removeprefix("sqlite:///").removesuffix("mlflow.db"),
        SECRET,
        str(Path.home()),
        "mlflow.user",
    ):
        assert secret not in "".join(texts)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mien", "-o", "r.parquet"], "no finished run of a study 'mien'; did you mean 'mine'?"),
        (["x.toml", "-o", "r.parquet"], "cannot read the study x.toml"),
        (["-o", "r.csv"], "'r.csv' is written as parquet; end its name in .parquet"),
        (["-o", "/dev/null/r.parquet"], "cannot write /dev/null/r.parquet"),
        (["-o", "r.parquet", "--results", "no.parquet"], "there is no file no.parquet"),
    ],
)
def test_what_is_wrong_is_one_line_and_code_2(
    full: str, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fsbench("export", "--tracking-uri", full, *arguments) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1


def test_a_file_that_was_changed_stops_a_table(
    full: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "r.parquet"
    fsbench("export", "--tracking-uri", full, "-o", str(results))
    results.write_bytes(results.read_bytes()[:-9])
    assert fsbench("table", "--results", str(results)) == 2
    assert f"{results} is damaged or was changed" in capsys.readouterr().err
