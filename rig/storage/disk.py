"""What the rig asks of a disk: durable files, free space, and one clear line when it refuses."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from rig.errors import StorageError

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "a file may not grow further",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "there is no permission",
    errno.EPERM: "there is no permission",
    errno.ENOENT: "the folder is not there",
    errno.ENOTDIR: "a part of the path is not a folder",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EIO: "the disk reports an input/output error",
    errno.ENODEV: "the disk is gone",
    errno.ENXIO: "the disk is gone",
    errno.ESTALE: "the network folder is gone",
}


class AppendFile(Protocol):
    """The part of an unbuffered file (``open(path, "xb", buffering=0)``) that recording needs."""

    def write(self, data: memoryview, /) -> int | None: ...
    def truncate(self, size: int, /) -> int: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...


def create_file(path: Path) -> AppendFile:
    """A new unbuffered file; the path must be free."""
    return open(path, "xb", buffering=0)


def write_all(file: AppendFile, pieces: Iterable[memoryview]) -> int:
    """Write the pieces one after the other, however little the system takes at a time.

    Returns
    -------
    int, bytes written

    Raises
    ------
    OSError : some may have been written.
    """
    total = 0
    for piece in pieces:
        while len(piece):
            written = file.write(piece)
            if not written:
                raise OSError(errno.EIO, "the file takes no more bytes")
            total += written
            piece = piece[written:]
    return total


def sync_file(file: AppendFile) -> None:
    """The file's bytes, and its length, are on the disk on return."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(file.fileno())
    else:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """The names in a folder are on the disk on return."""
    if os.name == "nt":  # folders cannot be opened there; names are journalled
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, pieces: Iterable[bytes]) -> int:
    """Write a whole file under another name, make it durable, then rename it: it is there entirely or not at all.

    Returns
    -------
    int, bytes written
    """
    partial = path.with_name(path.name + ".partial")
    with open(partial, "wb", buffering=0) as file:
        n_bytes = write_all(file, (memoryview(piece) for piece in pieces))
        os.fsync(file.fileno())
    os.replace(partial, path)
    sync_folder(path.parent)
    return n_bytes


def free_bytes(path: Path) -> int:
    """What may still be written to the disk that holds a folder."""
    return shutil.disk_usage(path).free


def identity(path: Path) -> tuple[int, int]:
    """Which file or folder a path leads to; changes when it is replaced."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


def storage_error(asked: str, error: OSError) -> StorageError:
    """The one line for what the system refused."""
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return StorageError(f"{asked}: {reason}")
