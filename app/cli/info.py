"""``headstage info``: what is in a recording."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.text import print_json, print_table
from rig.log import entry_to_line
from rig.storage.recording import Recording


def show(
    recording: Annotated[Path, typer.Argument(help="A recording.", metavar="NAME.rig")],
    log: Annotated[bool, typer.Option("--log", help="Print its command log, a JSON line an entry.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a recording holds and whether it is whole.

    \b
    Examples:
      headstage info invaders.rig
      headstage info invaders.rig --log
    """
    with Recording.open(recording) as opened:
        if log:
            for entry in opened.log:
                typer.echo(entry_to_line(entry))
            return
        facts = _facts(opened)
    if as_json:
        print_json(facts)
        return
    subject, hz = facts["subject"], facts["tick_hz"]
    span = facts["stop_tick"] - facts["start_tick"]
    typer.secho(subject, bold=True)
    typer.echo(f"{facts['licence']}")
    typer.echo(
        f"recorded {facts['created']}, seed {facts['seed']}, "
        + ", ".join(f"{k}={v}" for k, v in facts["options"].items())
    )
    typer.echo(
        f"ticks {facts['start_tick']} to {facts['stop_tick']}: {span} {facts['tick_name']}s"
        + (f", {span / hz * 1000:.3f} ms" if hz else "")
    )
    typer.echo()
    rows = [
        (s["name"], s["kind"], f"{s['n_channels']}", f"{s['n_samples']:,}", s["per_sample"], s["description"])
        for s in facts["streams"]
    ]
    print_table(("stream", "kind", "channels", "samples", "every", ""), rows, frozenset({2, 3}))
    typer.echo()
    typer.echo("log: " + (", ".join(f"{n} {kind}" for kind, n in facts["log"].items()) or "empty"))
    typer.echo(f"snapshots: {facts['n_snapshots']}")
    for problem in facts["problems"]:
        typer.secho(f"problem: {problem}", fg="yellow")


def _facts(recording: Recording) -> dict[str, Any]:
    header = recording.header
    tick = header.info.tick_name
    return {
        "subject": header.info.name,
        "licence": header.info.licence,
        "plugin": header.plugin,
        "options": dict(header.info.options),
        "seed": header.seed,
        "tick_name": header.info.tick_name,
        "tick_hz": header.info.tick_hz,
        "created": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(header.created_s)),
        "start_tick": recording.start_tick,
        "stop_tick": recording.stop_tick,
        "streams": [
            {
                "name": name,
                "kind": str(s.kind),
                "description": s.description,
                "n_channels": s.n_channels,
                "n_samples": recording.extent(name).n_samples,
                "per_sample": "as it comes" if s.ticks_per_sample is None else f"{s.ticks_per_sample} {tick}",
            }
            for name, s in recording.streams.items()
        ],
        "log": dict(Counter(str(e.kind) for e in recording.log)),
        "n_snapshots": len(recording.snapshot_ticks),
        "versions": dict(header.versions),
        "problems": list(recording.problems),
    }
