"""The montage: which units of which streams are watched, and the electrodes. What the session shows of its subject."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from rig.errors import SpecError, UnknownUnitError
from rig.field import FIELD_STREAM, RAW_STREAM, ElectrodeField, SumsChanges
from rig.needs import Wish, united
from rig.probe import Probe
from rig.select import select
from rig.streams import Chunk, StreamInfo, StreamKind
from rig.subject import Subject


class Montage:
    """What a person watches of a subject.

    Attributes
    ----------
    whole : the subject's streams, all units
    watched : layouts of what is watched, by stream
    probes, field : electrodes, and what computes their stream; None without probes
    needed : layouts of what the subject must give for that, and for others who look
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.whole = {s.name: s for s in subject.streams}
        self.watched: dict[str, StreamInfo] = {}
        self.probes: tuple[Probe, ...] = ()
        self.field: ElectrodeField | None = None
        self.needed: dict[str, StreamInfo] = {}

    @property
    def streams(self) -> dict[str, StreamInfo]:
        """Layouts of what `deliver` gives."""
        layouts = dict(self.watched)
        if self.field is not None:
            layouts[FIELD_STREAM] = self.field.info
        return layouts

    def watch(self, stream: str, unit_ids: NDArray[np.int64] | Sequence[int] | None) -> None:
        """Watch units of a stream; None: all, empty: none. Raises UnknownUnitError."""
        self.require(stream)
        if unit_ids is not None and len(unit_ids) == 0:
            self.watched.pop(stream, None)
        else:
            self.watched[stream] = self.whole[stream].watching(unit_ids)

    def watches(self) -> dict[str, tuple[int, ...] | None]:
        """Stream → unit ids that are watched; None for all."""
        return {
            name: None if info is self.whole[name] or info.unit_ids is None else tuple(info.unit_ids.tolist())
            for name, info in self.watched.items()
        }

    def require(self, stream: str) -> None:
        """Raises UnknownUnitError when the subject has no such stream."""
        if stream not in self.whole:
            raise UnknownUnitError(f"asked to watch stream {stream!r}; there are {', '.join(self.whole)}")

    def set_probes(self, probes: Sequence[Probe]) -> None:
        """Exactly these probes. Raises SpecError."""
        names = [p.name for p in probes]
        for name in names:
            if names.count(name) > 1:
                raise SpecError(f"asked for a second probe named {name}; give it another name")
        self.field = ElectrodeField(activity_stream(self._subject), self._subject.units, probes) if probes else None
        self.probes = tuple(probes)
        if isinstance(self._subject, SumsChanges):
            ids = np.empty(0, np.int64) if self.field is None else self.field.source_ids
            self._subject.sum_changes(ids, None if self.field is None else self.field.weights)

    def renew_needs(self, others: Iterable[Wish]) -> None:
        """Find out again what is needed: this montage's wishes and those of others."""
        wishes: list[Wish] = [(name, info.unit_ids) for name, info in self.watched.items()]
        given_raw = self.field is not None and isinstance(self._subject, SumsChanges)
        if self.field is not None and not given_raw:
            wishes.append((self.field.source_name, self.field.source_ids))
        self.needed = united([*wishes, *others], self.whole)
        if self.field is not None and given_raw:
            self.needed[RAW_STREAM] = self.field.raw_info

    def deliver(self, raw: Chunk) -> list[Chunk]:
        """What is watched of a chunk that the subject gave, and what is computed from it."""
        if self.field is not None and raw.stream == RAW_STREAM:
            return [self.field.process_raw(raw)]
        layout = self.needed[raw.stream]
        chunks = []
        if (watched := self.watched.get(raw.stream)) is not None:
            chunks.append(select(layout, raw, watched))
        if self.field is not None and self.field.source_name == raw.stream and RAW_STREAM not in self.needed:
            source = layout.watching(self.field.source_ids)
            chunks.append(self.field.process(select(layout, raw, source)))
        return chunks

    def twin(self, subject: Subject) -> Montage:
        """The same montage on another subject of the same kind, its electrodes in the same state."""
        other = Montage(subject)
        other.watched, other.needed = dict(self.watched), dict(self.needed)
        other.set_probes(self.probes)
        if self.field is not None:
            other.set_field_state(self.field_state())
        return other

    def field_state(self) -> bytes | None:
        """What the next sample of the electrodes depends on; None without electrodes."""
        return None if self.field is None else self.field.state()

    def set_field_state(self, state: bytes | None) -> None:
        """None: nothing came before."""
        if self.field is not None:
            self.field.clear()
            if state is not None:
                self.field.set_state(state)


def activity_stream(subject: Subject) -> StreamInfo:
    """The stream that electrodes look at: the first regular stream of units. Raises SpecError when there is none."""
    for info in subject.streams:
        if info.kind is StreamKind.UNITS and info.regular:
            return info
    raise SpecError(f"asked for electrodes; {subject.info.name} has no regular stream of units")
