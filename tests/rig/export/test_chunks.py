"""Datasets filled chunk by chunk, read back by HDF5's own filters."""

from __future__ import annotations

import zlib
from itertools import pairwise

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.errors import ExportError
from rig.export.chunks import RaggedWriter, SampleWriter, chunk_shape, gzip_options
from rig.export.deflate import shuffle_deflate

DTYPES = ["u1", "<u2", "<f4", "<f8", "<i8"]


@given(n=st.integers(0, 70_000), dtype=st.sampled_from(DTYPES), kind=st.integers(0, 3), seed=st.integers(0, 999))
@settings(deadline=None, max_examples=60)
def test_any_inflater_gets_the_shuffled_bytes_back(n, dtype, kind, seed):
    rng = np.random.default_rng(seed)
    values = [
        np.zeros(n),
        np.arange(n) / 2386363.6 * 4,
        rng.integers(0, 200, n).astype(float),
        rng.normal(size=n) * 50 + 100,
    ][kind].astype(dtype)
    planes = values.view(np.uint8).reshape(n, values.itemsize).T
    assert zlib.decompress(shuffle_deflate(values)) == planes.tobytes()


def test_times_deflate_better_than_stored():
    seconds = np.arange(16384) / 2386363.6 + 1
    assert len(shuffle_deflate(seconds)) < 0.8 * seconds.nbytes


@given(
    n=st.integers(1, 300),
    shape=st.sampled_from([(), (5,), (3, 4)]),
    dtype=st.sampled_from(DTYPES),
    cuts=st.lists(st.integers(0, 300), max_size=5),
    rows=st.integers(1, 70),
    packed=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_samples_come_back_however_they_were_appended(n, shape, dtype, cuts, rows, packed):
    rng = np.random.default_rng(n)
    values = rng.integers(0, 256, (n, *shape)).astype(dtype)
    chunks = (min(rows, n), 1) if packed and len(shape) == 1 else (min(rows, n), *shape)
    with h5py.File.in_memory() as file:
        dataset = file.create_dataset("x", values.shape, dtype, chunks=chunks, **gzip_options(np.dtype(dtype)))
        with SampleWriter(dataset) as writer:
            edges = sorted({0, n, *(min(c, n) for c in cuts)})
            for a, b in pairwise(edges):
                writer.append(values[a:b])
        assert np.array_equal(dataset[:], values)


@given(counts=st.lists(st.integers(0, 40), min_size=1, max_size=12), chunk=st.integers(1, 50), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_rows_fill_in_any_order(counts, chunk, seed):
    rng = np.random.default_rng(seed)
    start = np.concatenate(([0], np.cumsum(counts)))
    values = rng.normal(size=start[-1])
    if not len(values):
        return
    with h5py.File.in_memory() as file:
        dataset = file.create_dataset(
            "x", values.shape, "<f8", chunks=(min(chunk, len(values)),), **gzip_options(np.dtype("<f8"))
        )
        position = start[:-1].copy()
        with RaggedWriter(dataset, start) as writer:
            while (position < start[1:]).any():
                row = rng.choice(np.flatnonzero(position < start[1:]))
                k = rng.integers(1, start[row + 1] - position[row] + 1)
                writer.append(int(row), values[position[row] : position[row] + k])
                position[row] += k
        assert np.array_equal(dataset[:], values)


def test_a_row_left_short_or_overfilled_is_an_error():
    with h5py.File.in_memory() as file:
        dataset = file.create_dataset("x", (10,), "<f8", chunks=(4,), **gzip_options(np.dtype("<f8")))

        def fill(n):
            with RaggedWriter(dataset, np.array([0, 6, 10])) as writer:
                writer.append(0, np.zeros(n))

        with pytest.raises(ExportError, match="5 of 10 spikes counted were not found"):
            fill(5)
        with pytest.raises(ExportError, match="more spikes were found"):
            fill(7)


def test_packed_streams_are_chunked_by_byte_columns():
    assert chunk_shape(100_000, (213,), np.dtype("u1"), packed=True) == (32768, 1)
    assert chunk_shape(100, (213,), np.dtype("u1"), packed=True) == (100, 1)
    assert chunk_shape(5, (210, 160), np.dtype("u1"), packed=False) == (5, 210, 160)
    assert chunk_shape(10**9, (), np.dtype("<f8"), packed=False) == (32768,)
