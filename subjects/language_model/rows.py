"""From what was read to chunks: only what is watched is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rig.bits import select_bits
from rig.streams import Chunk, StreamInfo
from subjects.language_model.engine import Engine
from subjects.language_model.stream_layouts import N_TOP, NO_TOKEN, TOKEN
from subjects.language_model.trace import Trace
from subjects.language_model.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Reading:
    """One tick.

    Attributes
    ----------
    token : read, or NO_TOKEN
    given : typed, not drawn
    expected : (n_tokens,) logits before it was read; None for the first
    logits : (n_tokens,) after it
    activity, bits : (n_units,) and packed
    trace, row : where the rest is; None while it waits
    n_keys : positions that it could look at
    removed : heads that were taken out, numbered through the layers: they look at nothing
    """

    token: int
    given: bool
    expected: Tensor | None
    logits: Tensor
    activity: NDArray[np.float32]
    bits: NDArray[np.uint8]
    trace: Trace | None
    row: int
    n_keys: int
    removed: tuple[int, ...] = ()


class Rows:
    """Samples of one call of `advance`.

    Parameters
    ----------
    watched : channels by stream
    first_tick : of the call
    """

    def __init__(
        self,
        watched: Mapping[str, NDArray[np.int64]],
        layouts: Mapping[str, StreamInfo],
        engine: Engine,
        vocabulary: Vocabulary,
        first_tick: int,
    ) -> None:
        self._watched, self._layouts, self._engine = watched, layouts, engine
        self._token_bytes, self._first_tick = vocabulary.token_bytes, first_tick
        self._samples: dict[str, list[Any]] = {name: [] for name in watched}
        self._make: dict[str, Callable[[Reading], Any]] = {
            "activity": lambda r: r.activity.copy(),
            "spikes": lambda r: r.bits,
            "attention_entropy": self._entropy,
            "text": self._text,
            "token": self._token,
            "top_tokens": lambda r: self._top(r)[0],
            "top_probabilities": lambda r: self._top(r)[1],
            "logit_lens": lambda r: self._lens(r)[0],
            "logit_lens_probabilities": lambda r: self._lens(r)[1],
            "attention_pattern": self._pattern,
            "head_output": self._head_output,
            "log_probability": lambda r: self._log_p(r).cpu().numpy(),
        }
        self._known: dict[str, tuple[Reading, Any]] = {}  # computed once for two streams
        self._log_ps: list[tuple[Tensor, Tensor]] = []  # of the newest logits: a token's are the next one's `expected`

    def add(self, reading: Reading) -> None:
        for name, samples in self._samples.items():
            samples.append(self._make[name](reading))

    def chunks(self) -> list[Chunk]:
        return [self._chunk(name, samples) for name, samples in self._samples.items() if samples]

    def _chunk(self, name: str, samples: list[Any]) -> Chunk:
        layout, channels = self._layouts[name], self._watched[name]
        data = np.array(samples, layout.dtype)
        if layout.unit_ids is not None and len(channels) < layout.n_channels:
            data = select_bits(data, channels) if layout.packed else data[:, channels]
        return Chunk(name, self._first_tick, np.ascontiguousarray(data))

    def _once(self, what: str, reading: Reading, make: Any) -> Any:
        known = self._known.get(what)
        if known is None or known[0] is not reading:
            known = self._known[what] = (reading, make())
        return known[1]

    def _log_p(self, r: Reading) -> Tensor:
        return self._log_softmax(r.logits)

    def _log_softmax(self, logits: Tensor) -> Tensor:
        for known, log_p in self._log_ps:
            if known is logits:
                return log_p
        self._log_ps = [*self._log_ps[-1:], (logits, logits.log_softmax(-1))]
        return self._log_ps[-1][1]

    def _text(self, r: Reading) -> NDArray[np.uint8]:
        cell = np.zeros(self._layouts["text"].shape, np.uint8)
        if r.token < len(self._token_bytes) and r.token != NO_TOKEN:
            written = self._token_bytes[r.token]
            cell[: len(written)] = np.frombuffer(written, np.uint8)
        return cell

    def _token(self, r: Reading) -> NDArray[np.void]:
        if r.token == NO_TOKEN:
            probability = 0.0
        else:
            probability = 1.0 if r.expected is None else float(self._log_softmax(r.expected)[r.token].exp())
        log_p = self._log_p(r)
        entropy = -float(torch.dot(log_p.exp(), log_p)) / math.log(2)
        return np.array((r.token, r.given, probability, entropy), TOKEN)

    def _top(self, r: Reading) -> tuple[NDArray[Any], NDArray[Any]]:
        def make() -> tuple[NDArray[Any], NDArray[Any]]:
            n = min(N_TOP, self._engine.n_tokens)
            top, tokens = torch.topk(self._log_p(r), n)
            spare = N_TOP - n
            return np.pad(tokens.cpu().numpy(), (0, spare), constant_values=NO_TOKEN), np.pad(
                top.exp().cpu().numpy(), (0, spare)
            )

        found: tuple[NDArray[Any], NDArray[Any]] = self._once("top", r, make)
        return found

    def _lens(self, r: Reading) -> tuple[NDArray[Any], NDArray[Any]]:
        def make() -> tuple[NDArray[Any], NDArray[Any]]:
            if r.trace is None:
                n = self._engine.n_layers
                return np.full(n, NO_TOKEN), np.zeros(n, np.float32)
            p, tokens = self._engine.unembed(r.trace.residual[r.row]).softmax(-1).max(-1)
            return tokens.cpu().numpy(), p.cpu().numpy()

        found: tuple[NDArray[Any], NDArray[Any]] = self._once("lens", r, make)
        return found

    def _entropy(self, r: Reading) -> NDArray[np.float32]:
        if r.trace is None:
            return np.zeros(self._layouts["attention_entropy"].shape, np.float32)
        found: NDArray[np.float32] = r.trace.entropy(r.row, r.n_keys).cpu().numpy()
        found[list(r.removed)] = 0.0
        return found

    def _pattern(self, r: Reading) -> NDArray[np.float16]:
        pattern = np.zeros(self._layouts["attention_pattern"].shape, np.float16)
        if r.trace is not None:
            pattern[:, :, : r.n_keys] = r.trace.pattern[r.row, :, :, : r.n_keys].cpu().numpy()
            pattern.reshape(-1, pattern.shape[-1])[list(r.removed)] = 0.0
        return pattern

    def _head_output(self, r: Reading) -> NDArray[np.float32]:
        if r.trace is None:
            return np.zeros(self._layouts["head_output"].shape, np.float32)
        z: NDArray[np.float32] = r.trace.z[r.row].flatten(0, 1).cpu().numpy().copy()
        return z
