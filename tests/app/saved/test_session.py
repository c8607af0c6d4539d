"""Saved sessions: what is read back is what was written, and what cannot be is one clear line."""

from __future__ import annotations

import json

import pytest

from app.protocol.steps import Do, Protocol, Step
from app.saved.session import (
    SavedSession,
    SavedTrigger,
    load_session,
    save_session,
    session_from_text,
    session_to_text,
)
from app.window.pane_settings import RasterSettings, ScopeGains, ScopeSettings, SpectrogramSettings
from app.window.raster_rows import Order, Rows
from app.window.scope_filters import FilterChoice, FilterKind
from app.window.scope_layout import Arrangement, RowView
from app.window.spectrogram_picture import Scale, SpectrogramChoice
from app.window.speeds import Speed
from app.window.tools.stimulus import Mode, StimulusForm, TriggerKind
from app.window.trigger_choice import TriggerSettings
from rig.errors import FormatError, StorageError
from rig.probe import Probe
from rig.trigger import FieldsMatch, FrameStarts, RateOver, UnitRises

FULL = SavedSession(
    plugin="model-cell",
    options={"units": "32"},
    seed=-7,
    watches={"spikes": (100, 103), "charge": None},
    probes=(Probe("A", ((0.0, 1.5, 0.0), (800.0, 0.0, 0.0)), sigma=200.0),),
    speed=Speed(times_real=0.1),
    channels=(103, 100),
    selection=(100,),
    span_ticks=5000,
    trigger=SavedTrigger.of(TriggerSettings(True, UnitRises("spikes", 103), "cell3 ↑", 50, 4)),
    scope=ScopeSettings("charge", Arrangement.BY_DEPTH, FilterChoice(FilterKind.HIGH_PASS, 50.0), False, True),
    gains=ScopeGains(2.0, {"charge unit 103": RowView(4.0, 0.5, -1.0, 3.0)}),
    raster=RasterSettings(Rows.LISTED, Order.RATE),
    spectrogram=SpectrogramSettings("A1", SpectrogramChoice(Scale.LINEAR, 512, 75, 40)),
    map_kind="cell",
    stimulus=StimulusForm(Mode.AMPLITUDE, "0.5", TriggerKind.RISE, "cell3", "1ms", "7", "20", "3", "2", "100", "4"),
    plan=Protocol("lesion", (Step(Do.PERTURB, "silence cell3 for=5", "10ms"), Step(Do.MARK, "1")), 3),
    layout="wide",
)


@pytest.mark.parametrize(
    "condition",
    [
        None,
        UnitRises("spikes", 3, 0.25),
        RateOver("spikes", (1, 2), 40, 1000),
        FrameStarts("frame"),
        FieldsMatch("bus", (("address", 0xF000), ("rw", 1))),
    ],
)
def test_what_is_read_is_what_was_written(condition, tmp_path):
    trigger = SavedTrigger.of(TriggerSettings(True, condition, "t"))
    session = SavedSession(**{**FULL.__dict__, "trigger": trigger})
    path = tmp_path / "mine.session.json"
    save_session(session, path)
    again = load_session(path)
    assert again == session
    assert again.trigger.settings() == TriggerSettings(True, condition, "t")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_what_is_left_out_is_as_at_first():
    text = '{"format": "headstage-session", "version": 1, "session": {"plugin": "model-cell"}}'
    assert session_from_text(text) == SavedSession("model-cell")


def changed(**changes):
    value = json.loads(session_to_text(FULL))
    value["session"] |= changes
    return json.dumps(value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "cannot be read"),
        ("[1]", "cannot be read"),
        ("{}", "does not say that it is one"),
        ('{"format": "headstage-session", "version": 9}', "of version 9"),
        ('{"format": "headstage-session", "version": 1}', "session"),
        (changed(plugin=3), "$.session.plugin"),
        (changed(seed=1 << 70), "seed"),
        (changed(channels=["a"]), "$.session.channels"),
        (changed(probes=[{"name": "A", "electrodes": []}]), "without electrodes"),
        (changed(scope={"arrangement": "upside down"}), "$.session.scope.arrangement"),
        (changed(gains={"common": 0}), "gain"),
        (changed(spectrogram={"choice": {"length": 77}}), "77"),
        (changed(trigger={"pre_percent": 33}), "33"),
        (changed(stimulus={"mode": "drive mad"}), "$.session.stimulus.mode"),
        (changed(map_kind=3), "$.session.map_kind"),
        (changed(trigger={"condition": {"is": "Anything"}}), "Anything"),
        (changed(trigger={"condition": {"is": "UnitRises", "stream": "s"}}), "cannot be read"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_what_is_wrong_is_one_line(text, line):
    with pytest.raises(FormatError) as told:
        session_from_text(text)
    assert line in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_or_too_large(tmp_path):
    with pytest.raises(StorageError, match="No such file"):
        load_session(tmp_path / "none.session.json")
    large = tmp_path / "large.session.json"
    large.write_bytes(b" " * (5 << 20))
    with pytest.raises(FormatError, match="larger"):
        load_session(large)
    with pytest.raises(StorageError, match="asked to save the session"):
        save_session(FULL, tmp_path / "no" / "folder.session.json")
