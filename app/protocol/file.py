"""The file of a protocol: a small JSON file.

{"format": "headstage-protocol", "version": 1, "name": "lesion", "repeats": 3,
 "steps": [{"after": "10ms", "do": "perturb", "what": "drive alu3 for=20us"}, …]}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.protocol.steps import MAX_REPEATS, Do, Protocol, Step
from app.saved.small_file import read_text, write_text
from rig.errors import FormatError

FORMAT, VERSION = "headstage-protocol", 1
SUFFIX = ".protocol.json"
MAX_STEPS = 10_000


def protocol_to_text(protocol: Protocol) -> str:
    value = {
        "format": FORMAT,
        "version": VERSION,
        "name": protocol.name,
        "repeats": protocol.repeats,
        "steps": [{"after": s.after, "do": str(s.do), "what": s.what} for s in protocol.steps],
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def protocol_from_text(text: str) -> Protocol:
    """Inverse of `protocol_to_text`.

    Raises
    ------
    FormatError : one line that says what is wrong, and where.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise FormatError(f"asked for a protocol; the file is no JSON ({reason})") from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise FormatError(f"asked for a protocol; the file does not say that it is one (format: {FORMAT})")
    version = value.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise FormatError(
            f"asked for a protocol of version {version!r}; this Headstage reads versions up to {VERSION}: update it"
        )
    _only(value, {"format", "version", "name", "repeats", "steps"}, "the protocol")
    repeats = value.get("repeats", 1)
    if type(repeats) is not int or not 1 <= repeats <= MAX_REPEATS:
        raise FormatError(f"asked for {repeats!r} repeats of a protocol; it must be a whole number from 1 on")
    steps = value.get("steps")
    if not isinstance(steps, list) or len(steps) > MAX_STEPS:
        raise FormatError(f"asked for a protocol without a list of steps, or with more than {MAX_STEPS}")
    return Protocol(_text(value, "name", "the protocol", ""), tuple(_step(s, i) for i, s in enumerate(steps)), repeats)


def save_protocol(protocol: Protocol, path: Path) -> None:
    """Write it whole or not at all. Raises StorageError."""
    write_text(path, protocol_to_text(protocol), "the protocol")


def load_protocol(path: Path) -> Protocol:
    """Raises StorageError, FormatError."""
    text = read_text(path, "the protocol")
    try:
        return protocol_from_text(text)
    except FormatError as error:
        raise FormatError(f"{path.name}: {error}") from None


def _step(value: Any, index: int) -> Step:
    where = f"step {index + 1}"
    if not isinstance(value, dict):
        raise FormatError(f"{where} is no object; write {{after, do, what}}")
    _only(value, {"after", "do", "what"}, where)
    word = value.get("do")
    try:
        do = Do(str(word))
    except ValueError:
        raise FormatError(f"{where} asks for {word!r}; it must be one of {', '.join(Do)}") from None
    return Step(do, _text(value, "what", where, ""), _text(value, "after", where, "0"))


def _text(value: dict[str, Any], key: str, where: str, default: str) -> str:
    text = value.get(key, default)
    if not isinstance(text, str) or "\n" in text:
        raise FormatError(f"{where}: {key} is {text!r}; it must be one line of text")
    return text


def _only(value: dict[str, Any], keys: set[str], where: str) -> None:
    if extra := sorted(set(value) - keys):
        raise FormatError(f"{where} has {extra[0]!r}; it takes {', '.join(sorted(keys))}")
