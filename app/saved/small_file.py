"""Small files of text: written whole or not at all, never read beyond a bound."""

from __future__ import annotations

import os
from pathlib import Path

from rig.errors import FormatError, StorageError

MAX_BYTES = 4 << 20


def write_text(path: Path, text: str, what: str) -> None:
    """Write it whole or not at all.

    Parameters
    ----------
    what : it is, for the error: ``the protocol``

    Raises
    ------
    StorageError
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StorageError(f"asked to save {what} as {path}; {_reason(error)}") from error


def read_text(path: Path, what: str) -> str:
    """Raises StorageError: it cannot be read. FormatError: too large, or no text."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise StorageError(f"asked to load {what} {path}; {_reason(error)}") from error
    if len(content) > MAX_BYTES:
        raise FormatError(f"asked to load {what} {path}; it is larger than any that Headstage writes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError(f"asked to load {what} {path}; it is no text") from None


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
