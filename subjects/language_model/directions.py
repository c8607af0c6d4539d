"""Named directions in the residual stream, as a person writes them.

    L3: love | hate        at layer 3, what the text "love" leaves there minus what "hate" leaves (contrast prompts)
    L3N512                 what neuron 512 of layer 3 writes
    L3 = 0.1 -0.2 …        d_model numbers (such as a difference of means of a recording)

The residual stream of layer L is ``blocks.L.hook_resid_post``. Contrast prompts: Turner et al. 2023 (arXiv:2308.10248).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import torch
from torch import Tensor

from rig.errors import SpecError
from subjects.language_model.decoder import BLOCK_ROWS
from subjects.language_model.direction import Direction
from subjects.language_model.edits import NO_EDITS
from subjects.language_model.engine import Engine
from subjects.language_model.trace import Trace

FORMS = "L3: love | hate (contrast), L3N512 (what a neuron writes), or L3 = followed by a number for each dimension"
_CONTRAST = re.compile(r"L(\d+)\s*:(.+)", re.DOTALL)
_NEURON = re.compile(r"L(\d+)N(\d+)")
_NUMBERS = re.compile(r"L(\d+)\s*=(.*)", re.DOTALL)


def read_direction(text: str, engine: Engine, trace: Trace, encode: Callable[[str], list[int]]) -> Direction | None:
    """Of what is written; None for nothing.

    Parameters
    ----------
    trace : of BLOCK_ROWS rows, may be overwritten
    encode : a text as the tokens that a model reads from its beginning

    Raises
    ------
    SpecError : it is none of the forms, names what the model has not, or is no direction.
    """
    text = text.strip()
    if not text:
        return None
    if (found := _NEURON.fullmatch(text)) is not None:
        layer, neuron = int(found[1]), int(found[2])
        _check_layer(layer, engine, text)
        if neuron >= engine.d_mlp:
            raise SpecError(f"asked for direction {text!r}; layer {layer} has neurons 0 to {engine.d_mlp - 1}")
        vector = engine.written_by(layer, neuron).clone()
    elif (found := _NUMBERS.fullmatch(text)) is not None:
        layer = int(found[1])
        _check_layer(layer, engine, text)
        vector = _numbers(found[2], engine, text)
    elif (found := _CONTRAST.fullmatch(text)) is not None and "|" in found[2]:
        layer = int(found[1])
        _check_layer(layer, engine, text)
        ends = []
        for prompt in found[2].split("|", 1):
            tokens = encode(prompt.strip())
            if not 0 < len(tokens) <= engine.n_context:
                raise SpecError(f"asked for direction {_short(text)}; a prompt has 1 to {engine.n_context} tokens")
            ends.append(_residual_after(tokens, layer, engine, trace))
        vector = ends[0] - ends[1]
    else:
        raise SpecError(f"asked for direction {_short(text)}; write {FORMS}")
    if not float(torch.linalg.vector_norm(vector)) > 1e-6:
        raise SpecError(f"asked for direction {_short(text)}; it has no length: name two things that differ")
    return Direction(layer, vector)


def _residual_after(tokens: list[int], layer: int, engine: Engine, trace: Trace) -> Tensor:
    """(d_model,) after the last token."""
    cache = engine.new_cache()
    row = 0
    for start in range(0, len(tokens), BLOCK_ROWS):
        part = tokens[start : start + BLOCK_ROWS]
        row = engine.block(part, start, cache, [NO_EDITS] * len(part), trace).stop - 1
    return trace.residual[row, layer].clone()


def _check_layer(layer: int, engine: Engine, text: str) -> None:
    if layer >= engine.n_layers:
        raise SpecError(f"asked for direction {_short(text)}; this model has layers 0 to {engine.n_layers - 1}")


def _numbers(text: str, engine: Engine, whole: str) -> Tensor:
    try:
        values = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        raise SpecError(f"asked for direction {_short(whole)}; after = it takes numbers") from None
    if len(values) != engine.d_model or not all(math.isfinite(v) for v in values):
        raise SpecError(
            f"asked for direction {_short(whole)} with {len(values)} numbers; it takes {engine.d_model} finite ones"
        )
    return torch.tensor(values, dtype=torch.float32, device=engine.device)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
