"""The one training loop: steps, validation, selection, checkpoints, exact resume.

All randomness of step *i* follows from (seed, i): the global generators are seeded anew at every
step. A process that resumes from the last checkpoint therefore repeats, to the bit on a CPU,
what an uninterrupted one would have done.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field, TypeAdapter
from torch import Tensor, nn

from fewshot_bench.errors import UsageError
from fewshot_bench.recipe import OptimRecipe
from fewshot_bench.training.checkpoints import StoredWeights, load_into
from fewshot_bench.training.optimisation import (
    clip_gradients,
    learning_rate,
    load_optimizer,
    make_optimizer,
)
from fewshot_bench.utilities.progress import Bar, say
from fewshot_bench.utilities.signals import Interrupted, deferred
from fewshot_bench.utilities.tensors import Tensors, all_finite, with_prefix, without_prefix

Loss = Annotated[float, Field(allow_inf_nan=False)]


@dataclass
class Training:
    """State of a training beside weights and optimiser; all of it is in the checkpoint.

    Attributes:
        step: steps done.
        best: best validation accuracy so far, and the step it was measured at.
        curves: ``[name, step, value]`` of losses and validation accuracies.
        seconds: wall time spent, over all processes.
        recent: losses since the last validation, whose mean goes into the curve.
    """

    step: Annotated[int, Field(ge=0)] = 0
    best: Annotated[float, Field(ge=-1, le=1)] = -1.0
    best_step: Annotated[int, Field(ge=0)] = 0
    curves: list[tuple[str, int, Loss]] = field(default_factory=list)
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    recent: list[Loss] = field(default_factory=list)

    @property
    def outcome(self) -> dict[str, Any]:
        """What is kept beside the finished weights."""
        return {
            "seconds": self.seconds,
            "curves": self.curves,
            "val_acc": self.best,
            "best_step": self.best_step,
        }


_LOSSES_UNREAD = 50  # on a device, which is waited for to read them


class Trainer:
    """Trains a module and keeps the weights that validated best.

    Args:
        stage: ``pretrain`` or ``train``; the curves are ``{stage}_loss`` and ``{stage}_val_acc``.
        subject: what is trained, for the progress bar.
        module: all weights, trained or not.
        objective: loss of a step, counted from 0.
        validate: accuracy on the val split in [0, 1]; puts the module in evaluation mode itself.
        recipe: optimiser and schedule.
        n_steps: length of the training.
        val_every: steps between validations, each of which writes the checkpoint; so does a
            signal that ends the process.
        seed: of the training.
        stored: where the checkpoint is kept.
    """

    def __init__(
        self,
        stage: str,
        subject: str,
        module: nn.Module,
        objective: Callable[[int], Tensor],
        validate: Callable[[], float],
        recipe: OptimRecipe,
        n_steps: int,
        val_every: int,
        seed: int,
        stored: StoredWeights,
    ) -> None:
        self.stage, self.label = stage, f"{stage} {subject}"
        self.module, self.recipe = module, recipe
        self.objective, self.validate = objective, validate
        self.n_steps, self.val_every = n_steps, min(val_every, n_steps)
        self.seed, self.stored = seed, stored
        self.optimizer = make_optimizer(recipe, module)
        self.state = Training()
        self.best_weights: Tensors = {}
        self._unread: list[Tensor] = []  # losses of the last steps, not looked at yet

    def run(self) -> Training:
        """Train to the end, from the checkpoint if there is one; load the best weights.

        Raises:
            Interrupted: Ctrl-C or SIGTERM came; the step was finished and the checkpoint written.
        """
        if checkpoint := self.stored.load_checkpoint():
            self._resume(*checkpoint)
        else:
            self._validate()  # the initial weights stand for selection too
        state = self.state
        began = time.monotonic() - state.seconds
        bar = Bar(self.label, self.n_steps, state.step)
        with bar.live(), deferred() as signalled:
            while state.step < self.n_steps:
                validated, number = self._advance(), signalled()
                if validated or number is not None:
                    state.seconds = time.monotonic() - began
                    self._save()
                if number is not None:
                    self.stored.share_checkpoint()
                    raise Interrupted(number)
                bar.update(
                    state.step, state.recent[-1] if state.recent else None, self._latest_val()
                )
        load_into(self.module, self.best_weights, self.stored.checkpoint)
        return state

    def _advance(self) -> bool:
        """Take a step, and validate if that is due; return whether it was."""
        state = self.state
        self._unread.append(self._step(state.step))
        state.step += 1
        due = state.step % self.val_every == 0 or state.step == self.n_steps
        if self._unread[-1].device.type == "cpu" or len(self._unread) >= _LOSSES_UNREAD:
            self._read_losses()
        if due:
            self._read_losses()
            self.note("loss", sum(state.recent) / len(state.recent))
            self._validate()
            state.recent.clear()
        return due

    def _read_losses(self) -> None:
        """Take the losses that were not looked at yet into the curve, unless one is odd."""
        first = self.state.step - len(self._unread)
        values = torch.stack(self._unread).tolist() if self._unread else []
        for step, value in enumerate(values, first):
            if not math.isfinite(value):
                raise self._diverged(f"the loss of {self.label} became {value} at step {step}")
        self.state.recent += values
        self._unread.clear()

    def _step(self, step: int) -> Tensor:
        torch.manual_seed(_mix(self.seed, step))
        for group in self.optimizer.param_groups:
            group["lr"] = group["lr_factor"] * learning_rate(self.recipe, step, self.n_steps)
        loss = self.objective(step)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        clip_gradients(self.recipe, self.module)
        self.optimizer.step()
        return loss.detach()

    def _diverged(self, what: str) -> UsageError:
        last = self.stored.checkpoint
        good = f"the last good checkpoint is {last}" if last.exists() else "no checkpoint was good"
        return UsageError(f"{what}; {good}; lower the learning rate with --set")

    def note(self, name: str, value: float) -> None:
        """Add the point of this step to a curve."""
        self.state.curves.append((f"{self.stage}_{name}", self.state.step, value))

    def _validate(self) -> None:
        self._require_finite(_state(self.module))
        try:
            accuracy = self.validate()
        except UsageError as error:
            moment = f"validation of {self.label} at step {self.state.step}"
            raise UsageError(f"{moment}: {error}") from None
        self.note("val_acc", accuracy)
        if accuracy > self.state.best:
            self.state.best, self.state.best_step = accuracy, self.state.step
            self.best_weights = {k: v.detach().clone() for k, v in _state(self.module).items()}

    def _latest_val(self) -> float | None:
        return self.state.curves[-1][2] if self.state.curves else None

    def _save(self) -> None:
        self._read_losses()
        tensors = with_prefix("model", _state(self.module))
        tensors |= with_prefix("best", self.best_weights)
        for index, entries in self.optimizer.state_dict()["state"].items():
            tensors |= with_prefix(
                f"optim.{index}", {k: v for k, v in entries.items() if v is not None}
            )
        self._require_finite(tensors)
        self.stored.save_checkpoint(tensors, vars(self.state))

    def _require_finite(self, tensors: Tensors) -> None:
        if not all(map(all_finite, tensors.values())):
            step = self.state.step
            raise self._diverged(f"weights of {self.label} are no longer finite at step {step}")

    def _resume(self, tensors: Tensors, facts: dict[str, Any]) -> None:
        path = self.stored.checkpoint
        self.best_weights = without_prefix("best", tensors)
        for weights in (self.best_weights, without_prefix("model", tensors)):
            load_into(self.module, weights, path)  # the best would be wanted at the end
        try:
            self.state = TypeAdapter(Training).validate_python(facts)
            if self.state.step > self.n_steps:
                raise ValueError("more steps than the training has")
            load_optimizer(self.optimizer, without_prefix("optim", tensors), self.state.step)
        except ValueError:
            raise UsageError(f"{path} holds no such training; delete it and run again") from None
        say(f"{self.label}: going on from step {self.state.step} of {self.n_steps}")


def _state(module: nn.Module) -> Tensors:
    state: Tensors = module.state_dict()
    return state


def _mix(seed: int, step: int) -> int:
    """One 63-bit seed for (seed, step); neighbours give unrelated streams."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1))
