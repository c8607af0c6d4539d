"""The streams of a language model."""

from __future__ import annotations

from typing import Any

import numpy as np

from rig.learned_thresholds import LearnedThresholds
from rig.streams import StreamInfo, StreamKind
from subjects.language_model.engine import Engine
from subjects.language_model.trace import UnitLayout
from subjects.language_model.vocabulary import Vocabulary

N_TOP = 8
TOKEN = np.dtype([("token", "<i4"), ("given", "u1"), ("probability", "<f4"), ("entropy", "<f4")])
NO_TOKEN = -1  # of a tick at which nothing was read


def language_model_streams(layout: UnitLayout, engine: Engine, vocabulary: Vocabulary) -> tuple[StreamInfo, ...]:
    ids = np.arange(layout.n_units)
    heads = ids[layout.first_head : layout.first_residual]
    n_layers, n_tokens = layout.n_layers, engine.n_tokens

    def stream(name: str, description: str, kind: StreamKind, dtype: Any, *shape: int, **more: Any) -> StreamInfo:
        return StreamInfo(name, description, kind, np.dtype(dtype), shape, 1, **more)

    return (
        stream(
            "activity",
            "neurons: blocks.L.mlp.hook_post; heads: norm of blocks.L.attn.hook_z; residual directions: "
            "blocks.L.hook_resid_post; dirN: component along it, in its lengths; tokens: logit. 0 while it waits",
            StreamKind.UNITS,
            np.float32,
            layout.n_units,
            unit_ids=ids,
        ),
        stream(
            "spikes",
            f"of the activity: {LearnedThresholds(1).definition}",
            StreamKind.UNITS,
            np.uint8,
            (layout.n_units + 7) // 8,
            unit_ids=ids,
            packed=True,
        ),
        stream(
            "attention_entropy",
            "of blocks.L.attn.hook_pattern of each head, over what the token looked back on; 0 of a removed head",
            StreamKind.UNITS,
            np.float32,
            len(heads),
            unit_ids=heads,
            physical_unit="nat",
        ),
        stream(
            "text",
            "what each token that was read writes, as UTF-8 (empty bytes after it)",
            StreamKind.TEXT,
            np.uint8,
            max(map(len, vocabulary.token_bytes), default=1) or 1,
        ),
        stream(
            "token",
            "the token read (-1: none, it waited), whether it was given or chosen, its probability before it was read "
            "(1 for the first), and the entropy in bits of what comes next",
            StreamKind.BUS,
            TOKEN,
        ),
        stream("top_tokens", f"the {N_TOP} likeliest to come next, likeliest first", StreamKind.VALUES, "<i4", N_TOP),
        stream("top_probabilities", "of top_tokens", StreamKind.VALUES, "<f4", N_TOP),
        stream(
            "logit_lens",
            "the likeliest next token as each layer's residual stream has it, unembedded as it is",
            StreamKind.VALUES,
            "<i4",
            n_layers,
            on_demand=True,
        ),
        stream("logit_lens_probabilities", "of logit_lens", StreamKind.VALUES, "<f4", n_layers, on_demand=True),
        stream(
            "attention_pattern",
            "blocks.L.attn.hook_pattern of the token read: (layer, head, position it looks at); 0 of a removed head",
            StreamKind.VALUES,
            "<f2",
            n_layers,
            layout.n_heads,
            engine.n_context,
            on_demand=True,
        ),
        stream(
            "head_output",
            "blocks.L.attn.hook_z: what each head gives, before it is written into the residual stream",
            StreamKind.VALUES,
            np.float32,
            len(heads),
            engine.d_head,
            unit_ids=heads,
            on_demand=True,
        ),
        stream(
            "log_probability",
            "of every token to come next, at temperature 1; channel names are what tokens write",
            StreamKind.DISTRIBUTION,
            "<f4",
            n_tokens,
            physical_unit="nat",
            channel_names=token_texts(vocabulary, n_tokens),
            on_demand=True,
        ),
    )


def token_texts(vocabulary: Vocabulary, n_tokens: int) -> tuple[str, ...]:
    """What each token writes, bytes that are no text by themselves as ``\\xNN``."""
    texts = [b.decode("utf-8", "backslashreplace") for b in vocabulary.token_bytes[:n_tokens]]
    return tuple(texts + [""] * (n_tokens - len(texts)))
