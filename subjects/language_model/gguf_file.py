"""Weights and vocabulary from a GGUF file, as llama.cpp keeps them; read with the library ``gguf`` of the extra.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. The rows of llama's query and key matrices lie there
with the two halves of each head interleaved, for a rotation of neighbouring pairs; they are put back in the order of
the published checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rig.errors import AssetError

MODEL_TYPES = ("llama", "qwen2", "qwen3", "gpt2")
CONTROL_TOKEN = 3  # in tokenizer.ggml.token_type

_LLAMA_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "token_embd": "embed_tokens",
    "output_norm": "norm",
    "output": "lm_head",
}
_GPT2_NAMES = {
    "attn_norm": "ln_1",
    "attn_qkv": "attn.c_attn",
    "attn_output": "attn.c_proj",
    "ffn_norm": "ln_2",
    "ffn_up": "mlp.c_fc",
    "ffn_down": "mlp.c_proj",
    "token_embd": "wte",
    "position_embd": "wpe",
    "output_norm": "ln_f",
    "output": "lm_head",
}
_TRANSPOSED = ("attn_qkv", "attn_output", "ffn_up", "ffn_down")  # in GPT-2's checkpoints
_WORDS: Mapping[str, Any] = {
    "gpt-2": [],
    "smollm": [{"type": "Digits", "individual_digits": True}],
}
"""What comes before GPT-2's division into words, by ``tokenizer.ggml.pre``."""

_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_PATTERNS = {"qwen2": _QWEN2, "llama-bpe": _QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")}
"""Patterns that replace it (as published in the tokenizer.json of Qwen2 and Llama 3)."""


def read_gguf(path: Path) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Any]]:
    """A model out of one file.

    Returns
    -------
    config : as a config.json
    tensors : float32, by the names of published checkpoints
    vocabulary : as a tokenizer.json

    Raises
    ------
    AssetError : foreign, cut short, of a family or vocabulary that is not known, or the library is not installed.
    """
    try:
        import gguf
    except ImportError:
        raise AssetError(
            f"asked for {path}; reading GGUF needs a library that is not here: run pip install 'headstage[language]'"
        ) from None
    try:
        reader = gguf.GGUFReader(path)
        facts = {name: field.contents() for name, field in reader.fields.items()}
        model_type = str(facts["general.architecture"])
        if model_type not in MODEL_TYPES:
            raise AssetError(f"asked for {path}, a {model_type}; of GGUF files {', '.join(MODEL_TYPES)} are known")
        config = _config(facts, model_type, {t.name for t in reader.tensors})
        tensors = {}
        for tensor in reader.tensors:
            if not tensor.name.startswith("rope_"):
                values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
                name, array = _published(tensor.name, values, model_type, config)
                tensors[name] = torch.from_numpy(np.array(array, np.float32, order="C"))
        return config, tensors, _vocabulary(facts, path)
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, NotImplementedError) as error:
        raise AssetError(f"{path} cannot be read as GGUF ({type(error).__name__}: {error}); fetch it again") from None


def _config(facts: Mapping[str, Any], model_type: str, names: set[str]) -> dict[str, Any]:
    def fact(key: str, default: Any = None) -> Any:
        found = facts.get(f"{model_type}.{key}", default)
        if found is None:
            raise KeyError(f"{model_type}.{key}")
        return found

    common = {
        "model_type": model_type,
        "vocab_size": len(facts["tokenizer.ggml.tokens"]),
        "bos_token_id": facts.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": facts.get("tokenizer.ggml.eos_token_id"),
        "tie_word_embeddings": "output.weight" not in names,
    }
    n_heads = int(fact("attention.head_count"))
    if model_type == "gpt2":
        return common | {
            "n_layer": fact("block_count"),
            "n_embd": fact("embedding_length"),
            "n_inner": fact("feed_forward_length"),
            "n_head": n_heads,
            "n_positions": fact("context_length"),
            "layer_norm_epsilon": fact("attention.layer_norm_epsilon"),
        }
    scaling = (
        {"rope_type": facts[f"{model_type}.rope.scaling.type"]} if f"{model_type}.rope.scaling.type" in facts else {}
    )
    if scaling.get("rope_type") == "linear":
        scaling["factor"] = fact("rope.scaling.factor")
    if "rope_freqs.weight" in names:
        raise ValueError("its rotation is scaled by a table; use the safetensors of this model")
    return common | {
        "num_hidden_layers": fact("block_count"),
        "hidden_size": fact("embedding_length"),
        "intermediate_size": fact("feed_forward_length"),
        "num_attention_heads": n_heads,
        "num_key_value_heads": fact("attention.head_count_kv", n_heads),
        "head_dim": fact("attention.key_length", int(fact("embedding_length")) // n_heads),
        "max_position_embeddings": fact("context_length"),
        "rms_norm_eps": fact("attention.layer_norm_rms_epsilon"),
        "rope_theta": fact("rope.freq_base", 10000.0),
        "rope_scaling": scaling if scaling.get("rope_type") not in (None, "none") else {},
    }


def _published(name: str, values: NDArray[Any], model_type: str, config: Mapping[str, Any]) -> tuple[str, NDArray[Any]]:
    """A tensor's name and orientation in published checkpoints."""
    names = _GPT2_NAMES if model_type == "gpt2" else _LLAMA_NAMES
    stem, _, suffix = name.rpartition(".")
    at = ""
    if stem.startswith("blk."):
        _, number, stem = stem.split(".", 2)
        at = f"h.{number}." if model_type == "gpt2" else f"layers.{number}."
    if model_type == "gpt2" and stem in _TRANSPOSED and suffix == "weight":
        values = values.T
    if model_type == "llama" and stem in ("attn_q", "attn_k"):
        n_heads = config["num_attention_heads" if stem == "attn_q" else "num_key_value_heads"]
        values = values.reshape(n_heads, -1, 2, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)
    return f"{at}{names[stem]}.{suffix}", values


def _vocabulary(facts: Mapping[str, Any], path: Path) -> dict[str, Any]:
    kind, words = facts["tokenizer.ggml.model"], facts.get("tokenizer.ggml.pre", "gpt-2")
    if kind != "gpt2" or (words not in _WORDS and words not in _PATTERNS):
        raise AssetError(
            f"asked for {path}, whose vocabulary is {kind}/{words}; of GGUF files only byte pairs of "
            f"{', '.join([*_WORDS, *_PATTERNS])} are known: use the safetensors of this model"
        )
    tokens: list[str] = facts["tokenizer.ggml.tokens"]
    types = facts["tokenizer.ggml.token_type"]
    divisions: list[dict[str, Any]]
    if words in _PATTERNS:
        divisions = [_split(_PATTERNS[words]), _byte_level(use_regex=False)]
    else:
        divisions = [*_WORDS[words], _byte_level(use_regex=True)]
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": i, "content": token, "special": True, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False}
            for i, token in enumerate(tokens) if types[i] == CONTROL_TOKEN
        ],
        "normalizer": None,
        "pre_tokenizer": divisions[0] if len(divisions) == 1 else {"type": "Sequence", "pretokenizers": divisions},
        "post_processor": None,
        "decoder": _byte_level(use_regex=True),
        "model": {
            "type": "BPE",
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": facts["tokenizer.ggml.merges"],
        },
    }  # fmt: skip


def _byte_level(*, use_regex: bool) -> dict[str, Any]:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


def _split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
