"""What is folded away of a cell: every fact that there is, and none that there is not."""

from typing import Any

from fewshot_bench.provenance.code_version import CodeVersion
from fewshot_bench.report.study_page.sheets import (
    _provenance,
    _told_once,
    configuration,
    pairs,
    sheet,
)
from fewshot_bench.tracking.measurement import Measurement
from fewshot_bench.tracking.naming import command_of
from tests.exchange.measurements import measured
from tests.report.study_page.test_sentences import rival

RUN = measured([30, 45], 3, {"seed": 2})
CELL = {**rival("tim", 0.5).cell, "dataset": "glyphs", "label": "1-shot", "variant": "a<b"}


def but(**facts: Any) -> Measurement:
    return RUN.model_copy(update=facts)


FACTS = {
    "MLflow run": "run0003",
    "seed": "2",
    "key of the configuration": RUN.config.key,
    "measured": "2026-03-04 05:09 to 2026-03-04 05:09 UTC",
    "code": "0.1.0+abc",
    "commit": f"{'c' * 40} with changes",
    "digest of the method's code": "0123",
    "libraries": "torch 2.13.0",
    "device": "cpu (x86_64)",
    "episodes": "e" * 64,
    "data set": "d" * 64,
    "evaluation": "1.5 s",
}


def test_where_a_number_comes_from() -> None:
    plain = but(weights="", versions={"torch": "2", "numpy": "3"})
    assert _provenance(plain) == {**FACTS, "libraries": "torch 2, numpy 3"}
    assert _provenance(but(weights="w1"))["weights"] == "w1"
    clean = but(code=CodeVersion("0.1.0", "a" * 40, False))
    assert _provenance(clean)["commit"] == "a" * 40
    for code in (None, CodeVersion("0.1.0", None, True)):
        assert "commit" not in _provenance(but(code=code))
    assert "digest of the method's code" not in _provenance(but(source=""))


def test_facts_are_names_and_values() -> None:
    assert pairs({"a": "<b>", "c": "d"}) == (
        "<dl><div><dt>a</dt><dd>&lt;b&gt;</dd></div><div><dt>c</dt><dd>d</dd></div></dl>"
    )
    assert pairs({}) == "<dl></dl>"


def test_what_runs_have_in_common_is_told_once_behind_what_tells_them_apart() -> None:
    one, other = {"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}
    assert _told_once([one, other]) == [{"b": "2"}, {"b": "3", "c": "4"}, {"a": "1"}]
    assert _told_once([one]) == [one]


def test_settings_are_written_as_they_are_set() -> None:
    found = configuration(RUN.config)
    assert found["method"] == "tim"
    assert found["rates"] == "0.1"
    assert found["seed"] == "2"
    assert found["train"] == "none"
    assert "note" in found


def test_a_sheet() -> None:
    text = sheet("c-1", CELL, [RUN, but(run_id="other")])
    lines = text.splitlines()
    assert lines[0] == (
        '<details id="c-1"><summary>tim (a&lt;b), conv4-64, glyphs 1-shot '
        "<b>50.00 ± 0.40 %</b></summary>"
    )
    command = command_of(RUN.config, [1])
    assert text.count(f'<pre class="command" tabindex="0"><code>{command}</code></pre>') == 2
    runs = lines.index("<h4>Runs</h4>")
    assert lines[runs + 1 : runs + 3] == [
        pairs({"MLflow run": "run0003"}),
        pairs({"MLflow run": "other"}),
    ]
    assert "run0003" not in lines[runs + 3]
    assert lines[runs + 4 :] == [
        *("<h4>Configuration</h4>", pairs(configuration(RUN.config)), "</details>")
    ]
