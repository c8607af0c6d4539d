"""``headstage bench``: how fast a subject runs on this machine, and what watching and recording it costs."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from app.cli.text import in_bytes, key_values, print_json, print_table
from rig.session import Session


def bench(
    subject: Annotated[str, typer.Argument(help="Name of a subject.", metavar="SUBJECT")] = "model-cell",
    options: Annotated[
        list[str] | None, typer.Option("--set", help="Option of the subject.", metavar="KEY=VALUE")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Wall time for each measurement.", metavar="N")] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure a subject here: bare, watched, recorded; as a ratio to bare, and to real time.

    \b
    Examples:
      headstage bench
      headstage bench microprocessor --set cartridge=space_invaders
    """
    results = {}
    with Session(subject, key_values(options or (), "option")) as session, tempfile.TemporaryDirectory() as folder:
        hz = session.subject.info.tick_hz
        session.advance(64)  # compiles what must be compiled
        results["bare"] = _speed(session, seconds)
        for stream in session.subject.streams:
            session.watch(stream.name, None)
        session.advance(64)
        results["watched"] = _speed(session, seconds)
        session.start_recording(Path(folder) / "bench.rig")
        recorder = session.recorder
        results["recorded"] = _speed(session, seconds)
        session.stop_recording()
        assert recorder is not None
        status = recorder.status
        for stream in session.subject.streams:
            session.watch(stream.name, np.empty(0, np.int64))
    if as_json:
        print_json(
            {
                "subject": subject,
                "ticks_per_s": results,
                "raw_bytes": status.raw_bytes,
                "written_bytes": status.written_bytes,
            }
        )
        return
    rows = [
        (name, f"{speed:,.0f}", f"{speed / results['bare']:.2f}", f"{speed / hz:.4g}" if hz else "—")
        for name, speed in results.items()
    ]
    print_table(("", f"{session.subject.info.tick_name}s/s", "× bare", "× real time"), rows, frozenset({1, 2, 3}))
    ratio = status.raw_bytes / max(status.written_bytes, 1)
    typer.echo(f"recorded {in_bytes(status.raw_bytes)} in {in_bytes(status.written_bytes)}, {ratio:.1f} : 1")


def _speed(session: Session, seconds: float) -> float:
    """Ticks a second over at least so many seconds."""
    begun = time.perf_counter()
    start, block = session.tick, 256
    while (elapsed := time.perf_counter() - begun) < seconds:
        before = time.perf_counter()
        session.advance(block)
        if time.perf_counter() - before < 0.05:
            block *= 2
    return (session.tick - start) / elapsed
