"""Everything Headstage raises on purpose.

One tree, so that a window or a shell can catch `HeadstageError` and show `str(error)` as the one clear line:
what was asked, what is there, what to do.
"""

from __future__ import annotations


class HeadstageError(Exception):
    """Root of every error that a person is meant to read."""


class SubjectError(HeadstageError):
    """A subject cannot be found, opened or driven as asked."""


class ContractError(SubjectError):
    """A subject broke the contract of `rig.subject` (a chunk of the wrong length, an unknown stream)."""


class AssetError(SubjectError):
    """A file that a subject needs (netlist, cartridge, weights) is missing, corrupt or foreign."""


class UnknownUnitError(HeadstageError):
    """A unit, region, stream, control or option was named that does not exist."""


class TickError(HeadstageError):
    """A tick or an interval of ticks lies where it cannot."""


class SpecError(HeadstageError):
    """A specification typed by a person (perturbation, probe, trigger, watch) cannot be read."""


class EvictedError(HeadstageError):
    """Samples were asked for that the ring no longer holds, or does not hold yet."""


class RecordingError(HeadstageError):
    """A recording cannot be opened, read or written."""


class FormatError(RecordingError):
    """Files of a recording are foreign, of another format version, or corrupt."""


class StorageError(RecordingError):
    """The disk refuses: full, read-only, no permission, gone."""


class ExportError(HeadstageError):
    """An export cannot be made or did not validate."""


class SessionError(HeadstageError):
    """The session's process died, hung, or refused a command in its present state."""
