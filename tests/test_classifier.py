"""Few-shot methods as classifiers of scikit-learn: its own checks, its peers, and ours."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    parametrize_with_checks,
)

from fewshot_bench.classifier import FewShotClassifier
from fewshot_bench.errors import UsageError
from fewshot_bench.method import methods
from tests.embeddings import ON_EMBEDDINGS, make_arrays
from tests.oracles import load

IRIS, SPECIES = load_iris(return_X_y=True)
FEW = np.random.default_rng(0).permutation(len(IRIS))[:20]  # of each class, not equally many
# scikit-learn's data are large for a head that takes many steps with each prediction.
QUICK: dict[str, dict[str, Any]] = {
    name: {"epochs": 30, "batch_size": 1000, "lr": 0.5} for name in ("baseline", "baseline-plus")
}
CANNOT_HOLD = {
    "ppa": {
        "check_classifiers_train": "untrained, its predictor is two ReLUs: negative entries are "
        "lost, which embeddings do not have and the data of the check do"
    }
}


def inductive() -> list[FewShotClassifier]:
    """A classifier by every inductive method that needs neither base classes nor training."""
    return [
        FewShotClassifier(name, **settings, **QUICK.get(name, {}))
        for name, settings in ON_EMBEDDINGS.items()
        if methods[name].setting == "inductive"
    ]


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    inductive(), expected_failed_checks=lambda e: CANNOT_HOLD.get(e.method, {}), xfail_strict=True
)
def test_scikit_learns_checks(estimator: FewShotClassifier, check: Any) -> None:
    check(estimator)


def test_the_checks_are_run_on_many_methods() -> None:
    names = {estimator.method for estimator in inductive()}
    assert {"simple-shot", "logistic", "baseline", "fine-tune", "proto-net", "r2d2"} <= names
    assert len(names) >= 13


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nearest_mean_is_scikit_learns(dtype: type) -> None:
    X = IRIS.astype(dtype)
    ours = FewShotClassifier("simple-shot", transform="UN").fit(X[FEW], SPECIES[FEW])
    theirs = NearestCentroid().fit(X[FEW], SPECIES[FEW])
    assert ours.predict(X).tolist() == theirs.predict(X).tolist()
    assert ours.method_.device.type == "cpu"
    assert ours.support_.dtype == dtype


def test_logistic_regression_is_scikit_learns() -> None:
    unit = normalize(IRIS)
    theirs = LogisticRegression(C=5, tol=1e-10, max_iter=10_000).fit(unit[FEW], SPECIES[FEW])
    ours = FewShotClassifier("logistic", C=5).fit(IRIS[FEW], SPECIES[FEW])
    np.testing.assert_allclose(ours.predict_proba(IRIS), theirs.predict_proba(unit), atol=1e-5)
    assert ours.score(IRIS, SPECIES) == theirs.score(unit, SPECIES)


@pytest.mark.parametrize(
    ("name", "oracle", "settings"),
    [
        ("pt-map", "authors_pt_map_1shot", {"n_balancing": 2000}),
        ("pt-map", "authors_pt_map_5shot", {"n_balancing": 2000}),
        ("tim", "authors_tim_gd_1shot", {}),
        ("tim", "authors_tim_adm_5shot", {"solver": "alternating"}),
        ("alpha-tim", "authors_alpha_tim_5shot", {}),
    ],
)
def test_probabilities_are_the_authors(
    shared: Path, name: str, oracle: str, settings: dict[str, Any]
) -> None:
    """Of their releases, task by task; the number of shots tells the settings."""
    data = {key: value.double().numpy() for key, value in load(shared, oracle).items()}
    for task in range(2):
        classifier = FewShotClassifier(name, **settings)
        classifier.fit(data["support"][task], data["support_labels"][task])
        found = classifier.predict_proba(data["query"][task])
        np.testing.assert_allclose(found, data["probabilities"][task], atol=1e-4)


def test_the_mean_of_the_base_classes_is_taken_off(shared: Path) -> None:
    data = {k: v.double().numpy() for k, v in load(shared, "authors_laplacian_shot_1shot").items()}
    base = np.stack([data["param.train_mean"]] * 2)
    classifier = FewShotClassifier("laplacian-shot")
    classifier.fit(data["support"][0], data["support_labels"][0], X_base=base, y_base=[0, 1])
    found = classifier.predict_proba(data["query"][0])
    np.testing.assert_allclose(found, data["probabilities"][0], atol=1e-4)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["setosa", "versicolor", "virginica"]),
        np.array(["setosa", "versicolor", "virginica"], dtype=object),
        np.array([-5, 0, 7]),
        np.array([1.0, 2.0, 3.0]),
    ],
)
def test_labels_of_any_kind(labels: NDArray[Any]) -> None:
    classifier = FewShotClassifier("bd-cspn").fit(IRIS[FEW], labels[SPECIES[FEW]])
    numbers = FewShotClassifier("bd-cspn").fit(IRIS[FEW], SPECIES[FEW]).predict(IRIS)
    assert classifier.predict(IRIS).tolist() == labels[numbers].tolist()
    assert classifier.classes_.tolist() == labels.tolist()


@pytest.mark.parametrize("name", sorted(ON_EMBEDDINGS))
def test_says_whether_rows_are_read_together(name: str) -> None:
    X, y = make_arrays(4, 10)
    classifier = FewShotClassifier(name, **ON_EMBEDDINGS[name], **QUICK.get(name, {}))
    assert classifier.transductive == (methods[name].setting == "transductive")
    probabilities = classifier.fit(X[:34], y[:34]).predict_proba(X[34:])
    alone = np.concatenate([classifier.predict_proba(row[None]) for row in X[34:]])
    assert np.allclose(alone, probabilities, atol=1e-6) != classifier.transductive


def test_a_recipe_can_make_a_method_inductive() -> None:
    X, y = make_arrays(4, 10)
    classifier = FewShotClassifier("ssl-meta", train=None, n_steps=0)
    assert not classifier.fit(X, y).transductive


def test_weights_that_fix_the_way_are_built_for_the_classes() -> None:
    X, y = make_arrays(3, 10)
    classifier = FewShotClassifier("anil", train=None, random_state=3).fit(X, y)
    assert classifier.method_.n_way == 3
    again = clone(classifier).fit(X, y)
    assert (again.predict_proba(X) == classifier.predict_proba(X)).all()
    other = clone(classifier).set_params(random_state=np.random.RandomState(4)).fit(X, y)
    assert (other.predict_proba(X) != classifier.predict_proba(X)).any()


def test_many_rows_are_answered_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = FewShotClassifier("r2d2", train=None).fit(IRIS[FEW], SPECIES[FEW])
    whole = classifier.predict_proba(IRIS)
    monkeypatch.setattr("fewshot_bench.evaluation.answering._ROWS", 7)
    np.testing.assert_allclose(classifier.predict_proba(IRIS), whole)


def test_settings_can_be_searched_over_in_a_pipeline() -> None:
    heads = make_pipeline(StandardScaler(), FewShotClassifier("tim", n_steps=20))
    grid = {"fewshotclassifier__temperature": [1e-3, 15], "fewshotclassifier__lr": [1e-4]}
    search = GridSearchCV(heads, grid, cv=StratifiedKFold(3)).fit(IRIS, SPECIES)
    best = search.best_estimator_[-1]
    assert best.get_params()["temperature"] in (1e-3, 15)
    assert best.method_.recipe.temperature == best.get_params()["temperature"]
    assert best.method_.recipe.n_steps == 20
    assert search.best_score_ > 0.8


def test_the_base_classes_go_through_a_search_and_columns_have_names() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    check_dataframe_column_names_consistency("FewShotClassifier", FewShotClassifier("logistic"))
    search = GridSearchCV(FewShotClassifier("simple-shot"), {"metric": ["euclidean", "cosine"]})
    search.fit(X, y, X_base=IRIS[FEW], y_base=SPECIES[FEW])
    assert search.best_estimator_.feature_names_in_.tolist() == X.columns.tolist()
    assert search.best_estimator_.method_.base_mean.numpy() == pytest.approx(IRIS[FEW].mean(0))


def test_clones_and_pickles_are_alike() -> None:
    classifier = FewShotClassifier("tim", temperature=5, n_steps=10)
    assert repr(classifier) == "FewShotClassifier(method='tim', n_steps=10, temperature=5)"
    assert clone(classifier).get_params() == classifier.get_params()
    clone(classifier).set_params(temperature=1)
    assert classifier.get_params()["temperature"] == 5
    classifier.fit(IRIS[FEW], SPECIES[FEW])
    restored = pickle.loads(pickle.dumps(classifier))
    assert (restored.predict_proba(IRIS) == classifier.predict_proba(IRIS)).all()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"method": "tim", "temperatur": 3}, "did you mean 'temperature'"),
        ({"method": "simple-shot"}, "or set transform='L2N' to do without"),
        ({"method": "proto-net"}, "train=None"),
        ({"method": "maml"}, "needs images"),
        ({"device": "tpu"}, "no device 'tpu'"),
    ],
)
def test_what_cannot_be_is_told_by_fit(settings: dict[str, Any], says: str) -> None:
    classifier = FewShotClassifier(**settings)
    with pytest.raises(UsageError, match=says):
        classifier.fit(IRIS, SPECIES).predict(IRIS)
