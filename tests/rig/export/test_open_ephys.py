"""Open Ephys binary, read back by SpikeInterface and Neo."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from rig.errors import ExportError
from rig.export import open_ephys
from rig.export.source import Cut

TICK_HZ = 2386363.6


def export(tmp_path, cut):
    path = tmp_path / "out"
    notes = open_ephys.write(cut, path, lambda fraction: None)
    open_ephys.verify(path, cut)
    return path, notes


def bit_volts(path):
    (oebin,) = path.rglob("recording1/structure.oebin")
    return json.loads(oebin.read_text())["continuous"][0]["channels"][0]["bit_volts"]


def test_spikeinterface_reads_the_electrodes_as_scaled(record, tmp_path):
    import spikeinterface.extractors as extractors

    made = record()
    path, _ = export(tmp_path, Cut.of(made.disk))
    data = made.memory.data["electrodes"][1].astype(np.float64)
    step = bit_volts(path)
    assert np.log2(step) == round(np.log2(step))
    assert 16383 < np.abs(data).max() / step <= 32767
    recording = extractors.read_openephys(str(path), stream_id="0")
    assert recording.get_sampling_frequency() == TICK_HZ / 4
    assert recording.get_channel_ids().tolist() == ["A1", "A2", "A3"]
    traces = recording.get_traces()
    assert traces.dtype == np.int16
    assert np.array_equal(traces, np.rint(data / step))
    assert np.abs(recording.get_traces(return_in_uV=True) - data).max() <= step / 2


def read_neo(path):
    from neo.rawio import OpenEphysBinaryRawIO

    reader = OpenEphysBinaryRawIO(str(path))
    reader.parse_header()
    return reader


def test_neo_reads_lines_and_messages(record, tmp_path):
    made = record()
    path, _ = export(tmp_path, Cut.of(made.disk))
    reader = read_neo(path)
    channels = reader.header["event_channels"]["name"].tolist()
    lines = channels.index("nodes")
    times, durations, labels = reader.get_event_timestamps(0, 0, lines)
    ticks, data = made.memory.data["nodes"]
    on = np.unpackbits(data, axis=1, count=37, bitorder="little").astype(int)
    found = sorted(
        (round(t * TICK_HZ), int(label) - 1, round((t + d) * TICK_HZ))
        for t, d, label in zip(times, durations, labels, strict=True)
    )
    expected = []
    for line in range(37):
        change = np.diff(on[:, line])
        rises, falls = ticks[1:][change == 1], ticks[1:][change == -1]
        if len(rises) and len(falls):
            # Neo pairs each rise with the fall after it
            falls = falls[falls > rises[0]]
            expected += [(int(r), line, int(f)) for r, f in zip(rises, falls, strict=False)]
    assert found == sorted(expected)
    times, _, labels = reader.get_event_timestamps(0, 0, channels.index("Messages"))
    assert labels.tolist() == ['the ship moved µ, "left"\nand stopped', "mark 3"]
    assert np.rint(times * TICK_HZ).tolist() == [1041, 2500]


def test_raw_lines_are_every_transition(record, tmp_path):
    made = record()
    ids = made.memory.units.unit_id[[3, 17, 20]]
    path, _ = export(tmp_path, Cut.of(made.disk, unit_ids=ids, start_tick=1501))
    folder = next(path.rglob("TTL"))
    read = {f.stem: np.load(f, allow_pickle=False) for f in folder.iterdir()}
    part = made.memory.read("nodes", 1501, None, ids)
    on = part.unpacked().astype(int)
    rows, lines = np.nonzero(np.diff(on, axis=0))
    assert np.array_equal(read["sample_numbers"], part.ticks[rows + 1])
    assert np.array_equal(read["states"], np.where(on[rows + 1, lines] == 1, lines + 1, -lines - 1))
    assert np.array_equal(read["full_words"], on[rows + 1] @ [1, 2, 4])
    assert np.array_equal(read["timestamps"], part.ticks[rows + 1] / TICK_HZ)
    with (path / "channel_map.csv").open(newline="") as file:
        mapped = [(r["stream"], int(r["line"]), int(r["unit_id"])) for r in csv.DictReader(file)]
    assert mapped == [("nodes", i + 1, u) for i, u in enumerate(ids.tolist())]


def test_a_gap_ends_a_recording(record, tmp_path):
    made = record(gap=(2000, 2400))
    path, _ = export(tmp_path, Cut.of(made.disk))
    reader = read_neo(path)
    assert reader.segment_count(0) == 2
    ticks, data = made.memory.data["electrodes"]
    step = bit_volts(path)
    for segment, inside in enumerate((ticks < 2000, ticks >= 2400)):
        chunk = reader.get_analogsignal_chunk(0, segment, stream_index=0)
        assert np.array_equal(chunk, np.rint(data[inside].astype(float) / step))
        assert reader.get_signal_t_start(0, segment, 0) == pytest.approx(ticks[inside][0] / TICK_HZ)
    numbers = [np.load(f, allow_pickle=False) for f in sorted(path.rglob("TTL/sample_numbers.npy"))]
    assert not np.isin(2400, np.concatenate(numbers))  # what changed in the gap changed at no known tick


def test_too_many_lines_are_left_out_and_said(record, tmp_path):
    made = record(n_nodes=70)
    path, notes = export(tmp_path, Cut.of(made.disk))
    assert any("70 units" in note and "choose units" in note for note in notes)
    assert list(path.rglob("TTL")) == []


def test_without_electrodes_there_is_nothing_to_open(record, tmp_path):
    with pytest.raises(ExportError, match="needs electrodes"):
        export(tmp_path, Cut.of(record().disk, streams=["nodes"]))
