"""A subject with all that looks at it: the montage, the closed loops, and the intact twin where there is one.

What is done to the subject from outside, and where it is put in time, must reach all of them; here it does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np

from rig.blobs import pack_blobs, unpack_blobs
from rig.closed_loop import ClosedLoops
from rig.divergence import DIVERGENCE_STREAM, distribution_stream, divergence_layout
from rig.log import LogEntry, LogKind
from rig.montage import Montage
from rig.needs import Wish, watch_exactly
from rig.probe import Probe, probe_to_json
from rig.replay import replay_entry
from rig.streams import StreamInfo
from rig.subject import ControlValue, Subject
from rig.twin import Twin, twin_layout


class Apparatus:
    """The subject and what is on it.

    Parameters
    ----------
    open_one : opens the subject, and its twin when one is asked for

    Attributes
    ----------
    subject, montage, loops : as set up
    twin : None where there is none
    """

    def __init__(self, open_one: Callable[[], Subject]) -> None:
        self._open_one = open_one
        self.subject = open_one()
        self.montage = Montage(self.subject)
        self.loops = ClosedLoops()
        self.twin: Twin | None = None

    @property
    def streams(self) -> dict[str, StreamInfo]:
        """Layouts of all that comes from it: what is watched, and the same of the twin."""
        layouts = self.montage.streams
        if self.twin is not None:
            twins = [twin_layout(info) for info in layouts.values()]
            layouts |= {info.name: info for info in twins}
            if (distribution := self._distribution) is not None:
                layouts[DIVERGENCE_STREAM] = divergence_layout(distribution)
        return layouts

    @property
    def _distribution(self) -> StreamInfo | None:
        return distribution_stream(self.montage.whole.values())

    def renew_needs(self) -> None:
        """Tell the subject what must be watched: for the person and the probes, the triggers, and the comparison."""
        conditions = [t.condition for t in self.loops.armed.values()]
        others: list[Wish] = [
            (c.stream, None if c.unit_ids is None else np.asarray(c.unit_ids, np.int64)) for c in conditions
        ]
        if self.twin is not None and (distribution := self._distribution) is not None:
            others.append((distribution.name, None))
        self.montage.renew_needs(others)
        watch_exactly(self.subject, self.montage.needed)
        if self.twin is not None:
            self.twin.watch_like(self.montage)

    def set_probes(self, probes: Sequence[Probe]) -> None:
        """Exactly these probes. Raises SpecError."""
        self.montage.set_probes(probes)
        self.renew_needs()

    # ---- what is done to it

    def set_twin(self, on: bool) -> None:
        """Put an intact twin beside the subject, in its present state; or take it away."""
        if on == (self.twin is not None):
            return
        if self.twin is not None:
            self.twin.close()
            self.twin = None
        else:
            self.twin = Twin(self._open_one(), self.subject.snapshot(), self.montage)
        self.renew_needs()

    def set_control(self, name: str, value: ControlValue) -> None:
        """Set it on both: a control is no perturbation."""
        self.subject.set_control(name, value)
        if self.twin is not None:
            self.twin.set_control(name, value)

    def replay(self, entry: LogEntry) -> None:
        """Do again what an entry of the log says was done."""
        replay_entry(self.subject, entry)
        if self.twin is None:
            return
        if entry.kind is LogKind.CONTROL:
            self.twin.set_control(entry.payload["name"], entry.payload["value"])
        elif entry.kind is LogKind.TWIN and entry.payload.get("action") == "on":
            self.join_twin()

    # ---- its place in time

    def reset(self, seed: int) -> None:
        """To tick 0; triggers are disarmed, what is watched stays."""
        self.subject.reset(seed)
        self.loops.clear()
        self.renew_needs()
        self.montage.set_field_state(None)

    def join_twin(self) -> None:
        """Put the twin, where there is one, in the subject's present state."""
        if self.twin is not None:
            self.twin.join(self.subject.snapshot(), self.montage.field_state())

    def state(self, *, with_twin: bool = False) -> bytes:
        """All that the next sample depends on, triggers excepted."""
        blobs = {"subject": self.subject.snapshot()}
        if (field := self.montage.field_state()) is not None:
            blobs |= {"field": field, "probes": self._probes_text()}
        if with_twin and self.twin is not None:
            blobs["twin"] = self.twin.state()
        return pack_blobs(blobs)

    def put_back(self, state: bytes, *, with_twin: bool = False) -> None:
        """Inverse of `state`. Of other probes than it was taken with, what came before is not known."""
        blobs = unpack_blobs(state)
        same_probes = blobs.get("probes") == self._probes_text()
        self.subject.restore(blobs["subject"])
        self.montage.set_field_state(blobs.get("field") if same_probes else None)
        if with_twin and self.twin is not None and "twin" in blobs:
            self.twin.set_state(blobs["twin"], with_field=same_probes)

    def _probes_text(self) -> bytes:
        return json.dumps([probe_to_json(p) for p in self.montage.probes]).encode()

    def close(self) -> None:
        """The end of both; where the twin parted can still be asked."""
        if self.twin is not None:
            self.twin.close()
        self.subject.close()
