"""The method of a finished run, packed for whoever has neither its data nor this home."""

from pathlib import Path

from fewshot_bench.results import RunRecord


def pack(record: RunRecord, folder: Path) -> tuple[int, ...]:
    """Write the method of a run, with all its weights, into a folder; nothing is trained.

    Returns:
        Shape ``(C, H, W)`` of the images that its network is made for, ``(D,)`` of embeddings.

    Raises:
        UsageError: images or weights are not there any more.
    """
    import torch  # here: a command that has nothing to send does without

    from fewshot_bench.portable import save_portable
    from fewshot_bench.runs.domains import domains_of
    from fewshot_bench.runs.runner import made_again

    method, _ = made_again(record.config, torch.device("cpu"))
    return save_portable(folder, method, record.config, domains_of(record.config).training)
