"""R2-D2 against least squares on an augmented system, LR-D2 against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from tests.oracles import Identity, close


def r2d2(dim: int, **settings: object) -> Method:
    cls = methods["r2d2"]
    recipe = cls.recipe_type.model_validate({"learn_regulariser": False, **settings})
    return cls(Identity(dim), recipe, 5).double()


def draw(dim: int, n_way: int = 3, n_shot: int = 4) -> Episode:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n_way).repeat(n_shot).expand(2, -1)
    images = torch.randn(2, n_way * n_shot + 5, dim, generator=generator, dtype=torch.float64)
    cut = n_way * n_shot
    return Episode(images[:, :cut], labels, images[:, cut:], n_way, embedded=True)


def with_ones(x: Tensor) -> Tensor:
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1)


def least_squares(x: Tensor, y: Tensor, strength: float) -> Tensor:
    """Weights of ridge regression: ordinary least squares, with a row for each weight."""
    rows = torch.cat([x, strength**0.5 * torch.eye(x.shape[1]).double()])
    zeros = torch.zeros(x.shape[1], y.shape[1], dtype=torch.float64)
    weights: Tensor = torch.linalg.lstsq(rows, torch.cat([y, zeros])).solution
    return weights


@pytest.mark.parametrize("dim", [4, 30])
def test_ridge_is_the_releases_on_support_and_labels_over_root_n(dim: int) -> None:
    """With fewer and with more features than the 12 images of the support."""
    episode = draw(dim)
    scores = r2d2(dim, regulariser=0.3, scale=7.0)(episode)
    for task in range(2):
        x, y = with_ones(episode.support[task]), torch.eye(3).double()[episode.support_labels[task]]
        weights = least_squares(x / 12**0.5, y / 12**0.5, 0.3)
        close(scores[task], 7 * with_ones(episode.query[task]) @ weights)


def test_one_newton_step_is_ridge_regression_to_plus_and_minus_two() -> None:
    """At zero all variances are a quarter: four times the regulariser, four times y - 1/2."""
    episode = draw(6)
    scores = r2d2(6, head="logistic", newton_steps=1, regulariser=0.3)(episode)
    x, y = with_ones(episode.support[0]), torch.eye(3).double()[episode.support_labels[0]]
    close(scores[0], with_ones(episode.query[0]) @ least_squares(x, 4 * y - 2, 1.2))


def test_newton_steps_end_at_logistic_regression_one_versus_rest() -> None:
    episode = draw(6)
    scores = r2d2(6, head="logistic", newton_steps=30, regulariser=0.3)(episode)
    x, query = (with_ones(part[1]).numpy() for part in (episode.support, episode.query))
    for label in range(3):
        model = LogisticRegression(C=1 / 0.3, fit_intercept=False, tol=1e-12, solver="newton-cg")
        model.fit(x, (episode.support_labels[1] == label).numpy())
        expected = model.decision_function(query)
        np.testing.assert_allclose(scores[1, :, label].detach(), expected, rtol=1e-6, atol=1e-8)


def test_saturated_logistic_regression_stays_finite() -> None:
    """Long embeddings and next to no regularisation: the variances vanish in float32."""
    episode = draw(6)
    method = r2d2(6, head="logistic", newton_steps=200, regulariser=1e-6).float()
    far = Episode(
        1e3 * episode.support.float(), episode.support_labels, episode.query.float(), 3, True
    )
    scores = method(far)
    assert torch.isfinite(scores).all()


@pytest.mark.parametrize("head", ["ridge", "logistic"])
def test_learns_what_the_recipe_says(head: str) -> None:
    own = {"ridge": {"scale"}, "logistic": set()}[head]
    assert dict(r2d2(6, head=head).named_parameters()).keys() == own
    method = r2d2(6, head=head, learn_regulariser=True, regulariser=3.0)
    assert dict(method.named_parameters()).keys() == own | {"log_regulariser"}
    fixed = r2d2(6, head=head, regulariser=method.log_regulariser.exp().item())  # type: ignore[operator]
    close(method(draw(6)), fixed(draw(6)))
    torch.autograd.backward(method.loss(draw(6), torch.zeros(2, 5, dtype=torch.int64)))
    assert method.log_regulariser.grad  # neither missing nor zero


def test_refuses_bad_settings() -> None:
    for setting in ("head=svm", "regulariser=0", "newton_steps=0"):
        with pytest.raises(UsageError, match=setting.split("=")[0]):
            build_recipe(methods["r2d2"].recipe_type, settings=[setting])
