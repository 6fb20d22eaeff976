"""The shape of an episode; apart from the episodes, which need torch: a table does not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EpisodeSpec:
    """The shape of an episode.

    Attributes:
        n_way: classes of an episode.
        n_shot: labelled (support) images a class.
        n_query: query images a class; with `dirichlet` their mean, the total stays fixed.
        n_query_way: classes that have queries, chosen at random for each episode; None: all.
        dirichlet: concentration of the queries' class proportions (Veilleux et al. 2021 use 2),
            or None for equally many queries of each class.
    """

    n_way: int = 5
    n_shot: int = 1
    n_query: int = 15
    dirichlet: float | None = None
    n_query_way: int | None = None

    @property
    def n_support(self) -> int:
        """Support images of an episode, S."""
        return self.n_way * self.n_shot

    @property
    def n_queries(self) -> int:
        """Query images of an episode, Q."""
        return (self.n_query_way or self.n_way) * self.n_query

    @property
    def images_needed(self) -> int:
        """Images that the scarcest class must have."""
        return self.n_shot + (self.n_query if self.dirichlet is None else self.n_queries)

    @property
    def facts(self) -> dict[str, float | None]:
        """What keys are made of; a field that is younger than they counts where it is set."""
        return {k: v for k, v in vars(self).items() if k != "n_query_way" or v is not None}
