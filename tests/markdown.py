"""Tables of Markdown, read back."""


def markdown_rows(text: str) -> list[list[str]]:
    """Cells of every row of every table of a text; the rule below a padded heading is one."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[part.strip() for part in line.strip("|").split("|")] for line in lines]
