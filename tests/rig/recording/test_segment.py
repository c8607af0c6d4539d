"""Frames: payloads, headers, and what is not believed."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.storage.codec import Codec, DamagedPayloadError, Decoder, Encoder, codec_of
from rig.storage.segment import (
    HEADER_BYTES,
    MAX_FRAME_BYTES,
    FrameHeader,
    pack_header,
    pack_index,
    pack_row,
    parse_header,
    parse_index,
    samples_per_frame,
)
from rig.streams import StreamInfo, StreamKind

WORDS = StreamInfo("words", "", StreamKind.VALUES, np.dtype("<u4"), (2,), 3)
EVENTS = StreamInfo("events", "", StreamKind.VALUES, np.dtype("<u4"), (2,), None)


def joined(pieces: list[memoryview]) -> bytes:
    return b"".join(pieces)


@settings(deadline=None)
@given(st.sampled_from(Codec), st.booleans(), st.integers(1, 50), st.integers(1, 20), st.integers(0, 2**32))
def test_what_is_encoded_is_decoded(codec: Codec, with_ticks: bool, n: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 256, (n, width), np.uint8)
    ticks = np.sort(rng.integers(0, 1 << 60, n)) if with_ticks else None
    payload = joined(Encoder().encode(codec, rows, ticks))
    decoded_ticks, decoded = Decoder().decode(codec, payload, n, width, with_ticks)
    assert (decoded == rows).all()
    assert (decoded_ticks is None) == (ticks is None)
    if ticks is not None:
        assert (decoded_ticks == ticks).all()


def test_bits_are_chosen_while_decoding() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (100, 4), np.uint8)
    payload = joined(Encoder().encode(Codec.XOR_ZSTD, rows, None))
    _, chosen = Decoder().decode(Codec.XOR_ZSTD, payload, 100, 4, False, np.array([3, 17, 31]))
    assert (
        chosen[:, 0]
        == np.packbits(np.unpackbits(rows, axis=1, bitorder="little")[:, [3, 17, 31]], axis=1, bitorder="little")[:, 0]
    ).all()


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 77])
@settings(deadline=None)
@given(payload=st.binary(max_size=100), n=st.integers(1, 10))
def test_bytes_that_are_no_payload_are_refused(codec: int, payload: bytes, n: int) -> None:
    with pytest.raises(DamagedPayloadError):
        Decoder().decode(codec, payload, n, 101, False)


def test_a_payload_that_claims_terabytes_is_refused_before_it_is_believed() -> None:
    honest = zstandard.ZstdCompressor().compress(bytes(1000))
    claim = honest[:4] + bytes([honest[4] | 0xC0]) + struct.pack("<Q", 1 << 42) + honest[7:]
    assert zstandard.frame_content_size(claim) == 1 << 42
    with pytest.raises(DamagedPayloadError):
        Decoder().decode(Codec.ZSTD, claim, 10, 100, False)


def test_streams_get_the_codec_that_suits_them(make_layouts: Callable[[], tuple[StreamInfo, ...]]) -> None:
    assert [codec_of(info) for info in make_layouts()] == [Codec.XOR_ZSTD, Codec.RAW, Codec.RAW, Codec.ZSTD]
    floats = StreamInfo("activations", "", StreamKind.VALUES, np.dtype("<f2"), (8,), None)
    assert codec_of(floats) is Codec.RAW


def test_a_frame_is_a_megabyte_or_a_single_sample() -> None:
    assert samples_per_frame(WORDS) == (1 << 20) // 8
    assert samples_per_frame(EVENTS) == (1 << 20) // 16
    assert samples_per_frame(StreamInfo("film", "", StreamKind.IMAGE, np.dtype("u1"), (4000, 4000), None)) == 1


def test_a_header_survives_and_belongs_to_its_stream() -> None:
    header = FrameHeader(codec=0, first_tick=9, last_tick=15, n_samples=3, length_bytes=24, payload_crc32=5)
    data = pack_header(header, tag=42)
    assert len(data) == HEADER_BYTES
    assert parse_header(data, 42, WORDS) == header
    assert parse_header(data, 43, WORDS) is None
    assert parse_header(data[:-1], 42, WORDS) is None


def test_every_flipped_bit_of_a_header_is_noticed() -> None:
    data = pack_header(FrameHeader(0, 9, 15, 3, 24, 5), tag=42)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert parse_header(bytes(flipped), 42, WORDS) is None


@pytest.mark.parametrize(
    ("info", "header"),
    [
        (WORDS, FrameHeader(0, 9, 15, 0, 24, 5)),  # no samples
        (WORDS, FrameHeader(0, -6, 0, 3, 24, 5)),  # before tick 0
        (WORDS, FrameHeader(0, 9, 16, 3, 24, 5)),  # ticks that the samples do not span
        (WORDS, FrameHeader(0, 1 << 62, (1 << 62) + 6, 3, 24, 5)),
        (WORDS, FrameHeader(0, 0, 3 * ((1 << 32) - 2), (1 << 32) - 1, 24, 5)),  # 32 GiB
        (WORDS, FrameHeader(0, 9, 15, 3, (1 << 32) - 1, 5)),  # a payload longer than its samples
        (EVENTS, FrameHeader(0, 9, 8, 3, 24, 5)),
        (EVENTS, FrameHeader(0, 9, 10, MAX_FRAME_BYTES // 16 + 1, 24, 5)),
    ],
)
def test_hostile_values_are_not_believed_although_their_checksum_is_right(
    info: StreamInfo, header: FrameHeader
) -> None:
    assert parse_header(pack_header(header, 1), 1, info) is None


def test_an_index_survives_and_damage_to_it_is_noticed() -> None:
    rows = b"".join(pack_row(0, 100 * i, FrameHeader(0, 6 * i, 6 * i + 3, 2, 52, i)) for i in range(5))
    data = b"".join(pack_index(rows, 8))
    parsed = parse_index(data, 8)
    assert parsed is not None
    assert parsed["offset"].tolist() == [0, 100, 200, 300, 400]
    assert parse_index(data, 9) is None
    for cut in range(len(data)):
        assert parse_index(data[:cut], 8) is None
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert parse_index(bytes(flipped), 8) is None
