"""Episodes: fixed, fair, and without leaks."""

import hashlib
import re
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.evaluate import gather
from fewshot_bench.evaluation.features import ImageTable
from tests.synthetic import make_split

PINNED = {
    "support": [[57, 28, 135]],
    "query": [[46, 148, 48, 26, 14, 140]],
    "query_labels": [[1, 2, 1, 0, 0, 2]],
}

specs = st.integers(2, 6).flatmap(
    lambda n_way: st.builds(
        EpisodeSpec,
        n_way=st.just(n_way),
        n_shot=st.integers(1, 5),
        n_query=st.integers(1, 4),
        dirichlet=st.sampled_from([None, 0.5, 2.0]),
        n_query_way=st.none() | st.integers(1, n_way),
    )
)
counts = st.lists(st.integers(29, 40), min_size=6, max_size=12)
seeds = st.integers(0, 2**40)


@settings(max_examples=60, deadline=None)
@given(spec=specs, counts=counts, seed=seeds, start=st.integers(0, 2**40))
def test_an_episode_is_well_formed(
    spec: EpisodeSpec, counts: list[int], seed: int, start: int
) -> None:
    split = make_split(len(counts), counts, size=1)
    batch = EpisodeSource(split, spec, seed).indices(start, 4)
    labels = split.labels
    for i in range(4):
        images = np.concatenate([batch.support[i], batch.query[i]])
        answers = np.concatenate([batch.support_labels[i], batch.query_labels[i]])
        assert len(set(images.tolist())) == len(images), "an image occurs twice"
        pairs = set(zip(answers.tolist(), labels[images].tolist(), strict=True))
        classes_of_labels = dict(pairs)
        assert len(pairs) == len(classes_of_labels), "a label means one class"
        assert len(set(classes_of_labels.values())) == len(pairs), "a class has one label"
        assert (np.bincount(batch.support_labels[i], minlength=spec.n_way) == spec.n_shot).all()
        assert len(batch.query[i]) == spec.n_queries
        asked = np.bincount(batch.query_labels[i])
        if spec.dirichlet is None:
            assert set(asked.tolist()) <= {0, spec.n_query}
            assert (asked > 0).sum() == (spec.n_query_way or spec.n_way)
        assert (asked > 0).sum() <= (spec.n_query_way or spec.n_way)


@settings(max_examples=30, deadline=None)
@given(spec=specs, seed=seeds, start=st.integers(0, 1000), n=st.integers(1, 9))
def test_an_episode_depends_on_seed_and_number_alone(
    spec: EpisodeSpec, seed: int, start: int, n: int
) -> None:
    source = EpisodeSource(make_split(6, 29, size=1), spec, seed)
    block, one = source.indices(start, n), source.indices(start + n - 1, 1)
    for field in fields(block):
        assert (getattr(block, field.name)[-1] == getattr(one, field.name)[0]).all()


def digest(source: EpisodeSource, *chunks: int) -> str:
    sha, start = hashlib.sha256(), 0
    for n in chunks:
        source.indices(start, n).update(sha)
        start += n
    return sha.hexdigest()


def test_the_digest_does_not_depend_on_chunks_but_on_everything_else() -> None:
    split, spec = make_split(), EpisodeSpec()
    source = EpisodeSource(split, spec)
    assert digest(source, 10) == digest(source, 3, 7)
    assert digest(source, 10) != digest(source, 9)
    assert digest(source, 10) != digest(EpisodeSource(split, spec, seed=1), 10)
    assert digest(source, 10) != digest(EpisodeSource(make_split(split="val"), spec), 10)


def test_this_stream_is_pinned() -> None:
    """Published numbers rest on these episodes: the stream must never change."""
    source = EpisodeSource(make_split(), EpisodeSpec(3, 1, 2), seed=7)
    batch = source.indices(5, 1)
    assert batch.support.tolist() == PINNED["support"]
    assert batch.query.tolist() == PINNED["query"]
    assert batch.query_labels.tolist() == PINNED["query_labels"]


def test_classes_images_and_labels_are_uniform() -> None:
    split = make_split(8, 20, size=1)
    batch = EpisodeSource(split, EpisodeSpec(3, 1, 2)).indices(0, 8000)
    classes = split.labels[batch.support]
    assert stats.chisquare(np.bincount(classes.ravel())).pvalue > 1e-4
    assert stats.chisquare(np.bincount(batch.query.ravel(), minlength=160)).pvalue > 1e-4
    table = np.zeros((8, 3))
    np.add.at(table, (classes.ravel(), batch.support_labels.ravel()), 1)
    assert stats.chi2_contingency(table).pvalue > 1e-4, "labels depend on classes"


