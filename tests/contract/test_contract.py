"""What every subject must keep, whatever it is (`rig.subject.Subject`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from contract_cases import Case
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rig.contract import check_chunks
from rig.errors import SpecError, SubjectError, TickError, UnknownUnitError
from rig.perturbation import LESIONS, Perturbation, PerturbationKind
from rig.streams import StreamInfo, StreamKind, stream_from_json, stream_to_json
from rig.subject import Subject
from rig.units import table_from_json, table_to_json

Recorded = dict[str, tuple[NDArray[np.int64], NDArray[Any]]]  # stream → ticks, data
Actions = Sequence[tuple[int, Callable[[Subject], None]]]  # what is done to the subject when it stands at a tick


def watch_all(subject: Subject) -> dict[str, StreamInfo]:
    for stream in subject.streams:
        subject.watch(stream.name, None)
    return {stream.name: stream for stream in subject.streams}


def record(subject: Subject, layouts: dict[str, StreamInfo], stops: Iterable[int], actions: Actions = ()) -> Recorded:
    """Advance from stop to stop, checking every call's chunks; actions come when their tick is reached."""
    parts: dict[str, list[tuple[NDArray[np.int64], NDArray[Any]]]] = {name: [] for name in layouts}
    due = sorted(actions, key=lambda action: action[0])
    for stop in sorted({*stops, *(tick for tick, _ in due)}):
        start = subject.tick
        chunks = subject.advance(stop - start)
        assert subject.tick == stop
        check_chunks(layouts, start, stop, chunks)
        for chunk in chunks:
            k = layouts[chunk.stream].ticks_per_sample
            ticks = chunk.ticks if k is None else chunk.first_tick + k * np.arange(len(chunk))
            parts[chunk.stream].append((ticks, chunk.data))
        while due and due[0][0] == stop:
            due.pop(0)[1](subject)
    empty = {name: (np.empty(0, np.int64), np.empty((0, *i.shape), i.dtype)) for name, i in layouts.items()}
    return {
        name: tuple(np.concatenate(arrays) for arrays in zip(*chunks, strict=True)) if chunks else empty[name]
        for name, chunks in parts.items()
    }


def assert_same(a: Recorded, b: Recorded) -> None:
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name][0], b[name][0], err_msg=f"ticks of {name}")
        np.testing.assert_array_equal(a[name][1], b[name][1], err_msg=f"samples of {name}")


def between(recorded: Recorded, start: int, stop: int) -> Recorded:
    return {
        name: (ticks[(ticks >= start) & (ticks < stop)], data[(ticks >= start) & (ticks < stop)])
        for name, (ticks, data) in recorded.items()
    }


def differs(a: Recorded, b: Recorded) -> bool:
    return any(not np.array_equal(a[name][0], b[name][0]) or a[name][1].tobytes() != b[name][1].tobytes() for name in a)


def values(layout: StreamInfo, data: NDArray[Any], unit_id: int) -> NDArray[Any]:
    """(n_samples,) of one unit."""
    channel = int(layout.channels_of([unit_id])[0])
    if layout.packed:
        return np.unpackbits(data, axis=1, count=layout.n_channels, bitorder="little")[:, channel]
    return data[:, channel]


def unit_stream(subject: Subject) -> StreamInfo:
    return next(s for s in subject.streams if s.kind is StreamKind.UNITS and s.ticks_per_sample == 1)


def stirred(case: Case, subject: Subject) -> Actions:
    """Controls and perturbations of every sort, some given long before they start, some overlapping."""
    held = subject.units.id_of_name[case.held]
    hurt = subject.units.id_of_name[case.lesioned]
    name, value = case.control
    default = next(c.default for c in subject.controls if c.name == name)
    kind = PerturbationKind

    def give(*perturbations: Perturbation) -> Callable[[Subject], None]:
        return lambda s: [s.perturb(p) for p in perturbations] and None

    return (
        (0, give(Perturbation(kind.SILENCE, (held,), 301, 350), Perturbation(kind.DRIVE, (held,), 320, 330))),
        (5, lambda s: s.set_control(name, value)),
        (290, give(Perturbation(kind.DRIVE, (held,), 340, None, amplitude=0.2))),
        (400, give(Perturbation(kind.RELEASE, (held,), 431))),
        (420, lambda s: s.set_control(name, default)),
        (421, give(Perturbation(case.lesion, (hurt,), 555))),
    )


