"""Which ring shows the window of time on show: the live one as far as it reaches, else one that is derived. Free of Qt.

The live ring holds the newest samples. What was before is derived by `rig.process.look_back` as soon as the view stands
there, and shown from the left as it comes.
"""

from __future__ import annotations

from collections.abc import Callable

from app.window.figures import bytes_text, grouped
from app.window.stream_feed import same_layout
from app.window.view import TimeView
from rig.process.client import RigClient
from rig.process.look_back import LookBack, Wanted
from rig.process.ring_reader import RingReader
from rig.streams import StreamKind

MAX_FRAME_GAPS = 2  # before the window: its first picture is one that began earlier


class PastView:
    """The rings of a subject, as far as they are on show.

    Parameters
    ----------
    live_ring : stream → its live ring, None while it is not watched
    view : what is on show
    """

    def __init__(self, live_ring: Callable[[str], RingReader | None], view: TimeView) -> None:
        self._live_ring = live_ring
        self._view = view
        self._client: RigClient | None = None
        self._look_back: LookBack | None = None
        self._bounds = (0, 0)
        self._short: tuple[str, ...] = ()  # streams whose live ring does not reach back to the window

    def open(self, client: RigClient) -> None:
        self._client, self._look_back = client, LookBack(client)

    def close(self) -> None:
        look_back, self._look_back, self._client, self._short = self._look_back, None, None, ()
        if look_back is not None:
            look_back.close()

    def forget(self) -> None:
        """The subject's past is another, or other units are watched."""
        if self._look_back is not None:
            self._look_back.forget()

    def turn(self, tick: int | None) -> None:
        """Look what is missing of the window, and have it derived; called on every turn of the pull timer.

        Parameters
        ----------
        tick : ticks done; None while the view follows them
        """
        look_back = self._look_back
        if self._client is None or look_back is None or tick is None:
            self._short = ()
            return
        self._bounds = start, stop = self._view.bounds(tick)
        start = max(start, look_back.first_tick)
        rings = {name: self._live_ring(name) for name in self._client.watched}
        self._short = tuple(n for n, r in rings.items() if r is not None and r.span().first_tick > start)
        if self._short and stop > start:
            gaps = [frame_gap_ticks(r) for r in rings.values() if r is not None and r.info.kind is StreamKind.IMAGE]
            lead = max([stop - start, *(MAX_FRAME_GAPS * g for g in gaps)])
            look_back.want(Wanted(max(start - lead, look_back.first_tick), start, min(stop, tick)))

    def ring(self, stream: str) -> RingReader | None:
        """The ring that shows the window best; None while the stream is not watched."""
        live = self._live_ring(stream)
        if live is None or stream not in self._short or self._look_back is None:
            return live
        past = self._look_back.ring(stream)
        if past is None or not same_layout(past.info, live.info):
            return live
        start, stop = max(self._bounds[0], self._look_back.first_tick), self._bounds[1]
        # what the live ring has of the window stays until more is derived
        n_derived, n_held = (min(stop, s.stop_tick) - max(start, s.first_tick) for s in (past.span(), live.span()))
        return past if n_derived > max(n_held, 0) else live

    @property
    def notice(self) -> str:
        """One line for the panes while something is missing; "" while nothing is."""
        if not self._short or self._look_back is None:
            return ""
        progress = self._look_back.progress()
        if progress.failure:
            return f"cannot look further back: {progress.failure}"
        return "" if progress.share >= 1 else f"deriving what was then … {progress.share:.0%}"

    @property
    def kept(self) -> str:
        """What is kept to derive from; "" where nobody has asked yet."""
        kept = None if self._look_back is None else self._look_back.progress().kept
        if kept is None:
            return ""
        return (
            f"{grouped(kept.n_snapshots)} snapshots of this run are kept, {bytes_text(kept.n_bytes)} of at most "
            f"{bytes_text(kept.max_bytes)}; any time of it can be derived from them"
        )


def frame_gap_ticks(reader: RingReader) -> int:
    """Between the two newest samples of an irregular stream; 0 where there are none."""
    ticks = reader.latest(2).ticks()
    return int(ticks[-1] - ticks[0]) if len(ticks) == 2 else 0
