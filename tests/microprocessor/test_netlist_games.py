"""The netlist on the board against ale-py and against py65: RAM and every pixel.

Getting to an interesting frame on the netlist takes minutes, so py65, which equals ale-py on every frame of these
traces (`atari2600/test_golden.py`), plays up to there. Then the netlist takes over: its registers are loaded by a short
program, and from the next opcode fetch on it drives the very board that py65 left.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from subjects.microprocessor.atari2600.ale_script import ale_action, ale_loading
from subjects.microprocessor.atari2600.cartridge import Cartridge, ale_cartridge
from subjects.microprocessor.atari2600.console import ConsoleInputs, Stick, apply_inputs
from subjects.microprocessor.atari2600.state import new_board, new_frames
from subjects.microprocessor.compiled.compiled_engine import CompiledEngine
from subjects.microprocessor.drawn_chip import shipped_chip
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.hs6502 import FILE_NAME, HS6502
from subjects.microprocessor.machine import CYCLES_TO_FIRST_FETCH, Machine
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.stream_layouts import word_fields

# pytest's importlib mode does not make other tests' folders importable
sys.path.insert(0, str(Path(__file__).parent / "atari2600"))
from py65_processor import Py65Processor

N_FRAMES = 12
Engine = EventEngine | CompiledEngine
LONGEST_FRAME_HALF_CYCLES = 2 * 76 * 320


@pytest.fixture(scope="module")
def game() -> Callable[[str], Cartridge]:
    pytest.importorskip("ale_py", reason="cartridges come from ale-py, which is not installed")
    return ale_cartridge


@pytest.fixture(scope="module", params=["mos6502", "hs6502"])
def chip(request: pytest.FixtureRequest) -> Engine:
    """The part it all began with, event by event; and our own chip, compiled."""
    if request.param == "mos6502":
        return EventEngine(request.getfixturevalue("mos6502"), MOS6502)
    return CompiledEngine(shipped_chip(HS6502, FILE_NAME).netlist, HS6502)


def new_machine(engine: Engine, cartridge: Cartridge) -> Machine:
    """A machine that stops at the end of every frame."""
    return Machine(engine, cartridge.image, word_fields(engine.chip), n_frame_slots=1)


def one_frame(machine: Machine) -> tuple[np.void, int]:
    """Run to the end of the frame; returns it and how many half-cycles that took."""
    run = machine.run(LONGEST_FRAME_HALF_CYCLES)
    assert run.frame_steps.tolist() == [run.n - 1]
    return run.frames[0], run.n


def load_registers(engine: Engine, processor: Py65Processor) -> None:
    """Bring the chip to the end of a JMP to where py65 stands, with its registers."""
    mpu = processor._mpu
    before_pull = (mpu.sp - 1) & 0xFF
    program = [0xA2, before_pull, 0x9A]  # LDX #s-1, TXS
    program += [0xA9, mpu.a, 0xA2, mpu.x, 0xA0, mpu.y]  # LDA #a, LDX #x, LDY #y
    program += [0x28, 0x4C, mpu.pc & 0xFF, mpu.pc >> 8]  # PLP, JMP pc
    memory = np.zeros(65536, np.uint8)
    memory[0x0400 : 0x0400 + len(program)] = program
    memory[0x0100 + mpu.sp] = mpu.p
    memory[0xFFFC:0xFFFE] = (0x00, 0x04)
    engine.reset(memory)
    address = engine.chip.memory.address
    last = 0x0400 + len(program) - 1
    for _ in range(200):
        engine.run(2, memory)
        values = engine.values
        if sum(int(values[engine.netlist.node_ids[bit]]) << k for k, bit in enumerate(address)) == last:
            return
    raise AssertionError("the program that loads the registers did not end")


def hand_over(machine: Machine, processor: Py65Processor) -> None:
    """Let the netlist go on where py65 stands, with py65's board."""
    while processor._waiting:
        n_frames = processor.n_frames
        processor.step()
        assert processor.n_frames == n_frames, "a frame ended between the processors"
    load_registers(machine.engine, processor)
    machine.board[:] = processor._board
    machine.board["cycle"] = processor.cycle
    machine.board["data_bus"] = processor._bus
    assert machine.board["rdy"] == 1


