"""A small table as each format writes it, to the letter."""

from importlib.resources import files

from rich import box

from fewshot_bench.report import latex, markdown, webpage
from fewshot_bench.report.section import Cell, Column, Row, Section, Table
from fewshot_bench.report.terminal import rich

COLUMNS = (
    Column("cifar-fs", "1-shot"),
    Column("cifar-fs", "5-shot, dirichlet:2.0"),
    Column("fc100", "1-shot"),
)
PROTO_NET = (
    Cell("55.50 ± 0.40", run_ids=("a1",)),
    Cell("72.00 ± 0.40 (seeds 2, sd 1.00)", best=True, run_ids=("b1", "b2")),
    None,
)
TIM = (None, Cell("60.00"), Cell("41.00 ± 0.30", best=True, run_ids=("c1",)))
SMALL = Table(
    "Few-shot <accuracy>",
    Section(
        COLUMNS,
        (
            Row("inductive", "proto-net", "conv4-64", PROTO_NET),
            Row("transductive", "tim", "resnet12", TIM),
        ),
    ),
    ("One_note.", "Two & three."),
)
SOURCE = "A, B 2020; https://a.org/x; https://b.org/y"
BESIDE = Table(
    "Few-shot accuracy",
    Section(
        (Column("cifar-fs", "1-shot"), Column("cifar-fs", "1-shot, published")),
        (
            Row(
                *("inductive", "anil", "conv4-64"),
                (Cell("55.50 ± 0.40", True, ("a1",)), Cell("54.1*")),
                *("ANIL", "? queries", SOURCE),
            ),
            Row("inductive", "maml", "conv4-64", (Cell("50.00", run_ids=("b1",)), None)),
        ),
        published=True,
    ),
    ("A note.",),
)


def test_markdown() -> None:
    assert markdown.render(SMALL) == (
        "| Setting      | Method    | Backbone | cifar-fs 1-shot |"
        "      cifar-fs 5-shot, dirichlet:2.0 |     fc100 1-shot |\n"
        "| ------------ | --------- | -------- | --------------: |"
        " ----------------------------------: | ---------------: |\n"
        "| inductive    | proto-net | conv4-64 |    55.50 ± 0.40 |"
        " **72.00 ± 0.40 (seeds 2, sd 1.00)** |                - |\n"
        "| transductive | tim       | resnet12 |               - |"
        "                               60.00 | **41.00 ± 0.30** |\n\n"
        "- One_note.\n- Two & three.\n\n"
        "<details><summary>MLflow runs</summary>\n\n"
        "- proto-net, conv4-64, cifar-fs 1-shot: a1\n"
        "- proto-net, conv4-64, cifar-fs 5-shot, dirichlet:2.0: b1 b2\n"
        "- tim, resnet12, fc100 1-shot: c1\n\n"
        "</details>\n"
    )


def test_markdown_beside_published_numbers() -> None:
    head, rule, anil, maml, _, note, _, word, _, source, _, *runs = markdown.render(
        BESIDE
    ).splitlines()
    assert head == (
        "| Setting   | Method | Backbone | Published as |  cifar-fs 1-shot |"
        " cifar-fs 1-shot, published | Differs   | Source |"
    )
    assert rule == (
        "| --------- | ------ | -------- | ------------ | ---------------: |"
        " -------------------------: | --------- | ------ |"
    )
    assert anil == (
        "| inductive | anil   | conv4-64 | ANIL         | **55.50 ± 0.40** |"
        "                     54.1\\* | ? queries | 1      |"
    )
    assert maml == (
        "| inductive | maml   | conv4-64 |              |            50.00 |"
        "                          - |           |        |"
    )
    assert (note, word, source) == ("- A note.", "Sources:", f"1. {SOURCE}")
    assert runs[2:4] == [
        "- anil, conv4-64, cifar-fs 1-shot: a1",
        "- maml, conv4-64, cifar-fs 1-shot: b1",
    ]


