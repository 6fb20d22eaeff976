"""Where a method was published."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """Where a method was published."""

    title: str
    authors: str
    venue: str
    year: int
    url: str

    @property
    def short(self) -> str:
        """As a text cites it: ``Hu et al. 2020``."""
        first, more, _ = self.authors.partition(",")
        author = first.partition(" and ")[0] if not more else f"{first} et al."
        return f"{author} {self.year}"
