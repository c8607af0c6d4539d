"""The parameters of a decoder, by the names that published checkpoints give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from rig.errors import AssetError
from subjects.language_model.architecture import Architecture

PRECISIONS = ("fp32", "int8")  # an engine computes in float32, with weights as they are in the file or in eight bits


@dataclass(frozen=True, eq=False)
class Norm:
    """RMSNorm where there is no bias, LayerNorm with one. Both (d,) float32."""

    weight: Tensor
    bias: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Projection:
    """y = W x + b, as the file has it.

    Attributes
    ----------
    weight : (d_out, d_in), of the file's type
    bias : (d_out,) float32, or None
    """

    weight: Tensor
    bias: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Block:
    """One layer.

    Attributes
    ----------
    qkv : d_model → queries, keys and values after each other
    out : heads' outputs after each other → d_model
    enter : d_model → gate and up after each other where the MLP is gated, up otherwise
    leave : d_mlp → d_model
    query_norm, key_norm : of each head; None for none
    """

    attention_norm: Norm
    qkv: Projection
    out: Projection
    mlp_norm: Norm
    enter: Projection
    leave: Projection
    query_norm: Norm | None = None
    key_norm: Norm | None = None


@dataclass(frozen=True, eq=False)
class Parameters:
    """Of a whole decoder.

    Attributes
    ----------
    embedding : (n_tokens, d_model), of the file's type
    positions : (n_context, d_model) where they are learned
    unembedding : d_model → n_tokens
    """

    embedding: Tensor
    positions: Tensor | None
    blocks: tuple[Block, ...]
    final_norm: Norm
    unembedding: Projection


class _Taker:
    """Takes tensors out of a checkpoint, checking their shapes."""

    def __init__(self, tensors: Mapping[str, Tensor], prefixes: tuple[str, ...], device: str) -> None:
        self._tensors, self._prefixes, self._device = tensors, prefixes, device

    def find(self, name: str) -> Tensor | None:
        return next((self._tensors[p + name] for p in self._prefixes if p + name in self._tensors), None)

    def take(self, name: str, *shape: int) -> Tensor:
        tensor = self.find(name)
        if tensor is None:
            raise AssetError(f"the model's weights have no {name!r}; the file is cut short or of another family")
        if tuple(tensor.shape) != shape:
            raise AssetError(
                f"the model's weights have {name!r} of shape {tuple(tensor.shape)}, config.json says {shape}; "
                "the files do not belong together"
            )
        kept = tensor.dtype in (torch.float32, torch.float16, torch.bfloat16)
        return tensor.to(self._device, None if kept else torch.float32)

    def vector(self, name: str, n: int) -> Tensor:
        return self.take(name, n).float()

    def maybe(self, name: str, n: int) -> Tensor | None:
        return None if self.find(name) is None else self.vector(name, n)


def build_parameters(a: Architecture, tensors: Mapping[str, Tensor], device: str) -> Parameters:
    """Raises AssetError : a tensor is missing or of another shape than the architecture says."""
    if not a.llama:
        return _gpt2(a, _Taker(tensors, ("transformer.", ""), device))
    take = _Taker(tensors, ("model.", ""), device)
    rows = take.take("embed_tokens.weight", a.n_tokens, a.d_model)
    out_rows = rows if a.tied else _Taker(tensors, ("",), device).take("lm_head.weight", a.n_tokens, a.d_model)
    return Parameters(
        embedding=rows,
        positions=None,
        blocks=tuple(_llama_block(a, take, f"layers.{i}.") for i in range(a.n_layers)),
        final_norm=Norm(take.vector("norm.weight", a.d_model)),
        unembedding=Projection(out_rows),
    )


def _llama_block(a: Architecture, t: _Taker, at: str) -> Block:
    n_q, n_kv = a.n_heads * a.d_head, a.n_kv_heads * a.d_head
    parts = [("q", n_q), ("k", n_kv), ("v", n_kv)]
    qkv = torch.cat([t.take(f"{at}self_attn.{p}_proj.weight", n, a.d_model) for p, n in parts])
    biases = [t.maybe(f"{at}self_attn.{p}_proj.bias", n) for p, n in parts]
    qkv_bias = torch.cat([b for b in biases if b is not None]) if all(b is not None for b in biases) else None
    gate_up = torch.cat([t.take(f"{at}mlp.{p}_proj.weight", a.d_mlp, a.d_model) for p in ("gate", "up")])
    gate_up_biases = [t.maybe(f"{at}mlp.{p}_proj.bias", a.d_mlp) for p in ("gate", "up")]
    both = torch.cat([b for b in gate_up_biases if b is not None]) if gate_up_biases[0] is not None else None
    down = t.take(f"{at}mlp.down_proj.weight", a.d_model, a.d_mlp)
    return Block(
        attention_norm=Norm(t.vector(f"{at}input_layernorm.weight", a.d_model)),
        qkv=Projection(qkv, qkv_bias),
        out=Projection(
            t.take(f"{at}self_attn.o_proj.weight", a.d_model, n_q), t.maybe(f"{at}self_attn.o_proj.bias", a.d_model)
        ),
        mlp_norm=Norm(t.vector(f"{at}post_attention_layernorm.weight", a.d_model)),
        enter=Projection(gate_up, both),
        leave=Projection(down, t.maybe(f"{at}mlp.down_proj.bias", a.d_model)),
        query_norm=Norm(t.vector(f"{at}self_attn.q_norm.weight", a.d_head)) if a.query_key_norm else None,
        key_norm=Norm(t.vector(f"{at}self_attn.k_norm.weight", a.d_head)) if a.query_key_norm else None,
    )


def _gpt2(a: Architecture, t: _Taker) -> Parameters:
    def norm(at: str) -> Norm:
        return Norm(t.vector(f"{at}.weight", a.d_model), t.vector(f"{at}.bias", a.d_model))

    def conv1d(at: str, d_in: int, d_out: int) -> tuple[Tensor, Tensor]:
        """GPT-2 keeps its matrices the other way round."""
        return t.take(f"{at}.weight", d_in, d_out).T.contiguous(), t.vector(f"{at}.bias", d_out)

    def block(at: str) -> Block:
        return Block(
            attention_norm=norm(f"{at}ln_1"),
            qkv=Projection(*conv1d(f"{at}attn.c_attn", a.d_model, 3 * a.d_model)),
            out=Projection(*conv1d(f"{at}attn.c_proj", a.d_model, a.d_model)),
            mlp_norm=norm(f"{at}ln_2"),
            enter=Projection(*conv1d(f"{at}mlp.c_fc", a.d_model, a.d_mlp)),
            leave=Projection(*conv1d(f"{at}mlp.c_proj", a.d_mlp, a.d_model)),
        )

    rows = t.take("wte.weight", a.n_tokens, a.d_model)
    return Parameters(
        embedding=rows,
        positions=t.take("wpe.weight", a.n_context, a.d_model).float(),
        blocks=tuple(block(f"h.{i}.") for i in range(a.n_layers)),
        final_norm=norm("ln_f"),
        unembedding=Projection(rows),
    )
