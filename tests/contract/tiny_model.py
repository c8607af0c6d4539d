"""A language model of a few thousand random weights, in files as published models come."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

N_TOKENS, N_LAYERS, D_MODEL, D_MLP, N_HEADS, N_KV_HEADS, N_CONTEXT = 300, 2, 16, 24, 4, 2, 64


def write_tiny_model(folder: Path, seed: int) -> Path:
    """A Llama with a vocabulary of bytes and some pairs; weights large enough that everything moves."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(
        json.dumps(
            {
                "model_type": "llama",
                "vocab_size": N_TOKENS,
                "num_hidden_layers": N_LAYERS,
                "hidden_size": D_MODEL,
                "intermediate_size": D_MLP,
                "num_attention_heads": N_HEADS,
                "num_key_value_heads": N_KV_HEADS,
                "max_position_embeddings": N_CONTEXT,
                "rms_norm_eps": 1e-5,
                "tie_word_embeddings": True,
                "bos_token_id": 0,
                "eos_token_id": 0,
            }
        )
    )
    (folder / "tokenizer.json").write_text(json.dumps(tiny_tokenizer()))
    generator = torch.Generator().manual_seed(seed)
    d_head = D_MODEL // N_HEADS

    def weight(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * (1.5 / shape[-1] ** 0.5)

    tensors = {"model.embed_tokens.weight": weight(N_TOKENS, D_MODEL), "model.norm.weight": torch.ones(D_MODEL)}
    for layer in range(N_LAYERS):
        at = f"model.layers.{layer}."
        tensors |= {
            f"{at}input_layernorm.weight": torch.ones(D_MODEL),
            f"{at}self_attn.q_proj.weight": weight(N_HEADS * d_head, D_MODEL),
            f"{at}self_attn.k_proj.weight": weight(N_KV_HEADS * d_head, D_MODEL),
            f"{at}self_attn.v_proj.weight": weight(N_KV_HEADS * d_head, D_MODEL),
            f"{at}self_attn.o_proj.weight": weight(D_MODEL, N_HEADS * d_head),
            f"{at}post_attention_layernorm.weight": torch.ones(D_MODEL),
            f"{at}mlp.gate_proj.weight": weight(D_MLP, D_MODEL),
            f"{at}mlp.up_proj.weight": weight(D_MLP, D_MODEL),
            f"{at}mlp.down_proj.weight": weight(D_MODEL, D_MLP),
        }
    save_file(tensors, folder / "model.safetensors")
    return folder


def tiny_tokenizer() -> dict[str, object]:
    """A begin token, the 256 bytes, and pairs of common letters up to N_TOKENS."""
    from subjects.language_model.vocabulary import letters_of_bytes

    letters = [*letters_of_bytes().values()]
    pairs = [(a, b) for a in "theanoris\u0120" for b in "etaoinsh"][: N_TOKENS - 257]
    vocab = {"<|endoftext|>": 0, **{letter: i + 1 for i, letter in enumerate(letters)}}
    vocab |= {a + b: 257 + i for i, (a, b) in enumerate(pairs)}
    return {
        "added_tokens": [{"id": 0, "content": "<|endoftext|>", "special": True}],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": vocab, "merges": [list(pair) for pair in pairs]},
    }
