"""``headstage rederive``: run a stretch of a recording again and watch what was not watched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from app.cli.record import watch_spec
from app.cli.text import key_values, print_json, progress_bar
from rig.errors import RecordingError, SpecError
from rig.field import FIELD_STREAM
from rig.rederive import Rederivation, rederive_to
from rig.selection import select_units
from rig.spec import parse_probe, parse_ticks
from rig.storage.recording import Recording


def rederive(
    recording: Annotated[Path, typer.Argument(help="A recording.", metavar="NAME.rig")],
    out: Annotated[Path, typer.Option("--out", help="Recording to make.", metavar="NEW.rig")],
    watch: Annotated[
        list[str] | None, typer.Option(help="Stream, whole or these units of it.", metavar="STREAM[:UNITS]")
    ] = None,
    probe: Annotated[list[str] | None, typer.Option(help="Put in a probe.", metavar="SPEC")] = None,
    start: Annotated[str | None, typer.Option(help="From this tick (or 20us, 3ms, 1s).", metavar="TICK")] = None,
    stop: Annotated[str | None, typer.Option(help="Up to this tick, it not included.", metavar="TICK")] = None,
    options: Annotated[
        list[str] | None, typer.Option("--set", help="Where its files lie on this machine.", metavar="KEY=VALUE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON summary.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")] = False,
) -> None:
    """Re-derive: the same run, other units watched. The result is a recording like any other.

    \b
    Examples:
      headstage rederive invaders.rig --watch nodes --start 1000 --stop 3000 --out all.rig
      headstage rederive invaders.rig --probe "A x=2000 y=2000 sigma=300" --stop 20ms --out lfp.rig
    """
    if out.exists():
        raise RecordingError(f"asked to re-derive into {out}; it exists: choose another name")
    probes = tuple(parse_probe(text) for text in probe or ())
    with Recording.open(recording) as opened:
        header = opened.header
        start_tick = header.start_tick if start is None else parse_ticks(start, header.info)
        stop_tick = opened.stop_tick if stop is None else parse_ticks(stop, header.info)
        watches: dict[str, NDArray[np.int64] | None] = {}
        for text in watch or ():
            stream, units = watch_spec(text)
            if stream == FIELD_STREAM:
                probes = probes or header.probes
                if not probes:
                    raise SpecError("asked to re-derive electrodes; the recording has no probe: give --probe")
                continue
            watches[stream] = select_units(units, header.units, probes=probes) if units else None
        if not watches and not probes:
            raise SpecError("asked to re-derive nothing; give --watch or --probe")
        wanted = Rederivation(start_tick, stop_tick, watches, probes)
        with progress_bar(f"re-deriving {out.name}", quiet=quiet or as_json) as update:
            rederive_to(opened, wanted, out, key_values(options or (), "option"), update)
    if as_json:
        print_json({"recording": str(out), "start_tick": start_tick, "stop_tick": stop_tick})
    elif not quiet:
        typer.echo(f"{out}: ticks {start_tick} to {stop_tick}, re-derived from {recording}")
