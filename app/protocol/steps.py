"""A protocol is a list of steps; this is what a step can be, and in which order steps come.

    after    do              what
    0        record          lesion
    10ms     perturb         drive alu3 for=20us every=100us times=8
    0        repeat          3
    5ms      perturb         silence region:alu for=1ms
    0        wait until      rise:sync within=2ms
    20us     control         fire=true
    1ms      end repeat
    0        stop recording

A step is due `after` the one before it; a ``wait`` takes its time, a ``wait until`` as long as it needs. Perturbations
take no time of the protocol's: the step after one of 8 pulses is not after its last pulse but after its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rig.errors import SpecError

MAX_REPEATS = 1_000_000


class Do(StrEnum):
    """What a step does, and what its `what` is."""

    PERTURB = "perturb"  # see rig.spec, without at=; with on= it is armed
    CONTROL = "control"  # NAME=VALUE
    NOTE = "note"  # text
    MARK = "mark"  # 1–9
    RECORD = "record"  # a recording's name
    STOP_RECORDING = "stop recording"
    WAIT = "wait"  # a time
    WAIT_UNTIL = "wait until"  # a condition as after on= in rig.spec; within=TIME, every=TIME
    REPEAT = "repeat"  # so many times, up to its end
    END_REPEAT = "end repeat"


EXAMPLES = {
    Do.PERTURB: "drive UNIT for=5 every=30 times=8",
    Do.CONTROL: "NAME=VALUE",
    Do.NOTE: "what happens here",
    Do.MARK: "1",
    Do.RECORD: "name of the recording",
    Do.STOP_RECORDING: "",
    Do.WAIT: "20ms",
    Do.WAIT_UNTIL: "rise:UNIT within=2s",
    Do.REPEAT: "3",
    Do.END_REPEAT: "",
}


@dataclass(frozen=True)
class Step:
    """One line.

    Attributes
    ----------
    do : Do
    what : text, see Do
    after : time after the step before, as `rig.spec.parse_ticks` reads it
    """

    do: Do
    what: str = ""
    after: str = "0"


@dataclass(frozen=True)
class Protocol:
    """A list of steps to be run `repeats` times."""

    name: str = ""
    steps: tuple[Step, ...] = ()
    repeats: int = 1


def ends_of_repeats(steps: Sequence[Step]) -> dict[int, int]:
    """Row of every ``repeat`` → row of its ``end repeat``.

    Raises
    ------
    SpecError : one has no end, or an end no beginning.
    """
    open_rows: list[int] = []
    ends = {}
    for row, step in enumerate(steps):
        if step.do is Do.REPEAT:
            open_rows.append(row)
        elif step.do is Do.END_REPEAT:
            if not open_rows:
                raise SpecError(f"step {row + 1}: asked for the end of a repeat; none is open before it")
            ends[open_rows.pop()] = row
    if open_rows:
        raise SpecError(f"step {open_rows[-1] + 1}: asked for a repeat without its end; add a step 'end repeat'")
    return ends


def repeat_count(step: Step, row: int) -> int:
    """Raises SpecError."""
    text = step.what.strip()
    count = int(text) if text.isdecimal() else 0
    if not 1 <= count <= MAX_REPEATS:
        raise SpecError(f"step {row + 1}: asked for {text!r} repeats; type a whole number from 1 to {MAX_REPEATS}")
    return count


def rows_in_order(steps: Sequence[Step]) -> Iterator[int]:
    """Rows as they come; what is repeated comes again, its ``repeat`` once, its ``end repeat`` every time."""
    ends = ends_of_repeats(steps)
    begins = {end: begin for begin, end in ends.items()}
    left: dict[int, int] = {}
    row = 0
    while row < len(steps):
        yield row
        if row in ends:
            left[row] = repeat_count(steps[row], row)
        elif row in begins:
            begin = begins[row]
            left[begin] -= 1
            if left[begin]:
                row = begin
        row += 1


def n_rows_in_order(steps: Sequence[Step]) -> int:
    """How many `rows_in_order` yields."""
    n, factor = 0, 1
    counts: list[int] = []
    ends_of_repeats(steps)
    for row, step in enumerate(steps):
        n += factor
        if step.do is Do.REPEAT:
            counts.append(repeat_count(step, row))
            factor *= counts[-1]
        elif step.do is Do.END_REPEAT:
            factor //= counts.pop()
    return n
