"""``outlines.npz``: the units' polygons, read without believing what the file says of itself."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.storage.disk import write_durably
from rig.units import Outlines

_NAMES = ("vertices", "start", "unit_id", "layer")


def write_outlines(path: Path, outlines: Outlines) -> None:
    """Write the file; it is on the disk on return."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: getattr(outlines, name) for name in _NAMES})
    write_durably(path, [buffer.getvalue()])


def read_outlines(path: Path) -> Outlines:
    """Inverse of `write_outlines`.

    Raises
    ------
    OSError, ValueError, KeyError, MemoryError, EOFError, zipfile.BadZipFile : no such file, or damaged.
    """
    if path.is_symlink() or not path.is_file():
        raise ValueError("not a file")
    arrays: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(path) as archive:
        for name in _NAMES:
            entry = archive.getinfo(name + ".npy")
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > path.stat().st_size:
                raise ValueError(f"{name} is not stored as it is")
            arrays[name] = _parse_npy(archive.read(entry))
    vertices, start, unit_id, layer = (arrays[n] for n in _NAMES)
    if (
        [a.dtype.str for a in (vertices, start, unit_id, layer)] != ["<f4", "<i8", "<i8", "|u1"]
        or vertices.shape != (len(vertices), 2)
        or start.shape != (len(unit_id) + 1,)
        or not unit_id.shape == layer.shape == (len(unit_id),)
        or start[0] != 0
        or start[-1] != len(vertices)
        or (np.diff(start) < 0).any()
    ):
        raise ValueError("its arrays do not agree")
    return Outlines(vertices, start, unit_id, layer)


def _parse_npy(data: bytes) -> NDArray[Any]:
    # np.load allocates what the array's header claims; here the bytes have to be there first
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    count = 1
    for n in shape:
        count *= n
    body = data[stream.tell() :]
    if dtype.hasobject or min(shape, default=1) < 0 or count * dtype.itemsize != len(body) or len(shape) == 0:
        raise ValueError("an array is not as long as it says")
    return np.frombuffer(body, dtype).reshape(shape, order="F" if fortran else "C")
