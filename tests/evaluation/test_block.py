"""From scores to answers: the first of equals, and its share of the softmax."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.episodes.episode import EpisodeIndices
from fewshot_bench.evaluation import block
from fewshot_bench.evaluation.block import block_of, decide


@given(st.integers(1, 3), st.integers(1, 4), st.integers(2, 6), st.booleans(), st.integers(0, 99))
def test_the_first_of_equals_is_the_answer_and_probabilities_are_the_softmax(
    n_tasks: int, n_queries: int, n_way: int, transposed: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    shape = (n_tasks, n_way, n_queries) if transposed else (n_tasks, n_queries, n_way)
    scores = torch.randint(3, shape, generator=generator).float()
    scores = scores.transpose(1, 2) if transposed else scores
    cut = seed % n_tasks
    parts = [part for part in (scores[:cut], scores[cut:]) if len(part)]
    answers, probabilities = decide(parts)
    assert (answers == scores.numpy().argmax(-1)).all()  # numpy's takes the first
    torch.testing.assert_close(torch.from_numpy(probabilities), scores.softmax(-1).amax(-1))


def test_scores_are_taken_in_batches_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    indices = torch.zeros(6, 4, dtype=torch.long).numpy()
    episodes = EpisodeIndices(indices, indices, indices, indices, indices[:, :3])
    scores = torch.rand(6, 4, 3)
    whole = block_of(episodes, [scores])
    alive: list[int] = []

    def decided(parts: list[torch.Tensor]) -> object:
        alive.append(sum(map(len, parts)))
        return decide(parts)

    monkeypatch.setattr(block, "_SCORES_AT_ONCE", 2 * 4 * 3)
    monkeypatch.setattr(block, "decide", decided)
    parts = block_of(episodes, [scores[i : i + 1] for i in range(6)])
    assert alive == [2, 2, 2]
    assert (parts.answers == whole.answers).all()
    assert (parts.probabilities == whole.probabilities).all()
    assert (parts.accuracies == (scores.argmax(-1) == 0).double().mean(1).numpy()).all()
