"""The restricted unpickler reads every array, and runs nothing."""

import contextlib
import io
import os
import pickle
import pickletools
import subprocess
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fewshot_bench.data.unpickle import load_arrays
from fewshot_bench.errors import UsageError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=8,
)
DTYPES = [np.dtype(code) for code in ("u1", "i8", "f4", ">i4", "?")]
ARRAYS: st.SearchStrategy[np.ndarray] = hnp.arrays(
    st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
)


def load(data: bytes) -> Any:
    return load_arrays(io.BytesIO(data), "x.pkl")


@given(PLAIN, st.integers(0, 5))
def test_plain_values_are_read(value: Any, protocol: int) -> None:
    assert load(pickle.dumps(value, protocol)) == value


@given(ARRAYS, st.integers(2, 4))
def test_arrays_are_read(array: np.ndarray, protocol: int) -> None:
    record = load(pickle.dumps({"data": array, "rows": OrderedDict(a=[np.int64(3)])}, protocol))
    np.testing.assert_array_equal(record["data"], array)
    assert record["data"].dtype == array.dtype.newbyteorder("=")
    assert record["rows"] == {"a": [3]}


def test_python_2_pickles_are_read() -> None:
    """As CIFAR-100's official files: byte strings, and numpy under its old name."""
    data = (
        b"\x80\x02}U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        b"U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff"
        b"\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x02\xfe\x07tbs."
    )
    assert load(data)["data"].tolist() == [0xFE, 7]


class Evil:
    """Pickles to a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "evil",
    [
        Evil(os.system, "touch pwned"),
        Evil(eval, "1"),
        Evil(subprocess.Popen, ["true"]),
        Evil(np.load, "x.npy"),
        Evil(getattr, "a", "b"),
        Evil(np.fromfile, "/etc/passwd"),
        np.array([print], dtype=object),
        np.zeros(2, dtype=[("a", "u1")]),
        np.array(["text"]),
        {1, print},
        os.system,
        np.uint8,
    ],
)
def test_anything_else_is_refused(evil: Any, protocol: int, tmp_path: Any) -> None:
    with pytest.raises(UsageError, match="pickle") as error:
        load(pickle.dumps([1, evil], protocol))
    assert "\n" not in str(error.value)


@given(st.data())
def test_damage_is_one_line(data: st.DataObject) -> None:
    """Whatever bytes come, the answer is a value or a UsageError, and no global but ours."""
    good = pickle.dumps({"data": np.arange(4), "names": ["a", "b"]}, 2)
    cut = data.draw(st.integers(0, len(good) - 1))
    with pytest.raises(UsageError, match="pickle"):
        load(good[:cut])
    junk = data.draw(st.binary(max_size=20))
    with contextlib.suppress(UsageError):
        load(junk)


@pytest.mark.parametrize(
    "state",
    [
        b"(K\x01(J\xff\xff\xff\xffJ\xfe\xff\xff\xfftDI00\nU\x02abt",
        b"(K\x01(J\x00\x00\x00\x7ftDI00\nU\x02abt",
        b"(K\x01(K\x02tDI00\n(K\x01K\x02lt",
        b"(K\x01(K\x02tNI00\nU\x02abt",
        b"}",
    ],
    ids=["negative", "too large", "list", "no dtype", "not a state"],
)
def test_a_forged_array_is_refused(state: bytes) -> None:
    dtype = b"cnumpy\ndtype\n(U\x02u1tR"
    array = b"cnumpy._core.multiarray\n_reconstruct\n(NNNtR"
    with pytest.raises(UsageError, match="not a whole pickle"):
        load(b"\x80\x02" + array + state.replace(b"D", dtype) + b"b.")


def test_flags_of_a_dtype_are_ignored() -> None:
    """numpy would take the last number as flags, and bytes for pointers."""
    forged = b"\x80\x02cnumpy\ndtype\n(U\x02u1tR(K\x03U\x01|NNNK\x08K\x01K\x3ftb."
    assert load(forged).dtype == np.uint8


def test_the_stand_in_for_ndarray_cannot_be_called() -> None:
    call = b"cnumpy\nndarray\n(J\x00\x00\x00\x7ftR."
    assert any(op.name == "REDUCE" for op, _, _ in pickletools.genops(call))
    with pytest.raises(UsageError):
        load(call)


@pytest.mark.parametrize("target", ["cnumpy\ndtype\n", "c_codecs\nencode\n", "]", "}"])
def test_only_arrays_have_a_state(target: str) -> None:
    """The state of a function would be attributes that stay for the process."""
    with pytest.raises(UsageError, match="not a whole pickle"):
        load(b"\x80\x02" + target.encode() + b"N}U\x0c__defaults__(tsb\x86b.")


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02]r" + (2**28).to_bytes(4, "little") + b".",
        b"\x80\x05\x96" + (2**32).to_bytes(8, "little") + b".",
    ],
    ids=["numbered objects", "a bytearray"],
)
def test_a_small_pickle_takes_little_memory(pickled: bytes) -> None:
    """Both announce 4 GB, which pickle in C makes room for."""
    resource = pytest.importorskip("resource", reason="limits of POSIX")
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with contextlib.suppress(UsageError):
        load(pickled)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used < 2**18  # in KiB: 256 MiB
