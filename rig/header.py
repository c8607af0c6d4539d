"""What a recording says of itself before its first sample: the content of ``session.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rig.errors import FormatError
from rig.probe import Probe, probe_from_json, probe_to_json
from rig.streams import StreamInfo, stream_from_json, stream_to_json
from rig.subject import SubjectInfo
from rig.units import Outlines, UnitTable, table_from_json, table_to_json

FORMAT_NAME = "headstage-recording"
FORMAT_VERSION = 1


@dataclass(frozen=True, eq=False)
class SessionHeader:
    """All that is known when a recording begins.

    Attributes
    ----------
    plugin : name of the subject's plugin, with `info.options` enough to open it again
    seed : of the run
    info, units : the subject's
    streams : as recorded: layouts of the watched units, computed streams included
    probes : electrodes of the stream ``electrodes``, in the order of its channels
    start_tick : tick of the first sample
    created_s : wall time, seconds since the epoch
    versions : of headstage, python, numpy
    """

    plugin: str
    seed: int
    info: SubjectInfo
    units: UnitTable
    streams: tuple[StreamInfo, ...]
    probes: tuple[Probe, ...]
    start_tick: int
    created_s: float
    versions: Mapping[str, str]


def header_to_json(header: SessionHeader) -> dict[str, Any]:
    return {
        "format": FORMAT_NAME,
        "format_version": FORMAT_VERSION,
        "plugin": header.plugin,
        "seed": header.seed,
        "subject": asdict(header.info) | {"options": dict(header.info.options)},
        "units": table_to_json(header.units),
        "streams": [stream_to_json(s) for s in header.streams],
        "probes": [probe_to_json(p) for p in header.probes],
        "start_tick": header.start_tick,
        "created_s": header.created_s,
        "versions": dict(header.versions),
    }


def header_from_json(value: Any, outlines: Outlines | None = None) -> SessionHeader:
    """Inverse of `header_to_json`.

    Raises
    ------
    FormatError : another format, another version, or damaged.
    """
    if not isinstance(value, Mapping) or value.get("format") != FORMAT_NAME:
        raise FormatError("session.json is of another format; this is no Headstage recording")
    version = value.get("format_version")
    if version != FORMAT_VERSION:
        raise FormatError(
            f"the recording has format version {version}, this Headstage reads version {FORMAT_VERSION}; "
            "open it with the Headstage that wrote it"
        )
    try:
        return SessionHeader(
            plugin=str(value["plugin"]),
            seed=int(value["seed"]),
            info=SubjectInfo(**value["subject"]),
            units=table_from_json(value["units"], outlines),
            streams=tuple(stream_from_json(s) for s in value["streams"]),
            probes=tuple(probe_from_json(p) for p in value["probes"]),
            start_tick=int(value["start_tick"]),
            created_s=float(value["created_s"]),
            versions={str(k): str(v) for k, v in value["versions"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"session.json is damaged ({type(error).__name__}: {error})") from error
