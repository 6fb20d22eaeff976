"""Devices by name, and workers that have a GPU each."""

import os

import pytest
import torch

from fewshot_bench.utilities.devices import constant, take_gpu, to_device


@pytest.mark.parametrize(
    ("told", "there", "wanted"),
    [
        (None, 4, ["0", "1", "2", "3", "0"]),
        ("5,7", 2, ["5", "7", "5", "7", "5"]),
        ("3", 1, ["3"] * 5),
        (None, 1, [None] * 5),
        (None, 0, [None] * 5),
        ("", 0, [""] * 5),
    ],
)
def test_workers_have_a_gpu_each_in_turn(
    told: str | None, there: int, wanted: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    seen = []
    for place in range(5):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if told is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", told)
        take_gpu(place)
        seen.append(os.environ.get("CUDA_VISIBLE_DEVICES"))
    assert seen == wanted


def test_on_a_cpu_nothing_moves() -> None:
    tensor = torch.arange(3)
    assert to_device(tensor, torch.device("cpu")) is tensor
    made = constant((0.25, 0.5), torch.zeros(1, dtype=torch.float64))
    assert made.dtype == torch.float64
    assert made.tolist() == [0.25, 0.5]
