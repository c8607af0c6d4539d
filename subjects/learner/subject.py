"""The learner on the rig: one training step a tick.

A sample stamped t is of step t: activity, patterns and losses of its pass forwards, gradients of its pass backwards.
The weights change at the end of it. Besides its batch the network reads a few probe sequences in every step, drawn
afresh and never learned from; whatever the batch is mixed of, they are of the same sorts, so that measures compare.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from rig.bits import select_bits
from rig.errors import UnknownUnitError
from rig.perturbation import SWITCHING, Perturbation, PerturbationKind
from rig.streams import Chunk, StreamInfo
from rig.subject import ControlValue, SubjectInfo
from subjects.learner.behaviour import (
    FRAME_TICKS,
    N_MARKOV_PROBES,
    N_PROBES,
    N_REPEAT_PROBES,
    draw_patterns,
    measures,
)
from subjects.learner.clamps import Clamps, head_blocks
from subjects.learner.controls import CONTROLS, checked, mix
from subjects.learner.data import Kind, kinds_of_mix
from subjects.learner.network import Network, Pass
from subjects.learner.scores import copying, prefix_matching, root_mean_square
from subjects.learner.shape import Shape, Weights
from subjects.learner.state import new_state, state_from_bytes, state_to_bytes
from subjects.learner.stream_layouts import COPYING_TICKS, stream_layouts
from subjects.learner.unit_table import WHOLE, UnitSlices, unit_table

_PROBE_KINDS = np.array([Kind.MARKOV] * N_MARKOV_PROBES + [Kind.REPEATS] * N_REPEAT_PROBES, np.int64)
_ON, _OFF = 1.0, 0.0


class Learner:
    """See the module. Follows the contract of `rig.subject.Subject`."""

    controls = CONTROLS
    perturbation_kinds = SWITCHING
    remark = ""
    idle = False

    def __init__(self, shape: Shape) -> None:
        sizes = (shape.n_heads, shape.width, shape.n_tokens, shape.context, shape.batch)
        options = dict(zip(("heads", "width", "vocabulary", "context", "batch"), map(str, sizes), strict=True))
        self.info = SubjectInfo(
            name="Learner",
            kind="learner",
            description=f"two layers of {shape.n_heads} attention heads, {shape.n_weights} weights, learning",
            source="Headstage; after Elhage et al. 2021 and Olsson et al. 2022",
            licence="MIT",
            tick_name="step",
            tick_hz=0.0,
            space="schematic",
            options=options,
            fingerprint=hashlib.sha256(f"learner 2 {sizes}".encode()).hexdigest(),
        )
        self._shape, self._slices = shape, UnitSlices.of(shape)
        self.units = unit_table(shape)
        self.streams: tuple[StreamInfo, ...] = stream_layouts(shape, self.units)
        self._network = Network(shape, N_PROBES)
        self._gradient: Weights = shape.views(np.zeros(shape.n_weights, np.float32))
        self._blas = ThreadpoolController()
        self._watched: dict[str, NDArray[np.int64]] = {}  # stream → channels
        self.reset(0)

    @property
    def tick(self) -> int:
        return self._state.tick

    def reset(self, seed: int) -> None:
        self._state = new_state(self._shape, len(self.units), seed)
        self._renew()

    def watch(self, stream: str, unit_ids: NDArray[np.int64] | None) -> None:
        info = next((s for s in self.streams if s.name == stream), None)
        if info is None:
            raise UnknownUnitError(f"asked for stream {stream!r}; there are {', '.join(s.name for s in self.streams)}")
        if unit_ids is not None and len(unit_ids) == 0:
            self._watched.pop(stream, None)
            return
        self._watched[stream] = info.channels_of(unit_ids)

    def set_control(self, name: str, value: ControlValue) -> None:
        self._state.controls[name] = checked(name, value, self._state.controls)
        self._renew()

    def perturb(self, perturbation: Perturbation) -> None:
        self.units.rows(perturbation.unit_ids)
        if (reached := perturbation.binary()) is not None:
            self._state.schedule.add(reached, self.tick)

    def _renew(self) -> None:
        """Work out what follows from controls and holds."""
        kinds = kinds_of_mix(mix(self._state.controls), self._shape.batch)
        self._kinds = np.concatenate([kinds, _PROBE_KINDS])
        self._clamps = Clamps(self._shape, self._slices, self._state.levels)
        self._lost = [np.flatnonzero(~np.isnan(self._state.lesioned[part])) for part in self._slices.heads]

    def _apply_schedule(self) -> None:
        state = self._state
        changes = state.schedule.take(state.tick)
        for unit_id, held in changes.held.items():
            state.held[self.units.rows([unit_id])] = np.nan if held is None else held.level
        for lesion in changes.lesions:
            on = lesion.kind is PerturbationKind.STUCK_ON
            state.lesioned[self.units.rows(lesion.unit_ids)] = _ON if on else _OFF
        if changes.held or changes.lesions:
            self._renew()

    # ---- time

    def advance(self, n_ticks: int) -> list[Chunk]:
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in self._watched}
        ticks: dict[str, list[int]] = {name: [] for name in self._watched}
        # one thread: sums in one order whatever the machine does besides, and a core left for the window
        with self._blas.limit(limits=1, user_api="blas"):
            for _ in range(n_ticks):
                self._apply_schedule()
                tick = self.tick
                for name, sample in self._step().items():
                    parts[name].append(sample)
                    ticks[name].append(tick)
        return [self._chunk(name, samples, ticks[name]) for name, samples in parts.items() if samples]

    def _chunk(self, name: str, samples: list[NDArray[Any]], ticks: list[int]) -> Chunk:
        k = next(s for s in self.streams if s.name == name).ticks_per_sample
        data = np.stack(samples)
        return Chunk(name, ticks[0], data, np.array(ticks)) if k is None else Chunk(name, ticks[0] // k * k, data)

    def _step(self) -> dict[str, NDArray[Any]]:
        """One training step; the samples that it gives of what is watched."""
        state, shape, gradient = self._state, self._shape, self._gradient
        tokens = state.world.draw(self._kinds, N_REPEAT_PROBES, state.rng)
        done = self._network.forward(state.weights, tokens, self._clamps)
        self._network.backward(state.weights, tokens, done, self._clamps, gradient)
        self._clamps.hold_gradients(gradient)
        for pattern, heads in zip(done.pattern, self._lost, strict=True):
            pattern[-N_PROBES:, heads] = 0  # nobody's look any more; a head that is only silenced still looks
        activity = self._activity(done)
        bits = state.thresholds.bits(activity[None])
        samples: dict[str, NDArray[Any]] = {}
        for name, channels in self._watched.items():
            if name == "activity":
                samples[name] = activity[channels]
            elif name == "spikes":
                samples[name] = select_bits(bits, channels)[0]
            elif name == "prefix_matching":
                probes = [pattern[-N_REPEAT_PROBES:] for pattern in done.pattern]
                samples[name] = np.concatenate([prefix_matching(p) for p in probes])[channels]
            elif name == "copying" and (self.tick + 1) % COPYING_TICKS == 0:
                samples[name] = self._copying()[channels]
            elif name == "behaviour":
                samples[name] = measures(shape, done)
            elif name == "patterns" and (self.tick + 1) % FRAME_TICKS == 0:
                samples[name] = draw_patterns(shape, done)
        if not state.controls["freeze"]:
            state.optimiser.step(state.weights.vector, gradient.vector, float(state.controls["learning_rate"]))
        state.tick += 1
        return samples

    def _copying(self) -> NDArray[np.float32]:
        """(n_layers n_heads,) 0 of a head that was taken out."""
        scores = copying(self._shape, self._state.weights).reshape(len(self._lost), -1)
        for of_layer, heads in zip(scores, self._lost, strict=True):
            of_layer[heads] = 0
        return scores.reshape(-1)

    def _activity(self, done: Pass) -> NDArray[np.float32]:
        """(n_units,) of the stream ``activity``."""
        shape, slices, weights = self._shape, self._slices, self._state.weights
        activity = np.empty(len(self.units), np.float32)
        activity[slices.embed] = np.linalg.norm(self._clamps.embedding(weights.embed), axis=1)
        for part, x in zip(slices.residual, done.x, strict=True):
            activity[part] = root_mean_square(x[-N_PROBES:], (0, 1))
        for layer, (part, z) in enumerate(zip(slices.heads, done.z, strict=True)):
            activity[part] = root_mean_square(z[-N_PROBES:], (0, 1, 3))
            norms = [np.linalg.norm(block) for block in head_blocks(shape, self._gradient, layer)]
            activity[slices.head_gradients[layer]] = norms
        activity[slices.whole_gradients] = [np.linalg.norm(getattr(self._gradient, name)) for name in WHOLE]
        return activity

    # ---- snapshots

    def snapshot(self) -> bytes:
        return state_to_bytes(self._state, self.info.fingerprint)

    def restore(self, snapshot: bytes) -> None:
        self._state = state_from_bytes(snapshot, self._shape, len(self.units), self.info.fingerprint)
        self._renew()

    def close(self) -> None:
        self._watched.clear()
