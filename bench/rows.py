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
        less_memory: aim at a lower peak memory, too.
        profile: finds the share of each operation in our time; run if an aim is missed.
        note: what a reader should know, in the report.
        repeats: runs of each side, in turn.
    """

    name: str
    work: str
    unit: str
    aim: float
    ours: Job
    theirs: Job
    aim_rate: float | None = None
    tolerance: float | None = None
    less_memory: bool = False
    note: str = ""
    profile: Job | None = None
    repeats: int = 3


@dataclass(frozen=True)
class Limit:
    """Something of ours that is measured alone.

    Attributes:
        limit: what it should not exceed, in `unit`.
    """

    name: str
    work: str
    unit: str
    limit: float
    ours: Job


@dataclass(frozen=True)
class Growth:
    """How the time of an evaluation grows with something; its job finds seconds by size."""

    name: str
    work: str
    ours: Job


PROFILE = "bench.ours.profile"


def _head(
    name: str, aim: float, ours: int, theirs: int, aim_rate: float | None = None, note: str = ""
) -> Row:
    return Row(
        name=name,
        work=f"`{name}`, 5-way 1-shot, 15 queries, cached 640-d embeddings",
        unit="episodes",
        aim=aim,
        aim_rate=aim_rate,
        note=note,
        repeats=5,
        profile=Job("ours", PROFILE, name, 640, 64),
        ours=Job("ours", "bench.ours.heads", name, ours, min(ours, 512)),
        theirs=Job("easyfsl", "bench.theirs.easyfsl_heads", name, theirs, max(2, theirs // 20)),
    )


def _from_images(name: str, method: str) -> Row:
    return Row(
        name=name,
        work=f"whole evaluation of `{method}` from images, `conv4-64`, 32 x 32, against a plain "
        "loop that embeds every episode anew",
        unit="episodes",
        aim=20,
        ours=Job("ours", "bench.ours.from_images", method, 2_000, 200),
        theirs=Job("ours", "bench.ours.each_anew", method, 50, 3),
    )


def _meta_training(name: str, how: str, note: str = "") -> Row:
    return Row(
        name=name,
        work="meta-training of `ssl-meta`, `conv4-64`, 38,400 images of 32 x 32, against a plain "
        "loop that embeds every episode anew",
        unit="steps",
        aim=20,
        note=f"6,000 steps, the default; the embedding of all images counts{note}",
        ours=Job("ours", "bench.ours.meta_training", how, 6_000, 100),
        theirs=Job("ours", "bench.ours.meta_training", "anew", 100, 5),
    )


def _at_test(name: str, n_shot: int) -> Row:
    subject = f"{name}-{n_shot}"
    return Row(
        name=f"{subject}-shot",
        work=f"`{name}`, {n_shot}-shot, `conv4-64`, 32 x 32, against a plain form, by threads",
        unit="episodes",
        aim=3,
        ours=Job("ours", "bench.ours.at_test", subject, 400, 16),
        theirs=Job("ours", "bench.ours.formerly", subject, 150, 16),
    )


def _pretraining() -> Row:
    return Row(
        name="pretraining",
        work="pretraining epoch of `conv4-64`, 38,400 images of 32 x 32, augmentation included, "
        "against a plain eager NCHW loop",
        unit="images",
        aim=1.7,
        aim_rate=860,
        note="70 GFLOP/s are 860 images/s; the plain loop augments whole batches, as ours",
        ours=Job("ours", "bench.ours.pretraining", "harness", 38_400, 640),
        theirs=Job("ours", "bench.ours.pretraining", "plain", 38_400, 640),
    )


def _sampling(peer: str, n_theirs: int) -> Row:
    return Row(
        name=f"sampling-{peer}",
        work=f"sampling of 5-way 1-shot episodes, against {peer}",
        unit="episodes",
        aim=10,
        ours=Job("ours", "bench.ours.sampling", "-", 100_000, 1_000),
        theirs=Job(peer, f"bench.theirs.{peer}_sampling", "-", n_theirs, 100),
    )


def _maml(pixels: int, n_ours: int, n_theirs: int) -> Row:
    return Row(
        name=f"maml-{pixels}",
        work=f"`maml`, meta-gradient of 4 tasks, second order, 5 inner steps, `conv4-64`, "
        f"{pixels} x {pixels}",
        unit="steps",
        aim=1.5,
        tolerance=1e-5,
        less_memory=True,
        profile=Job("ours", PROFILE, f"maml-{pixels}", 1, 1),
        ours=Job("ours", "bench.ours.maml_step", str(pixels), n_ours, 1),
        theirs=Job("learn2learn", "bench.theirs.learn2learn_maml", str(pixels), n_theirs, 1),
    )


_BDCSPN = (
    "accuracies differ as the methods do, the work is the same: easyfsl weighs the images of a "
    "class by a softmax over them, the releases and ours by one over the classes, at scale 10; and "
    "easyfsl shifts the queries for the prototypes alone, the paper and ours also scored ones"
)
ROWS: tuple[Row, ...] = (
    _head("proto-net", 20, 10_000, 1_000, aim_rate=10_000),
    _head("simple-shot", 20, 10_000, 1_000, aim_rate=10_000),
    _head("bd-cspn", 10, 10_000, 1_000, note=_BDCSPN),
    _head("laplacian-shot", 10, 10_000, 500),
    _head("tim", 50, 3_000, 50),
    _head("pt-map", 50, 8_000, 200),
    _head("fine-tune", 50, 4_000, 50),
    *(_at_test(name, shot) for name in ("tadam", "tim", "alpha-tim") for shot in (1, 5)),
    _at_test("gnn", 5),
    _meta_training("ssl-meta-train", "stored"),
    _meta_training("ssl-meta-train-seeds", "seeds", "; a seed a core, as a study trains several"),
    _from_images("ssl-meta-test", "ssl-meta"),
    _from_images("from-images", "proto-net"),
    _pretraining(),
    _sampling("easyfsl", 2_000),
    _sampling("learn2learn", 2_000),
    _maml(28, 10, 10),
    _maml(84, 3, 3),
)


COMMANDS, MEMORY = "bench.ours.commands", "bench.ours.memory"
LIMITS = (
    Limit("help", "`fsbench --help`", "s", 0.5, Job("ours", COMMANDS, "help", 0, 0)),
    Limit(
        "table",
        "`fsbench table` over 2,000 runs",
        "s",
        3,
        Job("ours", COMMANDS, "table", 2_000, 50),
    ),
    Limit(
        "memory-embeddings",
        "peak memory of 10,000 episodes on cached embeddings, 12,000 x 640",
        "MB",
        2_000,
        Job("ours", MEMORY, "embeddings", 10_000, 1_000),
    ),
    Limit(
        "memory-images",
        "peak memory, without what is mapped from files, of 2,000 episodes from 700,000 images of "
        "32 x 32, `conv4-64`",
        "MB",
        1_000,
        Job("ours", MEMORY, "images", 700_000, 16_000),
    ),
    Limit(
        "learn2learn-maml",
        "largest relative difference between `learn2learn-maml` and `maml`, of logits after 10 "
        "steps and of meta-gradients: same initial weights, same 8 episodes, single precision",
        "",
        1e-5,
        Job("learn2learn", "bench.ours.learn2learn_agrees", "-", 8, 8),
    ),
)


def _growth(what: str, work: str, largest: int, quick: int) -> Growth:
    job = Job("ours", "bench.ours.scaling", what, largest, quick)
    return Growth(f"growth-{what}", work, job)


GROWTHS = (
    _growth("episodes", "5-way 1-shot episodes", 30_000, 1_000),
    _growth("ways", "ways of 1,000 1-shot episodes", 100, 10),
    _growth("shots", "shots of 1,000 5-way episodes", 50, 5),
    _growth("images", "images embedded by `conv4-64`", 32_000, 2_000),
)
