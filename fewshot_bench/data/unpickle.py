"""Published data sets come as pickles, which may run any code; this reader runs none."""

import os
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from fewshot_bench.errors import UsageError

_CODES = {f"{kind}{size}" for kind in "iuf" for size in (1, 2, 4, 8)} | {"b1"}
_FREE_STEPS = 1_000_000  # instructions of any pickle, however small
_BYTES_A_STEP = 32  # of a larger one, for each more
_DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


def load_arrays(file: BinaryIO, where: str) -> Any:
    """Read a pickle of plain containers, text, numbers and numeric numpy arrays.

    Pickles of Python 2 are read too, their byte strings as Latin-1 text.

    Args:
        file: open for reading.
        where: name of the file for messages.

    Raises:
        UsageError: the pickle asks for anything else, or is damaged.
    """
    try:
        return _Unpickler(file, _size(file)).load()
    except _DAMAGE as error:
        raise UsageError(f"{where} is not a whole pickle of arrays; get it again") from error


def _size(file: BinaryIO) -> int:
    """Bytes that are left to be read of a file."""
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    return size


class _Dtype:
    """A numeric dtype. numpy's own takes flags from a pickle that can make it read any memory."""

    def __init__(self, code: str) -> None:
        if code.lstrip("<>|=") not in _CODES:
            raise UsageError(f"refused a pickle with an array of '{code}', not of numbers")
        self.dtype: np.dtype[Any] = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array(np.ndarray[Any, np.dtype[Any]]):
    """An array that accepts its content with a `_Dtype` only; numpy checks shape and size."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, kind, fortran, data = state
        if min(shape, default=0) < 0:
            raise ValueError(f"an array of shape {shape}")
        state = (1, shape, kind.dtype, bool(fortran), data)
        super().__setstate__(state)  # type: ignore[arg-type]  # the stub wants numpy's bool


def _dtype(code: str, *_flags: object) -> _Dtype:
    return _Dtype(code)


def _reconstruct(_kind: object, _shape: object, _code: object) -> _Array:
    """Make the empty array whose content follows."""
    return _Array((0,), np.uint8)


def _scalar(kind: _Dtype, data: str | bytes) -> Any:
    raw = data.encode("latin1") if isinstance(data, str) else data
    return np.frombuffer(raw, kind.dtype, count=1)[0]


def _encode(text: str, _codec: str) -> bytes:
    """How Python 3 writes bytes for protocol 2, where the codec is always Latin-1."""
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """How Python 3 writes the empty byte string for protocol 2."""
    return b""


def _defaultdict(*_factory: object) -> dict[object, object]:
    """Make a plain dictionary of one that would fill itself."""
    return {}


_KIND = "ndarray"  # only ever an argument of _reconstruct; a string cannot be called
_FACTORY = "list"  # only ever an argument of _defaultdict
_ALLOWED: dict[tuple[str, str], object] = {
    ("numpy", "dtype"): _dtype,
    ("numpy", "ndarray"): _KIND,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _no_bytes,
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): _defaultdict,
    ("builtins", "list"): _FACTORY,
    ("__builtin__", "list"): _FACTORY,
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _ALLOWED[_module, "_reconstruct"] = _reconstruct
    _ALLOWED[_module, "scalar"] = _scalar


def _counted(load: Callable[[Any], None]) -> Callable[[Any], None]:
    def counted(unpickler: "_Unpickler") -> None:
        unpickler.step()
        load(unpickler)

    return counted


class _Unpickler(pickle._Unpickler):
    """Gives a pickle our own stand-ins for the few functions that arrays are made by.

    It is the one in Python: that in C makes room for as many objects as a pickle of ten bytes
    says it will number, up to 64 GB. A byte may stand for an object of a hundred, so a pickle has
    as many as it is worth: arrays are few and large.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__(file, encoding="latin1")
        self._steps_left = _FREE_STEPS + size // _BYTES_A_STEP

    def step(self) -> None:
        """Count an instruction.

        Raises:
            UnpicklingError: they are more than the file is worth.
        """
        self._steps_left -= 1
        if self._steps_left < 0:
            raise pickle.UnpicklingError("too many small objects")

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ALLOWED:
            raise UsageError(
                f"refused a pickle that asks for '{module}.{name}'; use the published file, "
                "which holds arrays only"
            )
        return _ALLOWED[module, name]

    def load_build(self) -> None:
        """Set the state of our stand-ins only: of a function it would set attributes for good."""
        if not isinstance(self.stack[-2], (_Dtype, _Array)):  # type: ignore[attr-defined]
            raise pickle.UnpicklingError("a state for something without one")
        super().load_build()  # type: ignore[misc]

    dispatch = {  # noqa: RUF012
        code: _counted(load) for code, load in pickle._Unpickler.dispatch.items()
    }
    dispatch[pickle.BUILD[0]] = _counted(load_build)
    # The first makes as many bytes as a header says, sets are large; no array needs them.
    for _code in (pickle.BYTEARRAY8, pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET):
        del dispatch[_code[0]]
