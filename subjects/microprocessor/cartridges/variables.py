"""What a game keeps in its RAM, by name, and how it is read: ground truth for tuning and decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RAM_START = 0x80


@dataclass(frozen=True)
class Variable:
    """A number in the RAM.

    Attributes
    ----------
    name : the channel's; a position or a duration ends in its unit
    address : of its first byte, 0x80-0xFF
    label : what the source calls that address; with ``+ k`` for its k-th byte
    description : one line
    n_bytes : of a decimal number, whose bytes hold two digits each, the highest first; 1 for others
    mask : bits that count; the number is them, shifted down
    absent : value of the byte that means "not there"; it is given as -1
    signed : the byte is a two's complement
    """

    name: str
    address: int
    label: str
    description: str
    n_bytes: int = 1
    mask: int = 0xFF
    absent: int | None = None
    signed: bool = False


def read_variables(variables: Sequence[Variable], ram: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(n_frames, n_variables) from (n_frames, 128) bytes of RAM."""
    values = np.empty((len(ram), len(variables)), np.int32)
    for k, variable in enumerate(variables):
        first = variable.address - RAM_START
        if variable.n_bytes > 1:
            values[:, k] = _decimal(ram[:, first : first + variable.n_bytes])
            continue
        raw = ram[:, first].astype(np.int32)
        if variable.signed:
            values[:, k] = raw - 256 * (raw >> 7)
            continue
        values[:, k] = (raw & variable.mask) // (variable.mask & -variable.mask)
        if variable.absent is not None:
            values[raw == variable.absent, k] = -1
    return values


def _decimal(digits: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Of binary-coded decimal bytes (n, n_bytes)."""
    number = np.zeros(len(digits), np.int32)
    for column in digits.T:
        number = number * 100 + (column >> 4).astype(np.int32) * 10 + (column & 15)
    return number
