"""The weights of a decoder as the kernels read them: one buffer in the order of use, as narrow as in their file."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subjects.language_model.architecture import Architecture
from subjects.language_model.cpu.vectors import BF16, F16, F32, INT8, N_BYTES, N_STEP, N_TILE
from subjects.language_model.parameters import Norm, Parameters, Projection

# matrices and norms of a layer, and after the layers the unembedding, the embedding and the final norm
QKV, OUT, GATE, UP, LEAVE = range(5)
UNEMBEDDING, EMBEDDING = range(2)
ATTENTION_NORM, MLP_NORM, QUERY_NORM, KEY_NORM = range(4)
NONE = -1
_LINE_BYTES = 64
_KINDS = {torch.float32: F32, torch.float16: F16, torch.bfloat16: BF16}


@dataclass(frozen=True, eq=False)
class Packed:
    """See the module.

    Attributes
    ----------
    kind, embedding_kind : how matrices are stored, and the embedding
    store : uint8, all matrices; rows are padded with zeros to N_STEP entries, matrices to N_TILE rows
    vectors : float32, all scales, biases, norms and learned positions
    matrices : (n_layers + 1, 5, 6) int64, rows as `arithmetic` has them; NONE where a layer has no such matrix
    norms : (n_layers + 1, 4, 2) int64, where weight and bias are among the vectors
    positions : where the learned ones are, NONE for none
    """

    kind: int
    embedding_kind: int
    store: NDArray[np.uint8]
    vectors: NDArray[np.float32]
    matrices: NDArray[np.int64]
    norms: NDArray[np.int64]
    positions: int

    def rows(self, layer: int, which: int, n_in: int) -> NDArray[np.float32]:
        """(n_out, n_in) float32: a matrix as it is multiplied with."""
        at, row_bytes, _, n_out, scale, _ = (int(v) for v in self.matrices[layer, which])
        stored = self.store[at : at + n_out * row_bytes].reshape(n_out, row_bytes)
        rows = _widened(stored, self.kind)[:, :n_in]
        return rows if scale == NONE else rows * self.vectors[scale : scale + n_out, None]


def _widened(stored: NDArray[np.uint8], kind: int) -> NDArray[np.float32]:
    if kind == BF16:
        return (stored.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return stored.view({F32: np.float32, F16: np.float16, INT8: np.int8}[kind]).astype(np.float32)


def n_padded(n: int, step: int = N_STEP) -> int:
    return -(-n // step) * step


def pack(a: Architecture, p: Parameters, precision: str) -> Packed:
    """Lay a decoder's parameters out."""
    kind = INT8 if precision == "int8" else _narrowest(m.weight for m in _projections(p))
    embedding_kind = _narrowest([p.embedding])
    shared = p.unembedding.weight is p.embedding and kind == embedding_kind
    n_bytes = sum(_room(m.weight, kind) for m in _projections(p)) + (
        0 if shared else _room(p.embedding, embedding_kind)
    )
    packer = _Packer(n_bytes)
    matrices = np.full((a.n_layers + 1, 5, 6), NONE, np.int64)
    norms = np.full((a.n_layers + 1, 4, 2), NONE, np.int64)
    for layer, block in enumerate(p.blocks):
        # in the order of use, so that asking ahead finds the next matrix behind the last
        for which, projection in ((QKV, block.qkv), (OUT, block.out)):
            matrices[layer, which] = packer.matrix(projection, kind)
        if a.gated:
            for which, part in ((GATE, slice(a.d_mlp)), (UP, slice(a.d_mlp, None))):
                matrices[layer, which] = packer.matrix(_part(block.enter, part), kind)
        else:
            matrices[layer, UP] = packer.matrix(block.enter, kind)
        matrices[layer, LEAVE] = packer.matrix(block.leave, kind)
        of_layer = (block.attention_norm, block.mlp_norm, block.query_norm, block.key_norm)
        for which, found in enumerate(of_layer):
            if found is not None:
                norms[layer, which] = packer.norm(found)
    norms[-1, 0] = packer.norm(p.final_norm)
    matrices[-1, UNEMBEDDING] = packer.matrix(p.unembedding, kind)
    embedding = matrices[-1, UNEMBEDDING] if shared else packer.matrix(Projection(p.embedding), embedding_kind)
    matrices[-1, EMBEDDING] = embedding
    positions = NONE if p.positions is None else packer.vector(p.positions.flatten())
    return Packed(kind, embedding_kind, packer.store, np.concatenate(packer.vectors), matrices, norms, positions)


def _projections(p: Parameters) -> Iterator[Projection]:
    for block in p.blocks:
        yield from (block.qkv, block.out, block.enter, block.leave)
    yield p.unembedding


def _part(projection: Projection, rows: slice) -> Projection:
    bias = projection.bias
    return Projection(projection.weight[rows], None if bias is None else bias[rows])


def _narrowest(tensors: Iterator[Tensor] | list[Tensor]) -> int:
    """The kind that they are all of, as they are in their file; full where they differ."""
    found = {tensor.dtype for tensor in tensors}
    return _KINDS[found.pop()] if len(found) == 1 else F32


def _room(weight: Tensor, kind: int) -> int:
    """Bytes at most; where a matrix is cut in two, both parts are padded."""
    n_out, n_in = weight.shape
    return (n_out + 2 * N_TILE) * n_padded(n_in) * N_BYTES[kind] + 2 * _LINE_BYTES


class _Packer:
    def __init__(self, n_bytes: int) -> None:
        pages = mmap.mmap(-1, n_bytes)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            pages.madvise(mmap.MADV_HUGEPAGE)
        self.store = np.frombuffer(pages, np.uint8)
        self.vectors: list[NDArray[np.float32]] = []
        self._n_bytes = self._n_floats = 0

    def matrix(self, projection: Projection, kind: int) -> tuple[int, ...]:
        """Put one down; its row of the table."""
        weight = projection.weight
        n_out, n_in = weight.shape
        row_bytes, scale = n_padded(n_in) * N_BYTES[kind], NONE
        if kind == INT8:
            full = weight.float()
            scales = full.abs().amax(dim=1).clamp_min(1e-12) / 127.0
            weight = (full / scales[:, None]).round_().to(torch.int8)
            scale = self.vector(scales)
        elif kind == F32:
            weight = weight.float()
        at = -(-self._n_bytes // _LINE_BYTES) * _LINE_BYTES
        n_bytes = n_padded(n_out, N_TILE) * row_bytes
        rows = torch.from_numpy(self.store[at : at + n_bytes]).view(weight.dtype).view(-1, n_padded(n_in))
        rows[:n_out, :n_in] = weight
        self._n_bytes = at + n_bytes
        bias = NONE if projection.bias is None else self.vector(projection.bias)
        return at, row_bytes, n_padded(n_in), n_out, scale, bias

    def vector(self, values: Tensor) -> int:
        """Put one down, with zeros behind it so that all of a tile's rows have one; where it is."""
        at = self._n_floats
        padded = np.zeros(len(values) + N_TILE, np.float32)
        padded[: len(values)] = values.float().numpy()
        self.vectors.append(padded)
        self._n_floats += len(padded)
        return at

    def norm(self, found: Norm) -> tuple[int, int]:
        return self.vector(found.weight), NONE if found.bias is None else self.vector(found.bias)
