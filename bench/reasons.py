"""Why a row misses its aim, by name; in the report beside the row's profile."""

_AIM = "the aim was set by an easyfsl of {}, and here it does several times that"
_COPY = (
    "over 10,000 episodes/s is met, 20 times is not: "
    + _AIM.format("500 episodes/s")
    + ". What is left is traffic of memory, which the two cores share with other users of the "
    "machine: every episode copies 80 x 640 numbers out of the table and reads them twice, and "
    "that took 25 to 50 microseconds, whenever it was measured."
)

_TADAM = (
    "Convolutions alone, 28 million operations an image, are 15 of 24 ms of a core at 1 shot, at "
    "165 GFLOP/s; the rest is pooling, the plain embedding of the support and pixels made numbers."
)
_TIM = (
    "1,000 steps of two products with 80 to 100 images of 256 numbers are 5 of 12 ms of a core at "
    "1 shot, at 90 GFLOP/s, and Adam's roots and divisions 2; the rest is fifteen calls a step on "
    "arrays of a few thousand numbers. More tasks at once would not stay in a core's cache."
)

REASONS: dict[str, str] = {
    **dict.fromkeys(("tadam-1-shot", "tadam-5-shot"), _TADAM),
    **dict.fromkeys((f"{name}-{k}-shot" for name in ("tim", "alpha-tim") for k in (1, 5)), _TIM),
    "gnn-5-shot": ("The edges within the support, 300 for each query, are 11 of 17 ms of a core."),
    "proto-net": _COPY,
    "simple-shot": _COPY,
    "bd-cspn": (
        _AIM.format("400 episodes/s").capitalize()
        + ". The copy of 80 x 640 numbers, and the shift of all queries, which writes them once "
        "more, are most of the time."
    ),
    "laplacian-shot": (
        _AIM.format("230 episodes/s").capitalize()
        + ". The distances between 75 queries are 7.2 million operations an episode, 70 "
        "microseconds of a core at its best; 10 times would leave 300 for everything."
    ),
    "tim": (
        "50 steps of two products each, 5 x 640 by 640 x 80: 51 million operations an episode. "
        "Products of so few rows reach 47 GFLOP/s a core, half of what square ones do, so that "
        "1,840 episodes/s would be the end on two cores. Adam moves every number of the weights by "
        "itself, which rules out the inner products that other heads make do with."
    ),
    "pt-map": (
        _AIM.format("0.7 episodes/s").capitalize()
        + ". The inner products of 80 images alone, 8.2 million operations, take 85 microseconds "
        "of a core at its best, and 50 times would leave 200 for everything. The balancing takes "
        "about as long: 50 iterations for each of 11 moves, where easyfsl stops once they rest; a "
        "stop for a batch of tasks would make answers depend on the other tasks."
    ),
    "fine-tune": (
        "200 steps of Adam on 5 x 640 weights are bound by the memory that Adam's averages take, "
        "and by the overhead of ten calls a step."
    ),
    "ssl-meta-train": (
        "A step is one episode, as in the release, so nothing can be batched: 2.1 ms go to some "
        "hundred calls on arrays of a few thousand numbers, and their gradients. The embedding of "
        "38,400 images takes 4 to 6 s of the 20 s and more."
    ),
    "ssl-meta-train-seeds": (
        "As `ssl-meta-train`, but the images are embedded once for all seeds; the processes start "
        "with some seconds of imports each, and the plain loop embeds with all cores."
    ),
    "sampling-easyfsl": (
        "Of 4.9 microseconds an episode, 1 goes to its 256 random numbers, which are its own "
        "whatever the chunk, 1.2 to distinct images, and the rest to the orders of images, support "
        "and queries, which easyfsl leaves as they come."
    ),
    "pretraining": (
        "The plain loop augments whole batches, too; what is left are channels-last convolutions, "
        "pooling before the ReLU and memory that stays with the process."
    ),
    "maml-28": (
        "Convolutions of five images, forward, backward and twice, are half of the time; they are "
        "oneDNN's on both sides, and use two cores badly at this size."
    ),
    "maml-84": (
        "The process keeps freed memory (utilities/memory.py), which makes it half as fast "
        "again, and fragments: with glibc's own ways it takes 1,200 to 1,300 MB, less than "
        "learn2learn's, and is still faster than it."
    ),
}
