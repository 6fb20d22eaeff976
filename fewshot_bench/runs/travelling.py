"""What of a home travels to other machines before they begin: data, and weights that are there."""

from collections.abc import Iterable
from pathlib import Path

from fewshot_bench.backbones.given_weights import kept_at
from fewshot_bench.config import RunConfig
from fewshot_bench.data.store import stored_checksum
from fewshot_bench.data.write import dataset_folder
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import atomic_folder, home
from fewshot_bench.utilities.locks import waiting_lock
from fewshot_bench.utilities.progress import say
from fewshot_bench.utilities.shared_store import SharedStore, name_of

Data = tuple[str, str]  # name and checksum of a data set
_FACTS = "dataset.json"


def data_of(configs: Iterable[RunConfig]) -> list[Data]:
    """List the data sets of runs, each once."""
    found: dict[Data, None] = {}
    for config in configs:
        found[config.dataset, config.data_checksum] = None
        if config.train_dataset and config.train_checksum:
            found[config.train_dataset, config.train_checksum] = None
    return list(found)


def put_data(store: SharedStore, name: str, checksum: str) -> None:
    """Put a data set of this home into the store, unless it is there.

    Raises:
        StoreError: the store cannot be used.
    """
    if store.has(_list_of(name, checksum)):
        return
    files = sorted([*dataset_folder(name).glob("[!.]*.npy"), dataset_folder(name) / _FACTS])
    size = sum(file.stat().st_size for file in files)
    say(f"{name}: putting {size / 1e6:.0f} MB into the store, once")
    for file in files:
        store.put(_part_of(name, checksum, file.name), file)
    store.put(_list_of(name, checksum), "\n".join(file.name for file in files).encode())


def bring_data(store: SharedStore, name: str, checksum: str) -> None:
    """Bring a data set into this home, unless it is there.

    Raises:
        UsageError: the store has it not, or another one is here under its name.
    """
    if _is_here(name, checksum):
        return
    folder = dataset_folder(name)
    lock = home() / "locks" / f"data-{folder.name}.lock"
    with waiting_lock(lock, f"waiting for another process that brings {name}"):
        if _is_here(name, checksum):
            return
        listed = store.read(_list_of(name, checksum))
        if listed is None:
            raise UsageError(
                f"the data set {name} is neither in {home()} nor in the store; get it there with "
                f"'fsbench data', or run the command where it is"
            )
        with atomic_folder(folder) as partial:
            for part in listed.decode().splitlines():
                store.fetch(_part_of(name, checksum, part), partial / Path(part).name)


def _is_here(name: str, checksum: str) -> bool:
    here = stored_checksum(name)
    if here not in (None, checksum):
        raise UsageError(
            f"{dataset_folder(name)} holds other data than those that are to be measured; "
            "delete it, and they come from the store"
        )
    return here is not None


def put_weights(store: SharedStore, paths: Iterable[Path]) -> None:
    """Put weights of this home into the store, unless some of their name are there."""
    for path in paths:
        if path.is_file():
            store.put(name_of(path), path, replace=False)


def given_to(configs: Iterable[RunConfig]) -> list[Path]:
    """List files of weights that a user gave to runs."""
    digests = {config.backbone_weights for config in configs if config.backbone_weights}
    return [kept_at(digest) for digest in sorted(digests)]


def _list_of(name: str, checksum: str) -> str:
    return f"data/{name}/{checksum}"


def _part_of(name: str, checksum: str, file: str) -> str:
    return f"{_list_of(name, checksum)}/{file}"
