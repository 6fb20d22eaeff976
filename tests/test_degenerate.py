"""Every head on frozen embeddings answers with finite scores where images tell nothing."""

from dataclasses import replace

import pytest
import torch

from fewshot_bench.method import methods
from tests.synthetic import make_method, make_tasks

NAMES = [name for name in methods if not methods[name].adapts_backbone]


@pytest.mark.parametrize("n_shot", [1, 5])
@pytest.mark.parametrize("name", NAMES)
def test_images_that_tell_nothing_have_finite_scores(name: str, n_shot: int) -> None:
    """Images of one colour; then one support image, and at last all, whose embedding is zero."""
    method, (images, _) = make_method(name, n_shot), make_tasks(2, n_shot, separable=True)
    with torch.no_grad():
        grey = replace(images, support=0 * images.support, query=0 * images.query)
        assert torch.isfinite(method(grey)).all()
        support, query = (
            method.embed(x.flatten(0, 1)).reshape(*x.shape[:2], -1)
            for x in (images.support, images.query)
        )
        for lost in (slice(1), slice(None)):
            support[:, lost] = 0
            query[:, lost] = 0
            scores = method.classify(
                method.transform(support), images.support_labels, method.transform(query), 5
            )
            assert torch.isfinite(scores).all()
