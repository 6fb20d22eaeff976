"""Too little memory, under whatever name it comes."""

_TORCH = ("not enough memory", "can't allocate memory", "out of memory", "bad allocation")


def is_memory_shortage(error: BaseException) -> bool:
    """Whether an error says that there is too little memory, on a device or of the machine.

    torch has a `RuntimeError` for it; a worker that the system ended for its memory is a broken
    pool.
    """
    kind = type(error).__name__
    if isinstance(error, MemoryError) or kind in ("OutOfMemoryError", "BrokenProcessPool"):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _TORCH)
