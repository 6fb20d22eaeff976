"""Episodes that runs were measured on, with a method's answers, if the images are here."""

from collections.abc import Iterator, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.data.store import open_dataset, stored_checksum
from fewshot_bench.errors import UsageError
from fewshot_bench.exchange.gathering import Gathered
from fewshot_bench.report.study_page.answer import name_of
from fewshot_bench.report.study_page.pictures import Episode, Shown, Way
from fewshot_bench.report.study_page.verdicts import Verdict

N_EPISODES = 3
MOST_QUERIES = 6  # of a class
MOST_PIXELS = 96  # of a side
Rows = NDArray[np.int64]


def gallery(columns: Sequence[Verdict], gathered: Gathered) -> tuple[list[Episode], str]:
    """Draw the first episodes of a column, answered by its best method whose answers are at hand.

    Returns:
        The episodes; and if there is none, a sentence that says why.
    """
    config = gathered.measurement(columns[0].best["run_ids"][0]).config
    if stored_checksum(config.dataset) != config.data_checksum:
        return [], f"The images of {config.dataset} are not on the machine that wrote this page."
    split = open_dataset(config.dataset)[config.split]
    if not isinstance(split, ImageSplit):
        return [], f"{config.dataset} has embeddings, and no images."
    rivals = [rival.cell for rival in columns[0].rivals]
    configs = {name_of(cell): gathered.measurement(cell["run_ids"][0]).config for cell in rivals}
    return list(_episodes(split, config, configs)), ""


def _episodes(
    split: ImageSplit, config: RunConfig, configs: dict[str, RunConfig]
) -> Iterator[Episode]:
    from fewshot_bench.episodes.source import EpisodeSource

    source = EpisodeSource(split, config.spec, config.episode_seed)
    shown = range(min(N_EPISODES, config.n_episodes))
    method, answered = _answers(configs, shown)
    for index, answers in zip(shown, answered, strict=True):
        found = source.indices(index, 1)
        names = [str(split.class_names[place]) for place in found.classes[0]]
        title = f"Episode {index}: {config.n_way}-way {config.n_shot}-shot on {config.dataset}"
        if answers is not None:
            n_right = int((answers == found.query_labels[0]).sum())
            title += f", answered by {method}: {n_right} of {len(answers)} right"
        ways = [
            Way(
                name,
                _shown(split, found.support[0][found.support_labels[0] == label]),
                _asked(split, found.query[0], found.query_labels[0] == label, answers, names),
            )
            for label, name in enumerate(names)
        ]
        yield Episode(title, ways)


def _answers(
    configs: dict[str, RunConfig], indices: Sequence[int]
) -> tuple[str, Sequence[Rows | None]]:
    """Return what the best method that can answer again says, by its stored weights."""
    from fewshot_bench.runs.refining import refined_episodes
    from fewshot_bench.utilities.devices import pick_device

    for name, config in configs.items():
        try:
            refined = refined_episodes(config, indices, pick_device("cpu"))
            return name, [each.steps[-1].answers for each in refined]
        except UsageError:  # its weights are elsewhere, or it adapts its network
            continue
    return "", [None for _ in indices]


def _shown(split: ImageSplit, rows: Rows) -> list[Shown]:
    return [Shown(_png(split.images[row])) for row in rows]


def _asked(
    split: ImageSplit, rows: Rows, chosen: NDArray[np.bool_], answers: Rows | None, names: list[str]
) -> list[Shown]:
    """Show some queries of a class."""
    places = np.flatnonzero(chosen)[:MOST_QUERIES]
    return [
        Shown(_png(split.images[rows[i]]), "" if answers is None else names[answers[i]])
        for i in places
    ]


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Write an image ``[H, W, C]``, smaller if it is large."""
    file = BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((MOST_PIXELS, MOST_PIXELS))
    image.save(file, format="png", optimize=True)
    return file.getvalue()
