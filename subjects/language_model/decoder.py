"""A decoder-only transformer, to be read and to be recorded from.

    x = embedding[token] (+ positions)                    hook_embed
    for each layer:
        q, k, v = qkv(norm(x)), rotated by position       attn.hook_q, hook_k, hook_v
        p = softmax(q·k / √d_head) over positions so far  attn.hook_pattern
        z = Σ p v                                         attn.hook_z
        x = x + out(z)                                    hook_resid_mid
        a = act(gate(norm(x))) · up(norm(x))              mlp.hook_post
        x = x + leave(a)                                  hook_resid_post
    logits = unembedding(norm(x))

Vaswani et al. 2017 (arXiv:1706.03762); RMSNorm: Zhang & Sennrich 2019 (1910.07467); rotary positions: Su et al. 2021
(2104.09864); gated MLP: Shazeer 2020 (2002.05202); grouped queries: Ainslie et al. 2023 (2305.13245). The hooks are
named as in TransformerLens.

Two ways through it. One token: bound by memory. A block of `BLOCK_ROWS` positions at a multiple of it: bound by
arithmetic, for text that is known beforehand. The same position gives other last bits on the other way, but on each way
a row depends on nothing but the text before it and its edits, not on what else is in its block: the shapes are always
the same. That is what makes runs repeat bit for bit however their ticks are divided.

This decoder runs wherever torch does; on a processor `subjects.language_model.cpu` computes the same, faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from subjects.language_model.architecture import Architecture
from subjects.language_model.edits import NO_EDITS, Edits
from subjects.language_model.matrix import MATRICES, Matrix
from subjects.language_model.parameters import Block, Norm, Parameters, Projection
from subjects.language_model.trace import Trace

BLOCK_ROWS = 16

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
}


class Cache:
    """Keys and values of the positions read so far: (n_layers, n_kv_heads, n_context, d_head) float32 each."""

    def __init__(self, a: Architecture, n_context: int, device: str = "cpu") -> None:
        shape = (a.n_layers, a.n_kv_heads, n_context, a.d_head)
        self.keys, self.values = torch.zeros(shape, device=device), torch.zeros(shape, device=device)


@dataclass(frozen=True, eq=False)
class _Matrices:
    """Of one layer, as `parameters.Block` has them."""

    qkv: Matrix
    out: Matrix
    enter: Matrix
    leave: Matrix


class Decoder:
    """See the module.

    Parameters
    ----------
    a, parameters : of the model
    precision : one of `parameters.PRECISIONS`
    n_context : positions that can be read, a multiple of BLOCK_ROWS
    """

    def __init__(
        self, a: Architecture, parameters: Parameters, precision: str, n_context: int, device: str = "cpu"
    ) -> None:
        self.a, self.parameters, self.n_context, self.device = a, parameters, n_context, device

        def matrix(p: Projection) -> Matrix:
            return MATRICES[precision](p.weight, p.bias)

        self._embedding = parameters.embedding.float()
        self._matrices = [
            _Matrices(matrix(b.qkv), matrix(b.out), matrix(b.enter), matrix(b.leave)) for b in parameters.blocks
        ]
        self._unembedding = matrix(parameters.unembedding)
        self._act = _ACTIVATIONS[a.activation]
        self._group = a.n_heads // a.n_kv_heads
        self._scale = 1.0 / math.sqrt(a.d_head)
        if a.rotary:
            angle = torch.outer(torch.arange(n_context, dtype=torch.float32), rope_frequencies(a))
            self._cos = angle.cos().repeat(1, 2).to(device)
            self._sin = torch.cat((-angle.sin(), angle.sin()), dim=1).to(device)
        self.n_layers, self.d_mlp, self.n_heads = a.n_layers, a.d_mlp, a.n_heads
        self.d_head, self.d_model, self.n_tokens = a.d_head, a.d_model, a.n_tokens
        order = torch.arange(BLOCK_ROWS, device=device)
        self._future = torch.where(order[:, None] < order[None, :], -torch.inf, 0.0)  # (row, key) inside a block

    def new_cache(self) -> Cache:
        return Cache(self.a, self.n_context, self.device)

    def cut(self, cache: Cache, n: int) -> None:
        """Forget all positions from n on, so that nothing of them, not even a NaN, is met again."""
        cache.keys[:, :, n:], cache.values[:, :, n:] = 0, 0

    def cache_bytes(self, cache: Cache, n: int) -> bytes:
        return b"".join(t[:, :, :n].cpu().contiguous().numpy().tobytes() for t in (cache.keys, cache.values))

    def load_cache(self, cache: Cache, blob: bytes, n: int) -> None:
        both = np.frombuffer(blob, np.float32).reshape(2, self.n_layers, self.a.n_kv_heads, n, self.d_head)
        self.cut(cache, n)
        cache.keys[:, :, :n], cache.values[:, :, :n] = torch.from_numpy(both.copy())

    def written_by(self, layer: int, neuron: int) -> Tensor:
        return self._matrices[layer].leave.column(neuron)

    @torch.inference_mode()
    def one(self, token: int, position: int, cache: Cache, edits: Edits, trace: Trace) -> None:
        """Read one token at a position; row 0 of the trace is filled."""
        self._read(torch.tensor([token], device=self.device), position, slice(0, 1), cache, (edits,), trace)

    @torch.inference_mode()
    def block(self, tokens: Sequence[int], position: int, cache: Cache, edits: Sequence[Edits], trace: Trace) -> slice:
        """Read tokens at positions from `position` on, not beyond the block that it lies in.

        Parameters
        ----------
        tokens, edits : of these positions
        trace : of BLOCK_ROWS rows

        Returns
        -------
        the rows of the trace that hold them
        """
        first = position % BLOCK_ROWS
        rows = slice(first, first + len(tokens))
        padded = torch.zeros(BLOCK_ROWS, dtype=torch.int64, device=self.device)
        padded[rows] = torch.tensor(list(tokens), device=self.device)
        spread = [NO_EDITS] * BLOCK_ROWS
        spread[rows] = edits
        self._read(padded, position - first, rows, cache, spread, trace)
        return rows

    def _read(
        self, tokens: Tensor, start: int, rows: slice, cache: Cache, edits: Sequence[Edits], trace: Trace
    ) -> None:
        """(n,) tokens at the positions from start on, of which `rows` are new and go into the cache."""
        stop = start + len(tokens)
        x = self._embedding[tokens]  # (n, d_model)
        if self.parameters.positions is not None:
            x = x + self.parameters.positions[start:stop]
        for layer, (block, matrices) in enumerate(zip(self.parameters.blocks, self._matrices, strict=True)):
            z = self._attention(layer, block, x, start, rows, cache, trace)
            for row, edit in enumerate(edits):
                for head in edit.heads.get(layer, ()):
                    head.apply(z[row])
            trace.z[: len(z), layer] = z
            x = x + matrices.out(z.flatten(1))
            entered = matrices.enter(self._norm(x, block.mlp_norm))
            if self.a.gated:
                gate, up = entered.chunk(2, dim=-1)
                post = self._act(gate) * up  # (n, d_mlp)
            else:
                post = self._act(entered)
            for row, edit in enumerate(edits):
                if (neurons := edit.neurons.get(layer)) is not None:
                    neurons.apply(post[row])
            trace.neurons[: len(post), layer] = post
            x = x + matrices.leave(post)
            self._edit_residual(layer, x, edits)
            trace.residual[: len(x), layer] = x
        logits = self.unembed(x)
        for row, edit in enumerate(edits):
            if edit.logits is not None:
                edit.logits.apply(logits[row])
        trace.logits[: len(logits)] = logits

    @torch.inference_mode()
    def unembed(self, x: Tensor) -> Tensor:
        """(n, d_model) residual stream → (n, n_tokens) logits; of an early layer this is the logit lens."""
        return self._unembedding(self._norm(x, self.parameters.final_norm))

    def _attention(
        self, layer: int, block: Block, x: Tensor, start: int, rows: slice, cache: Cache, trace: Trace
    ) -> Tensor:
        """(n, n_heads, d_head) outputs of the heads."""
        a, n, stop = self.a, len(x), start + len(x)
        qkv = self._matrices[layer].qkv(self._norm(x, block.attention_norm)).view(n, -1, a.d_head)
        qk, v = qkv[:, : a.n_heads + a.n_kv_heads], qkv[:, a.n_heads + a.n_kv_heads :]  # (n, heads, d_head)
        if block.query_norm is not None and block.key_norm is not None:
            q, k = qk[:, : a.n_heads], qk[:, a.n_heads :]
            qk = torch.cat((self._norm(q, block.query_norm), self._norm(k, block.key_norm)), dim=1)
        if a.rotary:  # halves are paired; sin has the sign of the first half turned
            half = qk.roll(a.d_head // 2, dims=-1)
            qk = qk * self._cos[start:stop, None] + half * self._sin[start:stop, None]
        q, k = qk[:, : a.n_heads], qk[:, a.n_heads :]
        new = slice(start + rows.start, start + rows.stop)
        cache.keys[layer, :, new] = k[rows].transpose(0, 1)
        cache.values[layer, :, new] = v[rows].transpose(0, 1)
        q = q.view(n, a.n_kv_heads, self._group, a.d_head).transpose(0, 1)  # (n_kv_heads, n, group, d_head)
        scores = q.reshape(a.n_kv_heads, -1, a.d_head) @ cache.keys[layer, :, :stop].transpose(1, 2) * self._scale
        scores = scores.view(a.n_kv_heads, n, self._group, stop)
        if n > 1:
            scores[..., start:] += self._future[None, :, None]
        pattern = scores.softmax(-1)
        if trace.wants_pattern:
            trace.pattern[:n, layer, :, :stop] = pattern.transpose(0, 1).reshape(n, a.n_heads, stop)
        z = pattern.view(a.n_kv_heads, -1, stop) @ cache.values[layer, :, :stop]
        return z.view(a.n_kv_heads, n, self._group, a.d_head).transpose(0, 1).reshape(n, a.n_heads, a.d_head)

    def _edit_residual(self, layer: int, x: Tensor, edits: Sequence[Edits]) -> None:
        for row, edit in enumerate(edits):
            if (residual := edit.residual.get(layer)) is not None:
                residual.apply(x[row])
            for direction in edit.directions.get(layer, ()):
                direction.apply(x[row])

    def _norm(self, x: Tensor, norm: Norm) -> Tensor:
        if norm.bias is None:
            return F.rms_norm(x, norm.weight.shape, norm.weight, self.a.norm_eps)
        return F.layer_norm(x, norm.weight.shape, norm.weight, norm.bias, self.a.norm_eps)


def rope_frequencies(a: Architecture) -> Tensor:
    """(d_head / 2,) float32, radians a position, with the scaling that long contexts were trained with.

    ``llama3``: Dubey et al. 2024 (arXiv:2407.21783); wavelengths longer than the old context are stretched by the
    factor, short ones are not, those between change smoothly.
    """
    frequency = a.rope_theta ** (-torch.arange(0, a.d_head, 2, dtype=torch.float32) / a.d_head)
    if not a.rope_scaling:
        return frequency
    factor = float(a.rope_scaling["factor"])
    if a.rope_scaling["rope_type"] == "linear":
        return frequency / factor
    low, high = float(a.rope_scaling["low_freq_factor"]), float(a.rope_scaling["high_freq_factor"])
    n_turns = float(a.rope_scaling["original_max_position_embeddings"]) * frequency / (2 * math.pi)
    smooth = ((n_turns - low) / (high - low)).clamp(0.0, 1.0)
    return frequency * (smooth + (1.0 - smooth) / factor)
