"""Advancing a subject in blocks whose borders can never be seen in the samples, closed loops or not.

When a trigger fires inside a block and its first pulse is due before the block's end, the block is taken back (subject
time is ours): the subject is restored to the block's start, advanced to just after the firing tick, perturbed there,
and goes on.

    block    ├───────────────────┤
    fires            ↑ tick t, pulse due at t+1 … : taken back
    instead  ├───────┤ perturb, and the next block begins here
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rig.closed_loop import ClosedLoops, Scan
from rig.contract import check_chunks
from rig.errors import ContractError
from rig.log import LogEntry, LogKind
from rig.montage import Montage
from rig.perturbation import Perturbation, perturbation_to_json
from rig.streams import Chunk
from rig.subject import Subject

MAX_BLOCK_TICKS = 1 << 16
MIN_BLOCK_TICKS = 16


class Blocks:
    """The subject's ticks, a block at a time.

    Parameters
    ----------
    loops : the armed triggers, which are scanned
    enter : puts an entry into the log, at a tick
    """

    def __init__(
        self,
        subject: Subject,
        montage: Montage,
        loops: ClosedLoops,
        enter: Callable[[LogKind, Mapping[str, Any], int], LogEntry],
    ) -> None:
        self._subject = subject
        self._montage = montage
        self._loops = loops
        self._enter = enter
        self._most_ticks = MAX_BLOCK_TICKS

    def advance(self, n_ticks: int, seed: int) -> list[Chunk]:
        """At most n_ticks: fewer when a trigger fired in between whose pulses had to start before the end.

        Parameters
        ----------
        seed : of the run, for the pulses' jitter

        Returns
        -------
        chunks as the subject gave them
        """
        n = min(n_ticks, self._most_ticks)
        start = self._subject.tick
        if not self._loops.armed:
            return self._checked(start, n)
        before = self._subject.snapshot()
        chunks = self._checked(start, n)
        fired = self._loops.scan(chunks, self._montage.needed)
        pulses = self._pulses(fired, seed)
        early = [tick for tick, _, train in pulses if any(p.start_tick < start + n for p in train)]
        if early:
            # the first of them is certain; what its pulses change can fire or prevent the later ones
            n = early[0] + 1 - start
            self._subject.restore(before)
            chunks = self._checked(start, n)
            fired = self._loops.scan(chunks, self._montage.needed)
            pulses = self._pulses(fired, seed)
            self._most_ticks = max(self._most_ticks // 2, MIN_BLOCK_TICKS)
        else:
            self._most_ticks = min(self._most_ticks * 2, MAX_BLOCK_TICKS)
        self._loops.keep(fired)
        for tick, name, train in pulses:
            self._enter(LogKind.TRIGGER, {"action": "fire", "name": name, "tick": tick}, tick + 1)
            for pulse in train:
                self._subject.perturb(pulse)
                self._enter(LogKind.PERTURB, perturbation_to_json(pulse), tick + 1)
        return chunks

    def _pulses(self, fired: Scan, seed: int) -> list[tuple[int, str, tuple[Perturbation, ...]]]:
        """(tick, trigger, pulses) of every firing, in order of ticks."""
        pulses = []
        for tick, name in fired.hits:
            train = self._loops.armed[name].train
            made = () if train is None else train.pulses(tick + 1, seed, f"trigger {name}")
            pulses.append((tick, name, made))
        return pulses

    def _checked(self, start: int, n: int) -> list[Chunk]:
        chunks = self._subject.advance(n)
        if self._subject.tick != start + n:
            raise ContractError(f"asked the subject for {n} ticks from {start}; it stands at {self._subject.tick}")
        check_chunks(self._montage.needed, start, start + n, chunks)
        return chunks
