"""What the model has read and still remembers: tokens, when each was read and what held units then, keys and values.

When the context is full, its older half is forgotten (but for a token that begins texts) and the rest is read again
from the first position on, each token with what held units when it was first read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from subjects.language_model.decoder import BLOCK_ROWS
from subjects.language_model.engine import Engine
from subjects.language_model.holds import EditMaker, Holds
from subjects.language_model.trace import Trace


@dataclass
class Context:
    """See the module.

    Attributes
    ----------
    tokens, ticks, holds : of each position
    """

    engine: Engine
    begin: int
    cache: Any
    tokens: list[int] = field(default_factory=list)
    ticks: list[int] = field(default_factory=list)
    holds: list[Holds] = field(default_factory=list)

    def clear(self) -> None:
        for column in (self.tokens, self.ticks, self.holds):
            column.clear()
        self.engine.cut(self.cache, 0)

    def room(self) -> int:
        """Positions until the end of the block, at least 1 after `make_room`."""
        return min(self.engine.n_context, (len(self.tokens) // BLOCK_ROWS + 1) * BLOCK_ROWS) - len(self.tokens)

    def make_room(self, maker: EditMaker, trace: Trace) -> None:
        """Forget the older half if the context is full."""
        n = self.engine.n_context
        if len(self.tokens) < n:
            return
        kept = ([0] if self.tokens[0] == self.begin else []) + list(range(n - n // 2, n))
        self.tokens = [self.tokens[i] for i in kept]
        self.ticks = [self.ticks[i] for i in kept]
        self.holds = [self.holds[i] for i in kept]
        self.read_again(maker, trace)

    def read_one(self, token: int, tick: int, holds: Holds, maker: EditMaker, trace: Trace) -> None:
        self.engine.one(token, len(self.tokens), self.cache, maker.edits(holds, tick), trace)
        self._add([token], tick, holds)

    def read_block(self, tokens: list[int], tick: int, holds: Holds, maker: EditMaker, trace: Trace) -> slice:
        """Read at most `room` tokens, from tick on; returns their rows of the trace."""
        edits = [maker.edits(holds, tick + i) for i in range(len(tokens))]
        rows = self.engine.block(tokens, len(self.tokens), self.cache, edits, trace)
        self._add(tokens, tick, holds)
        return rows

    def read_again(self, maker: EditMaker, trace: Trace) -> int:
        """Read everything again; returns the last token's row of the trace."""
        self.engine.cut(self.cache, 0)
        row = 0
        for start in range(0, len(self.tokens), BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            moments = zip(self.holds[part], self.ticks[part], strict=True)
            edits = [maker.edits(holds, tick) for holds, tick in moments]
            row = self.engine.block(self.tokens[part], start, self.cache, edits, trace).stop - 1
        return row

    def _add(self, tokens: list[int], tick: int, holds: Holds) -> None:
        self.tokens += tokens
        self.ticks += range(tick, tick + len(tokens))
        self.holds += [holds] * len(tokens)

    def to_blobs(self) -> dict[str, bytes]:
        different = list({id(h): h for h in self.holds}.values())
        number = {id(h): i for i, h in enumerate(different)}
        return {
            "context": json.dumps(
                {
                    "tokens": self.tokens,
                    "ticks": self.ticks,
                    "holds": [h.to_json() for h in different],
                    "holds_of": [number[id(h)] for h in self.holds],
                }
            ).encode(),
            "cache": self.engine.cache_bytes(self.cache, len(self.tokens)),
        }

    def load(self, blobs: Mapping[str, bytes]) -> None:
        """Inverse of `to_blobs`; nothing is changed where it fails. Raises ValueError, KeyError, TypeError."""
        value = json.loads(blobs["context"])
        tokens = [int(t) for t in value["tokens"]]
        ticks = [int(t) for t in value["ticks"]]
        different = [Holds.from_json(h) for h in value["holds"]]
        holds = [different[i] for i in value["holds_of"]]
        n = len(tokens)
        if not n == len(ticks) == len(holds) <= self.engine.n_context:
            raise ValueError("its columns differ in length")
        if not all(0 <= t < self.engine.n_tokens for t in tokens):
            raise ValueError("it holds unknown tokens")
        self.engine.load_cache(self.cache, blobs["cache"], n)
        self.tokens, self.ticks, self.holds = tokens, ticks, holds
