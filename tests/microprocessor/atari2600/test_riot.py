"""Timer, ports, RAM, console inputs. Expectations from 2k6specs ("Interval Timer", "Memory Mirrors", "Controllers")."""

from __future__ import annotations

import pytest
from bus import Bus
from hypothesis import given, settings
from hypothesis import strategies as st

from subjects.microprocessor.atari2600 import registers as reg
from subjects.microprocessor.atari2600.console import ConsoleInputs, Stick, apply_inputs

TIMERS = {reg.TIM1T: 1, reg.TIM8T: 8, reg.TIM64T: 64, reg.T1024T: 1024}


class SlowTimer:
    """The timer as 2k6specs words it, one cycle at a time."""

    def __init__(self, value: int, interval: int) -> None:
        self.value, self.interval = value, interval
        self.phase = interval - 1  # "decremented once immediately after writing"
        self.underflown = False

    def tick(self) -> None:
        self.phase = (self.phase + 1) % self.interval
        if self.underflown or self.phase == 0:
            self.underflown = self.underflown or self.value == 0
            self.value = (self.value - 1) & 0xFF

    def read(self) -> int:
        if self.value != 0xFF:
            self.underflown = False
        return self.value


@settings(max_examples=150, deadline=None)
@given(
    timer=st.sampled_from(list(TIMERS)),
    value=st.integers(0, 255),
    waits=st.lists(st.one_of(st.integers(0, 40), st.integers(0, 3000)), min_size=1, max_size=6),
    status=st.booleans(),
)
def test_timer_counts_as_documented(timer: int, value: int, waits: list[int], status: bool) -> None:
    bus, slow = Bus(), SlowTimer(value, TIMERS[timer])
    bus.write(timer, value)
    for wait in waits:
        bus.idle(wait)
        for _ in range(wait + 1):
            slow.tick()
        if status:
            assert bus.read(reg.TIMINT) == (0x80 if slow.underflown else 0)
            slow.tick()
        assert bus.read(reg.INTIM) == slow.read()


@pytest.mark.parametrize(("timer", "interval"), TIMERS.items())
def test_timer_by_hand(timer: int, interval: int) -> None:
    """Written 2: reads 1 for an interval from the next cycle on, then 0, then 255, 254 ... every cycle."""
    bus = Bus()
    bus.write(timer, 2)
    seen = [bus.read(reg.INTIM)]
    bus.idle(interval - 1)
    seen.append(bus.read(reg.INTIM))
    bus.idle(interval - 1)
    assert bus.read(reg.TIMINT) == 0x80
    bus.idle(9)
    seen.append(bus.read(reg.INTIM))
    assert seen == [1, 0, 245]


def test_reading_an_expired_timer_makes_it_count_intervals_again() -> None:
    bus = Bus()
    bus.write(reg.TIM64T, 0)
    bus.idle(9)
    assert bus.read(reg.INTIM) == 0xFF - 9
    assert bus.read(reg.TIMINT) == 0
    bus.idle(40)
    assert bus.read(reg.INTIM) == 0xFF - 9
    bus.idle(20)
    assert bus.read(reg.INTIM) == 0xFF - 10


@pytest.mark.parametrize("address", [0x0080, 0x0180, 0x0480, 0x0580, 0x2080, 0xE180])
def test_ram_is_mirrored(address: int) -> None:
    bus = Bus()
    bus.write(address + 0x23, 0x77)
    assert bus.read(0xA3) == 0x77
    assert bus.board["ram"][0, 0x23] == 0x77


@pytest.mark.parametrize("address", [0x0284, 0x0286, 0x0384, 0x028C, 0x02FE, 0x0E84])
def test_the_timer_is_mirrored(address: int) -> None:
    bus = Bus()
    bus.write(reg.T1024T, 0x40)
    assert bus.read(address) == 0x3F


def test_output_bits_of_a_port_read_what_was_written() -> None:
    bus = Bus()
    apply_inputs(bus.board, ConsoleInputs(stick0=Stick(up=True)))
    bus.write(reg.SWACNT, 0xF0)
    bus.write(reg.SWCHA, 0xA5)
    assert bus.read(reg.SWACNT) == 0xF0
    assert bus.read(reg.SWCHA) == 0xAF
    bus.write(reg.SWACNT, 0)
    assert bus.read(reg.SWCHA) == 0xEF


@pytest.mark.parametrize(("contact", "bit"), [("right", 3), ("left", 2), ("down", 1), ("up", 0)])
@pytest.mark.parametrize("stick", [0, 1])
def test_stick_contacts_pull_their_bit_low(contact: str, bit: int, stick: int) -> None:
    bus = Bus()
    assert bus.read(reg.SWCHA) == 0xFF
    apply_inputs(bus.board, ConsoleInputs(**{f"stick{stick}": Stick(**{contact: True})}))
    assert bus.read(reg.SWCHA) == 0xFF & ~(1 << (bit + (4 if stick == 0 else 0)))
    apply_inputs(bus.board, ConsoleInputs())
    assert bus.read(reg.SWCHA) == 0xFF


@pytest.mark.parametrize(
    ("inputs", "changed"),
    [
        (ConsoleInputs(reset=True), 0x01),
        (ConsoleInputs(select=True), 0x02),
        (ConsoleInputs(color=False), 0x08),
        (ConsoleInputs(difficulty0_a=True), 0x40),
        (ConsoleInputs(difficulty1_a=True), 0x80),
    ],
)
def test_console_switches(inputs: ConsoleInputs, changed: int) -> None:
    bus = Bus()
    assert bus.read(reg.SWCHB) == 0x3F
    apply_inputs(bus.board, inputs)
    assert bus.read(reg.SWCHB) == 0x3F ^ changed


@pytest.mark.parametrize("stick", [0, 1])
def test_fire_is_low_while_pressed(stick: int) -> None:
    bus = Bus()
    address = 0x3C + stick
    pressed = ConsoleInputs(**{f"stick{stick}": Stick(fire=True)})
    assert bus.read(address) & 0x80
    apply_inputs(bus.board, pressed)
    assert not bus.read(address) & 0x80
    apply_inputs(bus.board, ConsoleInputs())
    assert bus.read(address) & 0x80


def test_latched_fire_stays_low_until_the_latch_is_disabled() -> None:
    """Stella Programmer's Guide, "Latched inputs": VBLANK D6."""
    bus = Bus()
    bus.write(reg.VBLANK, 0x40)
    assert bus.read(0x3C) & 0x80
    apply_inputs(bus.board, ConsoleInputs(stick0=Stick(fire=True)))
    apply_inputs(bus.board, ConsoleInputs())
    assert not bus.read(0x3C) & 0x80
    assert bus.read(0x3D) & 0x80
    bus.write(reg.VBLANK, 0)
    assert bus.read(0x3C) & 0x80
    bus.write(reg.VBLANK, 0x40)
    assert bus.read(0x3C) & 0x80


def test_a_paddle_input_rises_when_its_capacitor_has_charged() -> None:
    """Stella Programmer's Guide, "Dumped inputs": VBLANK D7 grounds the capacitors."""
    bus = Bus()
    bus.board["pot_cycles"][0, 1] = 100
    bus.write(reg.VBLANK, 0x80)
    bus.idle(200)
    assert not bus.read(0x39) & 0x80
    bus.write(reg.VBLANK, 0)
    bus.idle(98)
    assert not bus.read(0x39) & 0x80
    assert bus.read(0x39) & 0x80
    assert not bus.read(0x38) & 0x80, "nothing is plugged in there"
