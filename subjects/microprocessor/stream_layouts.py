"""What can be watched of a chip on its board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.streams import StreamInfo, StreamKind
from subjects.microprocessor.atari2600.palette import NTSC
from subjects.microprocessor.atari2600.state import RAM_BYTES, SCREEN_COLUMNS, SCREEN_LINES
from subjects.microprocessor.cartridges.variables import Variable
from subjects.microprocessor.chip import ChipDescription, Register


def word_fields(chip: ChipDescription) -> dict[str, Register]:
    """Fields of a word of the stream ``bus``: the buses, their control lines, the clock, then every register."""
    lines = {pin for pin, _ in (*chip.memory.read_when, *chip.memory.write_when)}
    lines |= {pin for step in chip.clock_cycle for pin, _ in step.levels}
    return {
        "address": Register(chip.memory.address),
        "data": Register(chip.memory.data),
        **{pin: Register((pin,)) for pin in sorted(lines, reverse=True)},
        **chip.registers,
    }


def word_dtype(fields: Mapping[str, Register]) -> np.dtype[Any]:
    return np.dtype([(name, "u1" if len(field.bits) <= 8 else "<u2") for name, field in fields.items()])


def pack_words(words: NDArray[np.uint32], dtype: np.dtype[Any]) -> NDArray[np.void]:
    """(n,) of the dtype from (n, n_fields)."""
    packed = np.empty(len(words), dtype)
    for column, name in enumerate(dtype.names or ()):
        packed[name] = words[:, column]
    return packed


def microprocessor_streams(
    node_ids: NDArray[np.int64],
    chip: ChipDescription,
    regions: Sequence[str],
    bin_ticks: int,
    variables: tuple[Variable, ...] = (),
) -> tuple[StreamInfo, ...]:
    """nodes (those that the engine promises), bus, screen, ram; and game, where the cartridge's variables are known.

    Parameters
    ----------
    regions : channels of the stream ``rates``
    bin_ticks : of a sample of ``counts`` and ``rates``
    """
    return (
        StreamInfo(
            name="nodes",
            description="level of each node after the half-cycle; a supply reads 0",
            kind=StreamKind.UNITS,
            dtype=np.dtype(np.uint8),
            shape=((len(node_ids) + 7) // 8,),
            ticks_per_sample=1,
            unit_ids=node_ids,
            packed=True,
        ),
        StreamInfo(
            name="bus",
            description="address and data bus, rw (1: read), clock and registers, decoded from their nodes",
            kind=StreamKind.BUS,
            dtype=word_dtype(word_fields(chip)),
            shape=(),
            ticks_per_sample=1,
        ),
        StreamInfo(
            name="screen",
            description="picture at the end of each frame, as values of the colour registers",
            kind=StreamKind.IMAGE,
            dtype=np.dtype(np.uint8),
            shape=(SCREEN_LINES, SCREEN_COLUMNS),
            ticks_per_sample=None,
            palette=NTSC,
        ),
        StreamInfo(
            name="ram",
            description="the 128 bytes of RAM at the end of each frame, from address 0x80 on",
            kind=StreamKind.VALUES,
            dtype=np.dtype(np.uint8),
            shape=(RAM_BYTES,),
            ticks_per_sample=None,
            channel_names=tuple(f"0x{0x80 + k:02x}" for k in range(RAM_BYTES)),
        ),
        *((_game_stream(variables),) if variables else ()),
        StreamInfo(
            name="counts",
            description=f"spikes (0 to 1) of each node in bins of {bin_ticks} half-cycles",
            kind=StreamKind.UNITS,
            dtype=np.dtype(np.uint16),
            shape=(len(node_ids),),
            ticks_per_sample=bin_ticks,
            unit_ids=node_ids,
            physical_unit="spikes",
            on_demand=True,
        ),
        StreamInfo(
            name="rates",
            description=f"spikes per node and half-cycle, mean of each region in bins of {bin_ticks} half-cycles",
            kind=StreamKind.VALUES,
            dtype=np.dtype(np.float32),
            shape=(len(regions),),
            ticks_per_sample=bin_ticks,
            physical_unit="spikes/half-cycle",
            channel_names=tuple(regions),
            on_demand=True,
        ),
    )


def _game_stream(variables: tuple[Variable, ...]) -> StreamInfo:
    return StreamInfo(
        name="game",
        description="what the game keeps in RAM, by name, at the end of each frame",
        kind=StreamKind.VALUES,
        dtype=np.dtype(np.int32),
        shape=(len(variables),),
        ticks_per_sample=None,
        channel_names=tuple(variable.name for variable in variables),
    )
