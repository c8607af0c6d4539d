"""Everything the next step depends on, as bytes and back."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.blobs import pack_blobs, unpack_blobs
from rig.errors import FormatError, SubjectError
from rig.learned_thresholds import LearnedThresholds
from rig.schedule import Schedule
from rig.subject import ControlValue
from subjects.learner.adamw import AdamW
from subjects.learner.controls import CONTROLS
from subjects.learner.data import World, new_world
from subjects.learner.shape import Shape, Weights, first_weights


@dataclass(eq=False)
class State:
    """A learner between two steps.

    Attributes
    ----------
    rng : draws the sequences
    held, lesioned : (n_units,) float32 levels, NaN where free
    """

    seed: int
    tick: int
    weights: Weights
    optimiser: AdamW
    world: World
    rng: np.random.Generator
    thresholds: LearnedThresholds
    controls: dict[str, ControlValue]
    schedule: Schedule
    held: NDArray[np.float32]
    lesioned: NDArray[np.float32]

    @property
    def levels(self) -> NDArray[np.float32]:
        """(n_units,) what holds each unit now; a lesion before anything else."""
        return np.where(np.isnan(self.lesioned), self.held, self.lesioned)


def new_state(shape: Shape, n_units: int, seed: int) -> State:
    n = shape.n_weights
    return State(
        seed=seed,
        tick=0,
        weights=first_weights(shape, seed),
        optimiser=AdamW(np.zeros(n, np.float32), np.zeros(n, np.float32)),
        world=new_world(shape.n_tokens, shape.context, seed),
        rng=np.random.default_rng([seed, 2]),
        thresholds=LearnedThresholds(n_units),
        controls={c.name: c.default for c in CONTROLS},
        schedule=Schedule(),
        held=np.full(n_units, np.nan, np.float32),
        lesioned=np.full(n_units, np.nan, np.float32),
    )


def state_to_bytes(state: State, fingerprint: str) -> bytes:
    numbers = {"seed": state.seed, "tick": state.tick, "n_steps": state.optimiser.n_steps}
    floats = (state.weights.vector, state.optimiser.first, state.optimiser.second, state.held, state.lesioned)
    return pack_blobs(
        {
            "fingerprint": fingerprint.encode(),
            "numbers": json.dumps(numbers).encode(),
            "rng": json.dumps(state.rng.bit_generator.state).encode(),
            "controls": json.dumps(state.controls).encode(),
            "schedule": state.schedule.to_bytes(),
            "thresholds": state.thresholds.state(),
            "floats": b"".join(array.tobytes() for array in floats),
        }
    )


def state_from_bytes(blob: bytes, shape: Shape, n_units: int, fingerprint: str) -> State:
    """Inverse of `state_to_bytes`.

    Raises
    ------
    SubjectError : the bytes are damaged, or of a learner of another size.
    """
    try:
        blobs = unpack_blobs(blob)
        if blobs["fingerprint"].decode() != fingerprint:
            raise SubjectError("asked to restore a snapshot of another learner; open the one it was taken from")
        n = shape.n_weights
        floats = np.frombuffer(blobs["floats"], np.float32).copy()
        if len(floats) != 3 * n + 2 * n_units:
            raise FormatError("its arrays are of another size")
        weights, first, second, held, lesioned = np.split(floats, [n, 2 * n, 3 * n, 3 * n + n_units])
        numbers = json.loads(blobs["numbers"])
        rng = np.random.default_rng(0)
        rng.bit_generator.state = json.loads(blobs["rng"])
        thresholds = LearnedThresholds(n_units)
        thresholds.set_state(blobs["thresholds"])
        seed = int(numbers["seed"])
        return State(
            seed=seed,
            tick=int(numbers["tick"]),
            weights=shape.views(weights),
            optimiser=AdamW(first, second, int(numbers["n_steps"])),
            world=new_world(shape.n_tokens, shape.context, seed),
            rng=rng,
            thresholds=thresholds,
            controls=dict(json.loads(blobs["controls"])),
            schedule=Schedule.from_bytes(blobs["schedule"]),
            held=held,
            lesioned=lesioned,
        )
    except (FormatError, KeyError, TypeError, ValueError) as error:
        raise SubjectError(f"asked to restore a damaged snapshot ({error}); take another") from error
