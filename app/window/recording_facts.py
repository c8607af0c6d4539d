"""What a sheet needs to know of a recording: its streams, its time, its units; and where its offspring may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.window.figures import grouped
from rig.probe import Probe
from rig.storage.recording import Recording
from rig.streams import StreamKind
from rig.subject import SubjectInfo
from rig.units import UnitTable


@dataclass(frozen=True)
class RecordingOffer:
    """A recording that can be chosen.

    Attributes
    ----------
    path : folder ``NAME.rig``
    why : ``on playback``, ``just made``, ``recent``
    shares_time : its ticks are those the panes show
    """

    path: Path
    why: str
    shares_time: bool = False

    @property
    def label(self) -> str:
        return f"{self.path.name} — {self.why}"


@dataclass(frozen=True)
class StreamFacts:
    """A recorded stream in one line."""

    name: str
    kind: StreamKind
    n_channels: int
    n_samples: int
    stop_tick: int

    @property
    def label(self) -> str:
        return f"{self.name} — {self.kind}, {grouped(self.n_channels)} × {grouped(self.n_samples)} samples"


@dataclass(frozen=True, eq=False)
class RecordingFacts:
    """What can be said of a recording without reading its samples.

    Attributes
    ----------
    start_tick, stop_tick : samples are stamped [start_tick, stop_tick)
    first_tick : at which it began: a bin that began earlier is stamped before it
    recorded_ids : units whose activity some stream carries: their own, or what shows it (a transistor's gate)
    """

    path: Path
    info: SubjectInfo
    units: UnitTable
    probes: tuple[Probe, ...]
    streams: tuple[StreamFacts, ...]
    start_tick: int
    stop_tick: int
    first_tick: int
    recorded_ids: frozenset[int]

    @classmethod
    def of(cls, path: Path) -> RecordingFacts:
        """Raises FormatError, StorageError."""
        with Recording.open(path) as recording:
            streams = []
            ids: set[int] = set()
            for name, info in recording.streams.items():
                extent = recording.extent(name)
                streams.append(StreamFacts(name, info.kind, info.n_channels, extent.n_samples, extent.stop_tick))
                if info.unit_ids is not None:
                    ids.update(info.unit_ids.tolist())
            header = recording.header
            return cls(
                path,
                header.info,
                header.units,
                header.probes,
                tuple(streams),
                recording.start_tick,
                recording.stop_tick,
                header.start_tick,
                frozenset(header.units.unit_id[np.isin(header.units.signal_id, list(ids))].tolist()) | ids,
            )

    def stream_of(self, kind: StreamKind) -> str | None:
        """The first stream of a kind."""
        return next((s.name for s in self.streams if s.kind is kind), None)


def offered(playing: Path | None, made: Path | None, recent: Sequence[str]) -> tuple[RecordingOffer, ...]:
    """What can be chosen, the likeliest first, each once."""
    offers: dict[Path, RecordingOffer] = {}
    if playing is not None:
        offers[playing] = RecordingOffer(playing, "on playback", shares_time=True)
    if made is not None:
        offers.setdefault(made, RecordingOffer(made, "just made", shares_time=playing is None))
    for text in recent:
        offers.setdefault(Path(text), RecordingOffer(Path(text), "recent"))
    return tuple(o for o in offers.values() if o.path.is_dir())


def free_path(recording: Path, suffix: str) -> Path:
    """Beside the recording, called after it, not there yet: ``run.nwb``, ``run-2.nwb`` …

    Parameters
    ----------
    suffix : ``.nwb`` or ``-csv``, as formats have it
    """
    stem = recording.name.removesuffix(".rig")
    path = recording.parent / f"{stem}{suffix}"
    n = 2
    while path.exists():
        path = recording.parent / f"{stem}-{n}{suffix}"
        n += 1
    return path


def clipped_stretch(start_tick: int, stop_tick: int, facts: RecordingFacts) -> tuple[int, int] | None:
    """The part of [start, stop) that the recording holds; None where that is nothing."""
    start, stop = max(start_tick, facts.start_tick), min(stop_tick, facts.stop_tick)
    return (start, stop) if start < stop else None
