"""Cores of this machine, counted without torch."""

import os
from collections.abc import MutableMapping

# That training a network on episodes keeps busy: some 80 images a step, for which more would wait.
NETWORK_CORES = 4


# How often a thread looks whether the others are ready before it sleeps, if nobody says otherwise.
_SPINS = {"GOMP_SPINCOUNT": "3000"}
_WAITING = {"OMP_WAIT_POLICY", *_SPINS}  # what a user may say of it


def sleep_soon(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have torch's threads, where they wait for each other, soon sleep; before torch is loaded.

    GNU's OpenMP looks 300,000 times, which are milliseconds. Beside another program these are taken
    from the very thread that is waited for: two trainings with two threads each on two cores then
    run at a fifth of their speed, and some hundred times slower at worst. With 3,000 they run at
    half of it, as they should, and alone nothing is lost. What a user has set stays.
    """
    if not environment.keys() & _WAITING:
        environment.update(_SPINS)


def waiting() -> dict[str, str]:
    """What this process was told of threads that wait, for others that work for it."""
    return {name: os.environ[name] for name in _WAITING & os.environ.keys()}


def n_cores() -> int:
    """Cores that torch may use: what OpenMP is told, else those of this process."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdecimal() and int(told):
        return int(told)
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return mine or 1
