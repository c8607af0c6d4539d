"""The formats by name. A format's libraries are imported when it is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from rig.errors import ExportError
from rig.export.source import Cut, Notes, Progress


@dataclass(frozen=True)
class ExportFormat:
    """A format that recordings can be written in.

    Attributes
    ----------
    name : as on the command line
    suffix : appended to a recording's name to name its export
    summary : one line
    module, writer, verifier : where the functions are
    """

    name: str
    suffix: str
    summary: str
    module: str
    writer: str = "write"
    verifier: str = "verify"

    def write(self, cut: Cut, path: Path, progress: Progress) -> Notes:
        """Write the cut to a new file or folder; notes say what the format could not take. Raises ExportError."""
        write = cast("Callable[[Cut, Path, Progress], Notes]", getattr(import_module(self.module), self.writer))
        return write(cut, path, progress)

    def verify(self, path: Path, cut: Cut) -> None:
        """Check what `write` left. Raises ExportError, FormatError."""
        verify = cast("Callable[[Path, Cut], None]", getattr(import_module(self.module), self.verifier))
        verify(path, cut)


FORMATS: dict[str, ExportFormat] = {
    f.name: f
    for f in (
        ExportFormat(
            "nwb", ".nwb", "Neurodata Without Borders: everything; for archives and most tools", "rig.export.nwb"
        ),
        ExportFormat(
            "open-ephys",
            "-open-ephys",
            "Open Ephys binary folder: electrodes, up to 64 units as TTL lines, messages",
            "rig.export.open_ephys",
        ),
        ExportFormat("hdf5", ".h5", "plain HDF5: everything, as recorded", "rig.export.hdf5"),
        ExportFormat(
            "parquet", "-parquet", "folder of Parquet tables", "rig.export.tables", "write_parquet", "verify_parquet"
        ),
        ExportFormat("csv", "-csv", "folder of CSV tables", "rig.export.tables", "write_csv", "verify_csv"),
        ExportFormat("npz", ".npz", "numpy arrays: everything, as recorded", "rig.export.npz"),
        ExportFormat(
            "safetensors",
            ".safetensors",
            "tensors by name, a model's by its hooks: for tools that read activations",
            "rig.export.tensors",
        ),
        ExportFormat("mat", ".mat", "MATLAB v5: everything, for less than 2 GB", "rig.export.matlab"),
    )
}


def format_named(name: str) -> ExportFormat:
    """A format by its name. Raises ExportError."""
    if name not in FORMATS:
        raise ExportError(f"asked for format {name!r}; there are {', '.join(FORMATS)}")
    return FORMATS[name]
