"""How the samples of one frame become its payload, and back.

A payload decodes alone. Before compression it is the ticks of the samples (``n × <i8``, irregular streams only) and
then the samples (``n × sample_bytes``). Measured on two 6502 traces: after the XOR, zstd takes 1/8 and 1/12 of the
space at 500 and 700 MB/s a core; graded samples hardly compress and are stored as they are, so that they cost no more
than a plain file.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from rig.bits import select_bits, xor_accumulate, xor_previous
from rig.streams import StreamInfo

TICK_DTYPE = np.dtype("<i8")
_LEVEL = 1
# As level 1, but for a larger table and longer matches: on 6502 traces a tenth smaller at the same speed (level 2 gains
# no more and takes longer).
_BITS = zstandard.ZstdCompressionParameters.from_level(
    1, window_log=20, hash_log=15, min_match=7, strategy=zstandard.STRATEGY_FAST
)

Bytes = NDArray[np.uint8]


class Codec(IntEnum):
    """As written in a frame's header."""

    RAW = 0
    ZSTD = 1
    XOR_ZSTD = 2  # every sample but the first is XORed with the one before; the ticks are not


class DamagedPayloadError(ValueError):
    """Bytes that no encoder wrote. Internal: whoever reads frames turns it into a problem of the recording."""


def codec_of(info: StreamInfo) -> Codec:
    """The codec that a stream's frames are written with.

    Packed bits: XOR and zstd. Regular streams of anything else: as they are. Irregular ones (screens, tokens, events)
    are slow and often repeat: zstd, but for floats, which do not get smaller.
    """
    if info.packed:
        return Codec.XOR_ZSTD
    if info.regular or info.dtype.kind in "fc":
        return Codec.RAW
    return Codec.ZSTD


class Encoder:
    """Makes payloads. One thread's own: it keeps a compressor and scratch memory."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self._bit_compressor = zstandard.ZstdCompressor(compression_params=_BITS)
        self._scratch = np.empty(0, np.uint8)

    def encode(self, codec: Codec, rows: Bytes, ticks: NDArray[np.int64] | None) -> list[memoryview]:
        """The payload in pieces, to be written one after the other.

        Parameters
        ----------
        rows : (n_samples, sample_bytes) uint8, C-contiguous
        ticks : (n_samples,) int64, or None for a regular stream
        """
        tick_bytes = np.zeros(0, np.uint8) if ticks is None else ticks.astype(TICK_DTYPE, copy=False).view(np.uint8)
        if codec is Codec.RAW:
            return [piece.data for piece in (tick_bytes, rows.reshape(-1)) if piece.size]
        if codec is Codec.ZSTD and ticks is None:
            return [memoryview(self._compressor.compress(rows.reshape(-1).data))]
        size = tick_bytes.size + rows.size
        if self._scratch.size < size:
            self._scratch = np.empty(size, np.uint8)
        body = self._scratch[:size]
        body[: tick_bytes.size] = tick_bytes
        target = body[tick_bytes.size :].reshape(rows.shape)
        if codec is Codec.XOR_ZSTD:
            xor_previous(rows, target)
            return [memoryview(self._bit_compressor.compress(body.data))]
        target[:] = rows
        return [memoryview(self._compressor.compress(body.data))]


class Decoder:
    """Reads payloads. One thread's own."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor()

    def decode(
        self,
        codec: int,
        payload: bytes | memoryview,
        n_samples: int,
        sample_bytes: int,
        with_ticks: bool,
        channels: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.int64] | None, Bytes]:
        """Undo `Encoder.encode`.

        Parameters
        ----------
        n_samples, sample_bytes : what the header and the layout promise; the caller has bounded them
        with_ticks : the stream is irregular
        channels : bits to keep, of a packed stream; None keeps all

        Returns
        -------
        ticks : (n_samples,) int64 or None
        rows : (n_samples, sample_bytes) uint8, or (n_samples, ceil(k / 8)) of the kept channels; perhaps read-only

        Raises
        ------
        DamagedPayloadError : the payload is not such a frame.
        """
        n_tick_bytes = n_samples * TICK_DTYPE.itemsize if with_ticks else 0
        raw = self._raw(codec, payload, n_tick_bytes + n_samples * sample_bytes)
        ticks = np.frombuffer(raw, TICK_DTYPE, n_samples).astype(np.int64) if with_ticks else None
        rows = np.frombuffer(raw, np.uint8, offset=n_tick_bytes).reshape(n_samples, sample_bytes)
        # Selecting bits commutes with XOR, so it comes first: less is left to accumulate.
        if channels is not None:
            rows = select_bits(rows, channels)
        if codec == Codec.XOR_ZSTD:
            rows = rows if rows.flags.writeable else rows.copy()
            xor_accumulate(rows)
        return ticks, rows

    def _raw(self, codec: int, payload: bytes | memoryview, size: int) -> Any:
        if codec == Codec.RAW:
            if len(payload) != size:
                raise DamagedPayloadError(f"{len(payload)} bytes where {size} were promised")
            return payload
        if codec not in (Codec.ZSTD, Codec.XOR_ZSTD):
            raise DamagedPayloadError(f"codec {codec} is unknown")
        try:
            # zstandard allocates what the payload claims, so the claim is checked first
            if zstandard.frame_content_size(payload) != size:
                raise DamagedPayloadError(f"the payload does not hold the {size} bytes promised")
            raw = self._decompressor.decompress(payload)
        except zstandard.ZstdError as error:
            raise DamagedPayloadError(str(error)) from error
        if len(raw) != size:
            raise DamagedPayloadError(f"{len(raw)} bytes where {size} were promised")
        return raw