def test_query_labels_come_in_random_order() -> None:
    batch = EpisodeSource(make_split(), EpisodeSpec(5, 1, 3)).indices(0, 4000)
    for position in range(15):
        frequency = np.bincount(batch.query_labels[:, position], minlength=5)
        assert stats.chisquare(frequency).pvalue > 1e-5


def test_dirichlet_queries_have_the_right_spread() -> None:
    spec = EpisodeSpec(5, 1, 15, dirichlet=2.0)
    batch = EpisodeSource(make_split(6, 80, size=1), spec).indices(0, 3000)
    counts = np.stack([np.bincount(row, minlength=5) for row in batch.query_labels])
    assert (counts.sum(1) == 75).all()
    expected = np.sqrt(0.2 * 0.8 / 11)  # of Dirichlet(2, 2, 2, 2, 2)
    assert np.std(counts / 75) == pytest.approx(expected, rel=0.05)
    assert counts.mean(0) == pytest.approx(np.full(5, 15), rel=0.05)


def test_queries_of_fewer_classes_than_the_support_are_of_any_of_them() -> None:
    split, spec = make_split(8, 20, size=1), EpisodeSpec(5, 1, 3, n_query_way=2)
    batch = EpisodeSource(split, spec).indices(0, 4000)
    assert batch.query.shape == (4000, 6)
    chosen = np.stack([np.bincount(row, minlength=5) for row in batch.query_labels]) > 0
    assert (chosen.sum(1) == 2).all()
    assert stats.chisquare(chosen.sum(0)).pvalue > 1e-4, "a label is preferred"
    pairs = np.unique(chosen, axis=0, return_counts=True)[1]
    assert len(pairs) == 10
    assert stats.chisquare(pairs).pvalue > 1e-4, "a pair of labels is preferred"


def test_a_spec_without_query_ways_has_the_keys_that_it_always_had() -> None:
    assert EpisodeSpec().facts == {"n_way": 5, "n_shot": 1, "n_query": 15, "dirichlet": None}
    assert EpisodeSpec(n_query_way=2).facts["n_query_way"] == 2


def test_an_episode_has_no_query_labels() -> None:
    assert {f.name for f in fields(Episode)} == {
        "support",
        "support_labels",
        "query",
        "n_way",
        "embedded",
        "classes",
    }


def test_the_classes_behind_the_labels_are_told_in_training_alone() -> None:
    split = make_split()
    indices = EpisodeSource(split, EpisodeSpec(5, 2, 3)).indices(0, 4)
    table = ImageTable(split, torch.device("cpu"))
    assert gather(table, indices, 5)[0].classes is None
    classes = gather(table, indices, 5, training=True)[0].classes
    assert classes is not None
    told = torch.gather(classes, 1, torch.from_numpy(indices.query_labels))
    assert torch.equal(told, torch.from_numpy(split.labels[indices.query]))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (EpisodeSpec(9, 1, 1), "ask for 8 ways or fewer"),
        (EpisodeSpec(5, 20, 15), "ask for 10 queries a class or fewer"),
        (EpisodeSpec(5, 29, 15), "ask for 1 query a class or fewer"),
        (EpisodeSpec(5, 30, 15), "lower shots"),
        (EpisodeSpec(5, 1, 15, dirichlet=2.0), "76 of each class.* ask for 5 queries a class"),
        (EpisodeSpec(5, 26, 15, dirichlet=2.0), "lower shots, or balance the queries"),
        (EpisodeSpec(5, 1, 15, n_query_way=6), "query ways from 1 to 5"),
        (EpisodeSpec(1, 1, 1), "at least 2 ways"),
    ],
)
def test_impossible_episodes_are_refused_in_one_line(spec: EpisodeSpec, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        EpisodeSource(make_split(8, 30), spec)
    assert "\n" not in str(error.value)


def test_a_split_of_one_class_makes_no_episode() -> None:
    with pytest.raises(UsageError, match="has 1 class; give it at least 2"):
        EpisodeSource(make_split(1, 30), EpisodeSpec(2, 1, 1))


@settings(max_examples=60, deadline=None)
@given(spec=specs, count=st.integers(2, 30))
def test_what_a_refusal_suggests_is_possible_and_the_most(spec: EpisodeSpec, count: int) -> None:
    split = make_split(8, count, size=1)
    try:
        EpisodeSource(split, spec)
    except UsageError as refusal:
        if found := re.search(r"ask for (\d+) quer", str(refusal)):
            EpisodeSource(split, replace(spec, n_query=int(found[1])))
            with pytest.raises(UsageError):
                EpisodeSource(split, replace(spec, n_query=int(found[1]) + 1))
