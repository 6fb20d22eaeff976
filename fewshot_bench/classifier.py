"""Few-shot methods as classifiers of scikit-learn."""

import copy
from numbers import Integral
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from fewshot_bench.evaluation.answering import task_scores
from fewshot_bench.evaluation.embeddings import (
    base_split,
    build_on_embeddings,
    recipe_for_embeddings,
)
from fewshot_bench.method import methods
from fewshot_bench.utilities.devices import pick_device


class FewShotClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Any few-shot method that works on embeddings, as a classifier of scikit-learn.

    `fit` takes the support: a few labelled embeddings of each class, not equally many if need be.
    `predict` adapts the method to them, each time anew, and answers the queries. It computes in
    the precision of the support, float32 or float64.

    **A transductive method reads all rows of one** `predict` **together**: an answer then depends
    on the other rows, and one by one they are answered worse. `transductive` says whether.

    Settings of the method are parameters: see ``fsbench list methods`` for what there is. They can
    be searched over, as in ``GridSearchCV(classifier, {"C": [0.1, 1, 10]})``.

    Args:
        method: registry name, as ``tim``.
        preset: ``default`` or ``paper``, for settings that are not given.
        random_state: of weights that are drawn at random, if the method has any.
        device: where to compute: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        **settings: of the method.

    Attributes:
        classes_: labels of the classes, sorted, ``[n_classes]``.
        n_features_in_: length D of the embeddings.
        feature_names_in_: names of the columns, where X was a data frame.
        method_: the method, built for these classes.
        support_, support_labels_: what `fit` was given: embeddings ``[S, D]``, and for each its
            place in `classes_`.

    Example:
        >>> import fewshot_bench as fsb
        >>> classifier = fsb.FewShotClassifier("simple-shot", transform="L2N")
        >>> classifier.fit([[1, 0], [0, 1]], ["cat", "dog"]).predict([[3, 1], [1, 2]])
        array(['cat', 'dog'], dtype='<U3')
    """

    def __init__(
        self,
        method: str = "logistic",
        *,
        preset: str = "default",
        random_state: int | np.random.RandomState | None = 0,
        device: str = "auto",
        **settings: Any,
    ) -> None:
        self.method = method
        self.preset = preset
        self.random_state = random_state
        self.device = device
        self._settings = settings

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all parameters, the method's settings among them, as far as they were given."""
        return {**super().get_params(deep), **self._settings}

    def set_params(self, **params: Any) -> Self:
        """Set parameters and settings; `fit` refuses those that the method does not have."""
        own = {name: params.pop(name) for name in self._get_param_names() if name in params}
        super().set_params(**own)
        self._settings = {**self._settings, **params}
        return self

    @property
    def transductive(self) -> bool:
        """True if the answer to a row of `predict` depends on the other rows."""
        built = getattr(self, "method_", None)
        return (built or methods[self.method]).setting == "transductive"

    def fit(self, X: Any, y: Any, X_base: Any = None, y_base: Any = None) -> Self:
        """Take the support of a task.

        Args:
            X: labelled embeddings ``[S, D]``.
            y: their labels ``[S]``, of any kind; of 2 classes or more.
            X_base: embeddings ``[N, D]`` of the base classes, for a method that uses them.
            y_base: their labels.

        Raises:
            UsageError: unknown settings, or a method that needs images, meta-training, or base
                classes that are not given.
            ValueError: embeddings or labels that do not fit, in scikit-learn's words.
        """
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], copy=True)
        check_classification_targets(y)
        self.classes_, self.support_labels_ = np.unique(y, return_inverse=True)
        n_way = len(self.classes_)
        if n_way < 2:
            raise ValueError(f"{type(self).__name__} tells classes apart, and y has 1 class")
        recipe = recipe_for_embeddings(self.method, len(y) // n_way, self.preset, self._settings)
        base, seed = base_split(X_base, y_base), self._seed()
        built = build_on_embeddings(self.method, X.shape[1], n_way, recipe, base, seed)
        self.method_ = built.double() if X.dtype == np.float64 else built
        self.support_ = X
        return self

    def _seed(self) -> int:
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label of each row ``[Q]`` of embeddings ``[Q, D]``."""
        answers = self._scores(X).argmax(1).numpy()
        labels: NDArray[Any] = self.classes_[answers]
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the softmax of the method's scores, ``[Q, n_classes]``, as in `classes_`.

        They are as sure as the method makes them, and calibrated only if it is.
        """
        probabilities: NDArray[np.float64] = self._scores(X).softmax(1).numpy()
        return probabilities

    @torch.no_grad()
    def _scores(self, X: Any) -> Tensor:
        """Scores of embeddings ``[Q, D]``, float64 ``[Q, n_classes]`` on the CPU."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=self.support_.dtype)
        device = pick_device(self.device)
        method = copy.deepcopy(self.method_).to(device)  # what was fitted stays on the CPU
        support, labels, rows = (
            torch.tensor(x, device=device) for x in (self.support_, self.support_labels_, X)
        )
        return task_scores(method, support, labels, rows, len(self.classes_))
