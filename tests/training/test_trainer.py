"""Training: schedules, selection, and resuming to the bit."""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from fewshot_bench.errors import UsageError
from fewshot_bench.recipe import OptimRecipe
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.training.trainer import Trainer, learning_rate, make_optimizer
from fewshot_bench.utilities import tensors
from fewshot_bench.utilities.signals import Interrupted, deferred
from fewshot_bench.utilities.tensors import load_tensors


@dataclass(frozen=True)
class Kept(StoredWeights):
    """Weights in a folder of the test's choice."""

    place: Path = Path()

    @property
    def folder(self) -> Path:
        return self.place


def kept(folder: Path, source: str = "") -> Kept:
    return Kept({"kind": "t"}, source, place=folder)


def trainer(
    folder: Path,
    kind: str = "sgd",
    fail_at: int | None = None,
    steps: int = 23,
    signal_at: int | None = None,
) -> Trainer:
    """A small network with batch norm and dropout, trained on noise."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))

    def objective(step: int) -> Tensor:
        if step == fail_at:
            raise KeyboardInterrupt
        if step == signal_at:
            os.kill(os.getpid(), signal.SIGTERM)
        module.train()
        return nn.functional.cross_entropy(module(torch.randn(16, 4)), torch.randint(3, (16,)))

    def validate() -> float:
        module.eval()
        with torch.no_grad():
            return float(torch.sigmoid(module(torch.ones(1, 4))[0, 0]))

    recipe = OptimRecipe(optimizer=kind, lr=0.05, schedule="one-cycle", warmup=0.2)
    return Trainer("t", "it", module, objective, validate, recipe, steps, 5, 1, kept(folder))


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


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    job = trainer(tmp_path)
    finite: Callable[[int], Tensor] = job.objective
    job.objective = lambda step: finite(step) * (float("nan") if step == 12 else 1)
    with pytest.raises(UsageError, match=r"became nan at step 12.*last"):
        job.run()
    assert load_tensors(kept(tmp_path).checkpoint)[1]["state"]["step"] == 10


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


def test_a_signal_after_the_last_step_is_not_lost() -> None:
    with pytest.raises(Interrupted), deferred() as signalled:
        assert signalled() is None
        os.kill(os.getpid(), signal.SIGTERM)
    with deferred() as signalled:  # and no later block takes it for its own
        pass


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


def test_a_checkpoint_by_other_code_is_not_resumed(tmp_path: Path) -> None:
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


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    kept(tmp_path).checkpoint.write_bytes(b"not a safetensors file")
    with pytest.raises(UsageError, match="damaged"):
        trainer(tmp_path).run()


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    kept(tmp_path).save_checkpoint({"model.0.weight": torch.ones(2, 2)}, {})
    with pytest.raises(UsageError, match="do not fit"):
        trainer(tmp_path).run()


@given(n_steps=st.integers(2, 500), warmup=st.floats(0, 0.9))
def test_one_cycle_rises_to_its_peak_and_falls_to_zero(n_steps: int, warmup: float) -> None:
    recipe = OptimRecipe(lr=0.3, schedule="one-cycle", warmup=warmup)
    rates = [learning_rate(recipe, step, n_steps) for step in range(n_steps)]
    assert all(0 <= rate <= 0.3 for rate in rates)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def test_the_paper_schedule_of_sib() -> None:
    recipe = OptimRecipe(lr=0.1, schedule="step", warmup=1 / 6, milestones=(50 / 60,))
    rates = [learning_rate(recipe, step, 60) for step in range(60)]
    assert rates[4] == pytest.approx(0.05)
    assert rates[9:50] == pytest.approx([0.1] * 41)
    assert rates[50:] == pytest.approx([0.01] * 10)


def one_step(**settings: object) -> dict[str, Tensor]:
    """How far one step of plain gradient descent, with gradients of 3 and 4, moves two weights."""
    module = nn.Module()
    module.backbone, module.head = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    before = {name: w.detach().clone() for name, w in module.named_parameters()}

    def objective(step: int) -> Tensor:
        loss: Tensor = 3 * module.backbone.weight.sum() + 4 * module.head.weight.sum()  # type: ignore[operator,union-attr]
        return loss

    recipe = OptimRecipe.model_validate({"lr": 0.1, "momentum": 0, **settings})
    job = Trainer("t", "it", module, objective, lambda: 0.0, recipe, 1, 1, 0, kept(Path("unused")))
    job._step(0)
    return {name: before[name] - w.detach() for name, w in module.named_parameters()}


def test_a_backbone_may_learn_more_slowly() -> None:
    moved = one_step(backbone_lr=0.01)
    assert float(moved["backbone.weight"]) == pytest.approx(0.003, rel=1e-3)
    assert float(moved["head.weight"]) == pytest.approx(0.4, rel=1e-3)
    frozen = nn.ModuleDict({"backbone": nn.Linear(1, 1), "head": nn.Linear(1, 1)})
    frozen["backbone"].requires_grad_(False)
    (group,) = make_optimizer(OptimRecipe(), frozen).param_groups
    assert [id(p) for p in group["params"]] == [id(p) for p in frozen["head"].parameters()]


def test_gradients_are_bounded_entry_by_entry_or_as_a_whole() -> None:
    entries = one_step(clip_value=3.5)
    assert float(entries["head.weight"]) == pytest.approx(0.35, rel=1e-3)
    whole = one_step(clip_norm=1.0)
    assert float(whole["backbone.weight"]) == pytest.approx(0.06, rel=1e-3)
    assert float(whole["head.weight"]) == pytest.approx(0.08, rel=1e-3)
