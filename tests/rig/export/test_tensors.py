"""safetensors, read back by the format's own library."""

from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from rig.errors import ExportError
from rig.export import tensors
from rig.export.source import Cut
from rig.session import Session
from rig.storage.recording import Recording
from rig.streams import Chunk, StreamInfo, StreamKind


def export(tmp_path, cut):
    path = tmp_path / "out.safetensors"
    tensors.write(cut, path, lambda fraction: None)
    tensors.verify(path, cut)
    return path


def metadata(path):
    with safetensors.safe_open(str(path), "numpy") as file:
        return {name: json.loads(value) for name, value in file.metadata().items()}


@pytest.mark.parametrize("gap", [None, (2000, 2400)], ids=["whole", "gap"])
def test_every_stream_comes_back_bit_for_bit(record, tmp_path, gap):
    made = record(gap=gap)
    path = export(tmp_path, Cut.of(made.disk))
    found = safetensors.numpy.load_file(path)
    for name, info in made.memory.streams.items():
        ticks, data = made.memory.data[name]
        np.testing.assert_array_equal(found[f"{name}.tick"], ticks)
        if info.dtype.names is None:
            assert found[name].dtype == data.dtype.newbyteorder("=")
            np.testing.assert_array_equal(found[name], data)
        else:
            for sub in info.dtype.names:
                np.testing.assert_array_equal(found[f"{name}.{sub}"], data[sub])
        if info.unit_ids is not None:
            np.testing.assert_array_equal(found[f"{name}.unit_id"], info.unit_ids)
    ticks, data = made.memory.data["nodes"]
    on = np.unpackbits(data, axis=1, count=37, bitorder="little")
    rises = (on[1:] == 1) & (on[:-1] == 0) & (np.diff(ticks) == 1)[:, None]
    at, channel = np.nonzero(rises)
    np.testing.assert_array_equal(found["nodes.spike_tick"], ticks[1:][at])
    np.testing.assert_array_equal(found["nodes.spike_unit_id"], made.memory.streams["nodes"].unit_ids[channel])
    told = metadata(path)
    assert told["units"]["name"] == list(made.memory.units.name)
    assert told["session"]["subject"]["name"] == made.memory.header.info.name
    assert told["streams"]["nodes"]["packed"]


def test_words_and_halves(record, tmp_path):
    words = np.array([b"Once", b"upon", "µ".encode(), b"a"])
    letters = np.array(["Once", "upon", "µ", "a"])
    halves = np.arange(12, dtype=">f2").reshape(4, 3)
    ticks = np.array([1000, 1007, 1008, 1100])
    more = [
        (StreamInfo(name, "", StreamKind.VALUES, data.dtype, data.shape[1:], None), Chunk(name, 1000, data, ticks))
        for name, data in (("words", words), ("letters", letters), ("halves", halves))
    ]
    found = safetensors.numpy.load_file(export(tmp_path, Cut.of(record(more=more).disk)))
    assert [bytes(row[row != 0]).decode() for row in found["words"]] == ["Once", "upon", "µ", "a"]
    assert ["".join(map(chr, row[row != 0])) for row in found["letters"]] == ["Once", "upon", "µ", "a"]
    np.testing.assert_array_equal(found["halves"], halves.astype("<f2"))


def test_a_models_activations_go_by_the_names_of_its_hooks(tmp_path):
    with Session("language-model", {"threads": "1"}, seed=2) as session:
        for name in ("activity", "spikes", "head_output", "token"):
            session.watch(name)
        session.start_recording(tmp_path / "model.rig")
        session.advance(30)
    with Recording.open(tmp_path / "model.rig") as recording:
        found = safetensors.numpy.load_file(export(tmp_path, Cut.of(recording)))
        activity, units = recording.read("activity").data, recording.units
        z = recording.read("head_output").data
    n_layers = max(units.extra["layer"]) + 1
    for layer in range(n_layers):
        for letter, hook in (("N", "mlp.hook_post"), ("R", "hook_resid_post"), ("H", "attn.hook_z.norm")):
            rows = [i for i, name in enumerate(units.name) if name.startswith(f"L{layer}{letter}")]
            np.testing.assert_array_equal(found[f"blocks.{layer}.{hook}"], activity[:, rows])
    np.testing.assert_array_equal(found["head_output"], z)
    norms = np.concatenate([found[f"blocks.{layer}.attn.hook_z.norm"] for layer in range(n_layers)], axis=1)
    np.testing.assert_allclose(np.linalg.norm(z, axis=2), norms, rtol=1e-5)
    rest = [i for i, name in enumerate(units.name) if name.startswith(("dir", "token"))]
    np.testing.assert_array_equal(found["activity"], activity[:, rest])
    assert found["token.token"].shape == (30,)


def test_a_damaged_file_is_told(record, tmp_path):
    cut = Cut.of(record().disk)
    path = export(tmp_path, cut)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ExportError, match="export it again"):
        tensors.verify(path, cut)