@pytest.mark.parametrize(
    ("trace", "start"), [("donkey_kong_script", 150), ("space_invaders_noop", 250), ("pitfall_noop", 40)]
)
def test_netlist_plays_as_ale(
    trace: str, start: int, chip: Engine, shared_data: Path, game: Callable[[str], Cartridge]
):
    name = trace.rpartition("_")[0]
    cartridge = game(name)
    with np.load(shared_data / "atari2600" / f"{trace}.npz") as golden:
        assert cartridge.md5 == str(golden["rom_md5"])
        actions = [str(action) for action in golden["actions"]]
        ram, screen = golden["ram"], golden["screen"]
    board, frames = new_board(), new_frames(1)
    processor = Py65Processor(cartridge.image, board, frames)
    for inputs in (*ale_loading(name), *(ale_action(action) for action in actions[:start])):
        apply_inputs(board, inputs)
        processor.run_frame()
    apply_inputs(board, ale_action(actions[start]))
    machine = new_machine(chip, cartridge)
    hand_over(machine, processor)

    for k in range(start + 1, start + 1 + N_FRAMES):
        if k > start + 1:
            apply_inputs(machine.board, ale_action(actions[k - 1]))
        frame, _ = one_frame(machine)
        np.testing.assert_array_equal(frame["ram"], ram[k], f"RAM of frame {k}")
        np.testing.assert_array_equal(frame["screen"], screen[k], f"screen of frame {k}")
    # a still picture would prove little
    assert len(np.unique(ram[start + 1 : start + 1 + N_FRAMES], axis=0)) > 1
    assert len(np.unique(screen[start + 1])) > 2
    assert machine.engine.n_unsettled == 0


@pytest.mark.parametrize("name", ["donkey_kong", "space_invaders", "pitfall"])
def test_netlist_equals_py65_from_power_on(name: str, chip: Engine, game: Callable[[str], Cartridge]):
    cartridge = game(name)
    board, frames = new_board(), new_frames(1)
    processor = Py65Processor(cartridge.image, board, frames)
    machine = new_machine(chip, cartridge)
    machine.power_on(np.zeros(128, np.uint8))
    idle, held = ConsoleInputs(), ConsoleInputs(stick0=Stick(left=True, fire=True), reset=True)
    n_done = 0
    for k, inputs in enumerate((idle, idle, held, held)):
        apply_inputs(board, inputs)
        apply_inputs(machine.board, inputs)
        processor.run_frame()
        frame, n = one_frame(machine)
        n_done += n
        for field in ("ram", "screen", "cycle", "n_lines"):
            np.testing.assert_array_equal(frame[field], frames[0][field], f"{field} of frame {k}")
        # the frame's last access is the second half-cycle of its cycle
        assert n_done == 2 * (int(frame["cycle"]) + CYCLES_TO_FIRST_FETCH + 1)


def test_first_instruction_is_fetched_in_the_boards_first_cycle(chip: Engine, game: Callable[[str], Cartridge]):
    machine = new_machine(chip, game("space_invaders"))
    machine.power_on(np.zeros(128, np.uint8))
    fields = list(word_fields(chip.chip))
    words = machine.run(2 * (CYCLES_TO_FIRST_FETCH + 1), words=True).words
    assert words is not None
    vector = int(machine._rom[0xFFC]) | int(machine._rom[0xFFD]) << 8
    fetches = np.flatnonzero((words[:, fields.index("address")] == vector) & (words[:, fields.index("sync")] == 1))
    assert fetches.tolist() == [2 * CYCLES_TO_FIRST_FETCH, 2 * CYCLES_TO_FIRST_FETCH + 1]
    assert machine.board["cycle"] == 1
