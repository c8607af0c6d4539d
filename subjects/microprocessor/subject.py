"""The subject: a chip on a console's board, as `rig.subject.Subject` wants it.

A tick is a half-cycle of the processor's clock, counted from the end of the power-up script: the sample stamped t is
the chip after t + 1 half-cycles. Frames carry the tick in which the board ended them.

Nodes can be driven and silenced: they are clamped to a level, high from amplitude 0.5 on, and a clamp beats everything
on the chip and on the board (see `machine`). So can transistors: their channel conducts or not, whatever the gate. Only
transistors can be lesioned: stuck on, stuck off, or removed, which on this level is the same as stuck off. Of several
transistors in parallel, one stuck off changes nothing, as on the die.

Perturbations that do not come out the same compiled run event by event, and `remark` says so as long as they hold;
who opened the chip with engine=compiled has them refused.
"""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from rig.bits import select_bits
from rig.blobs import pack_blobs, unpack_blobs
from rig.errors import FormatError, SpecError, SubjectError, TickError, UnknownUnitError
from rig.field import RAW_STREAM
from rig.perturbation import SWITCHING, Perturbation
from rig.schedule import Schedule
from rig.streams import Chunk, StreamInfo
from rig.subject import ControlValue, SubjectInfo
from rig.units import UnitTable
from subjects.microprocessor.atari2600.console import apply_inputs
from subjects.microprocessor.atari2600.state import BOARD, RAM_BYTES
from subjects.microprocessor.cartridges.variables import Variable, read_variables
from subjects.microprocessor.controls import CONTROLS, check_control, console_inputs, default_controls
from subjects.microprocessor.digest import Digest, FieldSums
from subjects.microprocessor.engine import EngineState
from subjects.microprocessor.holds import Holds, check_perturbation
from subjects.microprocessor.machine import Machine, Run
from subjects.microprocessor.stream_layouts import pack_words
from subjects.microprocessor.unit_table import first_transistor_id

MAX_RUN_TICKS = 1 << 15  # bounds the memory of one call of the kernel
EVENT_BY_EVENT = "runs event by event, many times slower: compiled, what is held or lesioned now comes out otherwise"
FEW_NODES = 256  # picking this many out of the node values costs as much as copying all and selecting afterwards


