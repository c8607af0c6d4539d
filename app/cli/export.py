"""``headstage export``: a recording in the formats of other tools."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from app.cli.record import interruptible
from app.cli.text import in_bytes, print_json, progress_bar
from rig.selection import select_units
from rig.spec import parse_ticks
from rig.storage.recording import Recording


def export(
    recording: Annotated[Path, typer.Argument(help="A recording.", metavar="NAME.rig")],
    to: Annotated[
        str,
        typer.Option("--to", help="nwb, open-ephys, hdf5, parquet, csv, npz, safetensors or mat.", metavar="FORMAT"),
    ],
    out: Annotated[Path, typer.Option("--out", help="File or folder to make.", metavar="PATH")],
    start: Annotated[str | None, typer.Option(help="From this tick (or 20us, 3ms, 1s).", metavar="TICK")] = None,
    stop: Annotated[str | None, typer.Option(help="Up to this tick, it not included.", metavar="TICK")] = None,
    streams: Annotated[list[str] | None, typer.Option("--stream", help="Only this stream.", metavar="STREAM")] = None,
    units: Annotated[str | None, typer.Option(help="Only these units.", metavar="UNITS")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON summary.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")] = False,
) -> None:
    """Export a recording. The file appears when it is whole and has been validated; Ctrl-C leaves nothing behind.

    \b
    Examples:
      headstage export invaders.rig --to nwb --out invaders.nwb
      headstage export invaders.rig --to open-ephys --out invaders_oe --start 1ms --stop 5ms
      headstage export invaders.rig --to parquet --out spikes --units region:alu
    """
    from rig.export.job import export as run_export

    with Recording.open(recording) as opened:
        info = opened.header.info
        start_tick = None if start is None else parse_ticks(start, info)
        stop_tick = None if stop is None else parse_ticks(stop, info)
        ids = None if units is None else select_units(units, opened.units, probes=opened.header.probes)
    cancel = threading.Event()
    with (
        interruptible(cancel.set),
        progress_bar(f"exporting {out.name}", quiet=quiet or as_json) as update,
    ):
        report = run_export(
            recording,
            to,
            out,
            start_tick=start_tick,
            stop_tick=stop_tick,
            streams=streams,
            unit_ids=None if ids is None else ids.tolist(),
            overwrite=overwrite,
            progress=lambda part: update(part, 1.0),
            cancel=cancel,
        )
    if as_json:
        print_json(
            {"out": str(report.path), "format": to, "bytes": report.n_bytes, "elapsed_s": round(report.wall_s, 3)}
        )
    elif not quiet:
        typer.echo(f"{report.path}: {in_bytes(report.n_bytes)} in {report.wall_s:.1f} s, validated")
        for note in report.notes:
            typer.secho(f"note: {note}", fg="yellow")
