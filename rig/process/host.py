"""The session's own process, from its start to its end; what it does in between is in `rig.process.host_loop`."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from rig.errors import SubjectError
from rig.past import PAST_BYTES
from rig.process.host_loop import Host, Outbox
from rig.process.lifeline import Lifeline
from rig.process.protocol import Description, Fault, Ready, StartFailed
from rig.process.rings import Rings, remove_rings
from rig.process.status import StatusBlock
from rig.session import Session

ASSISTANT_NICENESS = 10


@dataclass(frozen=True)
class HostSettings:
    """What a session's process is started with.

    Attributes
    ----------
    plugin, options, seed, installed_only : see `rig.session.Session`
    prefix : of the names of its shared memory
    ring_bytes : budget of each ring
    grace_s : how long it may take to end once it is told to, or the client is gone
    assistant : it goes through another session's past: it gives way to it, and remembers no past of its own
    """

    plugin: str
    options: Mapping[str, str]
    seed: int
    installed_only: bool
    prefix: str
    ring_bytes: int
    grace_s: float
    assistant: bool = False

    @property
    def status_name(self) -> str:
        return f"{self.prefix}-s"


def host_main(pipe: Connection, settings: HostSettings, crash_report: int | None) -> None:
    """The process's main function.

    Parameters
    ----------
    pipe : to the client
    crash_report : descriptor of a file for Python's stack at a crash
    """
    if crash_report is not None:
        faulthandler.enable(crash_report)
    if settings.assistant and hasattr(os, "nice"):
        os.nice(ASSISTANT_NICENESS)
    outbox = Outbox(pipe)
    status = StatusBlock.attach(settings.status_name)
    sessions: list[Session] = []

    def abandon() -> None:
        for session in sessions:
            if session.recorder is not None:
                session.recorder.close(f"{lifeline.reason}, and the subject does not answer")
        _clean_up(settings, status)

    lifeline = Lifeline(settings.grace_s, abandon)
    try:
        session = Session(
            settings.plugin,
            settings.options,
            settings.seed,
            installed_only=settings.installed_only,
            on_entry=outbox.tell_entry,
            on_recorder_event=outbox.tell_of_recorder,
            past_bytes=0 if settings.assistant else PAST_BYTES,
        )
        subject = session.subject
        description = Description(
            subject.info, subject.units, subject.streams, subject.controls, subject.perturbation_kinds
        )
    except (Exception, SystemExit) as error:
        outbox.tell(StartFailed(Fault.of(error, SubjectError)))
        _leave(settings, status, lifeline, alone=lifeline.called.is_set())
        return
    sessions.append(session)
    rings = Rings(settings.prefix, settings.ring_bytes, status.count_ring, outbox.tell)
    host = Host(session, pipe, outbox, status, rings, lifeline)
    outbox.tell(Ready(description))
    try:
        host.loop()
    finally:
        lifeline.hear()
        host.close()
        _leave(settings, status, lifeline, alone=not host.closed_as_asked)
        pipe.close()


def _leave(settings: HostSettings, status: StatusBlock, lifeline: Lifeline, *, alone: bool) -> None:
    """The end; alone: no client may be left to clean up after us."""
    lifeline.hear()
    if alone:
        _clean_up(settings, status)
    lifeline.finish()


def _clean_up(settings: HostSettings, status: StatusBlock) -> None:
    """Remove all shared memory, as the client would."""
    remove_rings(settings.prefix, status.n_rings)
    with suppress(FileNotFoundError):
        status.remove()
