"""A Ray cluster: reached, and asked what its nodes have."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.cores import waiting
from fewshot_bench.utilities.optional import import_extra
from fewshot_bench.utilities.signals import Interrupted, interruptible, told_apart

_SECONDS_TO_ANSWER = 5.0
# Of a cell, as measured: the largest of 91 on CIFAR-FS took 1.4 GB.
_MEMORY = 2 * 2**30


@dataclass(frozen=True)
class Room:
    """What the largest node has of each resource: a task that asked for more would wait for ever.

    Attributes:
        cpus, gpus: whole ones.
        memory: bytes.
    """

    cpus: int
    gpus: int
    memory: int

    def demands(self, cores: int) -> dict[str, Any]:
        """What a task asks of Ray for, that keeps so many cores busy."""
        return {
            "num_cpus": min(cores, self.cpus or cores),
            "num_gpus": min(1, self.gpus),
            "memory": min(_MEMORY, self.memory or _MEMORY),
        }

    def device(self, asked: str) -> str:
        """Name the device on each node, of which a task sees no more than its own.

        Raises:
            UsageError: no node has it.
        """
        if asked == "auto":
            return "cuda" if self.gpus else "cpu"
        kind = asked.partition(":")[0]
        if kind == "cuda" and not self.gpus:
            raise UsageError("no node of the cluster has a GPU; leave --device out")
        return kind


def room_of(nodes: list[dict[str, Any]]) -> Room:
    """Return what the largest nodes have, of what ``ray.nodes()`` tells."""
    there = [node["Resources"] for node in nodes if node["Alive"]]

    def most(kind: str) -> int:
        return int(max((resources.get(kind, 0) for resources in there), default=0))

    return Room(most("CPU"), most("GPU"), most("memory"))


@contextmanager
def connected(address: str, cores: int) -> Iterator[Any]:
    """Yield the module ``ray``, connected to a cluster.

    Args:
        address: ``auto``, which is ``$RAY_ADDRESS`` or the cluster of this machine, or
            ``HOST:PORT``.
        cores: what its processes are told to have; Ray would tell them what a task asks for.

    Raises:
        UsageError: Ray is not installed, or no cluster is there.
    """
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or address
    _require_listening(address)
    ray = import_extra("ray", "clusters")
    variables = {"OMP_NUM_THREADS": str(cores)} | waiting()
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": variables},
        )
    except Interrupted:
        raise
    except (Exception, SystemExit) as error:
        raise _away(address, error) from None
    try:
        with told_apart(), interruptible():  # Ray has set handlers of its own
            yield ray
    finally:
        ray.shutdown()


def _require_listening(address: str) -> None:
    """Refuse an address where nobody listens, for which Ray would wait a minute and more."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal() and int(port) < 2**16 and "/" not in host):
        raise UsageError(
            f"--address {address} is none of a cluster; give auto or HOST:PORT, and run the "
            "command on a node of it"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise _away(address, error) from None


def _away(address: str, error: BaseException) -> UsageError:
    reason = " ".join(str(getattr(error, "strerror", None) or error).split())[:200]
    where = "on this machine" if address == "auto" else f"at {address}"
    return UsageError(
        f"no Ray cluster can be reached {where} ({reason}); 'ray start --head' begins one"
    )
