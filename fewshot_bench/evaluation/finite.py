"""Numbers that are not finite stop an evaluation: none of them is ever counted as an answer."""

from torch import Tensor

from fewshot_bench.data.dataset import Split
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method, methods
from fewshot_bench.utilities.tensors import all_finite


def require_finite_scores(
    method: Method, scores: Tensor, first: int = 0, what: str = "episode"
) -> Tensor:
    """Return scores, all of which are finite.

    Args:
        method: that gave them.
        scores: ``[n, ...]``.
        first: number of the first of the n.
        what: they are, for the message.

    Raises:
        UsageError: the first that has others, by its number, and the method.
    """
    if not all_finite(scores):
        place = first_odd(scores)
        odd = scores[place][~scores[place].isfinite()][0]
        raise UsageError(
            f"{_name_of(method)} gives scores that are not finite ({float(odd)}) in {what} "
            f"{first + place}; they are not counted: change its settings with --set, or its weights"
        )
    return scores


def require_finite_embeddings(method: Method, embeddings: Tensor, split: Split, first: int) -> None:
    """Refuse embeddings ``[n, D]`` of rows of a split from `first` on that are not all finite.

    Raises:
        UsageError: the first row that has others, and where it comes from.
    """
    if not all_finite(embeddings):
        row, network = first + first_odd(embeddings), type(method.backbone).__name__
        raise UsageError(
            f"row {row} of {split.where} has an embedding by {network} that is not finite; get "
            "these data again, or take other weights"
        )


def first_odd(values: Tensor) -> int:
    """Place of the first of n values ``[n, ...]`` that is not finite; there must be one."""
    return int((~values.isfinite().flatten(1).all(1)).nonzero()[0])


def _name_of(method: Method) -> str:
    """What a user calls a method; the name of its class where none is registered."""
    known = (name for name in methods if methods[name] is type(method))
    return next(known, type(method).__name__)
