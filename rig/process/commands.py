"""Commands that a session obeys, whatever it is doing: each is one call of `rig.session.Session`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from rig.errors import SessionError
from rig.perturbation import Perturbation
from rig.process.protocol import (
    AddProbe,
    Arm,
    Command,
    Disarm,
    FindPassage,
    GiveTrain,
    Mark,
    Note,
    Perturb,
    Reset,
    Restore,
    Retrace,
    Rewind,
    SetControl,
    SetProbes,
    SetTwin,
    StartRecording,
    StopRecording,
    TakeSnapshot,
    Watch,
)
from rig.session import Session


def obey(session: Session, command: Command) -> Any:
    """Carry out a command.

    Returns
    -------
    what it asked for, or None

    Raises
    ------
    HeadstageError : the session refuses. SessionError : it is no command for a session.
    """
    match command:
        case Watch(stream, unit_ids):
            session.watch(stream, None if unit_ids is None else np.asarray(unit_ids, np.int64))
        case SetProbes(probes):
            session.set_probes(probes)
        case AddProbe(probe):
            session.add_probe(probe)
        case SetControl(name, value):
            session.set_control(name, value)
        case Perturb(perturbation, from_now):
            session.perturb(_shifted(perturbation, session.tick) if from_now else perturbation)
        case GiveTrain(train, label):
            session.train(train, label)
        case Arm(trigger):
            session.arm(trigger)
        case Disarm(name):
            session.disarm(name)
        case Note(text):
            session.note(text)
        case Mark(number):
            session.mark(number)
        case TakeSnapshot():
            return session.snapshot()
        case Restore(snapshot):
            session.restore(snapshot)
        case Rewind(tick):
            session.rewind(tick)
        case FindPassage(tick):
            return session.passage(tick)
        case Retrace(passage):
            session.retrace(passage)
        case SetTwin(on):
            session.set_twin(on)
        case StartRecording(path):
            session.start_recording(path)
        case StopRecording(reason):
            session.stop_recording(reason)
        case Reset(seed):
            session.reset(seed)
        case _:
            raise SessionError(f"asked for {type(command).__name__}; a session knows no such command")
    return None


def _shifted(perturbation: Perturbation, n_ticks: int) -> Perturbation:
    stop = perturbation.stop_tick
    return replace(
        perturbation,
        start_tick=perturbation.start_tick + n_ticks,
        stop_tick=None if stop is None else stop + n_ticks,
    )
