"""What several cells begin with: found in a plan, made once, and then read by the cells."""

import json
from pathlib import Path

import pytest

from fewshot_bench.evaluation import features
from fewshot_bench.runs import domains
from fewshot_bench.runs.cells import Cell, SharedWork
from fewshot_bench.runs.runner import run
from fewshot_bench.runs.shared import make_shared
from fewshot_bench.runs.weights import with_shared
from tests.cells import CPU, config
from tests.synthetic import make_dataset

FROZEN = ("train.frozen=true",)


def shared_by(*cells: Cell) -> tuple[tuple[Cell, ...], dict[str, SharedWork]]:
    """The cells with what they need, and that by what it is."""
    found, shared = with_shared(cells, lambda _config: make_dataset())
    return found, {work.embeds or work.name.partition("-")[0]: work for work in shared}


def test_embeddings_that_several_cells_read_come_after_their_pretraining() -> None:
    heads = [Cell(config=config("tim", "train=none", n_shot=k)) for k in (1, 5)]
    trained = Cell(config=config("ssl-meta", *FROZEN))
    (one, _, third), shared = shared_by(*heads, trained)
    assert list(shared) == ["backbone", "train", "measured"]  # val is of the third alone
    assert list(one.needs) == list(third.needs) == [work.name for work in shared.values()]
    assert {work.needs for work in shared.values() if work.embeds} == {(shared["backbone"].name,)}


@pytest.mark.parametrize(
    ("method", "settings", "reads"),
    [
        ("tim", ("train=none", "transform=CL2N"), {"train", "measured"}),
        ("logistic", ("train=none",), {"measured"}),
        ("ssl-meta", FROZEN, {"train", "val", "measured"}),
        ("ssl-meta", (*FROZEN, "train.augment=natural"), {"val", "measured"}),
        ("proto-net", ("train.frozen=false",), set()),  # its network is another at meta-test
        ("maml", (), set()),
    ],
)
def test_a_method_needs_the_embeddings_that_it_reads(
    method: str, settings: tuple[str, ...], reads: set[str]
) -> None:
    twins = [
        Cell(config=config(method, *settings, query_balance=b)) for b in ("balanced", "dirichlet:2")
    ]
    _, shared = shared_by(*twins)
    assert {work.embeds for work in shared.values() if work.embeds} == reads


def test_what_was_made_is_noted_and_no_cell_makes_it_again(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domains, "open_dataset", lambda _name: make_dataset())
    cells = [Cell(config=config("ssl-meta", *FROZEN, n_shot=k)) for k in (1, 5)]
    _, shared = shared_by(*cells)
    assert not any(work.done for work in shared.values())
    for work in shared.values():
        make_shared(work, CPU)
        assert work.done
    kept = {path.name for path in empty_home.glob("features/*.safetensors")}
    assert {json.loads(w.path.read_text())["file"] for w in shared.values() if w.embeds} == kept
    monkeypatch.setattr(features, "_keep", lambda *_: pytest.fail("embedded again"))
    run(cells[0].config, CPU)
    for path in empty_home.glob("features/*.safetensors"):
        path.unlink()
    assert {work.done for work in shared.values() if work.embeds} == {False}
