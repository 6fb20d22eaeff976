"""An episode answered again, step by step, by stored weights."""

import numpy as np
import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.runs import domains, runner
from fewshot_bench.runs.refining import refined_episode
from tests.cells import CPU, config
from tests.synthetic import make_dataset

pytestmark = pytest.mark.usefixtures("empty_home", "synthetic")


@pytest.fixture
def synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "open_dataset", lambda _name: make_dataset())


def test_the_last_answers_are_those_of_the_run() -> None:
    asked = config("ssl-meta")
    record = runner.run(asked, CPU)
    for index in (0, 9):
        found = refined_episode(asked, index, CPU)
        right = found.steps[-1].answers == found.query_labels
        assert right.mean() == pytest.approx(record.result.accuracies[index])
    assert found.images is not None
    assert found.images.shape == (20, 16, 16, 1)
    np.testing.assert_allclose(np.linalg.norm(found.query, axis=1), 1)
    assert [step.number for step in found.steps if step.weights is not None] == [0, 1, 2, 3]


def test_an_episode_that_was_not_and_weights_that_are_gone_are_refused() -> None:
    with pytest.raises(UsageError, match="the run has episodes 0 to 9, and no 10"):
        refined_episode(config("ssl-meta"), 10, CPU)
    with pytest.raises(UsageError, match=r"cannot be made again without .* which is gone"):
        refined_episode(config("ssl-meta"), 0, CPU)
