"""Figures and episodes on the page, to the letter."""

from fewshot_bench.report.study_page.pictures import Episode, Figure, Shown, Way, episode, figure

SVG = (
    '<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg viewBox="0 0 9 9"><path id="a"/><use href="#a"/>'
    '<g clip-path="url(#a)"/><svg/></svg>'
)


def test_a_figure_that_is_drawn_in_lines() -> None:
    assert figure(Figure("a & b", svg=SVG), 0) == (
        '<figure class="wide" tabindex="0" role="group" aria-label="a &amp; b">'
        '<svg role="img" aria-label="a &amp; b" viewBox="0 0 9 9"><path id="f0-a"/>'
        '<use href="#f0-a"/><g clip-path="url(#f0-a)"/><svg/></svg></figure>'
    )
    assert figure(Figure("t", svg=SVG), 2).startswith('<figure tabindex="0" role="group"')
    assert 'id="f2-a"' in figure(Figure("t", svg=SVG), 2)


def test_a_figure_of_pixels() -> None:
    assert figure(Figure("t", png=b"abc"), 1) == (
        '<figure tabindex="0" role="group" aria-label="t">'
        '<img alt="t" src="data:image/png;base64,YWJj"></figure>'
    )
    assert (Figure("t").svg, Figure("t").png) == ("", b"")


def test_an_episode() -> None:
    shown = [Shown(b"b"), Shown(b"c", "r<s"), Shown(b"d", "other")]
    pixels = "data:image/png;base64,"
    name = "r&lt;s"
    assert episode(Episode("E & 0", [Way("r<s", [Shown(b"a")], shown), Way("x", [], [])])) == (
        '<div class="episode" tabindex="0" role="region" aria-label="E &amp; 0"><p>E &amp; 0</p>'
        f'<div class="ways"><div class="way"><b>{name}</b><div>'
        f'<span class="shown" title="labelled image of {name}">'
        f'<img alt="labelled image of {name}" src="{pixels}YQ=="></span></div><div>'
        f'<span class="shown" title="query of {name}">'
        f'<img alt="query of {name}" src="{pixels}Yg=="></span>'
        f'<span class="shown right" title="query of {name}, taken for {name}">'
        f'<img alt="query of {name}, taken for {name}" src="{pixels}Yw=="></span>'
        f'<span class="shown wrong" title="query of {name}, taken for other">'
        f'<img alt="query of {name}, taken for other" src="{pixels}ZA=="></span></div></div>'
        '<div class="way"><b>x</b><div></div><div></div></div></div></div>'
    )
