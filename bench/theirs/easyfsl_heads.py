"""Time easyfsl's evaluation on cached embeddings, its sampler and loader included.

Usage: python -m bench.theirs.easyfsl_heads FOLDER METHOD EPISODES
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from easyfsl import methods
from easyfsl.datasets import FeaturesDataset
from easyfsl.samplers import TaskSampler
from easyfsl.utils import evaluate, evaluate_on_one_task
from torch.utils.data import DataLoader

from bench.line import print_measured
from bench.settings import CENTRED, N_CHECKED, NORMALISED, PER_CLASS, STEPS

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


def loader(features, n_episodes):
    """Return easyfsl's own episodes of the embeddings, as its documentation makes them."""
    labels = np.arange(len(features)) // PER_CLASS
    names = [f"class{label}" for label in np.unique(labels)]
    dataset = FeaturesDataset(labels.tolist(), features, names)
    sampler = TaskSampler(dataset, n_way=5, n_shot=1, n_query=15, n_tasks=n_episodes)
    collate = sampler.episodic_collate_fn
    return DataLoader(dataset, batch_sampler=sampler, collate_fn=collate)


@torch.no_grad()  # as easyfsl.utils.evaluate does; methods that need gradients turn them on
def check(method, features, folder):
    """Return the accuracy over the first of the episodes that both sides know."""
    names = ("support", "support_labels", "query", "query_labels")
    columns = [torch.from_numpy(np.load(folder / f"{n}.npy")[:N_CHECKED]) for n in names]
    right = [
        evaluate_on_one_task(method, features[support], labels, features[query], answers)[0]
        for support, labels, query, answers in zip(*columns, strict=True)
    ]
    return sum(right) / columns[-1].numel()


def main(folder, name, n_episodes):
    """Evaluate after a warm-up on the episodes that both sides know."""
    features = torch.from_numpy(np.load(folder / "embeddings.npy"))
    method = build(name, features)
    accuracy = check(method, features, folder)
    episodes = loader(features, n_episodes)
    began = time.perf_counter()
    evaluate(method, episodes, device="cpu", use_tqdm=False)
    print_measured(n_episodes / (time.perf_counter() - began), accuracy)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
