"""Small steps captured in a CUDA graph, against the same steps one call after another."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.gpu.inputs import WIDTH, embedding_split, on_embeddings
from bench.gpu.setup import Found, Rows, Setup, SkippedError, difference
from bench.gpu.timing import steady_seconds
from bench.settings import STEPS
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method

ANSWERS = ("ssl-meta", "ssl-meta-plus", "tim", "pt-map", "fine-tune")
TRAININGS = ("ssl-meta", "ssl-meta-plus")
Step = Callable[[], list[Tensor]]


def rows(setup: Setup) -> Rows:
    """How many times as fast a step is when its calls are captured once and replayed."""
    for name in ANSWERS:
        for n_tasks in (1, 64):
            yield f"{name}, {n_tasks} tasks", partial(_graphed, name, n_tasks, _answer, setup)
    for name in TRAININGS:
        yield f"{name}, training step", partial(_graphed, name, 1, _gradients, setup)


def _graphed(name: str, n_tasks: int, made: Callable[[Method, int], Step], setup: Setup) -> Found:
    split = embedding_split(20, 20, setup.size(WIDTH, 32))
    given = (f"n_steps={STEPS[name]}",) if name in STEPS else ()
    step = made(on_embeddings(name, split, setup.device, *given), n_tasks)
    if setup.device.type != "cuda":
        step()
        raise SkippedError("CUDA graphs need CUDA")
    eager = steady_seconds(step, setup.device)
    replay, found = captured(step)
    fast = steady_seconds(replay, setup.device)
    apart = max(map(difference, step(), found))
    note = f"{1e3 * eager:.3g} ms, captured {1e3 * fast:.3g} ms; results differ by {apart:.1e}"
    return Found(eager / fast, "times as fast", note=note)


def captured(step: Step) -> tuple[Callable[[], None], list[Tensor]]:
    """Capture a step after a warm-up beside the main stream; returns what replays it, and where."""
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = step()
    return graph.replay, found


def _tasks(method: Method, n_tasks: int) -> tuple[Episode, Tensor]:
    """Tasks of noise on the method's device, and the query labels."""
    numbers = torch.rand(n_tasks, 80, method.embedding_dim, device=method.device)
    labels = torch.arange(5, device=method.device)
    episode = Episode(numbers[:, :5], labels.expand(n_tasks, 5), numbers[:, 5:], 5, embedded=True)
    return episode, labels.repeat(15).expand(n_tasks, 75)


def _answer(method: Method, n_tasks: int) -> Step:
    episode, _ = _tasks(method, n_tasks)

    @torch.no_grad()
    def step() -> list[Tensor]:
        return [method(episode)]

    return step


def _gradients(method: Method, n_tasks: int) -> Step:
    """Gradients of the loss of the answers alone: what a method adds to it may look at them."""
    episode, labels = _tasks(method.train(), n_tasks)
    weights = [weight for weight in method.parameters() if weight.requires_grad]

    def step() -> list[Tensor]:
        loss = F.cross_entropy(method(episode).flatten(0, 1), labels.flatten())
        return list(torch.autograd.grad(loss, weights, allow_unused=False))

    return step
