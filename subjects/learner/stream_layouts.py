"""What can be watched of a learner."""

from __future__ import annotations

import numpy as np

from rig.learned_thresholds import LearnedThresholds
from rig.streams import StreamInfo, StreamKind
from rig.units import UnitTable
from subjects.learner.behaviour import FRAME_TICKS, MEASURES, N_REPEAT_PROBES, frame_shape, palette
from subjects.learner.shape import Shape
from subjects.learner.unit_table import UnitSlices

COPYING_TICKS = 10


def stream_layouts(shape: Shape, units: UnitTable) -> tuple[StreamInfo, ...]:
    slices = UnitSlices.of(shape)
    heads = np.concatenate([units.unit_id[part] for part in slices.heads])
    n_units, n_heads = len(units), len(heads)
    f4, ids = np.dtype(np.float32), units.unit_id
    return (
        StreamInfo(
            name="activity",
            description=(
                "embeddings and gradients: norm; residual directions and outputs of heads: root mean square over the "
                "tokens of the step's probe sequences"
            ),
            kind=StreamKind.UNITS,
            dtype=f4,
            shape=(n_units,),
            ticks_per_sample=1,
            unit_ids=ids,
        ),
        StreamInfo(
            name="spikes",
            description=f"of the activity: {LearnedThresholds(1).definition}",
            kind=StreamKind.UNITS,
            dtype=np.dtype(np.uint8),
            shape=((n_units + 7) // 8,),
            ticks_per_sample=1,
            unit_ids=ids,
            packed=True,
        ),
        StreamInfo(
            name="prefix_matching",
            description=(
                f"mean attention, over {N_REPEAT_PROBES} sequences of random tokens told twice, from a token told the "
                "second time to the one after its first occurrence (Olsson et al. 2022); 0 of a lesioned head"
            ),
            kind=StreamKind.UNITS,
            dtype=f4,
            shape=(n_heads,),
            ticks_per_sample=1,
            unit_ids=heads,
        ),
        StreamInfo(
            name="copying",
            description=(
                "sum over sum of sizes of the eigenvalues of a head's circuit from tokens to logits "
                "(Elhage et al. 2021): 1 copies, -1 suppresses; after the last tick of each sample; "
                "0 of a lesioned head"
            ),
            kind=StreamKind.UNITS,
            dtype=f4,
            shape=(n_heads,),
            ticks_per_sample=COPYING_TICKS,
            unit_ids=heads,
        ),
        StreamInfo(
            name="behaviour",
            description=(
                "mean losses in nats: of the step's batch, of fresh Markov sequences, of the first and second telling "
                "of fresh random tokens; and how often the likeliest next token came in the second telling"
            ),
            kind=StreamKind.VALUES,
            dtype=f4,
            shape=(len(MEASURES),),
            ticks_per_sample=1,
            channel_names=MEASURES,
        ),
        StreamInfo(
            name="patterns",
            description=(
                "where each head looks in a sequence told twice: a row a layer, a column a head, in each queries "
                f"downwards, keys to the right, square root of attention; every {FRAME_TICKS} steps"
            ),
            kind=StreamKind.IMAGE,
            dtype=np.dtype(np.uint8),
            shape=frame_shape(shape),
            ticks_per_sample=None,
            palette=palette(),
        ),
    )
