"""The loop of training: selection, and resuming to the bit."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities import tensors
from fewshot_bench.utilities.signals import Interrupted
from fewshot_bench.utilities.tensors import load_tensors
from tests.training.jobs import Kept, kept, trainer


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize("fail_at", [0, 4, 5, 14, 22])
def test_an_interrupted_training_ends_as_one_never_stopped(
    tmp_path: Path, kind: str, fail_at: int
) -> None:
    whole = trainer(tmp_path / "whole", kind)
    state = whole.run()
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path, kind, fail_at).run()
    resumed = trainer(tmp_path, kind)
    again = resumed.run()
    for name, tensor in whole.module.state_dict().items():
        assert torch.equal(tensor, resumed.module.state_dict()[name]), name
    assert (again.curves, again.best, again.best_step) == (
        state.curves,
        state.best,
        state.best_step,
    )


@pytest.mark.parametrize("moments", [(0,), (4,), (3, 7, 8), (22,)])
def test_a_signal_ends_at_the_next_step_and_nothing_is_done_twice(
    tmp_path: Path, moments: tuple[int, ...]
) -> None:
    whole = trainer(tmp_path / "whole")
    state = whole.run()
    for step in moments:
        with pytest.raises(Interrupted) as ended:
            trainer(tmp_path, signal_at=step).run()
        assert ended.value.signal is signal.SIGTERM
        assert load_tensors(kept(tmp_path).checkpoint)[1]["state"]["step"] == step + 1
    resumed = trainer(tmp_path)
    assert resumed.run().curves == state.curves  # losses before and after the signal are averaged
    for name, tensor in whole.module.state_dict().items():
        assert torch.equal(tensor, resumed.module.state_dict()[name]), name


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)  # ignored, where a shell runs this in the background
    hasty = trainer(tmp_path, signal_at=2)
    objective = hasty.objective

    def twice(step: int) -> Tensor:
        loss = objective(step)
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return loss

    hasty.objective = twice
    with pytest.raises(Interrupted):
        hasty.run()
    assert not kept(tmp_path).checkpoint.exists()
    assert signal.getsignal(signal.SIGINT) == before


def test_the_best_weights_are_kept(tmp_path: Path) -> None:
    job = trainer(tmp_path)
    state = job.run()
    measured = {step: v for name, step, v in state.curves if name == "t_val_acc"}
    assert sorted(measured) == [0, 5, 10, 15, 20, 23]
    assert state.best == max(measured.values()) == measured[state.best_step]
    assert job.validate() == pytest.approx(state.best)


def test_of_equal_accuracies_the_first_is_best(tmp_path: Path) -> None:
    job = trainer(tmp_path)
    initial = {name: tensor.clone() for name, tensor in job.module.state_dict().items()}
    job.validate = lambda: 0.5
    assert job.run().best_step == 0
    for name, tensor in job.module.state_dict().items():
        assert torch.equal(tensor, initial[name]), name


def test_what_is_told_of_a_training_is_what_happened(tmp_path: Path) -> None:
    job, losses = trainer(tmp_path, steps=8), list[float]()
    objective, validate, accuracies = job.objective, job.validate, list[float]()

    def noted(step: int) -> Tensor:
        loss = objective(step)
        losses.append(float(loss.detach()))
        return loss

    def noted_too() -> float:
        accuracies.append(validate())
        return accuracies[-1]

    job.objective, job.validate = noted, noted_too
    began = time.monotonic()
    outcome = job.run().outcome
    assert 0 < outcome["seconds"] <= time.monotonic() - began
    assert outcome["curves"] == [
        ("t_val_acc", 0, accuracies[0]),
        ("t_loss", 5, pytest.approx(sum(losses[:5]) / 5)),
        ("t_val_acc", 5, accuracies[1]),
        ("t_loss", 8, pytest.approx(sum(losses[5:]) / 3)),
        ("t_val_acc", 8, accuracies[2]),
    ]
    assert outcome["val_acc"] == max(accuracies)
    assert outcome["best_step"] == (0, 5, 8)[accuracies.index(max(accuracies))]
    assert [group["lr"] for group in job.optimizer.param_groups] == [0.0]


def test_a_resumed_training_counts_all_its_seconds(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path, fail_at=7).run()
    tensors, state = kept(tmp_path).load_checkpoint() or ({}, {})
    kept(tmp_path).save_checkpoint(tensors, {**state, "seconds": 1000.0})
    assert 1000 < trainer(tmp_path).run().seconds < 2000


def test_every_step_of_every_seed_draws_other_numbers(tmp_path: Path) -> None:
    drawn: list[float] = []

    def draw(step: int) -> Tensor:
        drawn.append(float(torch.rand(())))
        return torch.zeros((), requires_grad=True)

    for seed in (0, 1, 2):
        job = trainer(tmp_path / str(seed), steps=12)
        job.seed, job.objective = seed, draw
        job.run()
    assert len(set(drawn)) == 36


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    job = trainer(tmp_path)
    finite: Callable[[int], Tensor] = job.objective
    job.objective = lambda step: finite(step) * (float("nan") if step == 12 else 1)
    with pytest.raises(UsageError, match=r"became nan at step 12.*last"):
        job.run()
    assert load_tensors(kept(tmp_path).checkpoint)[1]["state"]["step"] == 10
    job = trainer(tmp_path / "none")
    job.objective = lambda _: torch.tensor(float("inf"), requires_grad=True)
    with pytest.raises(UsageError, match=r"t it became inf at step 0; no checkpoint was good"):
        job.run()


def test_weights_that_are_not_finite_are_not_kept(tmp_path: Path) -> None:
    job = trainer(tmp_path)
    finite: Callable[[int], Tensor] = job.objective

    def spoil(step: int) -> Tensor:
        if step == 13:
            with torch.no_grad():
                next(job.module.parameters())[0] = float("inf")
        return finite(step) if step != 14 else torch.zeros((), requires_grad=True)

    job.objective = spoil
    with pytest.raises(UsageError, match=r"step 1[34].*the last good checkpoint is .*last"):
        job.run()
    assert load_tensors(kept(tmp_path).checkpoint)[1]["state"]["step"] == 10


def test_a_validation_that_cannot_be_counted_says_when(tmp_path: Path) -> None:
    job = trainer(tmp_path)
    validate = job.validate

    def odd() -> float:
        if job.state.step == 10:
            raise UsageError("it gives scores that are not finite (nan) in episode 3")
        return validate()

    job.validate = odd
    with pytest.raises(UsageError, match=r"^validation of t it at step 10: it gives .* episode 3$"):
        job.run()
    assert load_tensors(kept(tmp_path).checkpoint)[1]["state"]["step"] == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process dies while it writes")
def test_the_last_checkpoint_survives_a_torn_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trainer(tmp_path / "whole")
    state = whole.run()
    written = []

    def tear(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
        save_file(dict(tensors), path, metadata)
        written.append(path)
        if len(written) == 3:  # after steps 5 and 10
            os.truncate(path, path.stat().st_size // 2)
            os._exit(9)

    with monkeypatch.context() as torn:
        torn.setattr(tensors, "save_file", tear)
        if (child := os.fork()) == 0:
            trainer(tmp_path).run()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert list(tmp_path.glob("*.partial"))  # the torn file lies there, and nobody reads it
    assert load_tensors(kept(tmp_path).checkpoint)[1]["state"]["step"] == 10
    resumed = trainer(tmp_path)
    assert resumed.run().curves == state.curves


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path: Path) -> None:
    other = Kept({"kind": "t", "lr": 0.5}, place=tmp_path)
    other.save_checkpoint({}, {})
    with pytest.raises(UsageError, match="belongs to another configuration"):
        trainer(tmp_path).run()


def test_a_checkpoint_by_other_code_is_not_resumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = trainer(tmp_path, fail_at=12)
    job.stored = kept(tmp_path, "before")
    with pytest.raises(KeyboardInterrupt):
        job.run()
    again = trainer(tmp_path)
    again.stored = kept(tmp_path, "after")
    steps: list[int] = []
    objective = again.objective
    again.objective = lambda step: steps.append(step) or objective(step)  # type: ignore[func-returns-value]
    again.run()
    assert steps == list(range(23))
    assert "the code changed since its checkpoint; starting anew" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    kept(tmp_path).checkpoint.write_bytes(b"not a safetensors file")
    with pytest.raises(UsageError, match="damaged"):
        trainer(tmp_path).run()


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    kept(tmp_path).save_checkpoint({"model.0.weight": torch.ones(2, 2)}, {})
    with pytest.raises(UsageError, match="do not fit"):
        trainer(tmp_path).run()
