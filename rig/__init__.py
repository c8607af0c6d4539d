"""The instrument: contract, clock, streams, rings, recorder, recordings, perturbations, export.

What a script needs is here by name, loaded when it is first asked for: a plugin's table of contents must not cost the
import of numba.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rig.kernel_cache import use_kernel_cache

use_kernel_cache()

if TYPE_CHECKING:
    from rig.errors import HeadstageError as HeadstageError
    from rig.perturbation import Perturbation as Perturbation
    from rig.perturbation import PerturbationKind as PerturbationKind
    from rig.perturbation import PulseTrain as PulseTrain
    from rig.probe import Probe as Probe
    from rig.process.client import RigClient as RigClient
    from rig.process.ring_reader import RingReader as RingReader
    from rig.registry import installed_plugins as installed_plugins
    from rig.registry import open_subject as open_subject
    from rig.selection import select_units as select_units
    from rig.session import Session as Session
    from rig.storage.recording import Recording as Recording
    from rig.streams import Chunk as Chunk
    from rig.streams import Samples as Samples
    from rig.streams import StreamInfo as StreamInfo
    from rig.streams import StreamKind as StreamKind
    from rig.subject import Subject as Subject
    from rig.subject import SubjectInfo as SubjectInfo
    from rig.subject import SubjectPlugin as SubjectPlugin
    from rig.trigger import Trigger as Trigger
    from rig.units import UnitTable as UnitTable

_HOME = {
    "RigClient": "process.client",
    "HeadstageError": "errors",
    "Perturbation": "perturbation",
    "PerturbationKind": "perturbation",
    "PulseTrain": "perturbation",
    "Probe": "probe",
    "Recording": "storage.recording",
    "installed_plugins": "registry",
    "open_subject": "registry",
    "RingReader": "process.ring_reader",
    "select_units": "selection",
    "Session": "session",
    "Chunk": "streams",
    "Samples": "streams",
    "StreamInfo": "streams",
    "StreamKind": "streams",
    "Subject": "subject",
    "SubjectInfo": "subject",
    "SubjectPlugin": "subject",
    "Trigger": "trigger",
    "UnitTable": "units",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rig' has no attribute {name!r}")
    return getattr(import_module(f"rig.{_HOME[name]}"), name)