def test_html() -> None:
    css = files("fewshot_bench.report").joinpath("webpage.css").read_text("utf-8")
    assert webpage.render(SMALL) == (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Few-shot &lt;accuracy&gt;</title>\n<style>\n{css}</style>\n</head>\n<body>\n"
        '<h1>Few-shot &lt;accuracy&gt;</h1>\n<div class="scroll"><table>\n'
        '<thead><tr><th rowspan="2">Setting</th><th rowspan="2">Method</th>'
        '<th rowspan="2">Backbone</th><th class="set" colspan="2">cifar-fs</th>'
        '<th class="set" colspan="1">fc100</th></tr><tr><th class="num">1-shot</th>'
        '<th class="num">5-shot<br>dirichlet:2.0</th><th class="num">1-shot</th></tr></thead>\n'
        '<tbody class="inductive"><tr><th colspan="6">Inductive</th></tr>\n'
        '<tr><td class="setting">inductive</td><td>proto-net</td><td>conv4-64</td>'
        '<td class="num" title="cifar-fs 1-shot: run a1">55.50 ± 0.40</td>'
        '<td class="num" title="cifar-fs 5-shot, dirichlet:2.0: run b1, b2">'
        "<strong>72.00 ± 0.40 <small>(seeds 2, sd 1.00)</small></strong></td>"
        '<td class="num none">-</td></tr>\n</tbody>\n'
        '<tbody class="transductive"><tr><th colspan="6">Transductive</th></tr>\n'
        '<tr><td class="setting">transductive</td><td>tim</td><td>resnet12</td>'
        '<td class="num none">-</td><td class="num">60.00</td>'
        '<td class="num" title="fc100 1-shot: run c1"><strong>41.00 ± 0.30</strong></td></tr>\n'
        "</tbody>\n</table></div>\n<ul><li>One_note.</li><li>Two &amp; three.</li></ul>\n"
        "</body>\n</html>\n"
    )


def test_html_beside_published_numbers() -> None:
    text = webpage.render(BESIDE)
    head, group, row, alone = text.partition("<table>\n")[2].splitlines()[:4]
    assert head.startswith('<thead><tr><th rowspan="2">Setting</th>')
    assert head.count('<th rowspan="2">') == 6
    assert '<th rowspan="2">Published as</th><th class="set" colspan="2">cifar-fs</th>' in head
    assert '</th><th rowspan="2">Differs</th><th rowspan="2">Source</th></tr>' in head
    assert group == '<tbody class="inductive"><tr><th colspan="8">Inductive</th></tr>'
    assert row.endswith(
        '<td>ANIL</td><td class="num" title="cifar-fs 1-shot: run a1"><strong>55.50 ± 0.40'
        '</strong></td><td class="num">54.1*</td><td class="source">? queries</td>'
        '<td class="source">A, B 2020; <a href="https://a.org/x">a.org</a>; '
        '<a href="https://b.org/y">b.org</a></td></tr>'
    )
    assert alone.endswith('<td class="source"></td><td class="source"></td></tr>')


def test_latex() -> None:
    left, right = (rf">{{\ragged{side}\arraybackslash}}" for side in ("right", "left"))
    begin = r"\begin{table}[t]\centering\footnotesize\setlength{\tabcolsep}{0.4em}%"
    bold = r"\textbf{72.00 $\pm$ 0.40}\newline{\scriptsize (seeds 2, sd 1.00)}"
    notes = r"\noindent{\footnotesize\raggedright One\_note.\\{} Two \& three.\par}"
    assert latex.render(SMALL).splitlines() == [
        r"% \usepackage{array,booktabs,tabularx}",
        begin,
        # 12 letters of 0.5 em, and 12 bold ones of 0.58
        rf"\begin{{tabularx}}{{\linewidth}}{{@{{}}{left}X{left}p{{6.5em}}{right}p{{6.00em}}{right}"
        r"p{6.96em}@{}}",
        r"\toprule",
        r" &  & \multicolumn{2}{>{\centering\arraybackslash}p{13.76em}}{cifar-fs} \\",
        r"\cmidrule(lr){3-4}",
        r"Method & Backbone & 1-shot & 5-shot, dirichlet:2.0 \\",
        r"\midrule",
        r"\multicolumn{4}{@{}l}{\textit{Inductive}} \\",
        "% cifar-fs 1-shot: a1",
        "% cifar-fs 5-shot, dirichlet:2.0: b1 b2",
        rf"proto-net & conv4-64 & 55.50 $\pm$ 0.40 & {bold} \\",
        r"\midrule",
        r"\multicolumn{4}{@{}l}{\textit{Transductive}} \\",
        r"tim & resnet12 & -- & 60.00 \\",
        r"\bottomrule",
        r"\end{tabularx}",
        r"\end{table}",
        begin,
        rf"\begin{{tabularx}}{{\linewidth}}{{@{{}}{left}X{left}p{{6.5em}}{right}p{{6.96em}}@{{}}}}",
        r"\toprule",
        r" &  & \multicolumn{1}{>{\centering\arraybackslash}p{6.96em}}{fc100} \\",
        r"\cmidrule(lr){3-3}",
        r"Method & Backbone & 1-shot \\",
        r"\midrule",
        r"\multicolumn{3}{@{}l}{\textit{Transductive}} \\",
        "% fc100 1-shot: c1",
        r"tim & resnet12 & \textbf{41.00 $\pm$ 0.30} \\",
        r"\bottomrule",
        r"\end{tabularx}",
        r"\end{table}",
        notes,
    ]


