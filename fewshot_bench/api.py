"""What ``import fewshot_bench as fsb`` offers besides registries: measure methods from Python."""

from typing import Any, Literal, overload

from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.embeddings import evaluate_embeddings
from fewshot_bench.results import Result
from fewshot_bench.runs.cell import evaluate_cell
from fewshot_bench.settings import setting_texts


@overload
def evaluate(
    method: str,
    X: Any,
    y: Any,
    *,
    n_way: int = 5,
    n_shot: int = 1,
    n_query: int = 15,
    n_episodes: int = 2000,
    seed: int = 0,
    query_balance: str = "balanced",
    n_query_way: int | None = None,
    X_base: Any = None,
    y_base: Any = None,
    preset: str = "default",
    predictions: bool = False,
    device: str = "auto",
    **settings: Any,
) -> Result: ...


@overload
def evaluate(
    method: str,
    *,
    dataset: str,
    train_dataset: str | None = None,
    backbone: str | None = None,
    n_way: int = 5,
    n_shot: int = 1,
    n_query: int = 15,
    n_episodes: int = 2000,
    seed: int = 0,
    episode_seed: int = 0,
    query_balance: str = "balanced",
    n_query_way: int | None = None,
    split: Literal["test", "val"] = "test",
    preset: str = "default",
    predictions: bool = False,
    device: str = "auto",
    tracking_uri: str | None = None,
    force: bool = False,
    **settings: Any,
) -> Result: ...


def evaluate(
    method: str,
    X: Any = None,
    y: Any = None,
    *,
    X_base: Any = None,
    y_base: Any = None,
    dataset: str | None = None,
    train_dataset: str | None = None,
    backbone: str | None = None,
    split: str | None = None,
    n_way: int = 5,
    n_shot: int = 1,
    n_query: int = 15,
    n_episodes: int = 2000,
    query_balance: str = "balanced",
    n_query_way: int | None = None,
    episode_seed: int | None = None,
    seed: int = 0,
    preset: str = "default",
    predictions: bool = False,
    device: str = "auto",
    tracking_uri: str | None = None,
    force: bool = False,
    **settings: Any,
) -> Result:
    """Measure a few-shot method on episodes: of embeddings, or of the images of a data set.

    On **embeddings** nothing is trained: methods that are meta-trained, adapt their network or
    work on feature maps are refused. On a **data set** it is what ``fsbench run`` does for one
    cell of a table: what is missing is pretrained and meta-trained, stored, and logged to MLflow;
    what has been measured is not measured again.

    The same episodes are drawn for every method, from the numbers of rows of each class, the
    shape of an episode and the seed alone: `compare` compares results on them.

    Args:
        method: registry name or alias, as ``pt-map``; see ``fsbench list methods``.
        X: embeddings ``[N, D]``, array or tensor of any type of numbers.
        y: their labels ``[N]``, names or whole numbers.
        X_base: embeddings of base classes, for a method that uses them; others do not look.
        y_base: their labels.
        dataset: name of a data set, in the place of X and y.
        train_dataset: with a data set, another one to pretrain, meta-train and select on.
        backbone: with a data set, name of a network; ``conv4-64`` unless given. Data sets of
            embeddings have theirs.
        split: with a data set, whose classes it is measured on: ``test`` unless given, or ``val``.
        n_way: classes of an episode.
        n_shot: labelled rows of each class.
        n_query: rows of each class that are asked; unless they are balanced, their mean.
        n_episodes: how many.
        query_balance: ``balanced``, or ``dirichlet:2.0`` for random proportions of the classes.
        n_query_way: how many of the classes are asked, chosen for each episode; None: all.
        episode_seed: with a data set, of the episodes; 0 unless given.
        seed: of weights and training; without a data set, of the episodes too.
        preset: ``default``, ``paper`` or ``smoke``, for settings that are not given.
        predictions: keep every single answer, see `Result`.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        tracking_uri: with a data set, the MLflow store that gets the run, as for ``fsbench run``.
        force: with a data set, measure again what has been measured.
        **settings: of the method, by the names that ``--set`` takes; ``train__lr`` is train.lr.

    Returns:
        Accuracies of all episodes, their mean and interval, and what else is known.

    Raises:
        UsageError: something does not fit; one line says what to do.

    Example:
        >>> import fewshot_bench as fsb
        >>> from sklearn.datasets import load_digits
        >>> X, y = load_digits(return_X_y=True)
        >>> print(fsb.evaluate("tim", X, y, n_shot=5, n_episodes=100, temperature=10))
        93.07 ± 0.94 % over 100 episodes, transductive
    """
    images = {"backbone": backbone, "split": split, "episode_seed": episode_seed}
    images["train_dataset"] = train_dataset
    _refuse_stray(X, y, dataset, images, {"X_base": X_base, "y_base": y_base})
    protocol: dict[str, Any] = {
        "n_way": n_way,
        "n_shot": n_shot,
        "n_query": n_query,
        "n_episodes": n_episodes,
        "query_balance": query_balance,
        "n_query_way": n_query_way,
        "seed": seed,
        "preset": preset,
        "predictions": predictions,
        "device": device,
    }
    if dataset is None:
        return evaluate_embeddings(
            method, X, y, X_base=X_base, y_base=y_base, **protocol, **settings
        )
    return evaluate_cell(
        method,
        dataset=dataset,
        train_dataset=train_dataset,
        backbone=backbone,
        split=split or "test",
        episode_seed=episode_seed or 0,
        tracking_uri=tracking_uri,
        force=force,
        settings=setting_texts(settings),
        **protocol,
    )


def _refuse_stray(
    X: Any, y: Any, dataset: str | None, images: dict[str, Any], arrays: dict[str, Any]
) -> None:
    """Refuse arguments of embeddings and of a data set in one call, and calls without either."""
    if (X is None) != (y is None) or (X is None) == (dataset is None):
        raise UsageError("give embeddings X with labels y, or the name of a dataset; not both")
    of, others = ("embeddings", images) if dataset is None else ("a data set", arrays)
    for name, value in others.items():
        if value is not None:
            raise UsageError(f"{name} means nothing to {of}; leave it out")
