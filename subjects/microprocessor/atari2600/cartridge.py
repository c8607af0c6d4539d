"""Cartridges: plain ROM of 2 or 4 KiB; one of our own games, a file, or a game of the person's own ale-py.

Larger cartridges switch banks (F8, F6, ...), which the board cannot do yet. Nobody else's cartridge is ever shipped.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.errors import AssetError
from subjects.microprocessor.cartridges import catalogue
from subjects.microprocessor.cartridges.names import GAMES
from subjects.microprocessor.cartridges.variables import Variable

IMAGE_BYTES = 4096
SIZES_BYTES = (2048, IMAGE_BYTES)


@dataclass(frozen=True, eq=False)
class Cartridge:
    """What is plugged in.

    Attributes
    ----------
    name : the game's name, or the file's without its suffix
    image : (4096,) uint8, as seen at 0x1000-0x1FFF; 2 KiB appear twice (2k6specs, "Cartridge Mirrors")
    md5 : of the file, which is how cartridges are commonly told apart
    licence : in a few words
    variables : what it keeps where in the RAM, as far as its maker tells
    """

    name: str
    image: NDArray[np.uint8]
    md5: str
    licence: str = "its owner's"
    variables: tuple[Variable, ...] = ()


def own_cartridge(name: str) -> Cartridge:
    """Take one of our own games, `GAMES`, by its name."""
    content = (files("subjects.microprocessor.cartridges") / f"{name}.bin").read_bytes()
    return Cartridge(
        name,
        np.frombuffer(content, np.uint8),
        hashlib.md5(content, usedforsecurity=False).hexdigest(),
        licence="MIT, program and pictures are Headstage's own",
        variables=catalogue.VARIABLES[name],
    )


def load_cartridge(path: Path, name: str | None = None) -> Cartridge:
    """Read a cartridge from a file.

    Raises
    ------
    AssetError : there is no such file, it cannot be read, or it is not 2 or 4 KiB long.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise AssetError(f"asked for cartridge {path}: {reason}; give the path of a 2 or 4 KiB ROM file") from error
    if len(content) not in SIZES_BYTES:
        raise AssetError(
            f"asked for cartridge {path}: it has {len(content)} bytes, but only plain ROMs of 2048 or 4096 bytes "
            "can be run (no bank switching yet); choose such a file"
        )
    image = np.resize(np.frombuffer(content, np.uint8), IMAGE_BYTES)
    return Cartridge(name or path.stem, image, hashlib.md5(content, usedforsecurity=False).hexdigest())


def ale_cartridge(name: str) -> Cartridge:
    """Take a game from the person's own ale-py, by its name there (`space_invaders`).

    Raises
    ------
    AssetError : ale-py is not installed, knows no such game or lacks its file, or the game is not 2 or 4 KiB long.
    """
    try:
        from ale_py import roms
    except ImportError as error:
        raise AssetError(
            f"asked for cartridge '{name}' by name, but ale-py is not installed; "
            f"install it (pip install 'headstage[atari]'), give the path of a ROM file or one of {', '.join(GAMES)}"
        ) from error
    known = roms.get_all_rom_ids()
    if name not in known:
        raise AssetError(
            f"asked for cartridge '{name}', ale-py has {len(known)} games but not this one; "
            "use one of its names (space_invaders, pitfall, donkey_kong ...), one of Headstage's own "
            f"({', '.join(GAMES)}) or the path of a ROM file"
        )
    try:
        path = roms.get_rom_path(name)
    except OSError as error:
        raise AssetError(
            f"asked for cartridge '{name}', ale-py cannot give its ROM ({error}); reinstall ale-py or give a path"
        ) from error
    if path is None:
        raise AssetError(f"asked for cartridge '{name}', ale-py has no ROM for it; give the path of a ROM file")
    return load_cartridge(Path(path), name)


def open_cartridge(text: str) -> Cartridge:
    """Open what a person typed: a path if it looks like one (a suffix or a folder in it), else ours or ale-py's.

    Raises
    ------
    AssetError : see `load_cartridge` and `ale_cartridge`.
    """
    path = Path(text).expanduser()
    if path.suffix or len(path.parts) > 1:
        return load_cartridge(path)
    if text in GAMES:
        return own_cartridge(text)
    return ale_cartridge(text)
