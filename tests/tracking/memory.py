"""A store in memory that stands for MLflow's client: what it keeps is as MLflow keeps it."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mlflow.exceptions import MlflowException

from fewshot_bench.config import RunConfig
from fewshot_bench.tracking.place import Place

_TERM = re.compile(r"(attributes|tags|params)\.`?([\w.-]+)`? (=|!=) '(.*)'")


class Memory:
    """One store with an experiment ``cifar-fs``; times are as it is told, and ids come in order.

    Args:
        folder: of its artifacts.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.experiments: dict[str, Any] = {}
        self.runs: dict[str, Any] = {}
        self.points: dict[tuple[str, str], list[Any]] = {}
        self.inputs: list[tuple[str, list[Any]]] = []
        self.asked: list[str] = []
        self.now = 9_000  # the end of what ends at no given time
        self.create_experiment("cifar-fs", None, {})

    def get_experiment_by_name(self, name: str) -> Any:
        return next((each for each in self.experiments.values() if each.name == name), None)

    def create_experiment(self, name: str, location: str | None, tags: dict[str, str]) -> str:
        if self.get_experiment_by_name(name):
            raise MlflowException("it exists")
        number = str(len(self.experiments) + 1)
        facts = {"experiment_id": number, "name": name, "artifact_location": location}
        self.experiments[number] = SimpleNamespace(
            **facts, tags=dict(tags), lifecycle_stage="active"
        )
        return number

    def set_experiment_tag(self, number: str, key: str, value: str) -> None:
        self.experiments[number].tags[key] = value

    def create_run(
        self, experiment: str, start: int | None, tags: dict[str, str], name: str
    ) -> Any:
        run_id = f"run{len(self.runs)}"
        info = SimpleNamespace(run_id=run_id, experiment_id=experiment, run_name=name)
        info.start_time, info.end_time = start, None
        info.status, info.lifecycle_stage = "RUNNING", "active"
        data = SimpleNamespace(tags=dict(tags), params={}, metrics={})
        self.runs[run_id] = SimpleNamespace(info=info, data=data)
        return self.get_run(run_id)

    def create_row(self, config: RunConfig, start: int | None, study: str | None = None) -> str:
        """Make a row of a configuration as another machine does, and return its id."""
        tags = {"fsbench.row": Place().row_id(config), "fsbench.kind": "row"}
        tags |= {"fsbench.study": study} if study else {}
        return str(self.create_run("1", start, tags, "").info.run_id)

    def get_run(self, run_id: str) -> Any:
        """What is known of a run now; what comes later does not show in it."""
        run = self.runs[run_id]
        data = {name: dict(facts) for name, facts in vars(run.data).items()}
        return SimpleNamespace(info=SimpleNamespace(**vars(run.info)), data=SimpleNamespace(**data))

    def tags(self, run_id: str) -> dict[str, str]:
        """Tags of a run now."""
        return dict(self.runs[run_id].data.tags)

    def search_runs(self, experiments: list[str], wanted: str = "") -> list[Any]:
        """The youngest first, which is not the order that rows are taken in."""
        self.asked.append(wanted)
        terms = [_TERM.fullmatch(term) for term in wanted.split(" and ") if term]
        found = []
        for run_id in reversed(self.runs):
            run = self.get_run(run_id)
            facts = {"attributes": vars(run.info), "tags": run.data.tags, "params": run.data.params}
            active = run.info.lifecycle_stage == "active"
            if active and run.info.experiment_id in experiments and _fits(facts, terms):
                found.append(run)
        return found

    def _written(self, run_id: str) -> Any:
        run = self.runs[run_id]
        if run.info.lifecycle_stage == "deleted":
            raise MlflowException(f"{run_id} is deleted")
        return run

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        self._written(run_id).data.tags[key] = value

    def log_batch(self, run_id: str, metrics: Any = (), params: Any = (), tags: Any = ()) -> None:
        data = self._written(run_id).data
        data.tags |= {tag.key: tag.value for tag in tags}
        data.params |= {param.key: param.value for param in params}
        for point in metrics:
            points = self.points.setdefault((run_id, point.key), [])
            points.append(point)
            latest = max(points, key=lambda each: (each.step, each.timestamp, each.value))
            data.metrics[point.key] = latest.value

    def get_metric_history(self, run_id: str, name: str) -> list[Any]:
        return [*self.points[run_id, name]]

    def log_inputs(self, run_id: str, inputs: list[Any]) -> None:
        self._written(run_id)
        self.inputs.append((run_id, inputs))

    def set_terminated(self, run_id: str, status: str, end: int | None = None) -> None:
        info = self._written(run_id).info
        self.now += 1
        info.status, info.end_time = status, self.now if end is None else end

    def delete_run(self, run_id: str) -> None:
        self._written(run_id).info.lifecycle_stage = "deleted"

    def log_artifacts(self, run_id: str, folder: str, place: str = "") -> None:
        self._written(run_id)
        shutil.copytree(folder, self.folder / run_id / place, dirs_exist_ok=True)

    def list_artifacts(self, run_id: str, place: str = "") -> list[str]:
        folder = self.folder / run_id / place
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def download_artifacts(self, run_id: str, place: str, folder: str) -> str:
        target = Path(folder) / "got"
        shutil.copytree(self.folder / run_id / place, target)
        return str(target)


def _fits(facts: dict[str, Any], terms: list[Any]) -> bool:
    for term in terms:
        assert term is not None
        room, name, sign, value = term.groups()
        if name not in facts[room] or (facts[room][name] == value) is not (sign == "="):
            return False
    return True