def test_latex_beside_published_numbers() -> None:
    left, right = (rf">{{\ragged{side}\arraybackslash}}" for side in ("right", "left"))
    lines = latex.render(BESIDE).splitlines()
    assert lines[2] == (
        rf"\begin{{tabularx}}{{\linewidth}}{{@{{}}{left}X{left}X{right}p{{6.96em}}{right}p{{4.50em}}"
        r"@{}}"
    )
    assert lines[4:7] == [
        r" &  & \multicolumn{2}{>{\centering\arraybackslash}p{12.26em}}{cifar-fs} \\",
        r"\cmidrule(lr){3-4}",
        r"Method & Published as & 1-shot & 1-shot, published \\",
    ]
    assert lines[9:13] == [
        "% cifar-fs 1-shot: a1",
        f"% {SOURCE}",
        r"anil & ANIL & \textbf{55.50 $\pm$ 0.40} & 54.1{*} \\",
        "% cifar-fs 1-shot: b1",
    ]
    assert lines[13] == r"maml &  & 50.00 & -- \\"
    second = lines[lines.index(r"\end{table}") + 1 :]
    assert second[1:] == [
        rf"\begin{{tabularx}}{{\linewidth}}{{@{{}}{left}p{{8.5em}}{left}p{{8.5em}}{left}X@{{}}}}",
        r"\toprule",
        r"Method & Published as & Differs \\",
        r"\midrule",
        r"\multicolumn{3}{@{}l}{\textit{Inductive}} \\",
        f"% {SOURCE}",
        r"anil & ANIL & ? queries \\",
        r"\bottomrule",
        r"\end{tabularx}",
        r"\end{table}",
        r"\noindent{\footnotesize\raggedright Backbone: conv4-64.\\{} A note.\par}",
    ]


def test_a_terminal() -> None:
    table = rich(SMALL)
    assert (table.title, table.title_justify) == ("Few-shot <accuracy>", "left")
    assert table.box is box.SIMPLE_HEAD
    heads = ["Method", "Backbone", "cifar-fs\n1-shot", "cifar-fs\n5-shot, dirichlet:2.0"]
    assert [column.header for column in table.columns] == [*heads, "fc100\n1-shot"]
    assert [column.justify for column in table.columns] == ["left"] * 2 + ["right"] * 3
    assert {column.overflow for column in table.columns} == {"fold"}
    cells = [[(str(c), getattr(c, "style", "")) for c in column.cells] for column in table.columns]
    setting, named, other, last = zip(*cells, strict=True)
    assert setting[0] == ("Inductive", "italic")
    assert named == (
        *(("  proto-net", ""), ("conv4-64", ""), ("55.50 ± 0.40", "")),
        *(("72.00 ± 0.40 (seeds 2, sd 1.00)", "bold"), ("-", "dim")),
    )
    assert other[0] == ("Transductive", "italic")
    assert [text for text, _ in last] == ["  tim", "resnet12", "-", "60.00", "41.00 ± 0.30"]
    assert [row.end_section for row in table.rows] == [False, True, False, True]
    beside = rich(BESIDE)
    assert [column.header for column in beside.columns][2] == "Published as"
    assert [column.header for column in beside.columns][-1] == "Differs"
    assert beside.columns[-1].overflow == "fold"
    assert [str(cell) for cell in beside.columns[-1].cells] == ["", "? queries", ""]
