"""Snapshots of a live session, kept in memory so that it can be rewound, and its past be gone through again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import zstandard

PAST_BYTES = 256 << 20
_LEVEL = 1


@dataclass(frozen=True)
class SessionSnapshot:
    """A place to come back to: the subject's state, and that of what the rig computes from it.

    Attributes
    ----------
    tick : the subject's
    seq : of the first entry of the command log that is not in it
    blob : see `rig.blobs`
    """

    tick: int
    seq: int
    blob: bytes


@dataclass(frozen=True)
class PastFigures:
    """What is kept of the past.

    Attributes
    ----------
    n_snapshots, n_bytes : kept
    max_bytes : never more than that
    """

    n_snapshots: int
    n_bytes: int
    max_bytes: int


@dataclass
class Past:
    """Snapshots in order of ticks, compressed: dense lately, sparse long ago, never more bytes than allowed.

    Attributes
    ----------
    interval_s : of wall time between two
    max_bytes : when it is reached, every second one but the first is let go, oldest half first; 0: the first alone
    """

    interval_s: float = 1.0
    max_bytes: int = PAST_BYTES
    snapshots: list[SessionSnapshot] = field(default_factory=list)
    _next_s: float = 0.0

    @property
    def due(self) -> bool:
        return self.max_bytes > 0 and time.monotonic() >= self._next_s

    def add(self, snapshot: SessionSnapshot) -> None:
        self._next_s = time.monotonic() + self.interval_s
        if self.snapshots and (self.snapshots[-1].tick >= snapshot.tick or not self.max_bytes):
            return
        # copied: what the compressor returns holds on to as much memory as the whole
        small = bytes(memoryview(zstandard.compress(snapshot.blob, _LEVEL)))
        self.snapshots.append(replace(snapshot, blob=small))
        while sum(len(s.blob) for s in self.snapshots) > self.max_bytes and len(self.snapshots) > 2:
            middle = max(len(self.snapshots) // 2, 2)
            self.snapshots = [s for i, s in enumerate(self.snapshots) if i == 0 or i >= middle or i % 2 == 0]
            if len(self.snapshots) <= 3:
                del self.snapshots[1]

    def before(self, tick: int) -> SessionSnapshot | None:
        """The newest at or before a tick."""
        kept = next((s for s in reversed(self.snapshots) if s.tick <= tick), None)
        return None if kept is None else replace(kept, blob=zstandard.decompress(kept.blob))

    @property
    def figures(self) -> PastFigures:
        return PastFigures(len(self.snapshots), sum(len(s.blob) for s in self.snapshots), self.max_bytes)

    def forget_after(self, tick: int) -> None:
        """Time was turned back: what came later did not happen."""
        self.snapshots = [s for s in self.snapshots if s.tick <= tick]

    def clear(self) -> None:
        self.snapshots.clear()
        self._next_s = 0.0
