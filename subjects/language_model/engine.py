"""What runs a model: ours for the families it knows, transformers' own modules for all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor

from subjects.language_model.edits import Edits
from subjects.language_model.trace import Trace


class Engine(Protocol):
    """Reads tokens, fills traces, obeys edits. A cache is of the engine's own kind; the context keeps it.

    Attributes
    ----------
    n_layers, d_mlp, n_heads, d_head, d_model, n_tokens : sizes
    n_context : positions that can be read, a multiple of BLOCK_ROWS
    """

    n_context: int
    device: str

    @property
    def n_layers(self) -> int: ...
    @property
    def d_mlp(self) -> int: ...
    @property
    def n_heads(self) -> int: ...
    @property
    def d_head(self) -> int: ...
    @property
    def d_model(self) -> int: ...
    @property
    def n_tokens(self) -> int: ...

    def new_cache(self) -> Any: ...

    def one(self, token: int, position: int, cache: Any, edits: Edits, trace: Trace) -> None:
        """Read one token after `position` others; row 0 of the trace is filled."""

    def block(self, tokens: Sequence[int], position: int, cache: Any, edits: Sequence[Edits], trace: Trace) -> slice:
        """Read tokens that are known, not beyond a multiple of BLOCK_ROWS; returns their rows of the trace."""

    def unembed(self, x: Tensor) -> Tensor:
        """(n, d_model) residual stream → (n, n_tokens) logits."""

    def written_by(self, layer: int, neuron: int) -> Tensor:
        """(d_model,) what a neuron writes into the residual stream, for each unit of its activation."""

    def cut(self, cache: Any, n: int) -> None:
        """Forget all positions from n on."""

    def cache_bytes(self, cache: Any, n: int) -> bytes:
        """The first n positions."""

    def load_cache(self, cache: Any, blob: bytes, n: int) -> None:
        """Inverse of `cache_bytes`. Raises ValueError : of another size."""
