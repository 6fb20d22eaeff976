"""What each cell rests on: its configuration, its runs, and the command that makes it again."""

from collections.abc import Mapping, Sequence

from fewshot_bench.config import RunConfig
from fewshot_bench.report.setting_texts import value_text
from fewshot_bench.report.study_page.answer import name_of, percent
from fewshot_bench.report.study_page.verdicts import Facts
from fewshot_bench.report.webpage import escape
from fewshot_bench.tracking.measurement import Measurement
from fewshot_bench.tracking.naming import command_of
from fewshot_bench.tracking.record import leaves

Pairs = Mapping[str, str]


def sheet(anchor: str, cell: Facts, runs: Sequence[Measurement]) -> str:
    """Write what is known of a cell, folded away.

    Args:
        anchor: id of the element.
        cell: as `cells` has it.
        runs: its runs, one a seed.
    """
    config = runs[0].config
    names = f"{name_of(cell)}, {cell['backbone']}, {cell['dataset']} {cell['label']}"
    remarks = [text for text in (config.caution, config.borrowing) if text]
    parts = [
        *(f'<p class="remark">{escape(text)}</p>' for text in remarks),
        *(_command(run) for run in runs),
        "<h4>Runs</h4>",
        *map(pairs, _told_once([_provenance(run) for run in runs])),
        "<h4>Configuration</h4>",
        pairs(configuration(config)),
    ]
    summary = f"<summary>{escape(names)} <b>{escape(percent(cell))}</b></summary>"
    return "\n".join([f'<details id="{anchor}">{summary}', *parts, "</details>"])


def pairs(facts: Pairs) -> str:
    """Write facts as a list of names and values."""
    entries = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    return f"<dl>{entries}</dl>"


def configuration(config: RunConfig) -> Pairs:
    """All facts and settings of a run that are set, the latter as ``--set`` takes them."""
    known = {k: v for k, v in config.model_dump().items() if v not in (None, ())}
    return {name.removeprefix("recipe."): value_text(value) for name, value in leaves(known)}


def _told_once(facts: Sequence[Pairs]) -> list[Pairs]:
    """What tells runs apart, one by one, then what all have in common."""
    common = {k: v for k, v in facts[0].items() if all(each.get(k) == v for each in facts)}
    own = [{k: v for k, v in each.items() if k not in common} for each in facts]
    return [*filter(None, own), common]


def _command(run: Measurement) -> str:
    command = command_of(run.config, [run.config.n_shot])
    return f'<pre class="command" tabindex="0"><code>{escape(command)}</code></pre>'


def _provenance(run: Measurement) -> Pairs:
    code = run.code
    commit = "" if code is None or code.commit is None else code.commit
    facts = {
        "MLflow run": run.run_id,
        "seed": str(run.config.seed),
        "key of the configuration": run.config.key,
        "measured": f"{run.started:%Y-%m-%d %H:%M} to {run.finished:%Y-%m-%d %H:%M} UTC",
        "code": run.version,
        "commit": f"{commit} with changes" if commit and code and code.dirty else commit,
        "digest of the method's code": run.source or "",
        "libraries": ", ".join(f"{name} {text}" for name, text in run.versions.items()),
        "device": run.device,
        "episodes": run.episode_digest,
        "data set": run.config.data_checksum,
        "weights": run.weights or "",
        "evaluation": f"{run.seconds:.1f} s",
    }
    return {name: value for name, value in facts.items() if value}
