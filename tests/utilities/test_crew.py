"""Worker processes: what waits for what, what a death costs, and that nobody is left behind."""

import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.crew import Crew, News, Task
from tests.crews import prepare


def crew(folder: Path, n: int = 2) -> Crew:
    return Crew(prepare, n, cores=2, log=folder / "log")


def task(name: str, deed: str, folder: Path, *needs: str, cores: int = 1) -> Task:
    return Task(name, (deed, folder / "notes"), needs, cores)


def ended(news: list[News]) -> dict[str, object]:
    return {each.task: each.value for each in news if each.kind in ("done", "failed")}


@pytest.mark.slow
def test_a_failure_and_a_death_cost_what_needs_them_and_nothing_else(tmp_path: Path) -> None:
    tasks = [
        task("shared", "work", tmp_path),
        task("lost", "fail", tmp_path),
        task("a", "a", tmp_path, "shared", "made before"),
        task("b", "b", tmp_path, "lost"),
        task("killed", "die", tmp_path),
        task("once", "die once", tmp_path),
        task("bug", "break", tmp_path),
    ]
    news = list(crew(tmp_path).work(tasks))
    outcome = ended(news)
    assert outcome.keys() == {each.name for each in tasks}
    assert str(outcome["a"]).startswith("a by ")
    assert str(outcome["once"]).startswith("die once by ")
    # A worker takes the place of one that died.
    assert {str(outcome[name])[-7:] for name in ("a", "once")} <= {"place 0", "place 1"}
    assert isinstance(outcome["lost"], UsageError)
    assert str(outcome["b"]) == str(outcome["lost"]) == "it cannot be"
    assert "died 2 times (signal 9; out of memory?)" in str(outcome["killed"])
    assert str(outcome["bug"]) == "RuntimeError: nobody thought of it"
    begun = (tmp_path / "notes").read_text().splitlines()
    assert sorted(begun) == sorted(["work", "fail", "a", *["die", "die once"] * 2, "break"])
    order = [(each.task, each.kind) for each in news]
    assert order.index(("shared", "done")) < order.index(("a", "begun"))
    log = (tmp_path / "log").read_text()
    assert "doing a" in log
    assert "RuntimeError: nobody thought of it" in log
    assert "it cannot be" not in log  # a user's mistake has no traceback


@pytest.mark.slow
def test_whoever_stops_asking_ends_the_workers_at_a_checkpoint(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    hired = crew(tmp_path)
    with closing(hired.work([task("t", "train", tmp_path), task("u", "u", tmp_path)])) as news:
        processes = set()
        for each in news:
            processes |= {worker.process for worker in hired._workers}
            if each.task == "u" and each.kind == "done":
                break
        while "train" not in notes.read_text():
            time.sleep(0.01)
    assert notes.with_suffix(".checkpoint").exists()
    assert len(processes) == 2
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process.pid or 0, 0)


def test_tasks_share_the_cores_and_the_first_is_not_kept_waiting(tmp_path: Path) -> None:
    """Without processes: which tasks are begun together."""
    hired = crew(tmp_path, n=3)
    wide = task("wide", "w", tmp_path, cores=3)
    tasks = [wide, task("x", "x", tmp_path), task("y", "y", tmp_path)]
    hired._waiting, hired._open = list(tasks), {each.name for each in tasks}
    begun: list[Task] = []

    class Doing:
        def __init__(self, task: Task) -> None:
            self.task = task

    def begin(task: Task) -> None:
        begun.append(task)
        hired._workers.append(Doing(task))  # type: ignore[arg-type]

    hired._begin = begin  # type: ignore[method-assign]
    assert [each.task for each in hired._give()] == ["wide"]
    hired._workers.clear()
    hired._open.discard("wide")
    assert [each.task for each in hired._give()] == ["x", "y"]