class Microprocessor:
    """See the module, and `opening.open_microprocessor` for how to get one."""

    controls = CONTROLS
    perturbation_kinds = SWITCHING
    idle = False

    def __init__(
        self,
        info: SubjectInfo,
        units: UnitTable,
        streams: tuple[StreamInfo, ...],
        machine: Machine,
        digest: Digest,
        variables: tuple[Variable, ...] = (),
    ) -> None:
        self.info = info
        self.units = units
        self.streams = streams
        self._layout = {stream.name: stream for stream in streams}
        self._machine = machine
        self._digest = digest
        self._variables = variables
        self._netlist = machine.engine.netlist
        self._first_transistor = first_transistor_id(self._netlist)
        self._watched: dict[str, NDArray[np.int64]] = {}  # stream → channels
        self._compiled_only = info.options.get("engine") == "compiled"
        self.reset(0)

    @property
    def remark(self) -> str:
        return EVENT_BY_EVENT if self._machine.slowed else ""

    def reset(self, seed: int) -> None:
        """Switch on. Seed 0 gives a RAM of zeros, as ale-py and the golden traces have it; others a random one."""
        self.tick = 0
        self._schedule = Schedule()
        self._holds = Holds.none(self._netlist)
        self._control = default_controls()
        ram = np.zeros(RAM_BYTES, np.uint8)
        if seed != 0:
            ram[:] = np.random.default_rng(seed & 0xFFFF_FFFF_FFFF_FFFF).integers(0, 256, RAM_BYTES)
        self._machine.engine.perturb(self._holds.clamp, self._holds.row_mode)
        self._machine.power_on(ram)
        self._digest.restart(None)
        apply_inputs(self._machine.board, console_inputs(self._control))

    def watch(self, stream: str, unit_ids: NDArray[np.int64] | None) -> None:
        info = self._layout.get(stream)
        if info is None:
            raise UnknownUnitError(f"asked for stream {stream!r}; there are {', '.join(self._layout)}")
        if unit_ids is not None and len(unit_ids) == 0:
            self._watched.pop(stream, None)
        else:
            self._watched[stream] = info.channels_of(unit_ids)
        self._digest.counting = not self._watched.keys().isdisjoint(("counts", "rates"))

    def sum_changes(self, unit_ids: NDArray[np.int64], weights: NDArray[np.float32] | None) -> None:
        """See `rig.field.SumsChanges`."""
        if weights is None:
            self._digest.field = None
            return
        nodes = self._layout["nodes"]
        of_all = np.zeros((nodes.n_channels, weights.shape[1]), np.float32)
        of_all[nodes.channels_of(unit_ids)] = weights
        self._digest.field = FieldSums(of_all)

    def set_control(self, name: str, value: ControlValue) -> None:
        check_control(name, value)
        self._control[name] = value
        apply_inputs(self._machine.board, console_inputs(self._control))

    def perturb(self, perturbation: Perturbation) -> None:
        check_perturbation(perturbation, self.units, self._netlist)
        if (reached := perturbation.binary()) is not None:
            schedule = self._schedule.copy()
            schedule.add(reached, self.tick)
            if self._compiled_only:
                self._refuse_what_is_not_exact(schedule, perturbation)
            self._schedule = schedule

    def _refuse_what_is_not_exact(self, schedule: Schedule, asked: Perturbation) -> None:
        for tick, holds in self._holds.ahead(schedule, self._first_transistor):
            if not self._machine.can_compile(holds.clamp, holds.row_mode):
                name = self.units.name[self.units.rows(asked.unit_ids[:1])[0]]
                raise SpecError(
                    f"asked for {asked.kind} of {name} with engine=compiled; what would hold from tick {tick} on comes "
                    "out otherwise compiled than event by event: open the chip with engine=auto"
                )

    def advance(self, n_ticks: int) -> list[Chunk]:
        if n_ticks < 0:
            raise TickError(f"asked to advance {n_ticks} ticks; time only goes forward")
        stop = self.tick + n_ticks
        parts: dict[str, list[Chunk]] = {name: [] for name in (*self._watched, RAW_STREAM)}
        while self.tick < stop:
            self._take_perturbations()
            change_tick = self._schedule.next_tick()
            n = min(stop, stop if change_tick is None else change_tick, self.tick + MAX_RUN_TICKS) - self.tick
            for chunk in self._run(n):
                parts[chunk.stream].append(chunk)
        return [chunk for chunks in parts.values() for chunk in chunks]

    def _take_perturbations(self) -> None:
        changes = self._schedule.take(self.tick)
        if changes.held or changes.lesions:
            self._holds.change(changes, self._first_transistor)
            self._machine.engine.perturb(self._holds.clamp, self._holds.row_mode)

    def _run(self, n: int) -> list[Chunk]:
        """At most n ticks during which nothing is changed from outside."""
        start = self.tick
        if n_untraced := self._digest.n_not_needed(start, n):
            before = self._machine.state()
            run = self._run_machine(n_untraced)
            if run.n == n_untraced:
                self._digest.miss()
                self.tick = start + run.n
                return self._chunks(run, start)
            # it stopped at a frame, in a bin of which nothing is known: once more, and no further
            self._machine.put_back(before)
            return self._run(run.n)
        with self._machine.turn:
            run = self._run_machine(n, traced=True)
            assert run.trace is not None
            counts, raw = self._digest.follow(run.trace, start)
        self.tick = start + run.n
        chunks = self._chunks(run, start)
        if raw is not None:
            chunks.append(Chunk(RAW_STREAM, start, raw))
        if len(counts):
            chunks += self._binned(counts, start)
        return chunks

    def _run_machine(self, n: int, *, traced: bool = False) -> Run:
        return self._machine.run(n, self._nodes_to_record(), "bus" in self._watched, traced=traced)

    def _binned(self, counts: NDArray[np.uint16], start: int) -> list[Chunk]:
        """What is watched of the bins that ended."""
        bin_ticks = self._digest.bins.bin_ticks
        first_tick = start // bin_ticks * bin_ticks
        chunks = []
        if (channels := self._watched.get("counts")) is not None:
            chunks.append(Chunk("counts", first_tick, np.ascontiguousarray(counts[:, channels])))
        if "rates" in self._watched:
            chunks.append(Chunk("rates", first_tick, self._digest.rates.of(counts, bin_ticks)))
        return chunks

    def _chunks(self, run: Run, start: int) -> list[Chunk]:
        """What is watched of a run, bins aside."""
        chunks = []
        if run.node_rows is not None:
            chunks.append(Chunk("nodes", start, self._selected(run.node_rows)))
        if run.words is not None:
            chunks.append(Chunk("bus", start, pack_words(run.words, self._layout["bus"].dtype)))
        if len(run.frame_steps):
            chunks += [self._frames(name, start, run) for name in ("screen", "ram", "game") if name in self._watched]
        return chunks

    def _nodes_to_record(self) -> NDArray[np.int64] | None:
        """Node ids that the machine shall record: those watched if they are few, else all."""
        channels = self._watched.get("nodes")
        if channels is None:
            return None
        every = self._machine.every_node
        return every[channels] if len(channels) <= FEW_NODES else every

    def _selected(self, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        channels = self._watched["nodes"]
        if len(channels) <= FEW_NODES or len(channels) == self._layout["nodes"].n_channels:
            return rows
        return select_bits(rows, channels)

    def _frames(self, name: str, start: int, run: Run) -> Chunk:
        ticks = start + run.frame_steps
        if name == "game":
            data = read_variables(self._variables, run.frames["ram"])
        else:
            data = np.ascontiguousarray(run.frames[name])
        return Chunk(name, int(ticks[0]), data, ticks)

    def snapshot(self) -> bytes:
        return pack_blobs(
            {
                "fingerprint": self.info.fingerprint.encode(),
                "tick": self.tick.to_bytes(8, "little"),
                "control": json.dumps(self._control).encode(),
                "schedule": self._schedule.to_bytes(),
                "engine": self._machine.engine.snapshot().to_bytes(),
                "board": self._machine.board.tobytes(),
                "bin": self._digest.bins.so_far.tobytes(),
                **self._holds.to_blobs(),
            }
        )

    def restore(self, snapshot: bytes) -> None:
        try:
            blobs = unpack_blobs(snapshot)
            if blobs["fingerprint"].decode() != self.info.fingerprint:
                raise SubjectError(
                    "asked to restore a snapshot of another chip or cartridge; open the ones it was taken from"
                )
            state = EngineState.from_bytes(blobs["engine"])
            board = np.frombuffer(blobs["board"], BOARD)
            holds = Holds.from_blobs(blobs, self._netlist)
            schedule = Schedule.from_bytes(blobs["schedule"])
            control = default_controls() | json.loads(blobs["control"])
            so_far = np.frombuffer(blobs["bin"], np.uint16).copy()
            if len(board) != 1 or len(so_far) != self._layout["nodes"].n_channels:
                raise ValueError(f"{len(board)} boards, {len(so_far)} nodes")
        except (FormatError, KeyError, ValueError) as error:
            raise SubjectError(f"asked to restore a damaged snapshot ({error}); take another") from error
        self._machine.put_back((state, board))
        self._holds = holds
        self._schedule = schedule
        self._control = control
        self.tick = int.from_bytes(blobs["tick"], "little")
        self._digest.restart(self._machine.levels() if self.tick else None, so_far)

    def close(self) -> None:
        self._watched.clear()
