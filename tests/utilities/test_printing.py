"""What is printed of other people's words."""

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from fewshot_bench.utilities import progress
from fewshot_bench.utilities.printing import printable, printable_lines

ANY = st.text(st.characters(), max_size=20)  # halves of characters among them


@given(ANY)
def test_nothing_unseen_is_left_and_nothing_seen_is_changed(text: str) -> None:
    shown = printable(text)
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert all(unicodedata.category(c) not in hidden or c in "\u200c\u200d" for c in shown)
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\x9b31m\x07", r"\x9b31m\x07"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("日本 é ±\xa0👩\u200d🔬", "日本 é ±\xa0👩\u200d🔬"),
    ],
)
def test_what_is_shown_as_its_code(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable_lines(f"{text}\n") == shown.replace(r"\n", "\n").replace(r"\t", "\t") + "\n"


@given(ANY)
def test_news_are_one_line_without_markup(text: str) -> None:
    file = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress.console, "_file", file)
        progress.say(text)
    assert file.getvalue().split("\n") == [printable(text), ""]


@pytest.mark.parametrize("words", ["[/x]", "[red]a[/red]", ":smile:", "[link=http://x]y[/link]"])
def test_a_bar_shows_words_as_they_are(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(progress, "console", terminal)
    with progress.Bar(words, total=3).live() as bar:
        bar.update(1)
        bar._live.refresh()
    assert isinstance(terminal.file, io.StringIO)
    assert words in terminal.file.getvalue()
