"""Cores of this machine, counted without torch."""

import os

# That training a network on episodes keeps busy: some 80 images a step, for which more would wait.
NETWORK_CORES = 4


def n_cores() -> int:
    """Cores that torch may use: what OpenMP is told, else those of this process."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdecimal() and int(told):
        return int(told)
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return mine or 1
