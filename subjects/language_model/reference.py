"""The reference that mean and resample ablations take their values from: what the model does while it reads a text."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from subjects.language_model.decoder import BLOCK_ROWS
from subjects.language_model.edits import NO_EDITS
from subjects.language_model.engine import Engine
from subjects.language_model.trace import Trace, UnitLayout

MAX_TOKENS = 256

TEXT = """In a village by the river there lived an old woman who mended nets. Every morning, before the sun had
cleared the hills, she sat down at her door and looked at the water. "What do you see there?" the children asked her.
"Nothing that is not also in you," she said, and laughed, and gave them bread. When the war came the young men went
away, and the king sent a letter that nobody could read. They nailed it to the church door, where the rain washed it
white. Some said that it had promised peace; others, that it had asked for more sons. The year was cold: 3 ships were
lost, 120 sheep died, and the mill stood still until March. But the nets were mended, the boats went out, and in the
evening there was a light in every window. If love is a debt, the old woman used to say, then let me die owing it. She
was buried under the apple tree, with her needle in her hand, and it is said that on quiet nights one can hear her
count the knots.
"""


@dataclass(frozen=True, eq=False)
class Reference:
    """All that a model did over n tokens of the text.

    Attributes
    ----------
    activity : (n, n_units) float32
    z : (n, n_layers, n_heads, d_head)
    residual : (n, n_layers, d_model)
    """

    activity: Tensor
    z: Tensor
    residual: Tensor


def read_reference(engine: Engine, layout: UnitLayout, tokens: list[int]) -> Reference:
    """Let the model read the tokens (as many as fit), each after all before it."""
    tokens = tokens[: min(MAX_TOKENS, engine.n_context)]
    cache = engine.new_cache()
    trace = Trace(layout, BLOCK_ROWS, engine.d_head, engine.n_context, engine.n_tokens, engine.device)
    activity, z, residual = [], [], []
    for start in range(0, len(tokens), BLOCK_ROWS):
        part = tokens[start : start + BLOCK_ROWS]
        rows = engine.block(part, start, cache, [NO_EDITS] * len(part), trace)
        trace.finish((None,) * layout.n_directions)
        activity.append(trace.activity[rows].clone())
        z.append(trace.z[rows].clone())
        residual.append(trace.residual[rows].clone())
    return Reference(torch.cat(activity), torch.cat(z), torch.cat(residual))
