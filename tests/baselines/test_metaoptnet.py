"""MetaOptNet's two learners against learn2learn, liblinear and their optimality conditions."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from sklearn.svm import LinearSVC
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method, methods
from fewshot_bench.ops.basic import project_to_simplex
from fewshot_bench.ops.crammer_singer import crammer_singer
from tests.oracles import Identity, close, embedded, load


def metaoptnet(learner: str, dim: int, **settings: object) -> Method:
    cls = methods[f"metaoptnet-{learner}"]
    recipe = cls.recipe_type.model_validate(settings)
    return cls(Identity(dim), recipe, 5).double()


def draw(n_way: int, n_shot: int, dim: int, length: float = 1.0) -> tuple[Tensor, Tensor]:
    """Support of overlapping classes ``[3, S, D]``, of squared length about `length` * D."""
    generator = torch.Generator().manual_seed(n_way * n_shot + dim)
    labels = torch.arange(n_way).repeat(n_shot).expand(3, -1)
    centres = torch.randn(3, n_way, dim, generator=generator, dtype=torch.float64)
    noise = torch.randn(3, n_way * n_shot, dim, generator=generator, dtype=torch.float64)
    return length**0.5 * (noise + 0.5 * centres.repeat(1, n_shot, 1)), labels


def dual(support: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    kernel = support @ support.transpose(1, 2) + torch.eye(support.shape[1])
    return kernel, F.one_hot(labels).double()


# More images than dimensions in the third and fourth; from a poor start, settle() alone does not
# come to rest in the fourth. Long embeddings in the last two.
SHAPES = [
    (2, 1, 4, 1.0),
    (5, 5, 32, 1.0),
    (2, 50, 3, 1.0),
    (5, 5, 8, 12.0),
    (4, 5, 32, 1e3),
    (5, 1, 64, 1e3),
]


@pytest.mark.parametrize("shot", [1, 5])
def test_svm_answers_as_learn2learns_head_does(shared: Path, shot: int) -> None:
    """Its interior-point solver stops at 1e-7 or so."""
    data = load(shared, f"learn2learn_svm_head_{shot}shot")
    method = metaoptnet("svm", data["support"].shape[-1], C=float(data["C"]), scale=1.0)
    scores = method(embedded(data))
    torch.testing.assert_close(scores, data["logits"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("c", [0.01, 0.1, 10.0])
def test_dual_satisfies_the_optimality_conditions(
    shape: tuple[int, int, int, float], c: float
) -> None:
    """A feasible point is *the* minimum of a convex problem if and only if they hold.

    Along what may be exchanged within a row, the objective has the same slope for all
    coefficients below their bounds, and no smaller one for those at their bounds.
    """
    kernel, targets = dual(*draw(*shape))
    z = crammer_singer(kernel, targets, c)
    assert (z <= c * targets + 1e-9 * c).all()
    torch.testing.assert_close(z.sum(-1), torch.zeros_like(z[..., 0]), rtol=0, atol=1e-9 * c)
    slope = kernel @ z - targets
    below = z < c * targets - 1e-9 * c
    level = torch.where(below, slope, torch.inf).amin(-1)
    torch.testing.assert_close(slope.amax(-1), level, rtol=0, atol=1e-8)


def test_the_conditions_are_tested_where_they_bind() -> None:
    """The shapes above include duals with all coefficients free, and with many at a bound."""
    shares = []
    for shape in SHAPES:
        kernel, targets = dual(*draw(*shape))
        shares.append(float((crammer_singer(kernel, targets, 0.1) < 0.1 * targets).double().mean()))
    assert min(shares) < 0.7
    assert max(shares) == 1.0


def test_svm_is_liblinears_with_a_feature_for_each_image() -> None:
    """The identity added to the kernel is one more feature, of its own, for each image."""
    support, labels = draw(4, 5, 8)
    query = torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(1)).double()
    scores = metaoptnet("svm", 8, C=0.1, scale=1.0)(Episode(support, labels, query, 4, True))
    for task in range(3):
        features = torch.cat([support[task], torch.eye(20).double()], dim=1).numpy()
        model = LinearSVC(
            C=0.1, multi_class="crammer_singer", fit_intercept=False, tol=1e-10, max_iter=10**6
        )
        weights = model.fit(features, labels[task].numpy()).coef_[:, :8]
        expected = query[task].numpy() @ weights.T
        np.testing.assert_allclose(scores[task].detach(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("learner", ["rr", "svm"])
def test_gradients_are_those_of_the_solution(learner: str) -> None:
    support, labels = draw(3, 2, 4)
    query = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(1)).double()
    method = metaoptnet(learner, 4)
    right = torch.arange(4).remainder(3)[None]

    def loss(support: Tensor, query: Tensor) -> Tensor:
        return method.loss(Episode(support, labels[:1], query, 3, embedded=True), right)

    torch.autograd.gradcheck(loss, (support[:1].requires_grad_(), query[:1].requires_grad_()))


def test_svm_with_all_coefficients_free_is_ridge_regression_to_centred_labels() -> None:
    support, labels = draw(5, 1, 64, 1e3)
    kernel, targets = dual(support, labels)
    z = crammer_singer(kernel, targets, 0.1)
    assert (z < 0.1 * targets).all()
    close(z, torch.linalg.lstsq(kernel, targets - 1 / 5).solution)


def test_rr_is_least_squares_with_a_row_for_each_weight() -> None:
    support, labels = draw(3, 4, 7)
    scores = metaoptnet("rr", 7, regulariser=2.0, scale=3.0)(
        Episode(support, labels, support, 3, True)
    )
    rows = torch.cat([support[0], 2**0.5 * torch.eye(7).double()])
    y = torch.cat([2 * F.one_hot(labels[0]).double(), torch.zeros(7, 3).double()])
    close(scores[0], 3 * support[0] @ torch.linalg.lstsq(rows, y).solution)


def test_smoothed_labels_share_what_the_right_one_loses() -> None:
    """Release: 1 - eps for the right class, eps / (n_way - 1) for each other."""
    support, labels = draw(4, 1, 6)
    episode = Episode(support, labels, support, 4, embedded=True)
    method = metaoptnet("rr", 6, label_smoothing=0.3)
    log_p = method(episode).log_softmax(-1)
    wanted = torch.full((4, 4), 0.1, dtype=torch.float64).fill_diagonal_(0.7)
    close(method.loss(episode, labels), -(wanted * log_p).sum(-1).mean())


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=7), st.floats(0.1, 3))
def test_projection_to_the_simplex(point: list[float], total: float) -> None:
    """x is nearest if and only if x - point is constant where x > 0 and larger elsewhere."""
    p = torch.tensor(point, dtype=torch.float64)
    x = project_to_simplex(p, total)
    assert (x >= 0).all()
    torch.testing.assert_close(x.sum(), torch.tensor(total, dtype=torch.float64))
    gap = x - p
    torch.testing.assert_close(gap[x > 0].max(), gap[x > 0].min(), rtol=0, atol=1e-12)
    assert (gap >= gap[x > 0].max() - 1e-12).all()
