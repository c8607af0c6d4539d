"""Growing .npy files: rows are appended, the header is put right at the end."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

_HEADER_BYTES = 128


class NpyFile:
    """A 1-D array in a file that grows; a context.

    Parameters
    ----------
    path : of the file to make
    dtype : of an element
    """

    def __init__(self, path: Path, dtype: Any) -> None:
        self._dtype = np.dtype(dtype)
        self._n = 0
        self._file: BinaryIO = path.open("wb")
        self._file.write(bytes(_HEADER_BYTES))

    def append(self, values: NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(values, dtype=self._dtype).tobytes())
        self._n += len(values)

    def __enter__(self) -> NpyFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if kind is None:
                self._file.seek(0)
                self._file.write(_header(self._dtype, self._n))


def _header(dtype: np.dtype[Any], n: int) -> bytes:
    """Format version 1.0 of numpy's NEP 1, padded with blanks to a fixed length."""
    descr = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": (n,)}
    text = repr(descr).encode("latin1")
    length = _HEADER_BYTES - 10
    assert len(text) < length
    return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + text.ljust(length - 1) + b"\n"