# ---- what it says of itself


def test_description_is_complete(case: Case, pair: tuple[Subject, Subject]):
    subject, twin = pair
    info = subject.info
    assert all((info.name, info.kind, info.description, info.source, info.licence, info.tick_name, info.fingerprint))
    assert info.space in ("um", "schematic")
    assert info.tick_hz >= 0
    assert "\n" not in info.licence + info.description + info.source
    assert twin.info == info
    assert case.open_other().info.fingerprint != info.fingerprint


def test_units_and_streams_fit_together(subject: Subject):
    units = subject.units
    assert len(units) > 0
    assert (np.diff(units.unit_id) > 0).all()
    assert len(set(units.name)) == len(units)
    assert not any("," in name or name != name.strip() for name in units.name), "a selection separates names by commas"
    units.rows(units.signal_id)
    assert len({s.name for s in subject.streams}) == len(subject.streams)
    for stream in subject.streams:
        assert stream.description
        if stream.unit_ids is not None:
            assert (np.diff(stream.unit_ids) > 0).all()
            units.rows(stream.unit_ids)
            n = len(stream.unit_ids)
            assert stream.shape[0] == ((n + 7) // 8 if stream.packed else n)
        if stream.palette is not None:
            assert stream.palette.shape[1:] == (3,)
            assert stream.palette.dtype == np.uint8
    # what emits can be recorded; other units may only be there to be looked at and perturbed
    assert np.isin(units.signal_id[units.emits], unit_stream(subject).unit_ids).all()


def test_tables_survive_their_files(subject: Subject):
    table = table_from_json(table_to_json(subject.units))
    assert table_to_json(table) == table_to_json(subject.units)
    for stream in subject.streams:
        assert stream_to_json(stream_from_json(stream_to_json(stream))) == stream_to_json(stream)


def test_outlines_belong_to_units(subject: Subject):
    outlines = subject.units.outlines
    if outlines is None:
        pytest.skip(f"{subject.info.name} has no outlines")
    subject.units.rows(outlines.unit_id)
    assert len(outlines.start) == len(outlines.unit_id) + 1 == len(outlines.layer) + 1
    assert outlines.start[0] == 0
    assert (np.diff(outlines.start) >= 3).all()
    assert outlines.start[-1] == len(outlines.vertices)
    assert np.isfinite(outlines.vertices).all()


# ---- time


def test_nothing_is_watched_at_first(case: Case):
    subject = case.open()
    assert subject.tick == 0
    assert subject.advance(case.n_ticks) == []
    assert subject.tick == case.n_ticks
    subject.close()


def test_every_stream_gives_samples(case: Case, subject: Subject):
    recorded = record(subject, watch_all(subject), [case.n_ticks])
    assert all(len(ticks) for ticks, _ in recorded.values())


def test_no_ticks_do_nothing(case: Case, subject: Subject):
    watch_all(subject)
    subject.advance(case.n_ticks // 2)
    before = subject.snapshot()
    assert sum(len(chunk) for chunk in subject.advance(0)) == 0
    assert subject.snapshot() == before


def test_one_and_forty_nine_are_fifty(pair: tuple[Subject, Subject]):
    whole, divided = pair
    expected = record(whole, watch_all(whole), [50])
    assert_same(record(divided, watch_all(divided), [1, 50]), expected)
    assert whole.snapshot() == divided.snapshot()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_division_of_time_can_be_seen(case: Case, pair: tuple[Subject, Subject], data: st.DataObject):
    whole, divided = pair
    stops = data.draw(st.lists(st.integers(0, case.n_ticks), max_size=12))
    for subject in pair:
        subject.reset(0)
    expected = record(whole, watch_all(whole), [case.n_ticks], stirred(case, whole))
    found = record(divided, watch_all(divided), [*stops, case.n_ticks], stirred(case, divided))
    assert_same(found, expected)
    assert whole.snapshot() == divided.snapshot()


# ---- reset and seeds


def test_reset_starts_the_same_again(case: Case, subject: Subject):
    layouts = watch_all(subject)
    fresh = subject.snapshot()
    first = record(subject, layouts, [case.n_ticks])
    # neither controls nor perturbations, under way or still to come, outlive a reset; what is watched does
    held, hurt = (subject.units.id_of_name[name] for name in (case.held, case.lesioned))
    subject.set_control(*case.control)
    for tick in (case.n_ticks, case.n_ticks + 99):
        subject.perturb(Perturbation(PerturbationKind.DRIVE, (held,), tick))
        subject.perturb(Perturbation(case.lesion, (hurt,), tick))
    subject.advance(50)
    subject.reset(0)
    assert subject.tick == 0
    assert subject.snapshot() == fresh
    assert_same(record(subject, layouts, [case.n_ticks]), first)


@pytest.mark.parametrize("seed", [0, 1, 77, 2**32 + 5])
def test_a_seed_decides(case: Case, pair: tuple[Subject, Subject], seed: int):
    found = []
    for subject in pair:
        subject.reset(seed)
        found.append(record(subject, watch_all(subject), [case.n_ticks]))
    assert_same(*found)


def test_another_seed_is_another_run(case: Case, pair: tuple[Subject, Subject]):
    found = []
    for seed, subject in enumerate(pair):
        subject.reset(seed)
        found.append(record(subject, watch_all(subject), [case.n_ticks]))
    assert differs(*found)


# ---- watching


def test_watching_changes_nothing(case: Case, pair: tuple[Subject, Subject]):
    seen, unseen = pair
    record(seen, watch_all(seen), [case.n_ticks], stirred(case, seen))
    record(unseen, {}, [case.n_ticks], stirred(case, unseen))
    assert seen.snapshot() == unseen.snapshot()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_subset_is_columns_of_the_whole(case: Case, pair: tuple[Subject, Subject], data: st.DataObject):
    whole, part = pair
    for subject in pair:
        subject.reset(0)
    everything = record(whole, watch_all(whole), [case.n_ticks], stirred(case, whole))
    layouts = {}
    for stream in part.streams:
        if stream.unit_ids is None:
            part.watch(stream.name, np.empty(0, np.int64))
            continue
        # in any order, repeated or not: channels keep the order of the whole stream
        n_wanted = data.draw(st.sampled_from([1, 2, 9, stream.n_channels // 2, stream.n_channels]))
        rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
        wanted = rng.choice(stream.unit_ids, n_wanted)
        part.watch(stream.name, wanted)
        layouts[stream.name] = stream.watching(wanted)
    found = record(part, layouts, [case.n_ticks], stirred(case, part))
    for name, layout in layouts.items():
        for unit_id in layout.unit_ids.tolist():
            expected = values(next(s for s in whole.streams if s.name == name), everything[name][1], unit_id)
            np.testing.assert_array_equal(values(layout, found[name][1], unit_id), expected)
        if layout.packed and layout.n_channels % 8:
            assert not (found[name][1][:, -1] >> layout.n_channels % 8).any(), "bits that are no channel must be 0"


def test_watching_can_change_on_the_way(case: Case, pair: tuple[Subject, Subject]):
    whole, part = pair
    everything = record(whole, watch_all(whole), [case.n_ticks])
    middle = case.n_ticks // 2 + 1
    part.advance(middle)
    layouts = watch_all(part)
    found = record(part, layouts, [case.n_ticks])
    for name, layout in layouts.items():
        k = layout.ticks_per_sample or 1
        # the bin that was under way appears, because its last tick is watched
        assert_same({name: found[name]}, between({name: everything[name]}, middle // k * k, case.n_ticks))
    for name in layouts:
        part.watch(name, np.empty(0, np.int64))
    assert part.advance(10) == []


# ---- snapshots


@pytest.mark.parametrize("tick", [0, 1, 302, 325, 346, 425, 557])
def test_restoring_a_snapshot_is_the_identity(case: Case, pair: tuple[Subject, Subject], tick: int):
    subject, twin = pair
    layouts = watch_all(subject)
    actions = stirred(case, subject)
    record(subject, layouts, [tick], [a for a in actions if a[0] < tick])
    snapshot = subject.snapshot()
    later = [a for a in actions if a[0] >= tick]
    expected = record(subject, layouts, [case.n_ticks], later)
    end = subject.snapshot()

    subject.restore(snapshot)
    assert subject.tick == tick
    assert subject.snapshot() == snapshot
    assert_same(record(subject, layouts, [case.n_ticks], later), expected)
    assert subject.snapshot() == end

    # and on another one of the same, whatever it has been through
    twin.reset(3)
    record(twin, watch_all(twin), [600], stirred(case, twin))
    twin.restore(snapshot)
    assert_same(record(twin, layouts, [case.n_ticks], later), expected)


def test_what_is_watched_is_no_state(subject: Subject):
    subject.advance(20)
    snapshot = subject.snapshot()
    layouts = watch_all(subject)
    subject.restore(snapshot)
    assert len(record(subject, layouts, [60])[unit_stream(subject).name][0]) == 40


def test_damaged_and_foreign_snapshots_are_refused(case: Case, subject: Subject):
    subject.advance(100)
    good = subject.snapshot()
    other = case.open_other()
    other.advance(100)
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 0x10
    for bad in (other.snapshot(), bytes(flipped), good[:-1], good[:20], b"", b"nothing like it", good + b"\0"):
        subject.advance(3)
        before = subject.snapshot()
        with pytest.raises(SubjectError):
            subject.restore(bad)
        assert subject.snapshot() == before
    subject.restore(good)
    assert subject.tick == 100


# ---- perturbations


def one_with(case: Case, subject: Subject, *perturbations: Perturbation) -> Recorded:
    subject.reset(0)
    for perturbation in perturbations:
        subject.perturb(perturbation)
    return record(subject, watch_all(subject), [case.n_ticks])


@pytest.mark.parametrize("kind", [k for k in PerturbationKind if k is not PerturbationKind.RELEASE])
def test_nothing_differs_before_it_starts(case: Case, pair: tuple[Subject, Subject], kind: PerturbationKind):
    intact, perturbed = pair
    if kind not in perturbed.perturbation_kinds:
        pytest.skip(f"{perturbed.info.name} has no {kind}")
    lesion = kind in LESIONS
    unit = perturbed.units.id_of_name[case.lesioned if lesion else case.held]
    expected = one_with(case, intact)
    patched = kind is PerturbationKind.PATCH
    given = Perturbation(kind, (unit,), 333, 335 if patched else None, waveform=((0.7,), (-0.2,)) if patched else ())
    found = one_with(case, perturbed, given)
    for name, layout in ((s.name, s) for s in perturbed.streams):
        k = layout.ticks_per_sample or 1
        assert_same(
            between({name: found[name]}, 0, 333 // k * k - k + 1),
            between({name: expected[name]}, 0, 333 // k * k - k + 1),
        )
    if not lesion or kind is case.lesion:
        assert differs(between(found, 333, case.n_ticks), between(expected, 333, case.n_ticks))


@pytest.mark.parametrize("kind", [PerturbationKind.DRIVE, PerturbationKind.SILENCE])
@pytest.mark.parametrize("amplitude", [None, 1.0, 0.0])
def test_a_hold_holds_from_its_first_tick_to_its_last(
    case: Case, subject: Subject, kind: PerturbationKind, amplitude: float | None
):
    unit = subject.units.id_of_name[case.held]
    hold = Perturbation(kind, (unit,), 350, 450, amplitude=amplitude)
    stream = unit_stream(subject)
    held = values(stream, one_with(case, subject, hold)[stream.name][1], unit)
    assert (held[350:450] == hold.level).all()
    assert len(np.unique(held[300:350])) >= 2, "it must change before, or this proves nothing"
    assert len(np.unique(held[450:550])) >= 2, "it must be free again"


def test_an_end_is_a_release(case: Case, pair: tuple[Subject, Subject]):
    unit = pair[0].units.id_of_name[case.held]
    kind = PerturbationKind
    ended = one_with(case, pair[0], Perturbation(kind.SILENCE, (unit,), 333, 417))
    released = one_with(
        case, pair[1], Perturbation(kind.SILENCE, (unit,), 333), Perturbation(kind.RELEASE, (unit,), 417)
    )
    assert_same(ended, released)


def test_a_later_hold_wins_and_the_earlier_returns(case: Case, subject: Subject):
    unit = subject.units.id_of_name[case.held]
    stream = unit_stream(subject)
    kind = PerturbationKind
    recorded = one_with(
        case, subject, Perturbation(kind.SILENCE, (unit,), 340, 400), Perturbation(kind.DRIVE, (unit,), 360, 380)
    )
    held = values(stream, recorded[stream.name][1], unit)
    assert held[340:400].tolist() == [0] * 20 + [1] * 20 + [0] * 20


def test_weak_weights_do_not_reach_a_binary_unit(case: Case, pair: tuple[Subject, Subject]):
    if case.graded:
        pytest.skip(f"{pair[0].info.name} has graded units: every weight reaches them")
    unit = pair[0].units.id_of_name[case.held]
    weak = Perturbation(PerturbationKind.DRIVE, (unit,), 333, 400, weights=(0.4,))
    strong = Perturbation(PerturbationKind.DRIVE, (unit,), 333, 400, weights=(0.5,))
    intact = one_with(case, pair[0])
    assert_same(one_with(case, pair[1], weak), intact)
    assert differs(one_with(case, pair[1], strong), intact)


def test_lesions_stay(case: Case, pair: tuple[Subject, Subject]):
    """A release frees no lesion, and lesions given at the same tick in two calls are those given in one."""
    unit = pair[0].units.id_of_name[case.lesioned]
    lesion = Perturbation(case.lesion, (unit,), 200)
    hurt = one_with(case, pair[0], lesion)
    assert_same(one_with(case, pair[1], lesion, Perturbation(PerturbationKind.RELEASE, (unit,), 300)), hurt)


# ---- errors


def test_errors_leave_the_state_untouched(case: Case, subject: Subject):
    unit = subject.units.id_of_name[case.held]
    missing = int(subject.units.unit_id.max()) + 1
    layouts = watch_all(subject)
    subject.advance(50)
    before = subject.snapshot()
    drive = PerturbationKind.DRIVE
    with pytest.raises(TickError):
        subject.perturb(Perturbation(drive, (unit,), 49))
    with pytest.raises(UnknownUnitError):
        subject.perturb(Perturbation(drive, (unit, missing), 60))
    with pytest.raises(UnknownUnitError):
        subject.watch("no such stream", None)
    with pytest.raises(UnknownUnitError):
        subject.watch(unit_stream(subject).name, np.array([unit, missing]))
    for stream in subject.streams:
        if stream.unit_ids is None:
            with pytest.raises(UnknownUnitError):
                subject.watch(stream.name, np.array([unit]))
    with pytest.raises(UnknownUnitError):
        subject.set_control("no such control", True)
    for name, value in case.bad_values.items():
        with pytest.raises(SpecError):
            subject.set_control(name, value)
    assert subject.snapshot() == before
    # a watch that was refused leaves the one before
    assert record(subject, layouts, [60]).keys() == layouts.keys()


def test_controls_take_what_they_say(case: Case, pair: tuple[Subject, Subject]):
    subject, untouched = pair
    for control in subject.controls:
        assert control.description
        for value in control.choices:
            subject.set_control(control.name, value)
        subject.set_control(control.name, control.default)
    expected = record(untouched, watch_all(untouched), [case.n_ticks])
    layouts = watch_all(subject)
    assert_same(record(subject, layouts, [case.n_ticks]), expected)
    subject.reset(0)
    subject.set_control(*case.control)
    assert differs(record(subject, layouts, [case.n_ticks]), expected)
