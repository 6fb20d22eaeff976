"""Time easyfsl's TaskSampler.

Usage: python -m bench.theirs.easyfsl_sampling FOLDER - EPISODES
"""

import sys
import time

from easyfsl.samplers import TaskSampler

from bench.line import print_measured


class Labels:
    """A data set of 20 classes of 600, of which the sampler wants the labels alone."""

    def get_labels(self):
        """Return the class of each image."""
        return [i // 600 for i in range(12_000)]


def main(n_episodes):
    """Draw the episodes."""
    sampler = TaskSampler(Labels(), n_way=5, n_shot=1, n_query=15, n_tasks=n_episodes)
    began = time.perf_counter()
    for _ in sampler:
        pass
    print_measured(n_episodes / (time.perf_counter() - began))


if __name__ == "__main__":
    main(int(sys.argv[3]))
