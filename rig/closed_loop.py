"""The armed triggers of a session and what they remember. Scanning changes nothing until it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rig.errors import SpecError, UnknownUnitError
from rig.select import select
from rig.streams import Chunk, StreamInfo
from rig.trigger import Memory, Trigger


@dataclass(frozen=True)
class TriggerState:
    """What an armed trigger remembers between blocks."""

    memory: Memory = None
    n_fired: int = 0
    silent_until_tick: int = 0


@dataclass(frozen=True)
class Scan:
    """Firings found in a block, in order of ticks, and what the triggers remember after it."""

    hits: tuple[tuple[int, str], ...]
    states: Mapping[str, TriggerState]


class ClosedLoops:
    """Armed triggers by name."""

    def __init__(self) -> None:
        self.armed: dict[str, Trigger] = {}
        self._states: dict[str, TriggerState] = {}

    def arm(self, trigger: Trigger, whole: Mapping[str, StreamInfo]) -> None:
        """Raises UnknownUnitError, SpecError when its condition does not fit the subject's streams."""
        if trigger.name in self.armed:
            raise SpecError(
                f"asked for a second trigger named {trigger.name!r}; disarm that one or choose another name"
            )
        condition = trigger.condition
        if condition.stream not in whole:
            raise UnknownUnitError(f"asked for a trigger on {condition.stream!r}; there are {', '.join(whole)}")
        condition.check(whole[condition.stream])
        self.armed[trigger.name] = trigger
        self._states[trigger.name] = TriggerState()

    def disarm(self, name: str) -> None:
        if name not in self.armed:
            raise UnknownUnitError(f"asked to disarm {name!r}; armed are {', '.join(self.armed) or 'none'}")
        del self.armed[name], self._states[name]

    def scan(self, chunks: Sequence[Chunk], layouts: Mapping[str, StreamInfo]) -> Scan:
        """Find firings, holdoff and counts respected.

        Parameters
        ----------
        chunks : of one block
        layouts : of these chunks
        """
        hits: list[tuple[int, str]] = []
        states = {}
        for name, trigger in self.armed.items():
            state = self._states[name]
            condition = trigger.condition
            layout = layouts[condition.stream]
            wanted = layout.watching(condition.unit_ids)
            memory, n_fired, silent_until = state.memory, state.n_fired, state.silent_until_tick
            for chunk in chunks:
                if chunk.stream != condition.stream or len(chunk) == 0:
                    continue
                ticks, memory = condition.scan(wanted, select(layout, chunk, wanted), memory)
                for tick in ticks.tolist():
                    if tick >= silent_until and (trigger.max_count is None or n_fired < trigger.max_count):
                        hits.append((tick, name))
                        n_fired += 1
                        silent_until = tick + 1 + trigger.holdoff_ticks
            states[name] = TriggerState(memory, n_fired, silent_until)
        return Scan(tuple(sorted(hits)), states)

    def keep(self, scan: Scan) -> None:
        """Accept a scan: its block has happened."""
        self._states.update(scan.states)

    def spent(self) -> tuple[str, ...]:
        """Triggers that have fired as often as they may."""
        return tuple(
            name
            for name, trigger in self.armed.items()
            if trigger.max_count is not None and self._states[name].n_fired >= trigger.max_count
        )

    def clear(self) -> None:
        """Disarm all."""
        self.armed.clear()
        self._states.clear()

    def forget(self) -> None:
        """Time jumped: what was seen before it is no longer what came before."""
        self._states = {name: TriggerState(n_fired=state.n_fired) for name, state in self._states.items()}
