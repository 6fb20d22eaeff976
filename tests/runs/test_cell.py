"""`fsb.evaluate` on a data set is `fsbench run` for one cell."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fewshot_bench as fsb
from fewshot_bench.cli import main
from fewshot_bench.records import stored_record
from fewshot_bench.tracking import load_runs

pytestmark = pytest.mark.slow


def test_it_measures_what_the_command_does_and_keeps_answers_on_request(
    drawn_home: Path, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    cell: dict[str, Any] = {"n_episodes": 40, "preset": "smoke", "n_steps": 2}
    result = fsb.evaluate("SIB", dataset="glyphs", **cell)
    with pytest.raises(SystemExit) as end:
        main(
            ["run", "-m", "ssl-meta", "--preset", "smoke", "--episodes", "40", "--set", "n_steps=2"]
        )
    assert not end.value.code
    (run,) = load_runs()  # asked for twice, measured and logged once
    assert (run.mean, run.ci95) == pytest.approx((result.mean, result.ci95))
    record = stored_record(run.key)
    assert record is not None
    assert record.result == result
    assert result.predictions is None

    answered = fsb.evaluate("ssl-meta", dataset="glyphs", predictions=True, **cell)
    assert answered == result
    assert answered.predictions is not None
    right = (answered.predictions == answered.query_labels).mean(1)
    np.testing.assert_allclose(right, result.accuracies)
    assert len(load_runs()) == 1


def test_mistakes_are_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(fsb.UsageError, match="did you mean 'proto-net'"):
        fsb.evaluate("proto-nett", dataset="glyphs")
    with pytest.raises(fsb.UsageError, match=r"did you mean 'train\.lr'"):
        fsb.evaluate("proto-net", dataset="glyphs", lr=0.1)
    with pytest.raises(fsb.UsageError, match="query ways from 1 to 5"):
        fsb.evaluate("proto-net", dataset="glyphs", n_query_way=6)
    assert list(tmp_path.iterdir()) == []
