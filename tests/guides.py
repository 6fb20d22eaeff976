"""Examples of the guides, which are run."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def example(guide: str, name: str) -> str:
    """Return the fenced block of a page that follows the marker of `name`."""
    text = (DOCS / guide).read_text("utf-8")
    blocks = re.findall(rf"<!-- example: {re.escape(name)} -->\n```\w+\n(.*?)```", text, re.S)
    assert len(blocks) == 1
    return str(blocks[0])
