"""What the subject does outwardly: its screen with the controls under it, or the text it writes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from app.theme import DARK, Theme
from app.window.behaviour_controls import ControlBoard
from app.window.behaviour_frame import (
    Frame,
    differing,
    display_aspect,
    frame_before,
    image_of,
    marked,
)
from app.window.behaviour_held import Change, HeldControls, momentary_names, stick_prefixes
from app.window.behaviour_keys import console_control, played
from app.window.behaviour_measures import Measures
from app.window.behaviour_screen import Screen
from app.window.desk import Desk, Pull
from app.window.figures import grouped
from app.window.fonts import text_px
from app.window.pane import Pane
from app.window.pane_header import header_button
from app.window.text_page import PROMPT, TextPage
from app.window.tools.standing import ControlsNow
from app.window.twin_view import TwinView
from rig.log import LogEntry
from rig.streams import StreamInfo, StreamKind
from rig.subject import ControlValue, SubjectInfo


class BehaviourPane(Pane):
    """Screen or text, and the controls. While it has the focus it is the console."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Behaviour", desk, parent)
        self.picture = Screen(self.body)
        self.text = TextPage(desk, self.body)
        self.board = ControlBoard(self.body)
        self.measures = Measures(self.body)
        self._hint = QLabel("", self)
        self._hint.setObjectName("playHint")
        self.header_layout.insertWidget(1, self._hint)
        self.twin_button = header_button(
            str(desk.twin.view), "How all panes show the intact twin (Ctrl+Shift+T)", desk.twin.next, self
        )
        self.twin_button.hide()
        self.header_layout.insertWidget(2, self.twin_button)
        self.header_layout.insertWidget(3, self.text.colour_button)
        self._shown = QStackedLayout()
        self._shown.addWidget(self.picture)
        self._shown.addWidget(self.text)
        layout = QVBoxLayout(self.body)
        layout.setContentsMargins(8, 8, 8, 0)
        layout.setSpacing(0)
        layout.addLayout(self._shown, 1)
        layout.addWidget(self.measures)
        layout.addWidget(self.board)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.held = HeldControls()
        self._controls = ControlsNow(())
        self._stream: StreamInfo | None = None
        self._info: SubjectInfo | None = None
        self._shown_key: tuple[object, ...] | None = None
        self._mark = QColor(DARK.accent)
        self.picture.pressed.connect(lambda: self.setFocus(Qt.FocusReason.MouseFocusReason))
        self.board.pressed.connect(self._on_pressed)
        self.board.released.connect(lambda name: self._send(self.held.release(name, "mouse")))
        self.board.chosen.connect(self._set_control)
        desk.twin.changed.connect(lambda: self.twin_button.setText(str(desk.twin.view)))
        desk.opening.connect(lambda _: self.picture.show_line(desk.opening_words))
        desk.opened.connect(self._on_opened)
        desk.closed.connect(self._on_closed)
        desk.logged.connect(self._on_logged)
        self._on_closed()
        if desk.description is not None:
            self._on_opened()

    def apply_theme(self, theme: Theme) -> None:
        self.picture.theme = theme
        self.measures.apply_theme(theme)
        self.text.apply_theme(theme)
        self._mark = QColor(theme.accent)
        self.picture.update()
        self._hint.setStyleSheet(
            f"#playHint {{ color: {theme.muted}; font-size: {text_px(11)}px; background: transparent;"
            f" padding-left: 8px; }}"
            f'#playHint[playing="true"] {{ color: {theme.accent}; }}'
        )
        self.board.setStyleSheet(
            f"#heldButton {{ padding: 4px 6px; }}"
            f"#heldButton:checked {{ background: {theme.accent}; color: {theme.on_accent}; }}"
        )

    # ---- the subject

    def _on_opened(self) -> None:
        description = self.desk.description
        assert description is not None
        self._info = description.info
        self._shown_key = None
        images = [s for s in description.streams if s.kind is StreamKind.IMAGE]
        texts = [s for s in description.streams if s.kind is StreamKind.TEXT]
        self._stream = next(iter((*images, *texts)), None)
        writes = bool(texts) and not images
        self.text.set_subject(texts[0] if writes else None)
        self.text.colour_button.setVisible(writes)
        self.twin_button.hide()
        self.picture.show_image(None, 1.0)
        self._shown.setCurrentWidget(self.text if writes else self.picture)
        if self._stream is None:
            self.picture.show_line(f"{self._info.name} has neither a screen nor a text; what it does is in its units.")
        else:
            self.picture.show_line("No frame yet: run the subject (Space).")
        self.held = HeldControls(momentary_names(description.controls))
        self._controls = ControlsNow(description.controls)
        self.measures.set_streams(description.streams)
        own_line = (PROMPT,) if writes else ()
        self.board.set_controls([c for c in description.controls if c.name not in own_line])
        for entry in self.desk.entries:
            self._controls.add(entry)
        self.board.show_values(self._controls.values)
        self._playable = bool(stick_prefixes(description.controls)) or bool(momentary_names(description.controls))
        self.set_detail("")
        self._show_hint()

    def _on_closed(self) -> None:
        self._stream, self._info, self._playable = None, None, False
        self.held = HeldControls()
        self.measures.set_streams(())
        self.text.set_subject(None)
        self.text.colour_button.hide()
        self.board.set_controls(())
        self._shown.setCurrentWidget(self.picture)
        self.picture.show_image(None, 1.0)
        self.picture.show_line("Put a subject on the table: the button at the left of the strip.")
        self.set_detail("")
        self._show_hint()

    def _on_logged(self, entry: LogEntry) -> None:
        if self._controls.add(entry):
            self.board.show_values(self._controls.values)

    # ---- frames and text

    def pull(self, pull: Pull) -> None:
        self.measures.pull(self.desk, pull)
        if self._stream is None or self._info is None:
            return
        if self._stream.kind is StreamKind.TEXT:
            self.text.pull(pull)
            self.set_detail(self.text.detail)
            return
        reader = self.desk.shown_ring(self._stream.name)
        if reader is None:
            if self._shown_key != ("unwatched",):
                self._shown_key = ("unwatched",)
                self.picture.show_image(None, 1.0)
                self.picture.show_line(f"The stream {self._stream.name} is not watched: watch it to see it here.")
                self.set_detail("")
            return
        twin = self.desk.shown_ring(f"twin.{self._stream.name}")
        if self.twin_button.isHidden() == (twin is not None):
            self.twin_button.setVisible(twin is not None)
            self._show_hint()
        span = reader.span()
        stop_tick = span.stop_tick if pull.live else pull.stop_tick
        waits = "" if pull.live else self.desk.past.notice
        key = (reader.name, span.epoch, span.stop_index, None if pull.live else stop_tick, self._twin_view(), waits)
        if key == self._shown_key:
            return
        self._shown_key = key
        self._show_frame(stop_tick, pull.live)

    def _show_frame(self, stop_tick: int, live: bool) -> None:
        reader = self.desk.shown_ring(self._stream.name) if self._stream is not None else None
        if reader is None or self._info is None:
            return
        frame = frame_before(reader, stop_tick)
        if frame is None:
            self.picture.show_image(None, 1.0)
            self.picture.show_line(
                "No frame yet: run the subject (Space)."
                if live
                else self.desk.past.notice or "There was no frame yet: look at a later time."
            )
            self.set_detail("")
            return
        image = image_of(frame.data, reader.info.palette)
        parts = (_frame_text(frame, live), *_rate(frame.gap_ticks, self._info))
        view, twin = self._twin_view(), self._twin_frame(stop_tick)
        if view in (TwinView.OVERLAY, TwinView.DIFFERENCE) and twin is not None:
            apart = differing(frame.data, twin.data)
            image = marked(image, apart, self._mark, faint=view is TwinView.DIFFERENCE) if apart.any() else image
            parts = (parts[0], f"{grouped(int(apart.sum()))} px differ", *parts[1:])
        elif view is TwinView.TWIN and twin is not None:
            image = image_of(twin.data, reader.info.palette)
            parts = (f"twin's {_frame_text(twin, live)}", *_rate(twin.gap_ticks, self._info))
        self.picture.show_image(image, display_aspect(reader.info))
        self.set_detail(" · ".join(parts))

    def _twin_frame(self, stop_tick: int) -> Frame | None:
        """What the intact twin showed then; None where there is none."""
        reader = None if self._stream is None else self.desk.shown_ring(f"twin.{self._stream.name}")
        return None if reader is None else frame_before(reader, stop_tick)

    def _twin_view(self) -> TwinView:
        """The choice; the subject alone where there is no twin."""
        return TwinView.SUBJECT if self.twin_button.isHidden() else self.desk.twin.view

    # ---- the console

    def event(self, event: QEvent) -> bool:
        # while it plays, the console's keys are no shortcuts of the window
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._control_of(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clearFocus()
        elif name := self._control_of(event):
            if not event.isAutoRepeat():
                self._send(self.held.press(name, event.key()))
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        name = console_control(event)
        if name is None:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat():
            self._send(self.held.release(name, event.key()))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._show_hint()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._send(self.held.release_all())
        self._show_hint()

    def hideEvent(self, event: QEvent) -> None:
        self._send(self.held.release_all())

    def _control_of(self, event: QKeyEvent) -> str | None:
        name = console_control(event)
        return name if name in self.board.held and played(event) else None

    def _on_pressed(self, name: str) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._send(self.held.press(name, "mouse"))

    def _send(self, changes: list[Change]) -> None:
        if self.desk.client is None or not self.desk.alive:
            return
        for name, down in changes:
            self._set_control(name, down)

    def _set_control(self, name: str, value: ControlValue) -> None:
        self.desk.do(lambda c: c.set_control(name, value))
        self.board.show_values(self._controls.values)

    def _show_hint(self) -> None:
        playing = self._playable and self.hasFocus()
        self.picture.show_playing(playing)
        self._hint.setVisible(self._playable and (playing or self.twin_button.isHidden()))  # there is room for one
        self._hint.setText("playing" if playing else "click to play")
        self._hint.setProperty("playing", playing)
        self._hint.style().polish(self._hint)
        keys = "arrows or WASD: stick · Space or Ctrl: fire · F1 select · F2 reset"
        self.picture.setToolTip(f"{keys}\nEsc gives the keys back" if self._playable else "")
        self._hint.setToolTip(self.picture.toolTip())


def _frame_text(frame: Frame, live: bool) -> str:
    """Which one: what is derived counts its frames from where it began, so that then the tick is told."""
    return f"frame {grouped(frame.number)}" if live else f"frame of tick {grouped(frame.tick)}"


def _rate(gap_ticks: int | None, info: SubjectInfo) -> tuple[str, ...]:
    """``60.0 Hz`` of the subject's own time, or how many ticks a frame takes."""
    if not gap_ticks:
        return ()
    if info.tick_hz <= 0:
        return (f"every {grouped(gap_ticks)} {info.tick_name}s",)
    return (f"{info.tick_hz / gap_ticks:.1f} Hz",)
