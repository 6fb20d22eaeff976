"""Cosine prototypes: what pretraining is selected by, and the base of methods that end in them."""

import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.method import Method
from fewshot_bench.ops.basic import cosine, prototypes


class NearestCosine(Method):
    """Cosine to the mean of normalised support embeddings: the nearest is the answer."""

    setting = "inductive"

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return cosines, ``[T, Q, n_way]``."""
        return cosine(query, prototypes(F.normalize(support, dim=-1), support_labels, n_way))
