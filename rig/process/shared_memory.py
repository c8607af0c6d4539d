"""Named pieces of shared memory, without the surprises of `multiprocessing.shared_memory`.

What it works around, each with a test:

- Before Python 3.13 attaching registers the memory with the resource tracker as if it were ours, so that the first
  reader to exit would take it from everyone. Attaching here registers nothing.
- `SharedMemory.close` fails while an array still looks into it, again at every garbage collection. Closing here lets
  go; the mapping goes with the last array.
- tmpfs promises more than it has, and a process that writes where memory ran out dies of SIGBUS. Creating here
  allocates, and fails with a sentence instead.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import StorageError

_TRACK_IS_OPTIONAL = sys.version_info >= (3, 13)
_patching = threading.Lock()


class Shared(SharedMemory):
    """A piece of shared memory, created or attached by the functions of this module."""

    def array(self, dtype: np.dtype[Any], n: int, offset_bytes: int = 0) -> NDArray[Any]:
        """(n,) array over the memory from an offset on; it keeps the mapping alive by itself.

        `numpy.ndarray(buffer=…)` would not: closing would unmap what it looks at.
        """
        assert self.buf is not None, "it is closed"
        return np.frombuffer(self.buf, np.uint8)[offset_bytes : offset_bytes + n * dtype.itemsize].view(dtype)

    def close(self) -> None:
        try:
            super().close()
        except BufferError:  # an array still looks into it: the mapping is freed with that array
            descriptor = getattr(self, "_fd", -1)
            if descriptor >= 0:
                os.close(descriptor)
                self._fd = -1


def create_shared(name: str, n_bytes: int) -> Shared:
    """Create zeroed shared memory that is really there.

    It is removed by `Shared.unlink`, by `remove_shared` from a related process, or, when all of them were killed, by
    Python's resource tracker.

    Raises
    ------
    StorageError : the system has not so much shared memory.
    FileExistsError : the name is taken.
    """
    try:
        shared = Shared(name=name, create=True, size=n_bytes)
    except FileExistsError:
        raise
    except OSError as error:
        raise _refusal(n_bytes, error) from error
    descriptor = getattr(shared, "_fd", -1)
    if descriptor >= 0 and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, n_bytes)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                shared.unlink()
                shared.close()
                raise _refusal(n_bytes, error) from error
    return shared


def attach_shared(name: str) -> Shared:
    """Attach to what another process created.

    Raises
    ------
    FileNotFoundError : there is nothing of this name, or no more.
    """
    if _TRACK_IS_OPTIONAL:
        return Shared(name=name, track=False)  # type: ignore[call-arg, unused-ignore]
    with _registering_all_but(name):
        return Shared(name=name)


def remove_shared(name: str) -> bool:
    """Unlink by name, as the relative of a dead creator does; False when there is nothing of this name."""
    try:
        shared = Shared(name=name)  # registers, which the unlinking undoes, whether the creator came to it or not
    except FileNotFoundError:
        return False
    with suppress(FileNotFoundError):
        shared.unlink()
    shared.close()
    return True


@contextmanager
def _registering_all_but(name: str) -> Iterator[None]:
    original = resource_tracker.register

    def register(resource: Any, kind: str) -> None:
        if kind != "shared_memory" or resource.lstrip("/") != name:
            original(resource, kind)

    with _patching:
        resource_tracker.register = register  # type: ignore[assignment]
        try:
            yield
        finally:
            resource_tracker.register = original


def _refusal(n_bytes: int, error: OSError) -> StorageError:
    return StorageError(
        f"asked for {n_bytes / 2**20:.1f} MiB of shared memory, the system refuses ({error.strerror}); "
        "watch fewer units, or give the rings a smaller budget"
    )
