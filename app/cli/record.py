"""``headstage record``: put a subject on the rig, do things to it, keep what its units did."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from app.cli.text import Update, in_bytes, key_values, print_json, progress_bar
from rig.errors import RecordingError, SpecError, UnknownUnitError
from rig.selection import select_units
from rig.session import Session
from rig.spec import Bench, parse_perturbation, parse_probe, parse_ticks
from rig.streams import StreamKind
from rig.subject import ControlValue, Subject

SubjectOptions = Annotated[list[str] | None, typer.Option("--set", help="Option of the subject.", metavar="KEY=VALUE")]
BLOCK_S = 0.05  # of wall time between two looks at Ctrl-C and at the progress bar


def record(
    subject: Annotated[str, typer.Argument(help="Name of a subject (see: headstage subjects).", metavar="SUBJECT")],
    out: Annotated[Path, typer.Option("--out", help="Folder to record into.", metavar="NAME.rig")],
    options: Annotated[
        list[str] | None, typer.Option("--set", help="Option of the subject.", metavar="KEY=VALUE")
    ] = None,
    ticks: Annotated[str | None, typer.Option(help="Run so many ticks (or 20us, 3ms, 1s).", metavar="N")] = None,
    seconds: Annotated[float | None, typer.Option(help="Run so many seconds of its own time.", metavar="N")] = None,
    frames: Annotated[int | None, typer.Option(help="Run until so many frames have appeared.", metavar="N")] = None,
    watch: Annotated[
        list[str] | None,
        typer.Option(
            help="Record a stream, whole or these units of it; all but the largest when not given.",
            metavar="STREAM[:UNITS]",
        ),
    ] = None,
    perturb: Annotated[list[str] | None, typer.Option(help="Stimulus, silencing or lesion.", metavar="SPEC")] = None,
    control: Annotated[
        list[str] | None, typer.Option(help="Set a control, at once or at a tick.", metavar="NAME=VALUE[@TICK]")
    ] = None,
    probe: Annotated[list[str] | None, typer.Option(help="Put in a probe.", metavar="SPEC")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the run.", metavar="N")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing recording.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON summary.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")] = False,
) -> None:
    """Record a subject.

    Ctrl-C stops cleanly: what was recorded until then is kept.

    \b
    Examples:
      headstage record model-cell --ticks 10000 --out cell.rig
      headstage record microprocessor --set cartridge=space_invaders --frames 5 --out invaders.rig
      headstage record microprocessor --set cartridge=pitfall --seconds 0.1 --watch nodes:region:alu --watch screen \\
          --probe "A x=2000 y=500..3500 n=8 sigma=300" --perturb "silence alu3 at=1ms for=200us" --out alu.rig
      headstage record microprocessor --set cartridge=pitfall --frames 2 --out loop.rig \\
          --perturb "drive sync on=rise:alu3 after=20 for=5 max=10"

    \b
    UNITS     alu3,alu*  region:alu  kind:transistor  #12-40  near:A3:120  all
    SPEC      KIND UNITS at= for= every= times= jitter= level= falloff= | on= after= holdoff= max=
              KIND is drive, silence, mean, resample, scale, add, release, stuck_on, stuck_off or remove, as the
              subject takes them
              on=  rise:UNIT  rate:UNITS:COUNT/WINDOW  frame  bus:ADDRESS[:read|:write][:VALUE]
    Times     ticks, or 20us, 3ms, 1s
    """
    if sum(limit is not None for limit in (ticks, seconds, frames)) != 1:
        raise SpecError("asked to record without an end; give one of --ticks, --seconds, --frames")
    if out.exists() and not overwrite:
        raise RecordingError(f"asked to record into {out}; it exists: choose another name or give --overwrite")
    with Session(subject, key_values(options or (), "option"), seed) as session:
        for text in probe or ():
            session.add_probe(parse_probe(text))
        _watch(session, watch or ())
        stop_tick = _stop_tick(session.subject, ticks, seconds)
        controls = _controls(session.subject, control or ())
        _perturb(session, perturb or ())
        if frames is not None and not _image_streams(session):
            raise SpecError("asked for --frames; no stream of frames is watched: add --watch for one, or give --ticks")
        if overwrite and out.exists():
            _remove_recording(out)
        with interruptible() as interrupted, progress_bar(f"recording {out.name}", quiet=quiet or as_json) as update:
            session.start_recording(out)
            recorder = session.recorder
            run = _Run(session, stop_tick, frames, controls, interrupted)
            elapsed_s = run.until_done(update)
            session.stop_recording("interrupted" if interrupted() else "done")
        if session.recording_failure is not None:
            raise session.recording_failure
        assert recorder is not None
        status = recorder.status
        facts = {
            "recording": str(out),
            "subject": session.subject.info.name,
            "ticks": session.tick,
            "frames": run.n_frames,
            "interrupted": interrupted(),
            "raw_bytes": status.raw_bytes,
            "written_bytes": status.written_bytes,
            "elapsed_s": round(elapsed_s, 3),
            "ticks_per_s": round(session.tick / elapsed_s) if elapsed_s else None,
        }
        tick_name, hz = session.subject.info.tick_name, session.subject.info.tick_hz
    if as_json:
        print_json(facts)
    elif not quiet:
        speed = session.tick / max(elapsed_s, 1e-9)
        real = f", {speed / hz:.3g} × real time" if hz else ""
        typer.echo(
            f"{out}: {session.tick} {tick_name}s"
            + (f", {run.n_frames} frames" if run.n_frames else "")
            + f" in {elapsed_s:.1f} s ({speed:,.0f} a second{real}); {in_bytes(status.raw_bytes)} of samples "
            f"in {in_bytes(status.written_bytes)}" + (", interrupted" if interrupted() else "")
        )
    if interrupted():
        raise typer.Exit(130)


@dataclass
class _Run:
    """Advances a session to its end in blocks of about BLOCK_S."""

    session: Session
    stop_tick: int | None
    n_frames_wanted: int | None
    controls: list[tuple[int, str, ControlValue]]
    interrupted: Callable[[], bool]
    n_frames: int = 0

    def until_done(self, update: Update) -> float:
        """Seconds of wall time it took."""
        session = self.session
        images = _image_streams(session)
        begun = time.monotonic()
        block = 64
        while not self._done() and not self.interrupted() and session.recording_failure is None:
            while self.controls and self.controls[0][0] <= session.tick:
                _, name, value = self.controls.pop(0)
                session.set_control(name, value)
            n = block if self.stop_tick is None else min(block, self.stop_tick - session.tick)
            if self.controls:
                n = min(n, self.controls[0][0] - session.tick)
            before = time.monotonic()
            for chunk in session.advance(n):
                self.n_frames += len(chunk) if chunk.stream in images else 0
            took = time.monotonic() - before
            block = max(
                1, min(1 << 20, block * 2 if took < BLOCK_S / 2 else block // 2 if took > BLOCK_S * 2 else block)
            )
            if self.n_frames_wanted is not None:
                update(self.n_frames, self.n_frames_wanted, f"{self.n_frames} of {self.n_frames_wanted} frames")
            else:
                update(session.tick, self.stop_tick, f"tick {session.tick:,}")
        return time.monotonic() - begun

    def _done(self) -> bool:
        if self.n_frames_wanted is not None:
            return self.n_frames >= self.n_frames_wanted
        return self.stop_tick is not None and self.session.tick >= self.stop_tick


def _image_streams(session: Session) -> set[str]:
    return {s.name for s in session.streams.values() if s.kind is StreamKind.IMAGE}


def watch_spec(text: str) -> tuple[str, str]:
    """``nodes:alu*`` → (``nodes``, ``alu*``); no units mean all."""
    stream, _, units = text.partition(":")
    return stream, units


def _watch(session: Session, texts: Sequence[str]) -> None:
    whole = {s.name: s for s in session.subject.streams}
    if not texts:
        for name, info in whole.items():
            if not info.on_demand:
                session.watch(name, None)
    for text in texts:
        stream, units = watch_spec(text)
        if stream == "electrodes" and session.probes:
            continue  # a probe is watched by being there
        if stream not in whole:
            raise UnknownUnitError(f"asked to watch {stream!r}; {session.subject.info.name} has {', '.join(whole)}")
        ids = select_units(units, session.subject.units, whole[stream].unit_ids, session.probes) if units else None
        session.watch(stream, ids)


def _stop_tick(subject: Subject, ticks: str | None, seconds: float | None) -> int | None:
    stop = None
    if ticks is not None:
        stop = parse_ticks(ticks, subject.info)
    elif seconds is not None:
        if subject.info.tick_hz <= 0:
            raise SpecError(f"asked for --seconds; {subject.info.name} has no clock of its own: give --ticks")
        stop = round(seconds * subject.info.tick_hz)
    if stop is not None and stop < 1:
        raise SpecError("asked to record nothing; give at least one tick")
    return stop


def _perturb(session: Session, texts: Sequence[str]) -> None:
    subject = session.subject
    bench = Bench(subject.info, subject.units, subject.streams, session.probes)
    for text in texts:
        request = parse_perturbation(text, bench, session.tick, session.seed)
        for perturbation in request.perturbations:
            session.perturb(perturbation)
        if request.trigger is not None:
            session.arm(request.trigger)


def _controls(subject: Subject, texts: Sequence[str]) -> list[tuple[int, str, ControlValue]]:
    """(tick, name, value) in order of ticks, each read as the control's own type."""
    infos = {c.name: c for c in subject.controls}
    timed = []
    for text in texts:
        given, _, at = text.partition("@")
        ((name, value),) = key_values([given], "control").items()
        if name not in infos:
            raise UnknownUnitError(f"asked for control {name!r}; there are {', '.join(infos) or 'none'}")
        timed.append((parse_ticks(at, subject.info) if at else 0, name, _value_like(infos[name].default, value, text)))
    return sorted(timed, key=lambda t: t[0])


def _value_like(default: ControlValue, text: str, whole: str) -> ControlValue:
    if isinstance(default, bool):
        words = {
            "1": True,
            "true": True,
            "on": True,
            "yes": True,
            "0": False,
            "false": False,
            "off": False,
            "no": False,
        }
        if text.lower() not in words:
            raise SpecError(f"asked for control {whole!r}; it takes on or off")
        return words[text.lower()]
    if isinstance(default, (int, float)):
        try:
            return type(default)(text)
        except ValueError:
            raise SpecError(f"asked for control {whole!r}; it takes a number") from None
    return text


def _remove_recording(path: Path) -> None:
    """Only what is a recording is ever removed."""
    if not (path / "session.json").is_file():
        raise RecordingError(f"asked to overwrite {path}; it is no recording: choose another name")
    shutil.rmtree(path)


@contextmanager
def interruptible(on_press: Callable[[], None] = lambda: None) -> Iterator[Callable[[], bool]]:
    """Yields a function that tells whether Ctrl-C was pressed; pressing it twice stops at once."""
    pressed: list[int] = []

    def on_signal(number: int, frame: object) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)
        on_press()

    before = {s: signal.signal(s, on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(pressed)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
