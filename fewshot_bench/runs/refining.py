"""One episode of a finished run, and what its method made of it step by step."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import ImageSplit, Split
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method, Refinement, steps_shown
from fewshot_bench.report.figures.refined import RefinedEpisode, Step
from fewshot_bench.runs.runner import made_again

Indices = NDArray[np.int64]


def refined_episode(config: RunConfig, index: int, device: torch.device) -> RefinedEpisode:
    """Answer one episode of a run again, see `refined_episodes`."""
    (found,) = refined_episodes(config, [index], device)
    return found


@torch.no_grad()
def refined_episodes(
    config: RunConfig, indices: Sequence[int], device: torch.device
) -> list[RefinedEpisode]:
    """Answer episodes of a run again by its stored weights; nothing is trained.

    Args:
        config: of the run.
        indices: of the episodes, among those that it was measured on.
        device: to compute on.

    Raises:
        UsageError: the run has no such episode, its images or weights are gone, or its method does
            not work on embeddings.
    """
    for index in indices:
        if not 0 <= index < config.n_episodes:
            raise UsageError(f"the run has episodes 0 to {config.n_episodes - 1}, and no {index}")
    method, source = made_again(config, device)
    if method.adapts_backbone:
        raise UsageError(
            f"{config.method} embeds each task by another network, so that an episode has no "
            "embeddings to be drawn; choose another with --method"
        )
    method.eval()
    return [_refined(method, source, index) for index in indices]


def _refined(method: Method, source: EpisodeSource, index: int) -> RefinedEpisode:
    indices, split = source.indices(index, 1), source.split
    support, query = (_rows(method, split, rows[0]) for rows in (indices.support, indices.query))
    labels = torch.from_numpy(indices.support_labels).to(method.device)
    episode = Episode(support[None], labels, query[None], source.spec.n_way, embedded=True)
    steps = list(method.refinements(episode))
    shown = set(steps_shown(steps[-1].step))
    names = [split.class_names[place] for place in indices.classes[0]]
    found = RefinedEpisode(
        classes=tuple(map(str, names)),
        support=_directions(support),
        support_labels=indices.support_labels[0],
        query=_directions(query),
        query_labels=indices.query_labels[0],
        steps=tuple(_step(each) for each in steps if each.step in shown),
    )
    if not isinstance(split, ImageSplit):
        return found
    return replace(found, images=np.array(split.images[indices.query[0]]))


def _rows(method: Method, split: Split, rows: Indices) -> torch.Tensor:
    """Embed rows as the evaluator does: each by itself."""
    return method.transform(method.embed(split.tensor(rows, method.device)))


def _directions(points: torch.Tensor) -> NDArray[np.float64]:
    return F.normalize(points, dim=-1).double().cpu().numpy()


def _step(refinement: Refinement) -> Step:
    weights = refinement.weights
    return Step(
        refinement.step,
        refinement.scores[0].argmax(-1).cpu().numpy(),
        None if weights is None else _directions(weights[0]),
    )
