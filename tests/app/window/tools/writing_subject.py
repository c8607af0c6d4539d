"""A model cell that writes a word a tick, by how many of its units spike, and reads what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from rig.streams import Chunk, StreamInfo, StreamKind
from rig.subject import ControlInfo, ControlValue, Subject, SubjectPlugin
from subjects.model_cell.subject import ModelCell

WORDS = (" the", " cat", " sat", ".\n", " naïve", " dog", " ran", " off", " far")
TOKEN = np.dtype([("token", "<i4"), ("given", "u1"), ("probability", "<f4"), ("entropy", "<f4")])
N_BYTES = 8


class WritingCell(ModelCell):
    """The word of tick t is WORDS[spikes at t]; a prompt's words come first, one a tick."""

    controls = (
        ControlInfo("prompt", "typed now", ""),
        ControlInfo("gain", "charge that a spike brings", 1, tuple(range(8))),
        ControlInfo("light", "lights on", True),
        *(ControlInfo(f"note_{i}", "a text", "") for i in range(3)),
    )

    def __init__(self) -> None:
        self._queue: list[str] = []
        super().__init__(8, 20)
        self.info = replace(self.info, options={})
        first = self.streams[1], self.streams[0]  # charge, spikes
        self.streams = (
            *first,
            StreamInfo("text", "words", StreamKind.TEXT, np.dtype("u1"), (N_BYTES,), 1),
            StreamInfo("token", "facts", StreamKind.BUS, TOKEN, (), 1),
            StreamInfo(
                "log_probability",
                "of what comes next",
                StreamKind.DISTRIBUTION,
                np.dtype("<f4"),
                (len(WORDS),),
                1,
                channel_names=WORDS,
                on_demand=True,
            ),
        )

    def reset(self, seed: int) -> None:
        super().reset(seed)
        self._queue = []

    def set_control(self, name: str, value: ControlValue) -> None:
        super().set_control(name, value)
        if name == "prompt":
            self._queue += [f" {word}" for word in str(value).split()]

    def _run(self, n: int) -> list[Chunk]:
        start, charge, counted = self.tick, self._charge, self._bin
        watched, self._watched = self._watched, {"spikes": np.arange(8)}
        spikes = {c.stream: c for c in super()._run(n)}["spikes"]
        count = np.bitwise_count(spikes.data[:, 0]).astype(int)
        self._watched, self.tick, self._charge, self._bin = watched, start, charge, counted
        mine = {name: watched.pop(name) for name in ("text", "token", "log_probability") if name in watched}
        chunks = super()._run(n)
        watched.update(mine)
        given, self._queue = self._queue[:n], self._queue[n:]
        words = given + [WORDS[k] for k in count[len(given) :].tolist()]
        facts = np.zeros(n, TOKEN)
        facts["token"], facts["probability"], facts["entropy"] = count, 1 / (1 + count), 0.5 * count
        facts["given"][: len(given)] = 1
        log_p = np.tile(np.log(np.full(len(WORDS), 1 / len(WORDS))), (n, 1))
        log_p[np.arange(n), count] += 1.0
        log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
        text = np.zeros((n, N_BYTES), np.uint8)
        for row, word in zip(text, words, strict=True):
            row[: len(word.encode())] = np.frombuffer(word.encode(), np.uint8)
        made = {"text": text, "token": facts, "log_probability": log_p.astype("<f4")}
        return chunks + [Chunk(name, start, made[name]) for name in mine]


def _open(options: Mapping[str, str]) -> Subject:
    return WritingCell()


PLUGIN = SubjectPlugin(name="writing-cell", summary="a model cell that writes", open=_open)
