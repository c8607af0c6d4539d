"""What a spike is where activity is not given in bits, and how many of some units there are. Free of Qt."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.streams import StreamInfo

N_SD = 2.0


class Digitiser:
    """Turns samples into bits whose off→on steps are spikes.

    Bits stay as they are; counts are on above 0; graded activity is on above mean + 2 SD of a unit's own samples,
    of the first chunk that came.
    """

    def __init__(self, info: StreamInfo) -> None:
        self.info = info
        self._threshold: NDArray[np.float64] | None = None

    @property
    def text(self) -> str:
        """What a spike is, for the header; "" for off→on."""
        if self.info.packed:
            return ""
        return "counts" if self.info.dtype.kind in "ui" else f"> mean + {N_SD:g} SD"

    def bits(self, data: NDArray[Any]) -> NDArray[np.uint8]:
        """(n_samples, n_bytes) packed."""
        if self.info.packed:
            return data
        values = data.reshape(len(data), -1)
        if self.info.dtype.kind in "ui":
            return np.packbits(values > 0, axis=1, bitorder="little")
        if self._threshold is None:
            self._threshold = values.mean(axis=0, dtype=np.float64) + N_SD * values.std(axis=0, dtype=np.float64)
        return np.packbits(values > self._threshold, axis=1, bitorder="little")


def byte_mask(channels: NDArray[np.int64], n_bytes: int) -> NDArray[np.uint8]:
    """(n_bytes,) with the bits of these channels set."""
    mask = np.zeros(n_bytes, np.uint8)
    np.bitwise_or.at(mask, channels >> 3, (1 << (channels & 7)).astype(np.uint8))
    return mask


def spikes_by_sample(
    packed: NDArray[np.uint8], mask: NDArray[np.uint8], before: NDArray[np.uint8] | None
) -> NDArray[np.int64]:
    """(n_samples,) how many of the masked units go from off to on in each sample.

    Parameters
    ----------
    packed : (n_samples, n_bytes)
    mask : (n_bytes,)
    before : (n_bytes,) the sample before the first; None: the first holds no spike
    """
    n, width = packed.shape
    # eight bytes at a time
    words = np.zeros((n + 1, -(-width // 8)), np.uint64)
    rows = words.view(np.uint8)[:, :width]
    np.bitwise_and(packed, mask, out=rows[1:])
    rows[0] = rows[1] if before is None else before & mask
    counts: NDArray[np.int64] = np.bitwise_count(words[1:] & ~words[:-1]).sum(axis=1, dtype=np.int64)
    return counts
