"""Looking back beyond the rings: a second session, in a process of its own, goes through the past of the first.

    live session    ─ passage (snapshot, log) ─►  assistant: restore ─► run on, as it was ─► rings of its own
                                                  │◄── wanted ──►│
                    0 ········ snapshot ·· begin ─┴──────────────┴─ a window further ······ now

The live session is asked for one passage and goes on: it loses the time of one command. What the assistant derives lies
in its rings, and is kept until another stretch is wanted: at most the ring's bytes for each stream. It gives way to
the live session (niceness), and ends when nobody has looked back for a while.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace

from rig.errors import HeadstageError, SessionError
from rig.passage import Passage
from rig.past import PastFigures
from rig.process.client import RigClient
from rig.process.protocol import OVER
from rig.process.ring_reader import RingReader

REST_S = 60.0
_LOOK_S = 0.25
_FAR = 1 << 62

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """Ticks [start, stop) that someone wants to see, and from where they must be derived (a frame began earlier)."""

    begin_tick: int
    start_tick: int
    stop_tick: int


@dataclass(frozen=True)
class Progress:
    """How it goes.

    Attributes
    ----------
    share : done of what is wanted, 0 to 1; 1 when all of it is there
    failure : why there will be none; "" while all is well
    kept : what the live session keeps of its past; None until it was asked
    """

    share: float = 0.0
    failure: str = ""
    kept: PastFigures | None = None


class LookBack:
    """Derives the past of a live session, as far as someone looks at it. No call waits.

    Parameters
    ----------
    live : whose past it is
    rest_s : without being asked for anything, until the assistant's process ends
    """

    def __init__(self, live: RigClient, rest_s: float = REST_S) -> None:
        self._live = live
        self._rest_s = rest_s
        self._changed = threading.Condition()  # guards all below
        self._wanted: Wanted | None = None
        self._refused: Wanted | None = None  # what failed, and why
        self._failure = ""
        self._asked_s = time.monotonic()
        self._n_pasts = 0  # counts changes of the live session's past, and of what is watched
        self._closed = False
        self._thread: threading.Thread | None = None
        # the thread's; who only looks sees each of them whole
        self._assistant: RigClient | None = None
        self._stretch: _Stretch | None = None
        self._kept: PastFigures | None = None
        self.first_tick = 0
        """where the run began, as far as is known"""

    # ---- asked by who looks

    def want(self, wanted: Wanted) -> None:
        """Have this derived as soon as may be; the last word counts. What failed is not tried again."""
        with self._changed:
            self._asked_s = time.monotonic()
            if wanted == self._refused or self._closed:
                return
            self._refused, self._failure = None, ""
            if wanted != self._wanted:
                self._wanted = wanted
                self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="headstage-look-back", daemon=True)
                self._thread.start()

    def forget(self) -> None:
        """The live session's past is another, or other units are watched; who still looks asks again."""
        with self._changed:
            self._n_pasts += 1
            self._wanted, self._refused, self._failure = None, None, ""
            self._changed.notify_all()

    def ring(self, stream: str) -> RingReader | None:
        """The ring of a stream of the past; None where there is none (yet)."""
        assistant, stretch = self._assistant, self._stretch
        if assistant is None or stretch is None or stretch.past != self._n_pasts or stream not in assistant.watched:
            return None
        with suppress(HeadstageError, FileNotFoundError):
            return assistant.ring(stream)
        return None

    def progress(self) -> Progress:
        wanted, stretch, assistant = self._wanted, self._stretch, self._assistant
        share = 0.0
        if wanted is not None and stretch is not None and assistant is not None and stretch.past == self._n_pasts:
            begin = stretch.passage.snapshot.tick
            share = min(max((assistant.status.tick - begin) / max(wanted.stop_tick - begin, 1), 0.0), 1.0)
        return Progress(share, self._failure, self._kept)

    def close(self) -> None:
        """End the assistant; nothing can be wanted afterwards."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    # ---- the thread that talks to both sessions

    def _work(self) -> None:
        try:
            while (wanted := self._await_work()) is not None:
                try:
                    self._serve(wanted)
                except HeadstageError as error:
                    log.warning("looking back failed: %s", error)
                    self._refuse(wanted, str(error))
        finally:
            self._end_assistant()

    def _await_work(self) -> Wanted | None:
        """Wait until there is something to do, and say for whom; None when it is time to end."""
        with self._changed:
            while not self._closed and time.monotonic() - self._asked_s <= self._rest_s:
                wanted = self._wanted
                if wanted is not None and not self._is_under_way(wanted):
                    return wanted
                self._changed.wait(_LOOK_S)
            self._wanted = self._thread = None
        return None

    def _is_under_way(self, wanted: Wanted) -> bool:
        """Whether it is in the rings, or will be without another word."""
        stretch, assistant = self._stretch, self._assistant
        if stretch is None or assistant is None or stretch.past != self._n_pasts:
            return False
        if assistant.status.state in OVER:
            return False
        return self._holds(wanted, stretch) and wanted.stop_tick <= stretch.stop_tick

    def _holds(self, wanted: Wanted, stretch: _Stretch) -> bool:
        """Whether the stretch begins early enough, and its beginning is still in the rings."""
        begin = max(wanted.start_tick, stretch.passage.first_tick, wanted.stop_tick - self._room_ticks())
        if not stretch.passage.snapshot.tick <= begin <= stretch.stop_tick:
            return False
        return all(r.span().first_tick <= begin for r in self._regular_rings())

    def _room_ticks(self) -> int:
        """What the rings can hold."""
        return min((r.capacity * (r.info.ticks_per_sample or 1) for r in self._regular_rings()), default=_FAR)

    def _regular_rings(self) -> list[RingReader]:
        rings = [] if self._assistant is None else [self.ring(name) for name in self._assistant.watched]
        return [r for r in rings if r is not None and r.info.regular]

    def _serve(self, wanted: Wanted) -> None:
        """Have the assistant go where it is wanted, and a window further: a hand that drags on finds it there."""
        assistant, stretch, past = self._assistant, self._stretch, self._n_pasts
        if assistant is not None and assistant.status.state in OVER:
            self._end_assistant()
            raise SessionError("the process that looked back has ended; look elsewhere to try again")
        if assistant is None:
            assistant = self._assistant = self._live.start_assistant()
        fits = stretch is not None and stretch.past == past and self._holds(wanted, stretch)
        if stretch is None or not fits or wanted.stop_tick > stretch.passage.stop_tick:
            passage = self._live.passage(wanted.begin_tick)
            self._kept, self.first_tick = passage.kept, passage.first_tick
            if wanted.stop_tick > passage.stop_tick:
                raise SessionError(f"asked for ticks up to {wanted.stop_tick}; only {passage.stop_tick} are done")
            assistant.retrace(passage)
            stretch = _Stretch(passage, past, passage.snapshot.tick)
            self._stretch = stretch
        further = wanted.stop_tick + (wanted.stop_tick - wanted.start_tick)
        further = max(min(further, wanted.start_tick + self._room_ticks()), wanted.stop_tick)
        self._stretch = replace(stretch, stop_tick=min(further, stretch.passage.stop_tick))
        if assistant.status.tick < self._stretch.stop_tick:
            assistant.run_to(self._stretch.stop_tick)

    def _refuse(self, wanted: Wanted, line: str) -> None:
        with self._changed:
            self._refused, self._failure = wanted, line
            if self._wanted == wanted:
                self._wanted = None

    def _end_assistant(self) -> None:
        assistant, self._assistant, self._stretch = self._assistant, None, None
        if assistant is not None:
            with suppress(HeadstageError):
                assistant.close()


@dataclass(frozen=True)
class _Stretch:
    """What the assistant goes through: from the passage's snapshot to a tick that it was told to run to."""

    passage: Passage
    past: int  # of which past it is, by count
    stop_tick: int
