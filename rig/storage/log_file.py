"""Reading ``events.jsonl``, the command log of a recording."""

from __future__ import annotations

from pathlib import Path

from rig.errors import FormatError
from rig.log import LogEntry, entry_from_line
from rig.storage.layout import LOG_FILE


def read_log(folder: Path) -> tuple[tuple[LogEntry, ...], list[str]]:
    """The command log and what is wrong with it; whole lines only, damaged ones left out."""
    path = folder / LOG_FILE
    if not path.is_file():
        return (), [f"{LOG_FILE} is missing: what was done to the subject is not known"]
    lines = path.read_bytes().split(b"\n")
    entries: list[LogEntry] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        if number == len(lines):
            if line:
                problems.append(f"the last line of {LOG_FILE} was torn and is dropped")
            break
        try:
            entries.append(entry_from_line(line.decode()))
        except (FormatError, UnicodeDecodeError, RecursionError, OverflowError) as error:
            problems.append(f"line {number} of {LOG_FILE} is damaged and is left out ({error})")
    return tuple(entries), problems
