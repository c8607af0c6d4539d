"""``session.json`` and ``closed.json``: JSON that carries its own checksum."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rig.errors import FormatError, HeadstageError
from rig.header import FORMAT_NAME, FORMAT_VERSION, SessionHeader, header_from_json, header_to_json
from rig.storage.disk import write_durably
from rig.storage.layout import END_FILE, HEADER_FILE, OUTLINES_FILE, check_streams
from rig.storage.outlines_file import read_outlines, write_outlines

_MAX_JSON_BYTES = 1 << 30


def write_header(folder: Path, header: SessionHeader) -> None:
    """Write ``outlines.npz`` where there are outlines, then ``session.json``; both are on the disk on return."""
    if header.units.outlines is not None:
        write_outlines(folder / OUTLINES_FILE, header.units.outlines)
    write_durably(folder / HEADER_FILE, [_sealed(header_to_json(header))])


def read_header(folder: Path) -> tuple[SessionHeader, list[str]]:
    """The header, with outlines, and what is wrong with the outlines.

    Raises
    ------
    FormatError : no recording, another format or version, or damaged.
    """
    if not folder.is_dir():
        raise FormatError(f"asked to open {folder}; there is no such folder: give the recording's folder (NAME.rig)")
    if not (folder / HEADER_FILE).is_file():
        raise FormatError(f"asked to open {folder}; it has no {HEADER_FILE}, so it is no recording")
    problems: list[str] = []
    outlines = None
    if (folder / OUTLINES_FILE).exists():
        try:
            outlines = read_outlines(folder / OUTLINES_FILE)
        except Exception as error:  # an archive can be wrong in more ways than its module names
            problems.append(f"{OUTLINES_FILE} is damaged, the units have no outlines ({_brief(error)})")
    try:
        value, intact = _unsealed(folder / HEADER_FILE)
        ours = isinstance(value, Mapping) and value.get("format") == FORMAT_NAME
        if ours and value.get("format_version") == FORMAT_VERSION and not intact:
            raise FormatError(f"{HEADER_FILE} is damaged (checksum disagrees)")
        with np.errstate(all="ignore"):  # numbers that fit no float32 become infinite, quietly
            header = header_from_json(value, outlines)
        check_streams(header.streams)
    except FormatError as error:
        raise FormatError(f"asked to open {folder}; {error}") from error
    except (
        HeadstageError,
        ArithmeticError,
        ValueError,
        SyntaxError,
        LookupError,
        RecursionError,
        MemoryError,
    ) as error:
        raise FormatError(f"asked to open {folder}; {HEADER_FILE} is damaged ({_brief(error)})") from error
    return header, problems


def write_end(folder: Path, reason: str, stop_tick: int, wall_time_s: float) -> None:
    """Note that the recording was closed, why, and where it ends."""
    write_durably(folder / END_FILE, [_sealed({"reason": reason, "stop_tick": stop_tick, "wall_time_s": wall_time_s})])


def read_end(folder: Path) -> str | None:
    """Why the recording was closed; None where it was not."""
    try:
        value, intact = _unsealed(folder / END_FILE)
        return str(value["reason"]) if intact else None
    except (FormatError, KeyError, TypeError):
        return None


def _sealed(value: dict[str, Any]) -> bytes:
    # one key a line for whoever looks inside; the last key is the crc32 of what comes before it, as in the log's lines
    lines = [f"{json.dumps(k)}:{json.dumps(v, ensure_ascii=False, separators=(',', ':'))}" for k, v in value.items()]
    body = ("{" + ",\n".join(lines)).encode()
    return body + f',\n"crc32":"{zlib.crc32(body):08x}"}}\n'.encode()


def _unsealed(path: Path) -> tuple[Any, bool]:
    """The value, and whether its checksum is there and right."""
    try:
        if not path.is_file() or path.stat().st_size > _MAX_JSON_BYTES:
            raise FormatError(f"{path.name} is no such file of a recording")
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path.name} cannot be read ({error.strerror})") from error
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path.name} is damaged ({_brief(error)})") from error
    body, found, tail = data.rpartition(b',\n"crc32":"')
    return value, bool(found) and tail == f'{zlib.crc32(body):08x}"}}\n'.encode()


def _brief(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
