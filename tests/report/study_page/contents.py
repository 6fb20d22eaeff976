"""A made-up study of three methods, and the page about it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fewshot_bench.exchange.gathering import Gathered
from fewshot_bench.report.cells import cells, latest
from fewshot_bench.report.study_page.answer import ordered
from fewshot_bench.report.study_page.page import Content
from fewshot_bench.report.study_page.pictures import Episode, Figure, Shown, Way
from fewshot_bench.report.study_page.verdicts import Verdict, verdicts_on
from fewshot_bench.tracking.measurement import Measurement
from tests.exchange.measurements import measured

N = 200
SHARES = {"bpa": 0.74, "tim": 0.735, "maml": 0.55}
SETTINGS = {"bpa": "transductive", "tim": "transductive", "maml": "inductive"}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080000000031000055000000"
    "0a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)


def run(method: str, share: float, minute: int = 0, seed: int = 0, **config: Any) -> Measurement:
    """A run whose episodes vary about a share of right answers."""
    asked = {"method": method, "seed": seed, "n_episodes": N, **config}
    rng = np.random.default_rng([minute, seed])
    difficulty = np.random.default_rng(config.get("n_shot", 1)).normal(0, 5, N)
    right = np.clip(np.rint(75 * share + difficulty + rng.normal(0, 2, N)), 0, 75).astype(int)
    digest = f"{asked.get('n_shot', 1)}{asked.get('query_balance', 'balanced')}"
    return measured(
        right.tolist(),
        minute,
        {"dataset": "cifar-fs", **asked},
        setting=SETTINGS.get(method, "inductive"),
        episode_digest=digest,
        curves=(),
        episode_seconds=0.001 * (minute + 1),
        train_seconds=60.0 * minute,
    )


def study() -> list[Measurement]:
    """Three methods at one and five shots, and two of them on imbalanced queries."""
    asked: list[tuple[str, float, dict[str, Any]]]
    asked = [(name, share, {"n_shot": k}) for k in (1, 5) for name, share in SHARES.items()]
    asked += [("bpa", 0.5, {"query_balance": "dirichlet:2"})]
    asked += [("tim", 0.6, {"query_balance": "dirichlet:2"})]
    return [run(name, share, minute, **more) for minute, (name, share, more) in enumerate(asked)]


def judged(runs: Sequence[Measurement]) -> list[Verdict]:
    """Verdicts on all columns, as the page shows them."""
    found = Gathered("sqlite:///x.db", [], runs)
    return ordered(verdicts_on(cells(latest(found.runs)), found.accuracies))


def content(runs: Sequence[Measurement], **facts: Any) -> Content:
    """What a page about runs is made of."""
    ways = [
        Way(name, [Shown(PNG)], [Shown(PNG, "whale"), Shown(PNG, "rose")])
        for name in ("rose", "whale")
    ]
    parts = '<path id="a" d="M0 0L9 9"/><use href="#a"/>'
    line = f'<?xml version="1.0"?>\n<svg viewBox="0 0 9 9">{parts}</svg>'
    known: Mapping[str, Any] = {
        "study": "a study",
        "summary": "to see",
        "command": "fsbench report -o x.html",
        "figures": [Figure("accuracy by method", svg=line), Figure("pixels", png=PNG)],
        "episodes": [Episode("Episode 0", ways)],
        "notes": ["a note"],
        "data": {"cifar-fs": {"Licence": "none"}},
    }
    by_id = {each.run_id: each for each in runs}
    return Content(verdicts=judged(runs), measured=by_id, **{**known, **facts})
