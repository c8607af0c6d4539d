"""Where the pieces of a flowing text lie: words are kept whole, tokens are not. Free of Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A token, or what of it lies on one line.

    Attributes
    ----------
    token : its index
    text : without line breaks
    line : from the top
    x, width : pixels
    """

    token: int
    text: str
    line: int
    x: float
    width: float


def flow(texts: Sequence[str], measure: Callable[[str], float], width: float) -> list[Piece]:
    """Lay tokens out in lines of a width.

    A word is what lies between white space; it begins a new line where it does not fit, and is broken between tokens
    only where it is longer than a line.
    """
    pieces: list[Piece] = []
    word: list[tuple[int, str, float]] = []
    line, x = 0, 0.0

    def put_word() -> None:
        nonlocal line, x
        total = sum(w for _, _, w in word)
        if x > 0 and x + total > width:
            line, x = line + 1, 0.0
        for token, text, w in word:
            if x > 0 and x + w > width:
                line, x = line + 1, 0.0
            pieces.append(Piece(token, text, line, x, w))
            x += w
        word.clear()

    for token, whole in enumerate(texts):
        for i, text in enumerate(whole.replace("\r\n", "\n").replace("\r", "\n").split("\n")):
            if i:
                put_word()
                line, x = line + 1, 0.0
            if not text:
                continue
            text = text.replace("\t", "    ")
            if text[0].isspace():
                put_word()
            word.append((token, text, measure(text)))
            if text[-1].isspace():
                put_word()
    put_word()
    return pieces
