"""A method in a file answers as the method itself, wherever it is loaded."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.embeddings import GivenSplit
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.answering import task_scores
from fewshot_bench.evaluation.embeddings import build_on_embeddings, recipe_for_embeddings
from fewshot_bench.method import Method, methods
from fewshot_bench.portable import FILE, PortableMethod, load_portable, save_portable
from fewshot_bench.runs.configuration import make_config
from fewshot_bench.training.pretraining import build_backbone
from tests.cells import CPU
from tests.embeddings import make_arrays
from tests.synthetic import make_dataset

DATA = make_dataset()
TASK = {
    "support": DATA.images("test").images[[0, 31, 61, 91, 121]],
    "support_labels": np.array([7, 3, 4, 5, 9]),
    "query": DATA.images("test").images[[1, 2, 32, 62, 92, 122, 149]],
}


def ready(name: str) -> Method:
    """A method with weights that are drawn, which has seen the base classes if it wants to."""
    config = make_config(name, "conv4-64", DATA)
    torch.manual_seed(1)
    backbone: Backbone = build_backbone("conv4-64", DATA.any_split, CPU)
    kind = methods[name]
    method = kind(backbone, kind.recipe_type.model_validate(config.recipe), 5)
    if method.uses_base:
        labels = torch.arange(8).repeat(5)
        method.see_base(torch.randn(40, method.embedding_dim) + labels[:, None], labels)
    return method.eval()


def moved(folder: Path, method: Method, name: str, data: Dataset = DATA) -> PortableMethod:
    config = make_config(name, None if data.backbone else "conv4-64", data)
    save_portable(folder, method, config, data)
    return load_portable(folder)


@pytest.mark.parametrize("name", list(methods))
def test_every_method_answers_as_before(name: str, tmp_path: Path, empty_home: Path) -> None:
    method = ready(name)
    drawn = torch.random.get_rng_state()
    loaded = moved(tmp_path, method, name)
    assert torch.equal(torch.random.get_rng_state(), drawn)
    found = loaded.predict(TASK)
    shown, asked = (
        DATA.images("test").normalise(torch.from_numpy(TASK[part]).permute(0, 3, 1, 2))
        for part in ("support", "query")
    )
    places = torch.tensor([3, 0, 1, 2, 4])
    expected = task_scores(method, shown, places, asked, 5).softmax(1)
    columns = [f"p_{label}" for label in (3, 4, 5, 7, 9)]
    np.testing.assert_allclose(found[columns], expected, rtol=1e-5, atol=1e-7)
    assert found["class"].tolist() == np.array([3, 4, 5, 7, 9])[expected.argmax(1)].tolist()
    assert not empty_home.exists()


def test_images_of_any_size_are_made_to_fit(tmp_path: Path) -> None:
    loaded = moved(tmp_path, ready("simple-shot"), "simple-shot")
    large = {part: np.repeat(np.repeat(TASK[part], 2, 1), 2, 2) for part in ("support", "query")}
    found = loaded.predict({**TASK, **large})
    np.testing.assert_allclose(found["p_3"], loaded.predict(TASK)["p_3"], atol=0.05)
    with pytest.raises(UsageError, match="4 channels"):
        loaded.predict({**TASK, "query": np.repeat(TASK["query"], 4, 3)})


def test_embeddings_are_answered_where_it_was_measured_on_such(tmp_path: Path) -> None:
    splits = {"test": GivenSplit.of(*make_arrays())}
    data = Dataset("mine", splits, "checksum", {}, "precomputed:mine")
    rows = data["test"].rows
    name, recipe = "tim", recipe_for_embeddings("tim", 1)
    method = build_on_embeddings(name, rows.shape[1], 2, recipe)
    task = {"support": rows[[0, -1]], "support_labels": np.array([0, 1]), "query": rows[1:4]}
    found = moved(tmp_path, method, name, data).predict(task)
    given = (torch.from_numpy(np.array(task[part])) for part in ("support", "query"))
    shown, asked = given
    expected = task_scores(method, shown, torch.tensor([0, 1]), asked, 2).softmax(1)
    np.testing.assert_array_equal(found[["p_0", "p_1"]], expected)
    with pytest.raises(UsageError, match="embeddings of length"):
        load_portable(tmp_path).predict({**task, "query": rows[1:4, 1:]})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"query": None}, "lacks 'query'"),
        ({"query": np.zeros((2, 16, 16, 1))}, "query is float64 .* give uint8 images"),
        ({"support": np.zeros((5, 16, 16), np.uint8)}, "support is uint8"),
        ({"support_labels": np.zeros(5, int)}, "at least 2 classes"),
        ({"support_labels": np.arange(4)}, "a label for each row"),
        ({"support_labels": np.zeros((5, 1))}, "one a row"),
        ({"query": [np.zeros((2, 2)), np.zeros((3, 2))]}, "rows of one shape"),
    ],
)
def test_what_is_no_task_is_one_line(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    loaded = moved(tmp_path, ready("simple-shot"), "simple-shot")
    task = {k: v for k, v in {**TASK, **change}.items() if v is not None}
    with pytest.raises(UsageError, match=says):
        loaded.predict(task)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    moved(tmp_path, ready("simple-shot"), "simple-shot")
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:-3])
    with pytest.raises(UsageError, match="is damaged"):
        load_portable(tmp_path)
