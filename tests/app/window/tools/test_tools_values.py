"""What the tools compute without widgets: the standing log, words for units and times, statistics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.window.figures import THIN
from app.window.tools.given_stimuli import GivenStimuli
from app.window.tools.standing import ControlsNow, Holdings, StandingLog, probes_of
from app.window.tools.stimulus import (
    Mode,
    StimulusForm,
    TriggerKind,
    possible_triggers,
    read_train,
    read_trigger,
    spec_text,
    target_near,
    target_of_selection,
)
from app.window.tools.time_text import both, moment, read_ticks, time_of_ticks
from app.window.tools.train_preview import pulse_spans
from app.window.tools.unit_facts import facts_of, neighbours_of, shares_of
from app.window.tools.unit_stats import (
    N_LAGS,
    autocorrelogram,
    column_on,
    graded_stats,
    isi_histogram,
    unit_stats,
)
from app.window.tools.unit_text import common_region, count_text, describe_units, plural, short_name, spec_of_units
from rig.errors import HeadstageError, SpecError
from rig.log import LogEntry, LogKind
from rig.perturbation import Perturbation, PerturbationKind, PulseTrain, perturbation_to_json
from rig.probe import Probe, probe_to_json
from rig.selection import select_units
from rig.spec import Bench, parse_perturbation
from rig.streams import StreamInfo, StreamKind
from rig.subject import ControlInfo, SubjectInfo
from rig.trigger import RateOver, UnitRises
from rig.units import UnitTable

CHIP = SubjectInfo("Chip", "chip", "", "", "", "half-cycle", 2_386_363.6, "um")
TIMELESS = SubjectInfo("Model", "model", "", "", "", "token", 0.0, "schematic")
UNITS = UnitTable.build(
    [3, 5, 6, 7, 20, 21, 22, 30],
    ["vss", "alu0", "alu1", "all", "t1", "t2", "t3", "a,b"],
    ["", "ALU/adder", "ALU/adder", "ALU/output", "ALU", "PLA", "PLA", "PLA"],
    ["node"] * 4 + ["transistor"] * 3 + ["node"],
    x=[np.nan, 0, 100, 200, 0, 100, 200, 900],
    y=[np.nan] + [0.0] * 7,
    signal_id=[3, 5, 6, 7, 5, 5, 6, 30],
    extra={
        "aliases": np.array(["", "A0 a0", "", "", "", "", "", ""]),
        "pull_up": np.array([False, True] + [False] * 6),
        "gate": np.array([-1, -1, -1, -1, 5, 5, 6, -1]),
        "c1": np.array([-1, -1, -1, -1, 6, 7, 7, -1]),
        "c2": np.array([-1, -1, -1, -1, 7, 6, 3, -1]),
    },
)
NODES = StreamInfo("nodes", "", StreamKind.UNITS, np.dtype(np.uint8), (1,), 1, np.array([3, 5, 6, 7, 30]), packed=True)
BENCH = Bench(CHIP, UNITS, (NODES,), (Probe("A", ((0.0, 0.0, 0.0), (100.0, 0.0, 0.0)), 50.0),))


def entry(seq: int, at: int, kind: LogKind, /, **payload: Any) -> LogEntry:
    return LogEntry(seq, at, 0.0, kind, payload)


def perturbed(seq: int, kind: str, ids: tuple[int, ...], start: int, stop: int | None = None, **more: Any) -> LogEntry:
    p = Perturbation(PerturbationKind(kind), ids, start, stop, **more)
    return LogEntry(seq, start, 0.0, LogKind.PERTURB, perturbation_to_json(p))


# ---- the standing log


def test_a_restore_forgets_what_came_after_its_snapshot() -> None:
    log = StandingLog()
    for e in (
        entry(0, 0, LogKind.RESET, seed=0),
        entry(1, 10, LogKind.NOTE, text="a"),
        entry(2, 10, LogKind.NOTE, text="b"),
        entry(3, 10, LogKind.RESTORE, tick=10, from_tick=99, seq=2),  # its snapshot was taken before entry 2
        entry(4, 12, LogKind.NOTE, text="c"),
    ):
        log.add(e)
    assert [e.seq for e in log.line] == [0, 1, 3, 4]
    # and forth again, to a snapshot of the branch that was left
    log.add(entry(5, 10, LogKind.RESTORE, tick=10, from_tick=12, seq=3))
    assert [e.seq for e in log.line] == [0, 1, 2, 5]


def test_a_restore_that_names_only_its_tick_keeps_what_was_before_it() -> None:
    log = StandingLog()
    for e in (
        entry(0, 0, LogKind.RESET, seed=0),
        entry(1, 9, LogKind.NOTE, text="a"),
        entry(2, 11, LogKind.NOTE, text="b"),
        entry(3, 10, LogKind.RESTORE, tick=10, from_tick=99),
    ):
        log.add(e)
    assert [e.seq for e in log.line] == [0, 1, 3]


def test_holds_begin_end_and_are_released() -> None:
    holdings = Holdings()
    for e in (
        entry(0, 0, LogKind.RESET, seed=0),
        perturbed(1, "silence", (5, 6), 10, 30),
        perturbed(2, "silence", (7,), 20),
        perturbed(3, "stuck_off", (20,), 25),
        perturbed(4, "release", (7, 5), 40),
    ):
        holdings.add(e)
    held = {tick: [(p.unit_ids, p.kind) for p in holdings.at(tick)] for tick in (5, 10, 29, 30, 39, 40)}
    silence = PerturbationKind.SILENCE
    assert held == {
        5: [],
        10: [((5, 6), silence)],
        29: [((5, 6), silence), ((7,), silence)],
        30: [((7,), silence)],
        39: [((7,), silence)],
        40: [],
    }
    assert [p.unit_ids for p in holdings.lesions_at(40)] == [(20,)]
    holdings.add(entry(5, 12, LogKind.RESTORE, tick=12, from_tick=40, seq=2))
    assert [p.unit_ids for p in holdings.at(12)] == [(5, 6)]
    assert holdings.lesions_at(30) == ()
    holdings.add(entry(6, 0, LogKind.RESET, seed=0))
    assert holdings.at(0) == ()


def test_controls_follow_the_log_and_its_restores() -> None:
    now = ControlsNow((ControlInfo("fire", "", False), ControlInfo("gain", "", 1)))
    assert now.add(entry(1, 5, LogKind.CONTROL, name="gain", value=4))
    assert not now.add(entry(2, 6, LogKind.CONTROL, name="gain", value=4))
    assert not now.add(entry(3, 6, LogKind.CONTROL, name="other", value=4))
    assert now.add(entry(4, 8, LogKind.CONTROL, name="fire", value=True))
    assert now.values == {"fire": True, "gain": 4}
    assert now.add(entry(5, 7, LogKind.RESTORE, tick=7, from_tick=20, seq=4))
    assert now.values == {"fire": False, "gain": 4}
    assert now.add(entry(6, 0, LogKind.RESET, seed=0))
    assert now.values == {"fire": False, "gain": 1}


def test_the_probes_are_those_the_log_speaks_of_last() -> None:
    probe = BENCH.probes[0]
    entries = [entry(0, 0, LogKind.WATCH, stream="electrodes", probes=[probe_to_json(probe)])]
    entries.append(entry(1, 0, LogKind.WATCH, stream="nodes", unit_ids=None))
    assert probes_of(entries) == (probe,)
    assert probes_of([]) == ()


# ---- words


def test_units_in_words() -> None:
    assert describe_units((), UNITS) == "nothing"
    assert describe_units((5, 6), UNITS) == "alu0, alu1"
    assert describe_units((5, 6, 7, 20), UNITS) == "ALU — 4 units"
    assert describe_units((20, 21, 22, 30), UNITS) == "4 units"
    assert describe_units((99,), UNITS) == "1 units"  # of another subject
    assert [short_name(i, UNITS) for i in ((5,), (5, 7), (5, 21))] == ["alu0", "ALU", "2 units"]
    assert common_region(["ALU/adder", "ALU/adder"]) == "ALU/adder"
    assert common_region(["ALU/adder", ""]) == ""
    assert [plural(w) for w in ("node", "half-cycle", "entry", "switch", "key")] == [
        "nodes", "half-cycles", "entries", "switches", "keys",
    ]  # fmt: skip
    assert count_text(1, "node") == "1 node"


@given(st.sets(st.sampled_from(UNITS.unit_id.tolist()), min_size=1))
def test_a_specification_names_exactly_its_units(ids: set[int]) -> None:
    text = spec_of_units(sorted(ids), UNITS)
    assert " " not in text
    assert select_units(text, UNITS).tolist() == sorted(ids)


@pytest.mark.parametrize(
    ("text", "ticks"), [("5", 5), ("2.1us", 5), ("2.1 µs", 5), ("1 ms", 2386), (f"1{THIN}000", 1000), ("0", 0)]
)
def test_times_are_read_with_units_and_blanks(text: str, ticks: int) -> None:
    assert read_ticks(text, CHIP, what="width") == ticks


@pytest.mark.parametrize(("text", "least"), [("", 0), ("soon", 0), ("1.5", 0), ("0", 1), ("-3", 0)])
def test_what_is_no_time_is_said_with_the_fields_name(text: str, least: int) -> None:
    with pytest.raises(SpecError, match="width") as refused:
        read_ticks(text, CHIP, what="width", least=least)
    assert "\n" not in str(refused.value)


def test_times_are_shown_in_both_measures() -> None:
    assert both(5, CHIP) == "2.10 µs · 5 half-cycles"
    assert both(30, CHIP) == "12.6 µs · 30 half-cycles"
    assert both(1, TIMELESS) == "1 token"
    assert both(0, CHIP) == "0 half-cycles"
    assert time_of_ticks(2_386_364, CHIP) == "1.00 s"
    assert moment(29_781_042, CHIP) == f"12.479{THIN}675"
    assert moment(12345, TIMELESS) == f"12{THIN}345"


@given(st.integers(1, 10**9))
def test_what_is_shown_as_time_can_be_typed_again(ticks: int) -> None:
    shown = time_of_ticks(ticks, CHIP)
    if shown.endswith("ns"):
        return  # the grammar of rig.spec begins at microseconds
    assert read_ticks(shown, CHIP, what="width") == pytest.approx(ticks, rel=0.006)


# ---- the stimulus


def test_a_form_becomes_a_train() -> None:
    form = StimulusForm(
        mode=Mode.LOW, onset="20us", width="2.1us", period="12.6us", count="8", jitter="1", condition=""
    )
    train = read_train(form, target_of_selection((6, 5, 6), UNITS), BENCH)
    assert train == PulseTrain(PerturbationKind.DRIVE, (5, 6), 48, 5, 30, 8, 1, 0.0)


def test_one_pulse_needs_no_period() -> None:
    train = read_train(StimulusForm(width="50", period="rubbish", count="1"), target_of_selection((5,), UNITS), BENCH)
    assert (train.width_ticks, train.period_ticks, train.count) == (50, 50, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"width": "0"}, "width"),
        ({"count": "0"}, "count"),
        ({"count": "2.5"}, "count"),
        ({"count": "2", "period": "3"}, "overlap"),
        ({"jitter": "-1"}, "jitter"),
        ({"mode": Mode.AMPLITUDE, "amplitude": "much"}, "amplitude"),
    ],
)
def test_a_field_that_is_wrong_is_named(change: Mapping[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        read_train(StimulusForm(**change), target_of_selection((5,), UNITS), BENCH)


def test_no_target_says_to_select() -> None:
    with pytest.raises(SpecError, match="select units"):
        read_train(StimulusForm(), target_of_selection((), UNITS), BENCH)


def test_triggers_are_those_of_the_subjects_streams() -> None:
    assert possible_triggers(BENCH) == (TriggerKind.NOW, TriggerKind.RISE, TriggerKind.RATE)
    target = target_of_selection((5,), UNITS)
    rise = read_trigger(StimulusForm(trigger=TriggerKind.RISE, condition="alu1", holdoff="9"), target, BENCH, "x")
    assert rise.condition == UnitRises("nodes", 6)
    assert (rise.holdoff_ticks, rise.max_count, rise.name) == (9, None, "x")
    rate = read_trigger(
        StimulusForm(trigger=TriggerKind.RATE, condition="alu*: 4/100", max_count="3"), target, BENCH, "y"
    )
    assert rate.condition == RateOver("nodes", (5, 6), 4, 100)
    assert rate.max_count == 3
    with pytest.raises(SpecError, match="beside it"):
        read_trigger(StimulusForm(trigger=TriggerKind.RISE), target, BENCH, "x")
    with pytest.raises(SpecError, match="choose one under start"):
        read_trigger(StimulusForm(), target, BENCH, "x")


FORMS = st.builds(
    StimulusForm,
    mode=st.sampled_from(Mode),
    amplitude=st.sampled_from(["0.25", "3", "-1"]),
    trigger=st.sampled_from([TriggerKind.NOW, TriggerKind.RISE]),
    condition=st.just("alu1"),
    onset=st.sampled_from(["0", "7", "20us"]),
    width=st.integers(1, 9).map(str),
    period=st.integers(20, 40).map(str),
    count=st.integers(1, 5).map(str),
    jitter=st.integers(0, 5).map(str),
    holdoff=st.sampled_from(["0", "100"]),
    max_count=st.sampled_from(["", "4"]),
)


@given(FORMS, st.integers(0, 10_000), st.integers(0, 5))
def test_the_plans_line_says_the_same_as_the_form(form: StimulusForm, tick: int, seed: int) -> None:
    target = target_of_selection((5, 20, 21, 30), UNITS)
    request = parse_perturbation(spec_text(form, target, BENCH), BENCH, tick, seed)
    if form.trigger is TriggerKind.NOW:
        train = read_train(form, target, BENCH)
        if train.count == 1 and train.onset_ticks == 0 and not train.jitter_ticks:
            assert len(request.perturbations) == 1
        expected = [(p.start_tick, p.stop_tick, p.level) for p in train.pulses(tick, seed)]
        assert [(p.start_tick, p.stop_tick, p.level) for p in request.perturbations] == expected
        assert {p.unit_ids for p in request.perturbations} == {target.unit_ids}
    else:
        trigger = read_trigger(form, target, BENCH, form.condition)
        assert request.trigger is not None
        assert request.trigger.condition == trigger.condition
        assert request.trigger.holdoff_ticks == trigger.holdoff_ticks
        assert request.trigger.max_count == trigger.max_count
        assert request.trigger.train is not None
        assert trigger.train is not None
        assert request.trigger.train.pulses(tick, seed)[0].start_tick == trigger.train.pulses(tick, seed)[0].start_tick


def test_an_electrode_reaches_what_lies_near_it() -> None:
    flat = target_near("A2", "50 µm", "", BENCH)
    assert flat.unit_ids == (6, 21)
    assert flat.weights == ()
    soft = target_near("A1", "100", "100", BENCH)
    assert soft.unit_ids == (5, 6, 20, 21)
    assert soft.weights == pytest.approx((1, np.exp(-0.5), 1, np.exp(-0.5)))
    form = StimulusForm(width="3")
    request = parse_perturbation(spec_text(form, soft, BENCH), BENCH, 0, 0)
    assert request.perturbations[0].weights == pytest.approx(soft.weights)
    for electrode, radius, falloff in (("B1", "5", ""), ("A1", "0", ""), ("A1", "5", "x"), ("A1", "1e-6", "")):
        with pytest.raises(HeadstageError, match=r"asked for"):
            target_near("A1" if electrode == "A1" else electrode, radius, falloff, Bench(CHIP, UNITS, (), ())
                        if electrode == "A1" and radius == "1e-6" else BENCH)  # fmt: skip


def test_pulses_are_drawn_in_order_and_inside() -> None:
    train = PulseTrain(PerturbationKind.DRIVE, (5,), 20, 5, 30, 8, 0)
    spans = pulse_spans(train, 260.0)
    assert len(spans) == 8
    flat = [x for span in spans for x in span]
    assert flat == sorted(flat)
    assert flat[-1] <= 260
    assert (spans[1][0] - spans[0][0]) / (spans[0][1] - spans[0][0]) == pytest.approx(6)
    many = pulse_spans(PulseTrain(PerturbationKind.DRIVE, (5,), 0, 1, 2, 100_000), 260.0)
    assert len(many) <= 400


def test_the_pulses_of_one_train_are_one_line_of_the_list() -> None:
    given = GivenStimuli()
    for k in range(3):
        e = perturbed(k, "drive", (5, 6), 10 + 5 * k, 12 + 5 * k, label="stimulus 1")
        given.add(LogEntry(e.seq, 10, 0.0, e.kind, e.payload))
    assert [g.text("node") for g in given.given] == ["drive high · 2 nodes · 3 ×"]
    given.add(perturbed(3, "drive", (5,), 40, 41, amplitude=0.0, label="trigger sync"))
    assert given.given[-1].text("node") == "drive low · 1 node · sync"
    assert not given.add(perturbed(4, "silence", (5,), 40))
    assert given.n_given == 2
    assert given.add(entry(5, 0, LogKind.RESET, seed=0))
    assert given.given == []


# ---- facts


def test_identity_of_a_node_and_a_transistor() -> None:
    node = {f.label: f.text for f in facts_of(5, UNITS, CHIP)}
    assert node == {
        "kind": "node #5",
        "region": "ALU/adder",
        "place": "x 0, y 0 µm",
        "aliases": "A0 a0",
        "pull up": "yes",
    }
    transistor = {f.label: f.text for f in facts_of(22, UNITS, CHIP)}
    assert transistor["activity"] == "that of alu1"
    assert {f.label: f.text for f in facts_of(3, UNITS, CHIP)}["place"] == "everywhere or nowhere"


def test_neighbours_are_read_off_the_netlist() -> None:
    def relations(unit_id: int) -> dict[str, tuple[int, ...]]:
        return {n.relation: n.unit_ids for n in neighbours_of(unit_id, UNITS)}

    assert relations(5) == {"gates": (20, 21)}
    assert relations(7) == {"gated by": (5, 6), "through": (20, 21, 22), "to": (3, 6)}
    assert relations(20) == {"gate": (5,), "connects": (6, 7), "in parallel": (21,)}
    assert relations(22) == {"gate": (6,), "connects": (7, 3)}
    assert relations(30) == {}
    plain = UnitTable.build([1], ["a"])
    assert neighbours_of(1, plain) == ()


def test_shares_of_a_selection() -> None:
    shares = shares_of((5, 6, 7, 21, 3), UNITS, "region")
    assert [(s.label, s.unit_ids) for s in shares] == [("ALU", (5, 6, 7)), ("PLA", (21,)), ("no region", (3,))]
    assert [(s.label, len(s.unit_ids)) for s in shares_of((5, 21), UNITS, "kind")] == [("node", 1), ("transistor", 1)]


# ---- statistics, against plain definitions

TRAINS = st.lists(st.booleans(), min_size=1, max_size=300).map(lambda b: np.array(b, np.bool_))


@given(TRAINS)
def test_spikes_duty_and_intervals_by_definition(on: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
    stats = unit_stats(on, 2)
    spikes = [i for i in range(1, len(on)) if on[i] and not on[i - 1]]
    assert stats.n_spikes == len(spikes)
    assert stats.duty == pytest.approx(sum(on) / len(on))
    if len(spikes) > 1:
        assert stats.isi_median_ticks == 2 * np.median(np.diff(spikes))


@given(st.lists(st.integers(1, 40), min_size=2, max_size=200))
def test_the_interval_histogram_counts_each_interval_once(intervals: list[int]) -> None:
    spikes = np.concatenate([[5], 5 + np.cumsum(intervals)]).astype(np.int64)
    edges, counts, median = isi_histogram(spikes)
    expected, _ = np.histogram(intervals, edges)
    assert counts.tolist() == expected.tolist()
    assert counts.sum() >= 0.98 * len(intervals)
    assert median == np.median(intervals)


@given(st.lists(st.integers(1, 30), min_size=10, max_size=120))
def test_the_autocorrelogram_counts_pairs(intervals: list[int]) -> None:
    spikes = np.cumsum(intervals).astype(np.int64)
    n_samples = int(spikes[-1]) + 1
    edges, rate = autocorrelogram(spikes, n_samples)
    if len(rate) == 0:
        return
    width = edges[1] - edges[0]
    reach = width * N_LAGS
    firsts = [s for s in spikes.tolist() if s < n_samples - reach]
    pairs = [b - a for a in firsts for b in spikes.tolist() if 0 < b - a <= reach]
    counts, _ = np.histogram(pairs, edges)
    mean_rate = len(spikes) / (n_samples - int(spikes[0]))
    assert rate == pytest.approx(counts / (len(firsts) * width * mean_rate))


def test_a_regular_unit_has_peaks_at_its_period_and_nothing_between() -> None:
    on = np.arange(6000) % 7 == 0
    stats = unit_stats(on, 1)
    assert stats.isi_counts.tolist() == [0] * 7 + [stats.n_spikes - 1]
    edges, rate = stats.lag_ticks, stats.lag_rate
    peaks = {round((edges[i] + edges[i + 1]) / 2) for i in np.flatnonzero(rate > 0).tolist()}
    assert peaks == set(range(7, N_LAGS + 1, 7))
    assert rate.max() == pytest.approx(7, rel=0.02)


def test_independent_spikes_have_a_flat_autocorrelogram_at_one() -> None:
    rng = np.random.default_rng(1)
    spikes = np.flatnonzero(rng.random(60_000) < 0.05)
    _, rate = autocorrelogram(spikes, 60_000)
    assert rate.mean() == pytest.approx(1, abs=0.03)
    assert rate.std() < 0.2


def test_too_few_spikes_give_nothing_to_draw() -> None:
    silent = unit_stats(np.zeros(100, np.bool_), 1)
    assert (silent.n_spikes, len(silent.isi_counts), len(silent.lag_rate)) == (0, 0, 0)
    assert len(unit_stats(np.empty(0, np.bool_), 1).isi_counts) == 0


@given(st.integers(1, 20), st.integers(0, 60), st.integers(0, 60), st.randoms())
def test_columns_out_of_the_pieces_of_a_ring(n_units: int, n_first: int, n_rest: int, random: Any) -> None:
    rng = np.random.default_rng(random.randrange(1 << 30))
    bits = rng.random((n_first + n_rest, n_units)) < 0.4
    packed = np.packbits(bits, axis=1, bitorder="little")
    ids = np.arange(n_units)
    info = StreamInfo("b", "", StreamKind.UNITS, np.dtype(np.uint8), packed.shape[1:], 1, ids, packed=True)
    plain = StreamInfo("b", "", StreamKind.UNITS, np.dtype(np.bool_), (n_units,), 1, ids)
    channels = np.sort(rng.choice(n_units, size=min(n_units, 5), replace=False)).astype(np.int64)
    for layout, data in ((info, packed), (plain, bits)):
        pieces = tuple(p for p in (data[:n_first], data[n_first:]) if len(p))
        for c in channels.tolist():
            assert column_on(pieces, layout, c).tolist() == bits[:, c].tolist()


def test_graded_activity() -> None:
    t = np.arange(1000)
    stats = graded_stats(np.sin(2 * np.pi * t / 20).astype(np.float32) + 3, 4)
    assert stats.mean == pytest.approx(3, abs=1e-5)
    assert stats.sd == pytest.approx(np.sqrt(0.5), rel=1e-3)
    assert (stats.low, stats.high) == pytest.approx((2, 4))
    assert stats.counts.sum() == 1000
    assert stats.correlation[19] == pytest.approx(1, abs=0.03)
    assert stats.correlation[9] == pytest.approx(-1, abs=0.03)
    assert stats.lag_ticks[19] < 20 * 4 < stats.lag_ticks[20]
    constant = graded_stats(np.full(500, 2.0), 1)
    assert len(constant.correlation) == 0
    broken = graded_stats(np.array([np.nan, 1.0, 3.0, np.inf]), 1)
    assert (broken.n_samples, broken.mean) == (2, 2.0)
    assert graded_stats(np.array([np.nan]), 1).n_samples == 0
