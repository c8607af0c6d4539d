"""The order of steps, their file, and what they are read as."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.actions import (
    Perturb,
    SetControl,
    Table,
    Wait,
    WaitUntil,
    perturb_request,
    read_protocol,
    read_step,
)
from app.protocol.file import load_protocol, protocol_from_text, protocol_to_text, save_protocol
from app.protocol.steps import Do, Protocol, Step, n_rows_in_order, rows_in_order
from rig.errors import FormatError, HeadstageError, SpecError, StorageError, UnknownUnitError
from rig.perturbation import PerturbationKind
from rig.spec import Bench
from rig.streams import StreamInfo, StreamKind
from rig.subject import ControlInfo, SubjectInfo
from rig.trigger import UnitRises
from rig.units import UnitTable

UNITS = UnitTable.build([100, 101, 102], ["cell0", "cell1", "cell2"], ["a", "a", "b"], "cell")
SPIKES = StreamInfo("spikes", "", StreamKind.UNITS, np.dtype(np.uint8), (1,), 1, UNITS.unit_id, packed=True)
INFO = SubjectInfo("Cell", "cell", "", "", "", "tick", 1000.0, "um")
CONTROLS = (
    ControlInfo("light", "", True),
    ControlInfo("gain", "", 1, (0, 1, 2)),
    ControlInfo("text", "", ""),
)
TABLE = Table(Bench(INFO, UNITS, (SPIKES,)), CONTROLS, frozenset(PerturbationKind) - {PerturbationKind.REMOVE})


def steps(text: str) -> tuple[Step, ...]:
    """``after|do|what`` lines."""
    lines = [line.strip().split("|") for line in text.strip().splitlines()]
    return tuple(Step(Do(do.strip()), what.strip(), after.strip()) for after, do, what in lines)


def test_repeats_come_again_and_nest() -> None:
    nested = steps(
        """0|note|a
        0|repeat|2
        0|note|b
        0|repeat|3
        0|note|c
        0|end repeat|
        0|end repeat|
        0|note|d"""
    )
    order = list(rows_in_order(nested))
    inner = [3, 4, 5, 4, 5, 4, 5]
    assert order == [0, 1, 2, *inner, 6, 2, *inner, 6, 7]
    assert n_rows_in_order(nested) == len(order)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("0|repeat|2", "step 1: asked for a repeat without its end; add a step 'end repeat'"),
        ("0|note|a\n0|end repeat|", "step 2: asked for the end of a repeat; none is open before it"),
    ],
)
def test_a_repeat_without_its_other_half_is_refused(text: str, line: str) -> None:
    with pytest.raises(SpecError) as refused:
        list(rows_in_order(steps(text)))
    assert str(refused.value) == line


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\n"), max_size=20)


@given(
    st.builds(
        Protocol,
        name=WORDS,
        steps=st.lists(st.builds(Step, do=st.sampled_from(Do), what=WORDS, after=WORDS), max_size=8).map(tuple),
        repeats=st.integers(1, 1000),
    )
)
def test_what_is_written_is_read_back(protocol: Protocol) -> None:
    assert protocol_from_text(protocol_to_text(protocol)) == protocol


def valid() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(protocol_to_text(Protocol("p", (Step(Do.NOTE, "hello"),), 2)))
    return value


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"format": "other"}, "does not say that it is one"),
        ({"version": 2}, "version 2"),
        ({"version": True}, "version True"),
        ({"repeats": 0}, "0 repeats"),
        ({"repeats": "3"}, "'3' repeats"),
        ({"steps": {}}, "without a list of steps"),
        ({"steps": [1]}, "step 1 is no object"),
        ({"steps": [{"do": "explode"}]}, "step 1 asks for 'explode'"),
        ({"steps": [{"do": ["note"]}]}, "step 1 asks for"),
        ({"steps": [{"do": "note", "when": "now"}]}, "step 1 has 'when'"),
        ({"steps": [{"do": "note", "what": 3}]}, "step 1: what is 3"),
        ({"steps": [{"do": "note", "what": "a\nb"}]}, "one line of text"),
        ({"seed": 1}, "the protocol has 'seed'"),
    ],
)
def test_a_foreign_file_is_refused_in_one_line(change: dict[str, Any], what: str) -> None:
    with pytest.raises(FormatError) as refused:
        protocol_from_text(json.dumps(valid() | change))
    assert what in str(refused.value)
    assert "\n" not in str(refused.value)


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        load_protocol(tmp_path / "missing.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(FormatError, match=r"a\.json: .*no JSON"):
        load_protocol(tmp_path / "a.json")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(FormatError, match="no JSON"):
        load_protocol(tmp_path / "deep.json")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="no text"):
        load_protocol(tmp_path / "b.json")
    with pytest.raises(StorageError, match="asked to save"):
        save_protocol(Protocol(), tmp_path / "nowhere" / "p.json")


def test_saving_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "p.protocol.json"
    save_protocol(Protocol("one", (Step(Do.NOTE, "x" * 1000),)), path)
    save_protocol(Protocol("two"), path)
    assert load_protocol(path) == Protocol("two")
    assert [p.name for p in tmp_path.iterdir()] == ["p.protocol.json"]


def test_steps_are_read_against_the_subject() -> None:
    def read(do: Do, what: str, after: str = "0") -> Any:
        return read_step(Step(do, what, after), 0, TABLE)

    assert read(Do.WAIT, "20ms", "1 ms").action == Wait(20)
    assert read(Do.WAIT, "20ms", "1 ms").delay_ticks == 1
    assert read(Do.CONTROL, "light=off").action == SetControl("light", False)
    assert read(Do.CONTROL, "gain = 2").action == SetControl("gain", 2)
    assert read(Do.CONTROL, "text=a=b").action == SetControl("text", "a=b")
    until = read(Do.WAIT_UNTIL, "rise:cell1 within=2s").action
    assert until == WaitUntil(UnitRises("spikes", 101), 10, 2000)
    assert read(Do.WAIT_UNTIL, "rise:cell1 every=3").action == WaitUntil(UnitRises("spikes", 101), 3)
    assert read(Do.PERTURB, "drive cell* for=5").action == Perturb("drive cell* for=5")


@pytest.mark.parametrize(
    ("do", "what", "error"),
    [
        (Do.PERTURB, "drive cell0 at=5 for=1", "leave at= out"),
        (Do.PERTURB, "drive nobody for=1", "nobody"),
        (Do.PERTURB, "remove cell0", "asked for remove; Cell takes"),
        (Do.PERTURB, "", "asked for ''"),
        (Do.CONTROL, "volume=3", "the controls are light, gain, text"),
        (Do.CONTROL, "gain=9", "one of 0, 1, 2"),
        (Do.CONTROL, "light=perhaps", "true or false"),
        (Do.NOTE, " ", "write one"),
        (Do.MARK, "0", "1 to 9"),
        (Do.RECORD, "../x", "not a path"),
        (Do.WAIT, "soon", "no number"),
        (Do.WAIT_UNTIL, "", "asked for on="),
        (Do.WAIT_UNTIL, "rise:cell0 after=3", "within=2s"),
        (Do.WAIT_UNTIL, "rise:cell0 within=0", "at least 1"),
        (Do.REPEAT, "never", "whole number"),
    ],
)
def test_a_step_that_cannot_be_done_says_why(do: Do, what: str, error: str) -> None:
    with pytest.raises(HeadstageError) as refused:
        read_step(Step(do, what), 0, TABLE)
    assert error in str(refused.value)


def test_a_protocol_tells_all_its_problems_by_row() -> None:
    protocol = Protocol(steps=steps("0|note|fine\n0|mark|x\n0|repeat|2\nsoon|note|late"))
    _, problems = read_protocol(protocol, TABLE)
    assert sorted(p.row for p in problems) == [1, 2, 3]
    assert all(not p.line.startswith("step") for p in problems)


def test_pulses_are_counted_from_the_step_and_jitter_is_of_the_seed() -> None:
    request = perturb_request("drive cell0 for=5 every=20 times=3", TABLE, 1000)
    assert [(p.start_tick, p.stop_tick) for p in request.perturbations] == [(1000, 1005), (1020, 1025), (1040, 1045)]
    assert {p.label for p in request.perturbations} == {"protocol"}
    jittered = "drive cell0 for=1 every=50 times=20 jitter=9"
    assert perturb_request(jittered, TABLE, 0) == perturb_request(jittered, TABLE, 0)
    other = Table(TABLE.bench, TABLE.controls, TABLE.kinds, seed=1)
    assert perturb_request(jittered, TABLE, 0) != perturb_request(jittered, other, 0)


def test_unknown_controls_are_unknown_units_of_the_error_tree() -> None:
    with pytest.raises(UnknownUnitError):
        read_step(Step(Do.CONTROL, "volume=3"), 0, TABLE)
