"""The subject: a model that reads and writes, as `rig.subject.Subject` wants it.

A tick is a token read: the first is the token that begins texts, then come those that are typed, else one that is drawn
from what the model expects. A token that is drawn at tick t is drawn with the controls of tick t and its number
(`sampling.uniform`), from what the model expected at tick t − 1. Everything stamped t is what the model did when it had
read the token of tick t. While it waits, ticks pass and nothing is read.
"""

from __future__ import annotations

import json

import numpy as np
import torch
from numpy.typing import NDArray

from rig.blobs import pack_blobs, unpack_blobs
from rig.errors import FormatError, SubjectError, TickError, UnknownUnitError
from rig.learned_thresholds import LearnedThresholds
from rig.perturbation import Perturbation
from rig.schedule import Schedule
from rig.streams import Chunk, StreamInfo
from rig.subject import ControlValue, SubjectInfo
from rig.units import UnitTable
from subjects.language_model.context import Context
from subjects.language_model.controls import CONTROLS, N_DIRECTIONS, REWRITE, check_control, default_controls
from subjects.language_model.decoder import BLOCK_ROWS
from subjects.language_model.direction import Direction
from subjects.language_model.directions import read_direction
from subjects.language_model.engine import Engine
from subjects.language_model.holds import KINDS, EditMaker, Holds, check_perturbation
from subjects.language_model.prompts import Prompter
from subjects.language_model.reference import TEXT, Reference, read_reference
from subjects.language_model.rows import Reading, Rows
from subjects.language_model.sampling import draw, uniform
from subjects.language_model.stream_layouts import NO_TOKEN
from subjects.language_model.trace import Trace, UnitLayout


