"""Memory that was let go, given back to the system.

A subject's chunks, a twin's streams, a recording's buffers come and go in pieces of megabytes, and glibc keeps what was
let go for the next of them, in holes between what stays: tens of megabytes after a twin was there, for good.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable

TRIM_S = 30.0


class Heap:
    """Gives back what is free now and then; does nothing where the C library has no such call."""

    def __init__(self) -> None:
        self._trim: Callable[[int], int] | None = getattr(_libc(), "malloc_trim", None)
        self._due_s = time.monotonic() + TRIM_S

    def turn(self) -> None:
        """Called often; takes about a millisecond twice a minute."""
        if self._trim is not None and time.monotonic() >= self._due_s:
            self._trim(0)
            self._due_s = time.monotonic() + TRIM_S


def _libc() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows knows no program's own library
        return None
