"""The rings of a session: one for each stream that is watched, made and removed as that changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from rig.errors import StorageError
from rig.process.protocol import Event, StreamClosed, StreamOpened
from rig.process.ring import RingWriter
from rig.process.shared_memory import remove_shared
from rig.streams import Chunk, StreamInfo, stream_to_json


def ring_name(prefix: str, number: int) -> str:
    return f"{prefix}-{number}"


def remove_rings(prefix: str, n_rings: int) -> None:
    """Remove whatever is left of the rings that a dead session made."""
    for number in range(n_rings):
        remove_shared(ring_name(prefix, number))


class Rings:
    """Feeds the rings.

    Parameters
    ----------
    prefix : of their names
    budget_bytes : for each
    next_number : gives the number for a new ring's name
    tell : is told of rings made and removed
    """

    def __init__(
        self, prefix: str, budget_bytes: int, next_number: Callable[[], int], tell: Callable[[Event], None]
    ) -> None:
        self._prefix = prefix
        self._budget_bytes = budget_bytes
        self._next_number = next_number
        self._tell = tell
        self._rings: dict[str, RingWriter] = {}
        self._n_epochs = 0

    def follow(self, streams: Mapping[str, StreamInfo], tick: int) -> None:
        """Have a ring for exactly these streams, with exactly these layouts.

        Raises
        ------
        StorageError : shared memory is short; the rings that could be made are there.
        """
        for name, ring in list(self._rings.items()):
            info = streams.get(name)
            if info is not ring.info and (info is None or not _same(info, ring.info)):
                self._remove(name)
                if info is None:
                    self._tell(StreamClosed(name))
        refusal: StorageError | None = None
        for name, info in streams.items():
            if name not in self._rings:
                try:
                    self._make(name, info, tick)
                except StorageError as error:
                    refusal = error
                    self._tell(StreamClosed(name))
        if refusal is not None:
            raise refusal

    def write(self, chunks: Iterable[Chunk], done_tick: int) -> None:
        """Hand out chunks; after them every sample before done_tick is in the rings."""
        for chunk in chunks:
            ring = self._rings.get(chunk.stream)
            if ring is not None:
                ring.write(chunk)
        for ring in self._rings.values():
            ring.done(done_tick)

    def restart(self, tick: int) -> None:
        """The session went to another time: a new epoch in every ring."""
        for ring in self._rings.values():
            ring.restart(tick)
            self._n_epochs = max(self._n_epochs, ring.epoch + 1)

    def close(self) -> None:
        for name in list(self._rings):
            self._remove(name)

    def _make(self, name: str, info: StreamInfo, tick: int) -> None:
        ring = RingWriter(
            info, ring_name(self._prefix, self._next_number()), self._budget_bytes, tick, epoch=self._n_epochs
        )
        self._rings[name] = ring
        self._n_epochs = max(self._n_epochs, ring.epoch + 1)
        self._tell(StreamOpened(info, ring.name))

    def _remove(self, name: str) -> None:
        ring = self._rings.pop(name)
        self._n_epochs = max(self._n_epochs, ring.epoch + 1)
        ring.close()


def _same(a: StreamInfo, b: StreamInfo) -> bool:
    return json.dumps(stream_to_json(a)) == json.dumps(stream_to_json(b))
