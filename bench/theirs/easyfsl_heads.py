"""Time easyfsl on cached embeddings; the episodes are given, so sampling costs it nothing.

Usage: python -m bench.theirs.easyfsl_heads FOLDER METHOD EPISODES
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from easyfsl import methods

from bench.line import print_measured
from bench.settings import CENTRED, NORMALISED, STEPS

CLASSES = {
    "proto-net": methods.PrototypicalNetworks,
    "simple-shot": methods.SimpleShot,
    "bd-cspn": methods.BDCSPN,
    "laplacian-shot": methods.LaplacianShot,
    "tim": methods.TIM,
    "pt-map": methods.PTMAP,
    "fine-tune": methods.Finetune,
}


def build(name, features):
    """Return a classifier whose backbone passes the embeddings through."""
    options = {}
    if name in STEPS:
        steps = "inference_steps" if name == "laplacian-shot" else "fine_tuning_steps"
        options[steps] = STEPS[name]
    if name in CENTRED:
        options["feature_centering"] = features.mean(0)
    if name in NORMALISED:
        options["feature_normalization"] = 2.0
    return CLASSES[name](torch.nn.Identity(), **options)


@torch.no_grad()  # as easyfsl.utils.evaluate does; methods that need gradients turn them on
def score(method, features, episodes):
    """Return the accuracy of each episode."""
    accuracies = []
    for support, support_labels, query, query_labels in zip(*episodes, strict=True):
        method.process_support_set(features[support], support_labels)
        answers = method(features[query]).argmax(1)
        accuracies.append((answers == query_labels).float().mean().item())
    return accuracies


def main(folder, name, n_episodes):
    """Score the first episodes after a warm-up of one."""
    features = torch.from_numpy(np.load(folder / "embeddings.npy"))
    names = ("support", "support_labels", "query", "query_labels")
    episodes = [torch.from_numpy(np.load(folder / f"{n}.npy")[:n_episodes]) for n in names]
    method = build(name, features)
    score(method, features, [column[:1] for column in episodes])
    began = time.perf_counter()
    accuracies = score(method, features, episodes)
    print_measured(n_episodes / (time.perf_counter() - began), float(np.mean(accuracies)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
