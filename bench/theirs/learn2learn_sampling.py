"""Time the sampling of learn2learn's TaskDataset, of the descriptions and of the data.

Usage: python -m bench.theirs.learn2learn_sampling FOLDER - EPISODES
"""

import sys
import time

import learn2learn as l2l
import torch
from learn2learn.data.transforms import FusedNWaysKShots, LoadData, RemapLabels
from torch.utils.data import TensorDataset

from bench.line import print_measured


def main(n_episodes):
    """Draw 5-way tasks of 16 images a class from 20 classes of 600; an image is one number."""
    labels = torch.arange(12_000) // 600
    dataset = l2l.data.MetaDataset(TensorDataset(torch.arange(12_000), labels))
    transforms = [FusedNWaysKShots(dataset, n=5, k=16), LoadData(dataset), RemapLabels(dataset)]
    tasks = l2l.data.TaskDataset(dataset, transforms, num_tasks=-1)
    tasks.sample()
    began = time.perf_counter()
    for _ in range(n_episodes):
        tasks.sample()
    print_measured(n_episodes / (time.perf_counter() - began))


if __name__ == "__main__":
    main(int(sys.argv[3]))
