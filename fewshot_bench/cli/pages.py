"""What ``fsbench list KIND NAME`` prints: the page of one method, backbone or data set."""

from collections.abc import Callable
from functools import partial

from fewshot_bench.cli.printing import print_text
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.printing import plain_console, printable_lines


def page(kind: str, name: str, preset: str | None, dataset: str | None) -> str:
    """Write the page of a thing as Markdown.

    Args:
        kind: ``methods``, ``backbones`` or ``datasets``.
        name: of the thing.
        preset: whose defaults a method's page shows; None for ``default``.
        dataset: whose own defaults apply to a method's settings; None for none.

    Raises:
        UsageError: there is no such thing, or the last two are given for another than a method.
    """
    if kind != "methods" and (preset or dataset):
        raise UsageError("--preset and --dataset belong to 'fsbench list methods NAME'")
    from fewshot_bench.report.backbone_page import backbone_page
    from fewshot_bench.report.dataset_page import dataset_page
    from fewshot_bench.report.method_page import method_page

    pages: dict[str, Callable[[str], str]] = {
        "methods": partial(method_page, preset=preset or "default", dataset=dataset),
        "backbones": backbone_page,
        "datasets": dataset_page,
    }
    return pages[kind](name)


def print_page(text: str) -> None:
    """Print Markdown: laid out on a terminal, as it is into a pipe."""
    from rich.markdown import Markdown

    console = plain_console()
    if console.is_terminal:
        console.print(Markdown(printable_lines(text)))
    else:
        print_text(text)
