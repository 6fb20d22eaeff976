"""The page as a text: whole, of itself alone, and whatever a store holds is a text in it."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fewshot_bench.report.study_page.page import render
from fewshot_bench.report.study_page.pictures import Episode, Figure, Shown, Way
from fewshot_bench.utilities.printing import printable
from tests.report.study_page.contents import PNG, content, run, study

HOSTILE = [
    "</td></script><script>alert(1)</script>",
    '"><img src=x onerror=y>',
    "</style><base href=//evil.org>",
    "' onmouseover='x",
    "<!-- -->&lt;\u202e\x1b[2J",
]
TEXTS = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)


class Seen(HTMLParser):
    """All tags with their attributes, and all texts but those of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._code = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._code = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._code = False

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.texts.append(data)


def test_a_page_says_everything_and_asks_nobody() -> None:
    page = render(content(study()))
    seen = Seen(page)
    text = " ".join(seen.texts)
    for each in study():
        assert each.run_id in text
        shots = each.config.n_shot
        command = f"fsbench run --method {each.config.method} --shots {shots} --dataset cifar-fs"
        assert command in text
    for words in ("a study: few-shot methods on cifar-fs", "to see", "a note", "Licence", "bpa"):
        assert words in text
    for _, attributes in seen.tags:
        address = attributes.get("src") or ""
        assert not address or address.startswith("data:image/png;base64,")
        assert not (attributes.get("href") or "").startswith("//")
    assert not re.search(r"@import|url\(\s*['\"]?http", page)
    names = [facts["id"] for _, facts in seen.tags if "id" in facts]
    assert len(names) == len(set(names))
    links = {facts["href"] for tag, facts in seen.tags if tag == "a"}
    assert {link[1:] for link in links if link and link[0] == "#"} <= set(names)


def test_seeds_of_a_cell_have_a_command_each_and_say_once_what_they_share() -> None:
    page = render(content([run("tim", 0.7, seed, seed) for seed in range(3)]))
    sheet = page[page.index("<details") : page.index("</details>")]
    for seed in range(3):
        told = f" --episodes 200 --seed {seed}</code>" if seed else " --episodes 200</code>"
        assert told in sheet
        assert f"<dd>run000{seed}</dd>" in sheet
    assert sheet.count("<dt>device</dt>") == 1
    assert sheet.count("<dt>seed</dt>") == 4  # of each run, and of the configuration


def test_sentences_stand_where_there_are_no_images() -> None:
    bare = render(content(study()[:1], episodes=[], no_episodes="None are here.", figures=[]))
    assert "<p>None are here.</p>" in bare
    assert 'id="figures"' not in bare


KNOWN = {tag for tag, _ in Seen(render(content(study()))).tags} | {"small"}


@settings(max_examples=10)
@given(st.lists(TEXTS, min_size=9, max_size=9))
@example(HOSTILE + HOSTILE[:4])
@example(HOSTILE[::-1] + HOSTILE[:4])
def test_texts_of_runs_are_texts_on_the_page(texts: list[str]) -> None:
    method, backbone, dataset, setting, version, device, study_name, name, note = texts
    hostile = run(
        method, 0.5, backbone=backbone, dataset=dataset, settings=(setting,), recipe={name: note}
    ).model_copy(update={"version": version, "device": device, "weights": name})
    shown = [Shown(PNG, method)]
    page = render(
        content(
            [hostile],
            study=study_name,
            summary=note,
            command=name,
            notes=[note],
            data={dataset: {name: note}},
            figures=[Figure(name, png=PNG)],
            episodes=[Episode(note, [Way(name, shown, shown)])],
        )
    )
    seen = Seen(page)
    assert {tag for tag, _ in seen.tags} <= KNOWN
    assert sum(tag == "script" for tag, _ in seen.tags) == 2
    assert all(not key.startswith("on") for _, facts in seen.tags for key in facts)
    for text in (version, device, name, note):
        assert printable(text) in "".join(seen.texts)


@pytest.mark.parametrize("place", [0, 1])
def test_parts_of_two_figures_are_told_apart(place: int) -> None:
    page = render(content(study()[:1], figures=[content(study()[:1]).figures[0]] * 2))
    assert f'id="f{place}-a"' in page
    assert f'<use href="#f{place}-a"/>' in page
