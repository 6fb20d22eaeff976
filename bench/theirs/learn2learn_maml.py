"""Time meta-training steps of learn2learn's MAML, and compare the meta-gradient with ours.

Usage: python -m bench.theirs.learn2learn_maml FOLDER PIXELS STEPS
"""

import sys
import time
from pathlib import Path

import learn2learn as l2l
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from bench.line import peak_mb, print_measured
from bench.settings import INNER_LR, INNER_STEPS


def conv4(weights):
    """Return conv4-64 with a linear head, its weights those of the list."""
    layers, before = [], 3
    for _ in range(4):
        norm = nn.BatchNorm2d(64, track_running_stats=False)
        layers += [nn.Conv2d(before, 64, 3, padding=1, bias=False), norm, nn.ReLU()]
        layers.append(nn.MaxPool2d(2))
        before = 64
    n_way, width = weights[-2].shape
    network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(width, n_way))
    with torch.no_grad():
        for parameter, given in zip(network.parameters(), weights, strict=True):
            parameter.copy_(given)
    return network


def step(maml, tasks):
    """Accumulate the gradient of a meta-batch, one task after the other."""
    maml.zero_grad()
    names = ("support", "support_labels", "query", "query_labels")
    columns = [tasks[name] for name in names]
    for support, support_labels, query, query_labels in zip(*columns, strict=True):
        learner = maml.clone()
        for _ in range(INNER_STEPS):
            learner.adapt(F.cross_entropy(learner(support), support_labels))
        (F.cross_entropy(learner(query), query_labels) / len(columns[0])).backward()


def main(folder, pixels, n_steps):
    """Take gradients of a meta-batch after a warm-up of one."""
    with np.load(folder / f"maml-{pixels}.npz") as file:
        tasks = {name: torch.from_numpy(file[name]) for name in file.files}
    weights = [tasks[f"weight{i}"] for i in range(sum(n.startswith("weight") for n in tasks))]
    maml = l2l.algorithms.MAML(conv4(weights), lr=INNER_LR, first_order=False)
    step(maml, tasks)
    began = time.perf_counter()
    for _ in range(n_steps):
        step(maml, tasks)
    seconds, peak = time.perf_counter() - began, peak_mb()
    tasks |= {name: tasks[name].double() for name in ("support", "query")}
    step(maml.double(), tasks)  # see bench.ours.maml_step
    gradient = torch.cat([p.grad.flatten() for p in maml.parameters()]).numpy()
    ours = np.load(folder / f"maml-{pixels}-gradient.npy")
    difference = np.abs(gradient - ours).max() / np.abs(gradient).max()
    print_measured(
        n_steps / seconds, peak=peak, **{"relative difference of meta-gradients": float(difference)}
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
