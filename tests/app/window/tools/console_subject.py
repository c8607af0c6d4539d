"""A model cell with a console's controls and a text that it writes, for what a chip is too heavy for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rig.streams import Chunk, StreamInfo, StreamKind
from rig.subject import ControlInfo, OptionInfo, Subject, SubjectPlugin
from subjects.model_cell.subject import ModelCell

LETTERS_EVERY = 7
_HELD = ("stick_up", "stick_down", "stick_left", "stick_right", "fire", "select", "reset")
_RIGHT = ("right_stick_up", "right_stick_down", "right_stick_left", "right_stick_right", "right_fire")


class ConsoleCell(ModelCell):
    """Option ``text``: yes for a text in place of the frames."""

    controls = (
        *(ControlInfo(name, f"{name} held", False) for name in (*_HELD, *_RIGHT)),
        ControlInfo("color", "colour on", True),
        ControlInfo("difficulty", "difficulty switch", "B", ("A", "B")),
        ControlInfo("light", "lights on", True),
        ControlInfo("gain", "charge that a spike brings", 1),
    )

    def __init__(self, text: bool) -> None:
        super().__init__(8, 20)
        if text:
            letters = StreamInfo("letters", "a b c …", StreamKind.TEXT, np.dtype("<U1"), (), None)
            self.streams = (*(s for s in self.streams if s.name != "frame"), letters)

    def _run(self, n: int) -> list[Chunk]:
        start, letters = self.tick, self._watched.pop("letters", None)
        chunks = super()._run(n)
        if letters is not None:
            self._watched["letters"] = letters
            ticks: NDArray[np.int64] = np.arange(start, start + n, dtype=np.int64)
            ticks = ticks[ticks % LETTERS_EVERY == 0]
            if len(ticks):
                data = np.array([chr(97 + t // LETTERS_EVERY % 26) for t in ticks.tolist()], "<U1")
                chunks.append(Chunk("letters", int(ticks[0]), data, ticks))
        return chunks


def _open(options: Mapping[str, str]) -> Subject:
    return ConsoleCell(options.get("text") == "yes")


PLUGIN = SubjectPlugin(
    name="console-cell",
    summary="a model cell with a stick",
    open=_open,
    options=(OptionInfo("text", "yes: a text in place of the frames", "no"),),
)
