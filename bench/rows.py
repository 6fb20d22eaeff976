"""The rows of the report: what is measured, against whom, and what is aimed at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """One side of a row: a script, and how much it is given to do.

    Attributes:
        environment: whose Python runs it, ``ours`` or a peer's name.
        module: of the script; it is called with the folder of inputs, `subject` and a count.
        subject: what the script is to time, as a method's name.
        n: units of work; `n_quick` of them in a quick run.
    """

    environment: str
    module: str
    subject: str
    n: int
    n_quick: int

    def count(self, quick: bool) -> int:
        """How many units this run does."""
        return self.n_quick if quick else self.n


@dataclass(frozen=True)
class Row:
    """A comparison.

    Attributes:
        aim: a ratio of rates.
        aim_rate: a rate of ours, in units a second.
        tolerance: what no difference that the peer's side found may exceed.
    """

    name: str
    work: str
    unit: str
    aim: float
    ours: Job
    theirs: Job
    aim_rate: float | None = None
    tolerance: float | None = None


def _head(name: str, aim: float, ours: int, theirs: int, aim_rate: float | None = None) -> Row:
    return Row(
        name=name,
        work=f"`{name}`, 5-way 1-shot, 15 queries, cached 640-d embeddings",
        unit="episodes",
        aim=aim,
        aim_rate=aim_rate,
        ours=Job("ours", "bench.ours.heads", name, ours, min(ours, 512)),
        theirs=Job("easyfsl", "bench.theirs.easyfsl_heads", name, theirs, max(2, theirs // 20)),
    )


def _from_images() -> Row:
    subject, n_theirs = "conv4-64", 50
    return Row(
        name="from-images",
        work="whole evaluation of `proto-net` from images, `conv4-64`, 32 x 32",
        unit="episodes",
        aim=20,
        ours=Job("ours", "bench.ours.from_images", subject, 2_000, 200),
        theirs=Job("ours", "bench.ours.each_anew", subject, n_theirs, 3),
    )


def _sampling() -> Row:
    return Row(
        name="sampling",
        work="sampling of 5-way 1-shot episodes",
        unit="episodes",
        aim=10,
        ours=Job("ours", "bench.ours.sampling", "-", 10_000, 1_000),
        theirs=Job("easyfsl", "bench.theirs.easyfsl_sampling", "-", 2_000, 100),
    )


def _maml(pixels: int, n_ours: int, n_theirs: int) -> Row:
    return Row(
        name=f"maml-{pixels}",
        work=f"`maml`, meta-gradient of 4 tasks, second order, 5 inner steps, `conv4-64`, "
        f"{pixels} x {pixels}",
        unit="steps",
        aim=1.5,
        tolerance=1e-5,
        ours=Job("ours", "bench.ours.maml_step", str(pixels), n_ours, 1),
        theirs=Job("learn2learn", "bench.theirs.learn2learn_maml", str(pixels), n_theirs, 1),
    )


ROWS = (
    _head("proto-net", 20, 10_000, 1_000, aim_rate=10_000),
    _head("simple-shot", 20, 10_000, 1_000, aim_rate=10_000),
    _head("bd-cspn", 10, 10_000, 1_000),
    _head("laplacian-shot", 10, 10_000, 500),
    _head("tim", 50, 1_024, 20),
    _head("pt-map", 50, 2_000, 10),
    _head("fine-tune", 50, 2_000, 20),
    _from_images(),
    _sampling(),
    _maml(28, 10, 10),
    _maml(84, 3, 3),
)
