"""The engine that runs on a processor's own kernels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subjects.language_model.architecture import Architecture
from subjects.language_model.cpu.arithmetic import GELU, GELU_TANH, N_OUT, SILU
from subjects.language_model.cpu.block import read_block, scratch_of_block, unembed_block
from subjects.language_model.cpu.one import HEADS, N_STAGES, NEURONS, RESIDUAL, read_one, scratch_of_one
from subjects.language_model.cpu.packed import LEAVE, QKV, n_padded, pack
from subjects.language_model.cpu.team import Team
from subjects.language_model.decoder import BLOCK_ROWS, rope_frequencies
from subjects.language_model.edits import NO_EDITS, Edits
from subjects.language_model.parameters import Parameters
from subjects.language_model.trace import Trace

ACTIVATIONS = {"silu": SILU, "gelu": GELU, "gelu_tanh": GELU_TANH}
MIN_BYTES_A_THREAD = 8 << 20  # of weights: waking a thread for less takes longer than it saves


@dataclass(frozen=True, eq=False)
class CpuCache:
    """Keys and values of the positions read so far: (n_layers, n_kv_heads, n_context, d_head padded) float32 each."""

    keys: NDArray[np.float32]
    values: NDArray[np.float32]


class CpuDecoder:
    """Follows `subjects.language_model.engine.Engine`; what it computes is said in `subjects.language_model.decoder`.

    Parameters
    ----------
    a, parameters : of the model
    precision : one of `parameters.PRECISIONS`
    n_context : positions that can be read, a multiple of BLOCK_ROWS
    n_threads : at most; the same bits whatever it is
    """

    device = "cpu"

    def __init__(
        self, a: Architecture, parameters: Parameters, precision: str, n_context: int, n_threads: int = 1
    ) -> None:
        self.a, self.n_context = a, n_context
        self.n_layers, self.d_mlp, self.n_heads = a.n_layers, a.d_mlp, a.n_heads
        self.d_head, self.d_model, self.n_tokens = a.d_head, a.d_model, a.n_tokens
        self._packed = packed = pack(a, parameters, precision)
        self._weights = (packed.store, packed.vectors, packed.matrices, packed.norms)
        self._sizes = np.array(
            [
                a.n_layers, a.d_model, a.d_mlp, a.n_heads, a.n_kv_heads, a.d_head, n_padded(a.d_head), a.n_tokens,
                packed.kind, packed.embedding_kind, ACTIVATIONS[a.activation], a.rotary, packed.positions,
                a.n_layers * (a.d_mlp + a.n_heads),
            ],
            np.int64,
        )  # fmt: skip
        self._eps = np.float32(a.norm_eps)
        self._turns = _turns(a, n_context)
        self._team = Team(max(1, min(n_threads, len(packed.store) // MIN_BYTES_A_THREAD)))
        n_ranks, n_qkv = self._team.n_ranks, int(packed.matrices[0, QKV, N_OUT])
        widest = n_padded(max(a.d_model, a.d_mlp, a.n_heads * a.d_head))
        self._one = scratch_of_one(self._sizes, n_ranks, n_context, n_qkv)
        self._block = scratch_of_block(self._sizes, n_ranks, n_context, n_qkv, widest)
        self._compile()

    def _compile(self) -> None:
        """Have numba compile, where it never did, while the model is opened and not at its first token: no stages."""
        none = self.n_layers * N_STAGES + 1
        cache, rows = self.new_cache(), np.zeros((1, 1), np.float32)
        heads = np.zeros((1, 1, 1, 1), np.float32)
        with_all = (self._sizes, self._eps, self._weights, self._turns, (cache.keys, cache.values))
        trace = (rows, heads, heads, rows)
        self._team.run(read_one, none, none, 0, 0, *with_all, self._one, trace, False)
        self._team.run(
            read_block, none, none, np.zeros(BLOCK_ROWS, np.int64), 0, (0, 0), *with_all, self._block, trace, False
        )

    @property
    def n_weight_bytes(self) -> int:
        """Of weights that are read for each token."""
        return sum(int(m[1] * m[3]) for layer in self._packed.matrices[:-1] for m in layer if m[0] >= 0) + int(
            self._packed.matrices[-1, 0, 1] * self.n_tokens
        )

    def new_cache(self) -> CpuCache:
        shape = (self.n_layers, self.a.n_kv_heads, self.n_context, n_padded(self.d_head))
        return CpuCache(np.zeros(shape, np.float32), np.zeros(shape, np.float32))

    def cut(self, cache: CpuCache, n: int) -> None:
        cache.keys[:, :, n:], cache.values[:, :, n:] = 0, 0

    def cache_bytes(self, cache: CpuCache, n: int) -> bytes:
        return b"".join(t[:, :, :n, : self.d_head].tobytes() for t in (cache.keys, cache.values))

    def load_cache(self, cache: CpuCache, blob: bytes, n: int) -> None:
        both = np.frombuffer(blob, np.float32).reshape(2, self.n_layers, self.a.n_kv_heads, n, self.d_head)
        self.cut(cache, n)
        cache.keys[:, :, :n, : self.d_head], cache.values[:, :, :n, : self.d_head] = both

    def written_by(self, layer: int, neuron: int) -> Tensor:
        return torch.from_numpy(self._packed.rows(layer, LEAVE, self.d_mlp)[:, neuron].copy())

    def one(self, token: int, position: int, cache: CpuCache, edits: Edits, trace: Trace) -> None:
        """Read one token at a position; row 0 of the trace is filled."""
        x, z, post = (torch.from_numpy(self._one[i]) for i in (0, 5, 7))
        for first, stop in self._runs((edits,)):
            self._team.run(
                read_one, first, stop, token, position, self._sizes, self._eps, self._weights, self._turns,
                (cache.keys, cache.values), self._one, trace.arrays, trace.wants_pattern,
            )  # fmt: skip
            self._edit(stop, edits, x[: self.d_model], z[: self.n_heads * self.d_head], post[: self.d_mlp])
        if edits.logits is not None:
            edits.logits.apply(trace.logits[0])

    def block(
        self, tokens: Sequence[int], position: int, cache: CpuCache, edits: Sequence[Edits], trace: Trace
    ) -> slice:
        """Read tokens at positions from `position` on, not beyond the block that it lies in.

        Parameters
        ----------
        tokens, edits : of these positions
        trace : of BLOCK_ROWS rows

        Returns
        -------
        the rows of the trace that hold them
        """
        first_lane = position % BLOCK_ROWS
        rows = slice(first_lane, first_lane + len(tokens))
        padded = np.zeros(BLOCK_ROWS, np.int64)
        padded[rows] = tokens
        x, z, post = (torch.from_numpy(self._block[i]) for i in (0, 5, 7))
        for first, stop in self._runs(edits):
            self._team.run(
                read_block, first, stop, padded, position - first_lane, (rows.start, rows.stop), self._sizes,
                self._eps, self._weights, self._turns, (cache.keys, cache.values), self._block, trace.arrays,
                trace.wants_pattern,
            )  # fmt: skip
            for lane, edit in enumerate(edits, start=first_lane):
                if edit is not NO_EDITS:
                    d_z = self.n_heads * self.d_head
                    self._edit(stop, edit, x[: self.d_model, lane], z[:d_z, lane], post[: self.d_mlp, lane])
        for lane, edit in enumerate(edits, start=first_lane):
            if edit.logits is not None:
                edit.logits.apply(trace.logits[lane])
        return rows

    def unembed(self, x: Tensor) -> Tensor:
        """(n, d_model) residual stream → (n, n_tokens) logits; of an early layer this is the logit lens."""
        logits = torch.empty(len(x), self.n_tokens)
        out = np.empty((BLOCK_ROWS, self.n_tokens), np.float32)
        for start in range(0, len(x), BLOCK_ROWS):
            part = x[start : start + BLOCK_ROWS]
            self._block[0][: self.d_model, : len(part)] = part.numpy().T
            self._team.run(unembed_block, self._sizes, self._eps, self._weights, self._block, out)
            logits[start : start + len(part)] = torch.from_numpy(out[: len(part)])
        return logits

    def _runs(self, edits: Sequence[Edits]) -> Iterator[tuple[int, int]]:
        """First and stop of the stages that go in one call: edits are made between calls."""
        stops = {self.n_layers * N_STAGES + 1}
        for edit in edits:
            if edit is not NO_EDITS:
                for part, layers in (
                    (HEADS, edit.heads),
                    (NEURONS, edit.neurons),
                    (RESIDUAL, {**edit.residual, **edit.directions}),
                ):
                    stops |= {layer * N_STAGES + part + 1 for layer in layers}
        first = 0
        for stop in sorted(stops):
            yield first, stop
            first = stop

    def _edit(self, stop: int, edits: Edits, x: Tensor, z: Tensor, post: Tensor) -> None:
        """What the stage before `stop` left, in place."""
        layer, part = divmod(stop - 1, N_STAGES)
        if part == HEADS:
            for head in edits.heads.get(layer, ()):
                head.apply(z.view(self.n_heads, self.d_head))
        elif part == NEURONS:
            if (neurons := edits.neurons.get(layer)) is not None:
                neurons.apply(post)
        else:
            if (residual := edits.residual.get(layer)) is not None:
                residual.apply(x)
            for direction in edits.directions.get(layer, ()):
                direction.apply(x)


def _turns(a: Architecture, n_context: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n_context, d_head / 2) cosines and sines; empty where positions are learned."""
    if not a.rotary:
        return np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32)
    angle = torch.outer(torch.arange(n_context, dtype=torch.float32), rope_frequencies(a))
    return angle.cos().numpy(), angle.sin().numpy()
