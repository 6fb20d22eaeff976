"""What a run is trained on and what it is measured on: one data set, or two."""

import re
from dataclasses import dataclass

from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset, Split
from fewshot_bench.data.fitted import change_of_shape, fitted
from fewshot_bench.data.store import open_dataset, verify
from fewshot_bench.errors import UsageError


@dataclass(frozen=True)
class Domains:
    """The data of a run.

    Attributes:
        dataset: what it is measured on.
        train_dataset: what it is pretrained, meta-trained and selected on; None: the same.
    """

    dataset: Dataset
    train_dataset: Dataset | None = None

    @property
    def training(self) -> Dataset:
        """The data set whose train and val splits are used."""
        return self.train_dataset or self.dataset

    @property
    def at_home(self) -> "Domains":
        """What is trained on, measured on itself: where settings are chosen."""
        return Domains(self.training)

    @property
    def embedded_by(self) -> str | None:
        """The backbone that made the embeddings, see `Dataset`; None for images.

        Raises:
            UsageError: they are of different networks, or not both embeddings.
        """
        measured, training = self.dataset, self.training
        if (measured.backbone is None) != (training.backbone is None):
            raise UsageError(
                f"{measured.name} and {training.name} are not both embeddings; train and measure "
                "on images, or on embeddings of one network"
            )
        shapes = [data.any_split.rows.shape[1:] for data in (measured, training)]
        if measured.backbone and (measured.backbone, shapes[0]) != (training.backbone, shapes[1]):
            raise UsageError(
                f"{measured.name} and {training.name} hold embeddings of different networks, "
                f"{_network(measured)} and {_network(training)}"
            )
        return measured.backbone

    def measured(self, split: str) -> Split:
        """Return the split to measure on, its images made to fit what was trained on others.

        Raises:
            UsageError: they cannot be made to fit.
        """
        if self.train_dataset is None or self.embedded_by:
            return self.dataset[split]
        return fitted(self.dataset.images(split), self.train_dataset.images("train"))

    def verify(self) -> None:
        """Compare all rows with their checksums.

        Raises:
            UsageError: some differ.
        """
        for name in {self.dataset.name, self.training.name}:
            verify(name)

    def facts(self, split: str) -> dict[str, str | int | None]:
        """What a configuration says of them, by the names of `RunConfig`."""
        facts: dict[str, str | int | None] = {
            "dataset": self.dataset.name,
            "data_checksum": self.dataset.checksum,
        }
        if self.train_dataset is None:
            return facts
        change = None
        if not self.embedded_by:
            images = self.dataset.images(split), self.train_dataset.images("train")
            change = change_of_shape(*images)
        return {
            **facts,
            "train_dataset": self.train_dataset.name,
            "train_checksum": self.train_dataset.checksum,
            "fitted": change,
            "shared_classes": shared_classes(self.dataset[split], self.train_dataset),
        }


def open_domains(dataset: str, train_dataset: str | None = None) -> Domains:
    """Open data sets by name; one that is to be trained and measured on counts once.

    Raises:
        UsageError: one of them is unknown, or not on this machine.
    """
    tested = open_dataset(dataset)
    training = tested if train_dataset is None else open_dataset(train_dataset)
    return Domains(tested, None if training.name == tested.name else training)


def domains_of(config: RunConfig) -> Domains:
    """Open the data sets of a configuration.

    Raises:
        UsageError: they changed since.
    """
    domains = open_domains(config.dataset, config.train_dataset)
    for data, checksum in (
        (domains.dataset, config.data_checksum),
        (domains.training, config.train_checksum or config.data_checksum),
    ):
        if data.checksum != checksum:
            raise UsageError(f"the images of {data.name} changed; ask for the run anew")
    return domains


def shared_classes(measured: Split, training: Dataset) -> int:
    """Count the classes of a split that, by their names, another data set trains or selects on.

    Case, and what stands between words, do not matter.
    """
    known = [training[split] for split in ("train", "val") if split in training.splits]
    seen = {_words(name) for split in known for name in split.class_names}
    return sum(_words(name) in seen for name in measured.class_names)


def _words(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.casefold()).strip()


def _network(dataset: Dataset) -> str:
    """Name of the network that made embeddings, and their length."""
    _, _, name = (dataset.backbone or "").partition(":")
    return f"{name or 'unnamed'} (length {dataset.any_split.rows.shape[1]})"
