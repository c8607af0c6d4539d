"""Sound: the selected unit, or an electrode, through the loudspeaker. M turns it on and off."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSlider, QToolButton, QWidget

from app.window.desk import Desk, Level, Pull
from app.window.loudspeaker import Loudspeaker, open_loudspeaker
from app.window.pane_header import add_choice
from app.window.sound_wave import SpikeVoice, WaveVoice, pitch_text, samples_to_play
from app.window.trigger_choice import channel_values
from rig.errors import EvictedError
from rig.field import FIELD_STREAM
from rig.process.ring_reader import RingReader
from rig.streams import StreamInfo, StreamKind

FIND_AFTER_MS = 1500
SELECTED = "the selected unit"
LEAD_S = 0.04  # written ahead after silence, so that an uneven timer is not heard
MOST_QUEUED_S = 0.12  # beyond it, what is heard would lag behind what is seen
MOST_TURN_S = 0.1  # of one turn of the timer; a longer one was a hitch


class SoundControl(QWidget):
    """A button that mutes, a menu of what is heard, a volume; disabled where there is no loudspeaker.

    Parameters
    ----------
    settings : keeps volume and whether it is on; None to forget them
    find_loudspeaker : opens one, or says why there is none; it takes a fifth of a second, so the window comes first
    """

    def __init__(
        self,
        desk: Desk,
        settings: QSettings | None = None,
        find_loudspeaker: Callable[[], Loudspeaker | str] = open_loudspeaker,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.desk = desk
        self._settings = settings
        self.source = SELECTED
        self.reason = ""
        self.speaker: Loudspeaker | None = None
        self._spikes = SpikeVoice(48_000.0)
        self._wave = WaveVoice()
        self._heard: tuple[object, ...] = ()
        self._tick: int | None = None
        self._shift = ""
        self.button = QToolButton(self)
        self.button.setText("♪")
        self.button.setCheckable(True)
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.menu = QMenu(self.button)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.button.setMenu(self.menu)
        self.volume = QSlider(Qt.Orientation.Horizontal, self)
        self.volume.setRange(0, 100)
        self.volume.setFixedWidth(72)
        self.volume.setAccessibleName("volume")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 8, 0)
        layout.setSpacing(6)
        layout.addWidget(self.button)
        layout.addWidget(self.volume)
        self.volume.setValue(50 if settings is None else _number(settings.value("volume", 50), 50))
        self.button.toggled.connect(self._on_toggled)
        self.volume.valueChanged.connect(self._on_volume)
        self._find_loudspeaker = find_loudspeaker
        self._finding = QTimer(self)
        self._finding.setSingleShot(True)
        self._finding.timeout.connect(self.look)
        self._show_tip()
        desk.opened.connect(self._on_opened)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.speaker is None and not self.reason:
            self._finding.start(FIND_AFTER_MS)

    def look(self) -> None:
        """Look for a loudspeaker, once."""
        self._finding.stop()
        if self.speaker is not None or self.reason:
            return
        found = self._find_loudspeaker()
        if isinstance(found, str):
            self.reason = found
            self.setEnabled(False)
            self.volume.hide()
        else:
            self.speaker = found
            self._spikes = SpikeVoice(found.rate_hz)
            self._on_volume(self.volume.value())
            if self._settings is not None and _on(self._settings.value("sound", False)):
                self.button.setChecked(True)
        self._show_tip()

    # ---- what the hand does

    def commands(self) -> list[tuple[str, str, str, Callable[[], object]]]:
        """Name, text, key and what it does."""
        return [("sound", "Sound on or off", "M", self.toggle)]

    @property
    def on(self) -> bool:
        return self.button.isChecked()

    def toggle(self) -> None:
        """Mute, or let it be heard."""
        self.look()
        if self.speaker is None:
            self.desk.say(Level.NOTE, self.reason)
            return
        self.button.toggle()
        if self.on and self.source == SELECTED and not len(self.desk.selection):
            self.desk.say(Level.NOTE, "sound is on: select a unit to hear it")

    def choose(self, source: str) -> None:
        """The selected unit, or an electrode by its name."""
        self.source = source
        self._tick = None
        self._show_tip()

    def close_speaker(self) -> None:
        """Silence, for good."""
        self._finding.stop()
        self.reason = self.reason or "no sound"
        if self.speaker is not None:
            self.speaker.close()
            self.speaker = None
        self.setEnabled(False)

    # ---- on every turn of the timer

    def pull(self, pull: Pull) -> None:
        """Play what happened since the last turn; costs nothing while muted."""
        if not self.on or self.speaker is None or self.desk.description is None:
            self._tick = None
            return
        found = self._find()
        if found is None:
            self._tick = None
            self._tell_shift("select a unit to hear it" if self.source == SELECTED else f"{self.source} is not there")
            return
        reader, channel = found
        last, self._tick = self._tick, pull.tick
        heard = (reader, channel)
        if last is None or pull.tick < last or heard != self._heard:
            self._heard = heard
            self._wave = WaveVoice()
            return
        n_frames = round(min(pull.elapsed_s, MOST_TURN_S) * self.speaker.rate_hz)
        queued = self.speaker.n_queued
        if queued > MOST_QUEUED_S * self.speaker.rate_hz or n_frames == 0:
            return
        sound = self._sound(reader, channel, last, pull.tick, n_frames)
        if sound is None:
            return
        if queued == 0:
            self.speaker.write(np.zeros(round(LEAD_S * self.speaker.rate_hz), np.float32))
        self.speaker.write(sound)

    def _sound(
        self, reader: RingReader, channel: int, start: int, stop: int, n_frames: int
    ) -> NDArray[np.float32] | None:
        """The moment in which the ticks [start, stop) were done; None where there is nothing to hear."""
        assert self.speaker is not None
        info, rate = reader.info, self.speaker.rate_hz
        k = info.ticks_per_sample or 1
        if stop == start:
            return self._spikes.render(np.empty(0), n_frames) if self._spikes.ringing else None
        try:
            span = reader.span()
            start, stop = max(start, span.first_tick), min(stop, span.stop_tick)
            if clicks(info):
                bits = _values(reader, max(start - k, span.first_tick), stop, channel)
                rises = np.flatnonzero(np.diff(bits.astype(np.int8)) > 0) + 1
                self._tell_pitch(len(bits) * rate / n_frames, k)
                return self._spikes.render(rises / max(len(bits), 1), n_frames)
            n_new = stop // k - start // k
            n_play, again = samples_to_play(n_new, n_frames, rate)
            if n_new == 0:
                return None
            values = _values(reader, max(stop // k * k - n_play * k, span.first_tick), stop, channel)
        except EvictedError:
            return None  # it raced away under our eyes
        self._tell_pitch(len(values) * rate / n_frames, k)
        return self._wave.render(values, n_frames, again=again)

    def _find(self) -> tuple[RingReader, int] | None:
        """Ring and channel of what is to be heard."""
        if self.source != SELECTED:
            reader = self.desk.ring(FIELD_STREAM)
            names = () if reader is None else reader.info.channel_names
            return (reader, names.index(self.source)) if reader is not None and self.source in names else None
        info, description = self.desk.stream(StreamKind.UNITS), self.desk.description
        reader = None if info is None else self.desk.ring(info.name)
        if reader is None or description is None or not len(self.desk.selection) or reader.info.unit_ids is None:
            return None
        row = int(description.units.rows([self.desk.selection.ids[-1]])[0])
        signal = int(description.units.signal_id[row])
        at = np.flatnonzero(reader.info.unit_ids == signal)
        return (reader, int(at[0])) if len(at) and reader.info.regular else None

    # ---- what it says

    def _tell_pitch(self, samples_per_s: float, k: int) -> None:
        assert self.desk.description is not None
        hz = self.desk.description.info.tick_hz
        self._tell_shift(pitch_text(samples_per_s, hz / k))

    def _tell_shift(self, text: str) -> None:
        if text != self._shift:
            self._shift = text
            self._show_tip()

    def _show_tip(self) -> None:
        if self.reason:
            tip = self.reason
        elif self.on:
            tip = (
                f"Hearing {self.source}: {self._shift or 'waiting for samples'}\nMute (M); the arrow chooses the source"
            )
        else:
            tip = f"Hear {self.source} (M); the arrow chooses the source"
        for widget in (self, self.button):
            widget.setToolTip(tip)
        self.volume.setToolTip(tip if self.reason else f"Volume: {self.volume.value()} %")
        self.button.setAccessibleName(tip.split("\n")[0])

    def _fill_menu(self) -> None:
        self.menu.clear()
        reader = self.desk.ring(FIELD_STREAM)
        electrodes = () if reader is None else reader.info.channel_names
        add_choice(self.menu, [SELECTED, *electrodes], self.source, self.choose)

    def _on_toggled(self, on: bool) -> None:
        if self._settings is not None:
            self._settings.setValue("sound", on)
        self._tick = None
        self._shift = ""
        self._show_tip()

    def _on_volume(self, value: int) -> None:
        if self._settings is not None:
            self._settings.setValue("volume", value)
        if self.speaker is not None:
            self.speaker.set_volume(value / 100)
        self._show_tip()

    def _on_opened(self) -> None:
        self._tick = None
        self.choose(SELECTED)


def clicks(info: StreamInfo) -> bool:
    """Whether a stream is heard as clicks: its units are on or off."""
    return info.packed or info.dtype == np.bool_


def _values(reader: RingReader, start_tick: int, stop_tick: int, channel: int) -> NDArray[np.generic]:
    """One channel's samples stamped [start, stop). Raises EvictedError."""
    k = reader.info.ticks_per_sample or 1
    view = reader.ticks(start_tick, max(min(stop_tick, stop_tick // k * k), start_tick))
    at = np.array([channel], np.int64)
    parts = [channel_values(reader.info, piece, at)[:, 0] for piece in view.pieces]
    view.check()
    return np.concatenate(parts) if parts else np.empty(0, reader.info.dtype)


def _number(value: object, default: int) -> int:
    """Of the settings, where everything may be a text."""
    try:
        return int(str(value))
    except ValueError:
        return default


def _on(value: object) -> bool:
    return str(value).lower() in ("true", "1")
