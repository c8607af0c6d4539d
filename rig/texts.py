"""What a stream of text says, sample by sample, and what sort of word each is."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import SpecError
from rig.streams import StreamInfo

TOKEN_CLASSES = ("name", "word", "number", "punctuation", "new line", "nothing")


def texts_of(info: StreamInfo, data: NDArray[Any]) -> list[str]:
    """What each of (n_samples, *shape) adds to the text: strings, UTF-8 bytes, or code points.

    Bytes of a character that is not whole yet come with its last one.
    """
    if info.dtype != np.uint8:
        return [text_of(info, row) for row in data]
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return [decoder.decode(row[row != 0].tobytes()) for row in data.reshape(len(data), info.n_channels)]


def text_of(info: StreamInfo, data: NDArray[Any]) -> str:
    """One text out of samples."""
    flat = data.reshape(-1)
    if flat.dtype.kind == "U":
        return "".join(flat.tolist())
    if flat.dtype.kind == "S":
        return b"".join(flat.tolist()).decode("utf-8", "replace")
    if flat.dtype == np.uint8:
        return bytes(flat[flat != 0]).decode("utf-8", "replace")
    if flat.dtype.kind in "ui":
        return "".join(chr(int(c)) if 0 < int(c) < 0x110000 else "\ufffd" for c in flat)
    return " ".join(str(v) for v in flat.tolist())


def concept_moments(texts: Sequence[str], words: Sequence[str]) -> NDArray[np.bool_]:
    """(n,) the samples that write any part of one of the words, whole words (or several in a row) in any case.

    Raises
    ------
    SpecError : no word is given.
    """
    wanted = [re.escape(word.strip()) for word in words if word.strip()]
    if not wanted:
        raise SpecError("asked for a concept without words; give one at least")
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(wanted)})(?!\w)", re.IGNORECASE)
    edges = np.cumsum([0, *map(len, texts)])
    marked = np.zeros(len(texts), np.bool_)
    for found in pattern.finditer("".join(texts)):
        marked |= (edges[:-1] < found.end()) & (edges[1:] > found.start())
    return marked


def token_class(text: str) -> str:
    """One of TOKEN_CLASSES; a name is a word that begins with a capital."""
    if "\n" in text:
        return "new line"
    text = text.strip()
    if not text:
        return "nothing"
    if text[0].isalpha():
        return "name" if text[0].isupper() else "word"
    return "number" if unicodedata.category(text[0]).startswith("N") else "punctuation"