class LanguageModel:
    """See the module, and `opening.open_language_model` for how to get one."""

    controls = CONTROLS
    perturbation_kinds = KINDS

    def __init__(
        self,
        info: SubjectInfo,
        units: UnitTable,
        streams: tuple[StreamInfo, ...],
        engine: Engine,
        layout: UnitLayout,
        prompter: Prompter,
        remark: str = "",
    ) -> None:
        self.remark = remark
        self.info, self.units, self.streams = info, units, streams
        self._streams = {stream.name: stream for stream in streams}
        self._engine, self._layout, self._prompter = engine, layout, prompter
        self._one, self._many = (
            Trace(layout, n, engine.d_head, engine.n_context, engine.n_tokens, engine.device) for n in (1, BLOCK_ROWS)
        )
        self._watched: dict[str, NDArray[np.int64]] = {}  # stream → channels
        self._reference: Reference | None = None
        self._maker = EditMaker(layout, self._read_reference, engine.device)
        self._thresholds = LearnedThresholds(layout.n_units)
        self._context = Context(engine, prompter.begin, engine.new_cache())
        self.reset(0)

    def reset(self, seed: int) -> None:
        self.tick = 0
        self._seed = seed
        self._control = default_controls()
        self._schedule = Schedule()
        self._holds = Holds()
        self._queue = [self._prompter.begin]  # tokens still to be read
        self._answered = False  # a turn of the conversation is over
        self._logits = torch.zeros(self._engine.n_tokens)  # what was expected at the tick before
        self._thresholds.clear()
        self._context.clear()
        self._set_directions((None,) * N_DIRECTIONS)

    def watch(self, stream: str, unit_ids: NDArray[np.int64] | None) -> None:
        info = self._streams.get(stream)
        if info is None:
            raise UnknownUnitError(f"asked for stream {stream!r}; there are {', '.join(self._streams)}")
        if unit_ids is not None and len(unit_ids) == 0:
            self._watched.pop(stream, None)
        else:
            self._watched[stream] = info.channels_of(unit_ids)
        wants_pattern = bool({"attention_entropy", "attention_pattern"} & self._watched.keys())
        self._one.wants_pattern = self._many.wants_pattern = wants_pattern

    def set_control(self, name: str, value: ControlValue) -> None:
        value = check_control(name, value)
        if name == "prompt":
            tokens = self._prompter.typed(str(value))
            if tokens:
                self._queue += tokens
                self._answered = False
        elif name.startswith("direction_"):
            slot = int(name.removeprefix("direction_")) - 1
            found = read_direction(str(value), self._engine, self._many, self._prompter.from_beginning)
            self._set_directions((*self._maker.directions[:slot], found, *self._maker.directions[slot + 1 :]))
        self._control[name] = value

    def _set_directions(self, directions: tuple[Direction | None, ...]) -> None:
        self._maker.directions = directions
        self._maker.seed = self._seed
        self._maker.forget()

    def perturb(self, perturbation: Perturbation) -> None:
        self.units.rows(perturbation.unit_ids)
        check_perturbation(perturbation, self._layout, self._maker.directions, self._engine.d_head)
        self._schedule.add(perturbation, self.tick)

    @property
    def idle(self) -> bool:
        return not self._queue and (self._answered or not self._control["write"])

    def _read_reference(self) -> Reference:
        if self._reference is None:
            tokens = self._prompter.from_beginning(TEXT)
            self._reference = read_reference(self._engine, self._layout, tokens)
        return self._reference

    # ---- time

    def advance(self, n_ticks: int) -> list[Chunk]:
        if n_ticks < 0:
            raise TickError(f"asked to advance {n_ticks} ticks; time only goes forward")
        stop = self.tick + n_ticks
        rows = Rows(self._watched, self._streams, self._engine, self._prompter.vocabulary, self.tick)
        while self.tick < stop:
            self._take_perturbations()
            change_tick = self._schedule.next_tick()
            n = min(stop, stop if change_tick is None else change_tick) - self.tick
            if self._queue:
                self._read_given(n, rows)
            elif self.idle:
                self._wait(n, rows)
            else:
                self._read_own(rows)
        return rows.chunks()

    def _take_perturbations(self) -> None:
        changes = self._schedule.take(self.tick)
        if not changes.held and not changes.lesions:
            return
        self._holds = self._holds.changed(changes)
        if self._control["history"] == REWRITE and self._context.tokens:
            self._context.holds = [self._holds] * len(self._context.tokens)
            row = self._context.read_again(self._maker, self._many)
            self._logits = self._many.logits[row].clone()

    def _read_given(self, n: int, rows: Rows) -> None:
        """Read at most n tokens of the queue, as many as go into one block."""
        self._context.make_room(self._maker, self._many)
        tokens = self._queue[: min(n, self._context.room())]
        del self._queue[: len(tokens)]
        read = self._context.read_block(tokens, self.tick, self._holds, self._maker, self._many)
        self._many.finish(self._maker.directions)
        for row, token in enumerate(tokens, start=read.start):
            self._took(token, self._many, row, rows, given=True)
            self._answered = False

    def _read_own(self, rows: Rows) -> None:
        u = uniform(self._seed, int(self._control["seed"]), self.tick)
        token = draw(self._logits.cpu().numpy(), float(self._control["temperature"]), float(self._control["top_p"]), u)
        self._context.make_room(self._maker, self._many)
        self._context.read_one(token, self.tick, self._holds, self._maker, self._one)
        self._one.finish(self._maker.directions)
        self._took(token, self._one, 0, rows, given=False)
        self._answered = self._prompter.ends_turn(token)

    def _took(self, token: int, trace: Trace, row: int, rows: Rows, *, given: bool) -> None:
        """Account for a token that was read."""
        activity = trace.activity[row].cpu().numpy()
        expected = self._logits if self.tick else None
        self._logits = trace.logits[row].clone()
        bits = self._thresholds.bits(activity[None])[0]
        n_keys = len(self._context.tokens) if not given else self._context.ticks.index(self.tick) + 1
        removed = self._layout.heads_among(self._holds.lesioned)
        rows.add(Reading(token, given, expected, self._logits, activity, bits, trace, row, n_keys, removed))
        self.tick += 1

    def _wait(self, n: int, rows: Rows) -> None:
        silent = np.zeros(self._layout.n_units, np.float32)
        bits = np.zeros((self._layout.n_units + 7) // 8, np.uint8)
        for _ in range(n):
            rows.add(Reading(NO_TOKEN, False, None, self._logits, silent, bits, None, 0, 0))
        self.tick += n

    # ---- snapshots

    def snapshot(self) -> bytes:
        state = {
            "tick": self.tick,
            "seed": self._seed,
            "control": self._control,
            "queue": self._queue,
            "answered": self._answered,
            "holds": self._holds.to_json(),
            "directions": [
                None if d is None else [d.layer, d.vector.cpu().double().tolist()] for d in self._maker.directions
            ],
        }
        return pack_blobs(
            {
                "fingerprint": self.info.fingerprint.encode(),
                "state": json.dumps(state).encode(),
                "schedule": self._schedule.to_bytes(),
                "logits": self._logits.cpu().numpy().tobytes(),
                "thresholds": self._thresholds.state(),
                **self._context.to_blobs(),
            }
        )

    def restore(self, snapshot: bytes) -> None:
        try:
            blobs = unpack_blobs(snapshot)
            if blobs["fingerprint"].decode() != self.info.fingerprint:
                raise SubjectError("asked to restore a snapshot of another model; open the one it was taken from")
            state = json.loads(blobs["state"])
            schedule = Schedule.from_bytes(blobs["schedule"])
            holds = Holds.from_json(state["holds"])
            logits = torch.from_numpy(_floats(blobs["logits"], self._engine.n_tokens))
            thresholds = LearnedThresholds(self._layout.n_units)
            thresholds.set_state(blobs["thresholds"])
            device = self._engine.device
            directions = tuple(
                None if d is None else Direction(int(d[0]), torch.tensor(d[1], dtype=torch.float32, device=device))
                for d in state["directions"]
            )
            queue = [int(t) for t in state["queue"]]
            tick, seed = int(state["tick"]), int(state["seed"])
            self._context.load(blobs)
        except (FormatError, KeyError, ValueError, TypeError) as error:
            raise SubjectError(f"asked to restore a damaged snapshot ({error}); take another") from error
        self.tick, self._seed, self._queue = tick, seed, queue
        self._control = default_controls() | state["control"]
        self._answered = bool(state["answered"])
        self._schedule, self._holds = schedule, holds
        self._logits = logits.to(device)
        self._thresholds = thresholds
        self._set_directions(directions)

    def close(self) -> None:
        self._watched.clear()


def _floats(blob: bytes, n: int) -> NDArray[np.float32]:
    found = np.frombuffer(blob, np.float32).copy()
    if found.shape != (n,):
        raise ValueError(f"{len(found)} numbers where {n} belong")
    return found
