"""Commands in this process, as a user types them."""

from fewshot_bench.cli import main


def fsbench(*arguments: str) -> int:
    """Run a command in this process; return its exit code."""
    try:
        main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0
