"""Every lane against a machine of its own with the event engine: nodes, board, screen and RAM."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from random_cartridge import Ingredients, random_cartridge

from rig.errors import SubjectError
from subjects.microprocessor.atari2600 import registers as reg
from subjects.microprocessor.atari2600 import tia
from subjects.microprocessor.atari2600.cartridge import own_cartridge
from subjects.microprocessor.atari2600.console import ConsoleInputs, Stick, apply_inputs
from subjects.microprocessor.atari2600.state import CLOCKS_PER_CYCLE
from subjects.microprocessor.circuit import MODE_OFF, MODE_ON
from subjects.microprocessor.compiled.maskable import Maskable
from subjects.microprocessor.compiled.masks import MaskPlan
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.lanes.lanes import Lanes, LaneStart
from subjects.microprocessor.lanes.power_on import power_on, row_modes
from subjects.microprocessor.machine import Machine
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist
from subjects.microprocessor.stream_layouts import word_fields

SCRATCH = ("masks",)


def new_machine(netlist: Netlist, image: np.ndarray) -> Machine:
    return Machine(EventEngine(netlist, MOS6502), image, word_fields(MOS6502))


def run_to(machine: Machine, cycle: int) -> None:
    """Run on to the start of a cycle; a run stops early when many frames have ended."""
    while (left := cycle - int(machine.board["cycle"][0])) > 0:
        machine.run(2 * left)


def assert_lane_equals(lanes: Lanes, lane: int, machine: Machine) -> None:
    live = machine.engine.netlist.live_nodes
    np.testing.assert_array_equal(lanes.values(lane)[live], machine.engine.values[live], f"nodes of lane {lane}")
    board = lanes.board(lane)
    tia.catch_up(machine.board[0], CLOCKS_PER_CYCLE * int(machine.board["cycle"][0]))
    for field in board.dtype.names:
        if field not in SCRATCH:
            np.testing.assert_array_equal(board[field], machine.board[field], f"{field} of lane {lane}")


def lesioned(netlist: Netlist, image: np.ndarray, modes: Sequence[dict[int, int]]) -> tuple[Lanes, list[Machine]]:
    """Lanes and single machines with the same lesions from power-on; the first of either is intact."""
    machines = [new_machine(netlist, image) for _ in (0, *modes)]
    starts = [power_on(machine, lesion).start for machine, lesion in zip(machines, ({}, *modes), strict=True)]
    off = {t for lesion in modes for t, mode in lesion.items() if mode == MODE_OFF}
    on = {t for lesion in modes for t, mode in lesion.items() if mode == MODE_ON}
    lanes = Lanes(netlist, MOS6502, image, n_words=2, masks=MaskPlan(off=tuple(sorted(off)), on=tuple(sorted(on))))
    lanes.start(starts)
    for lane, lesion in enumerate(modes, 1):
        lanes.lesion(lane, lesion)
    return lanes, machines


def test_lesioned_lanes_equal_single_machines(mos6502: Netlist, can_be_masked: Maskable):
    rng = np.random.default_rng(1)
    off = [{int(t): MODE_OFF} for t in rng.choice(can_be_masked.off, 8, replace=False)]
    on = [{int(t): MODE_ON} for t in rng.choice(sorted(set(can_be_masked.on) - can_be_masked.joined_on), 4)]
    image = own_cartridge("vesper").image
    lanes, machines = lesioned(mos6502, image, [*off, *on, {**off[0], **on[0]}])
    # both halves of the clock, and a line's end
    for n in (1, 2, 7, 3990):
        lanes.run(n)
    for lane, machine in enumerate(machines):
        run_to(machine, int(lanes.cycle))
        assert_lane_equals(lanes, lane, machine)
    assert lanes.has_own_board.sum() > 3
    assert not (lanes.notes.unstable_tick >= 0).any()


def test_an_address_that_moves_with_the_clocks_edge_is_asked_for_after_it(mos6502: Netlist):
    modes = [{635: MODE_ON}, {2910: MODE_ON}]
    image = own_cartridge("vesper").image
    lanes, machines = lesioned(mos6502, image, modes)
    live = mos6502.live_nodes
    for _ in range(300):
        lanes.run(5)
        for lane, machine in enumerate(machines):
            machine.run(5)
            np.testing.assert_array_equal(lanes.values(lane)[live], machine.engine.values[live], f"lane {lane}")
    assert lanes.has_own_board[1:3].all()


def test_lanes_with_ram_of_their_own_go_their_own_ways(mos6502: Netlist):
    """A program whose course and picture depend on RAM: WSYNC in some lanes and not in others, sticks held midway."""
    image = np.full(4096, 0xEA, np.uint8)
    program = [0xA5, 0x80, 0xD0, 0x02, 0x85, reg.WSYNC]  # LDA $80, BNE +2, STA WSYNC
    program += [0x85, reg.COLUBK, 0x85, reg.GRP0, 0x85, reg.RESP0, 0xE6, 0x80]  # the same to registers, INC $80
    program += [0xAD, 0x80, 0x02, 0x65, 0x30, 0x85, 0x81, 0xAD, 0x84, 0x02, 0x85, 0x82]  # SWCHA + CXM0P, INTIM
    program += [0x4C, 0x00, 0xF0]
    image[: len(program)] = program
    image[0xFFC:0xFFE] = 0x00, 0xF0
    rams = np.random.default_rng(3).integers(0, 256, (9, 128), np.uint8)
    rams[3] = rams[0]
    machines = [new_machine(mos6502, image) for _ in rams]
    lanes = Lanes(mos6502, MOS6502, image, n_words=2)
    lanes.start([power_on(machine, {}, ram).start for machine, ram in zip(machines, rams, strict=True)])
    assert lanes.has_own_board[:10].tolist() == [True, True, True, False, *[True] * 5, False]
    held = ConsoleInputs(stick0=Stick(left=True, fire=True), select=True)
    for n_cycles, inputs in ((1500, ConsoleInputs()), (1500, held)):
        lanes.set_inputs(inputs)
        lanes.run(2 * n_cycles)
        for lane, machine in enumerate(machines):
            apply_inputs(machine.board, inputs)
            run_to(machine, lanes.cycle)
            assert_lane_equals(lanes, lane, machine)
    screens = [lanes.board(lane)["screen"].tobytes() for lane in range(len(machines))]
    assert screens[3] == screens[0] == lanes.board(100)["screen"].tobytes()
    assert len(set(screens)) > 3
    assert lanes.notes.bus_tick[3] == -1
    assert (lanes.notes.bus_tick[1:3] >= 0).all()


def test_random_cartridges_draw_the_same(mos6502: Netlist, can_be_masked: Maskable):
    ingredients = Ingredients(anywhere=(reg.COLUBK, reg.GRP0, reg.GRP1, reg.PF0, reg.PF1, reg.ENABL), moves=True)
    image = random_cartridge(ingredients, 5)
    rng = np.random.default_rng(2)
    lanes, machines = lesioned(mos6502, image, [{int(t): MODE_OFF} for t in rng.choice(can_be_masked.off, 5)])
    lanes.run(16000)
    for lane, machine in enumerate(machines):
        run_to(machine, lanes.cycle)
        assert_lane_equals(lanes, lane, machine)


def test_lesion_in_mid_run_settles_at_once(mos6502: Netlist, can_be_masked: Maskable):
    image = own_cartridge("vesper").image
    chosen = [int(t) for t in np.random.default_rng(11).choice(can_be_masked.off, 6, replace=False)]
    machines = [new_machine(mos6502, image) for _ in (0, *chosen)]
    lanes = Lanes(mos6502, MOS6502, image, n_words=2, masks=MaskPlan(off=tuple(sorted(chosen))))
    lanes.start([power_on(machine, {}).start for machine in machines])
    lanes.run(501)
    for machine in machines:
        machine.run(501)
    for lane, transistor in enumerate(chosen, 1):
        lanes.lesion(lane, {transistor: MODE_OFF})
        machines[lane].engine.perturb(row_mode=row_modes(mos6502, {transistor: MODE_OFF}))
    lanes.settle()
    live = mos6502.live_nodes
    for n in (0, 1, 2000):
        lanes.run(n)
        for lane, machine in enumerate(machines):
            machine.run(n)
            np.testing.assert_array_equal(lanes.values(lane)[live], machine.engine.values[live], f"lane {lane}")


def test_snapshot_and_restore(mos6502: Netlist, can_be_masked: Maskable):
    image = own_cartridge("vesper").image
    lanes, _ = lesioned(mos6502, image, [{t: MODE_OFF} for t in can_be_masked.off[100:103]])
    lanes.run(1000)
    frozen = lanes.snapshot()
    lanes.run(1000)
    after = [lanes.values(lane) for lane in range(4)], [lanes.board(lane) for lane in range(4)]
    lanes.restore(frozen)
    assert lanes.tick == 1000
    lanes.run(1000)
    np.testing.assert_array_equal([lanes.values(lane) for lane in range(4)], after[0])
    for lane, board in enumerate(after[1]):
        for field in board.dtype.names:
            np.testing.assert_array_equal(lanes.board(lane)[field], board[field], f"{field} of lane {lane}")


def test_lanes_start_together(mos6502: Netlist):
    image = own_cartridge("vesper").image
    machine = new_machine(mos6502, image)
    first = power_on(machine, {}).start
    machine.run(2)
    later = LaneStart(machine.engine.snapshot(), machine.board)
    with pytest.raises(SubjectError, match="lane 1 to start in cycle 1 and lane 0 in cycle 0"):
        Lanes(mos6502, MOS6502, image, n_words=2).start([first, later])
