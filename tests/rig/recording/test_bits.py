"""Kernels on packed bits against numpy's own packing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig import bits

ROWS = st.integers(0, 40).flatmap(
    lambda n: st.integers(1, 30).flatmap(
        lambda width: st.binary(min_size=n * width, max_size=n * width).map(
            lambda raw: np.frombuffer(raw, np.uint8).reshape(n, width)
        )
    )
)


@settings(deadline=None)  # the first call compiles
@given(ROWS, st.data())
def test_any_channels_in_any_order_are_repacked(rows: np.ndarray, data: st.DataObject) -> None:
    n_channels = 8 * rows.shape[1]
    chosen = data.draw(st.lists(st.integers(0, n_channels - 1), max_size=n_channels))
    if data.draw(st.booleans()):
        chosen = sorted(set(chosen))
    channels = np.asarray(chosen, np.int64)
    expected = np.packbits(np.unpackbits(rows, axis=1, bitorder="little")[:, channels], axis=1, bitorder="little")
    selected = bits.select_bits(rows, channels)
    assert selected.dtype == np.uint8
    assert selected.tolist() == expected.reshape(len(rows), (len(chosen) + 7) // 8).tolist()


@pytest.mark.parametrize("channel", [-1, 16, 1 << 40])
def test_a_channel_outside_the_bytes_is_refused(channel: int) -> None:
    with pytest.raises(ValueError, match="channels must lie in"):
        bits.select_bits(np.zeros((2, 2), np.uint8), np.array([0, channel]))


@settings(deadline=None)  # the first call compiles
@given(ROWS)
def test_xor_with_the_previous_sample_is_undone(rows: np.ndarray) -> None:
    delta = np.empty_like(rows)
    bits.xor_previous(rows, delta)
    if len(rows) > 1:
        assert (delta[1:] == rows[1:] ^ rows[:-1]).all()
    bits.xor_accumulate(delta)
    assert (delta == rows).all()


@settings(deadline=None)  # the first call compiles
@given(ROWS, st.booleans())
def test_toggles_are_where_bits_differ(rows: np.ndarray, with_before: bool) -> None:
    before = np.full(rows.shape[1], 0x5A, np.uint8) if with_before else None
    toggled = bits.toggles(rows, before)
    assert (toggled[1:] == rows[1:] ^ rows[:-1]).all()
    if len(rows):
        assert toggled[0].tolist() == (rows[0] ^ before if before is not None else 0 * rows[0]).tolist()


def test_unpack_gives_one_number_a_channel() -> None:
    assert bits.unpack(np.array([[0b101, 0b10]], np.uint8), 10).tolist() == [[1, 0, 1, 0, 0, 0, 0, 0, 0, 1]]
