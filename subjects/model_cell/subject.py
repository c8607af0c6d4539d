"""A subject whose every sample can be written down beforehand.

    spike_i[t]  = 1 where (t + phase_i) mod (i + 2) = 0, phase_i = seed (i + 1) mod (i + 2); see below for held units
    charge_i[t] = (charge_i[t − 1] + gain[t] spike_i[t]) mod 2^20, 0 before the first tick
    count_i[j]  = Σ spike_i over the ticks 4j … 4j + 3
    word[t]     = (address t mod 2^16, data = spikes of units 0–7 as bits, rw = 1 where data is 0)
    frame       where t + 1 is a multiple of frame_ticks: bit r of charge_i at row r, column i; inverted in the dark

A held unit takes the level of what holds it (on from 0.5), a lesioned one is on (stuck on) or off for good.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rig.blobs import pack_blobs, unpack_blobs
from rig.errors import FormatError, SpecError, SubjectError, UnknownUnitError
from rig.perturbation import SWITCHING, Perturbation, PerturbationKind
from rig.schedule import Schedule
from rig.streams import Chunk, StreamInfo, StreamKind
from rig.subject import ControlInfo, ControlValue, SubjectInfo
from rig.units import UnitTable

CHARGE_MODULUS = 1 << 20
N_ROWS = 8
N_COLUMNS = 16  # units lie in rows of sixteen, 100 µm apart
BANDS = ("front", "middle", "rear", "back")  # four rows each
WORD = np.dtype([("address", "<u2"), ("data", "u1"), ("rw", "u1")])
MAX_RUN_TICKS = 1 << 14  # bounds the memory of one call of numpy
FREE, OFF, ON = 0, 1, 2  # state of a unit's hold and of its lesion


def open_model_cell(options: Mapping[str, str]) -> ModelCell:
    """Raises SpecError for an option out of range."""
    numbers = {}
    for key, default, low, high in (("units", 16, 1, 4096), ("frame_ticks", 50, 1, 1_000_000)):
        text = options.get(key, str(default))
        if not text.isdecimal() or not low <= int(text) <= high:
            raise SpecError(f"asked for {key}={text}; it must be a whole number from {low} to {high}")
        numbers[key] = int(text)
    return ModelCell(numbers["units"], numbers["frame_ticks"])


class ModelCell:
    """See the module. Follows the contract of `rig.subject.Subject`."""

    controls = (
        ControlInfo("gain", "charge that a spike brings", 1, tuple(range(8))),
        ControlInfo("light", "lights on; in the dark the frames are inverted", True),
        ControlInfo("label", "a text that changes nothing", ""),
    )
    perturbation_kinds = SWITCHING
    remark = ""
    idle = False

    def __init__(self, n_units: int, frame_ticks: int) -> None:
        options = {"units": str(n_units), "frame_ticks": str(frame_ticks)}
        self.info = SubjectInfo(
            name="Model cell",
            kind="model cell",
            description=f"{n_units} units with periodic spikes, exact by definition",
            source="Headstage",
            licence="MIT",
            tick_name="tick",
            tick_hz=1000.0,
            space="um",
            options=options,
            fingerprint=hashlib.sha256(f"model-cell 1 {sorted(options.items())}".encode()).hexdigest(),
        )
        index = np.arange(n_units)
        self.units = UnitTable.build(
            unit_id=index + 100,
            name=[f"cell{i}" for i in index],
            region=[f"{BANDS[i // 64 % 4]}/{'left' if i % 2 == 0 else 'right'}" for i in index],
            kind="cell",
            x=100.0 * (index % N_COLUMNS),
            y=100.0 * (index // N_COLUMNS),
        )
        ids = self.units.unit_id
        self.streams = (
            StreamInfo(
                name="spikes",
                description="on for the tick of a spike",
                kind=StreamKind.UNITS,
                dtype=np.dtype(np.uint8),
                shape=((n_units + 7) // 8,),
                ticks_per_sample=1,
                unit_ids=ids,
                packed=True,
            ),
            StreamInfo(
                name="charge",
                description="spikes times gain, summed modulo 2^20",
                kind=StreamKind.UNITS,
                dtype=np.dtype(np.float32),
                shape=(n_units,),
                ticks_per_sample=1,
                unit_ids=ids,
                physical_unit="pC",
            ),
            StreamInfo(
                name="counts",
                description="spikes in bins of 4 ticks",
                kind=StreamKind.UNITS,
                dtype=np.dtype(np.uint16),
                shape=(n_units,),
                ticks_per_sample=4,
                unit_ids=ids,
            ),
            StreamInfo(
                name="word",
                description="the first eight units as a bus",
                kind=StreamKind.BUS,
                dtype=WORD,
                shape=(),
                ticks_per_sample=1,
            ),
            StreamInfo(
                name="frame",
                description="bits of the charges, a column a unit",
                kind=StreamKind.IMAGE,
                dtype=np.dtype(np.uint8),
                shape=(N_ROWS, n_units),
                ticks_per_sample=None,
                palette=np.array([[0, 0, 0], [255, 255, 255]], np.uint8),
            ),
        )
        self._n = n_units
        self._frame_ticks = frame_ticks
        self._watched: dict[str, NDArray[np.int64]] = {}  # stream → channels
        self.reset(0)

    def reset(self, seed: int) -> None:
        period = np.arange(self._n, dtype=np.int64) + 2
        self._phase = (seed * (period - 1)) % period
        self._period = period
        self.tick = 0
        self._charge = np.zeros(self._n, np.int64)
        self._bin = np.zeros(self._n, np.int64)  # spikes of the bin that is not yet full
        self._hold = np.zeros(self._n, np.uint8)
        self._lesion = np.zeros(self._n, np.uint8)
        self._control: dict[str, ControlValue] = {c.name: c.default for c in self.controls}
        self._schedule = Schedule()

    def watch(self, stream: str, unit_ids: NDArray[np.int64] | None) -> None:
        info = next((s for s in self.streams if s.name == stream), None)
        if info is None:
            raise UnknownUnitError(f"asked for stream {stream!r}; there are {', '.join(s.name for s in self.streams)}")
        if unit_ids is not None and len(unit_ids) == 0:
            self._watched.pop(stream, None)
            return
        self._watched[stream] = info.channels_of(unit_ids)

    def set_control(self, name: str, value: ControlValue) -> None:
        info = next((c for c in self.controls if c.name == name), None)
        if info is None:
            raise UnknownUnitError(f"asked for control {name!r}; there are {', '.join(c.name for c in self.controls)}")
        if type(value) is not type(info.default) or (info.choices and value not in info.choices):
            wanted = f"one of {info.choices}" if info.choices else f"a {type(info.default).__name__}"
            raise SpecError(f"asked for {name}={value!r}; it takes {wanted}")
        self._control[name] = value

    def perturb(self, perturbation: Perturbation) -> None:
        self.units.rows(perturbation.unit_ids)
        if (reached := perturbation.binary()) is not None:
            self._schedule.add(reached, self.tick)

    def advance(self, n_ticks: int) -> list[Chunk]:
        stop = self.tick + n_ticks
        parts: dict[str, list[Chunk]] = {name: [] for name in self._watched}
        while self.tick < stop:
            changes = self._schedule.take(self.tick)
            for unit_id, held in changes.held.items():
                self._hold[self.units.rows([unit_id])] = FREE if held is None else (ON if held.level >= 0.5 else OFF)
            for lesion in changes.lesions:
                on = lesion.kind is PerturbationKind.STUCK_ON
                self._lesion[self.units.rows(lesion.unit_ids)] = ON if on else OFF
            change_tick = self._schedule.next_tick()
            n = min(stop, change_tick if change_tick is not None else stop, self.tick + MAX_RUN_TICKS) - self.tick
            for chunk in self._run(n):
                parts[chunk.stream].append(chunk)
        return [c for chunks in parts.values() for c in chunks]

    def _run(self, n: int) -> list[Chunk]:
        """n ticks during which nothing is changed from outside."""
        start = self.tick
        t = start + np.arange(n, dtype=np.int64)
        spikes = (t[:, None] + self._phase) % self._period == 0
        spikes[:, self._hold == ON] = True
        spikes[:, self._hold == OFF] = False
        spikes[:, self._lesion == ON] = True
        spikes[:, self._lesion == OFF] = False
        gain = int(self._control["gain"])
        charge = (self._charge + np.cumsum(spikes, axis=0, dtype=np.int64) * gain) % CHARGE_MODULUS
        chunks = []
        for name, channels in self._watched.items():
            if name == "spikes":
                data = np.packbits(spikes[:, channels], axis=1, bitorder="little")
                chunks.append(Chunk(name, start, data))
            elif name == "charge":
                chunks.append(Chunk(name, start, np.ascontiguousarray(charge[:, channels], np.float32)))
            elif name == "word":
                chunks.append(Chunk(name, start, self._words(t, spikes)))
            elif name == "frame" and (frames := self._frames(t, charge)) is not None:
                chunks.append(frames)
        bins = self._count(start, spikes)
        if "counts" in self._watched:
            data = np.ascontiguousarray(bins[:, self._watched["counts"]], np.uint16)
            chunks.append(Chunk("counts", start // 4 * 4, data))
        self._charge = charge[-1].copy()
        self.tick = start + n
        return chunks

    def _count(self, start: int, spikes: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(n_full_bins, n_units) counts; the rest is kept for the next call."""
        n_before = start % 4
        padded = np.zeros((n_before + len(spikes), self._n), np.int64)
        padded[n_before:] = spikes
        if n_before:
            padded[0] = self._bin
        n_bins = len(padded) // 4
        self._bin = padded[n_bins * 4 :].sum(axis=0)
        bins: NDArray[np.int64] = padded[: n_bins * 4].reshape(n_bins, 4, self._n).sum(axis=1)
        return bins

    def _words(self, t: NDArray[np.int64], spikes: NDArray[np.bool_]) -> NDArray[np.void]:
        words = np.zeros(len(t), WORD)
        words["address"] = t & 0xFFFF
        words["data"] = np.packbits(spikes[:, :8], axis=1, bitorder="little")[:, 0]
        words["rw"] = words["data"] == 0
        return words

    def _frames(self, t: NDArray[np.int64], charge: NDArray[np.int64]) -> Chunk | None:
        at = np.flatnonzero((t + 1) % self._frame_ticks == 0)
        if len(at) == 0:
            return None
        bits = (charge[at][:, None, :] >> np.arange(N_ROWS)[None, :, None]) & 1
        if not self._control["light"]:
            bits = 1 - bits
        return Chunk("frame", int(t[at[0]]), np.ascontiguousarray(bits, np.uint8), t[at])

    def snapshot(self) -> bytes:
        arrays = (self._phase, self._charge, self._bin, self._hold, self._lesion)
        return pack_blobs(
            {
                "fingerprint": self.info.fingerprint.encode(),
                "tick": self.tick.to_bytes(8, "little"),
                "control": json.dumps(self._control).encode(),
                "schedule": self._schedule.to_bytes(),
                "arrays": b"".join(a.tobytes() for a in arrays),
            }
        )

    def restore(self, snapshot: bytes) -> None:
        try:
            blobs = unpack_blobs(snapshot)
            if blobs["fingerprint"].decode() != self.info.fingerprint:
                raise SubjectError("asked to restore a snapshot of another model cell; open the one it was taken from")
            wide, narrow = 3 * 8 * self._n, 2 * self._n
            if len(blobs["arrays"]) != wide + narrow:
                raise FormatError("its arrays are of another size")
            schedule = Schedule.from_bytes(blobs["schedule"])
            control = dict(json.loads(blobs["control"]))
        except (FormatError, KeyError, ValueError) as error:
            raise SubjectError(f"asked to restore a damaged snapshot ({error}); take another") from error
        self._control = control
        self._phase, self._charge, self._bin = np.frombuffer(blobs["arrays"][:wide], np.int64).reshape(3, -1).copy()
        self._hold, self._lesion = np.frombuffer(blobs["arrays"][wide:], np.uint8).reshape(2, -1).copy()
        self._schedule = schedule
        self.tick = int.from_bytes(blobs["tick"], "little")

    def close(self) -> None:
        self._watched.clear()
