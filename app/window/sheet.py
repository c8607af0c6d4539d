"""A sheet that makes something of a recording: fields, a progress bar, cancel, and one line that says how it went.

Nothing waits for it: the window goes on, the sheet may be put away (Escape) while its work runs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.window.desk import Desk, Level
from app.window.overlays import Overlay
from app.window.tools.tool_tab import FIELD_PX, field_caption
from app.window.work import Work
from rig.errors import HeadstageError

WIDTH_PX = 520
MARGIN_PX = 16
# roles of the application's palette, so that a change of theme needs nothing here
_STYLE = """
QListWidget, QListView#sheetList { background: palette(base); border: 1px solid palette(mid); border-radius: 4px;
  padding: 4px; }
QListWidget::item { min-height: 20px; }
QCheckBox::indicator, QListView::indicator { width: 12px; height: 12px; border: 1px solid palette(placeholder-text);
  border-radius: 3px; background: palette(base); }
QCheckBox::indicator:checked, QListView::indicator:checked { background: palette(highlight);
  border-color: palette(highlight); }
QProgressBar { background: palette(base); border: 1px solid palette(mid); border-radius: 4px; }
QProgressBar::chunk { background: palette(highlight); border-radius: 3px; }
"""
_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class Sheet(Overlay):
    """Base: subclasses fill `form`, and say in `begin` what is done when the button is pressed.

    Parameters
    ----------
    title, verb : at the top, and on the button
    tip : what the button does
    """

    def __init__(self, title: str, verb: str, tip: str, desk: Desk, window: QWidget) -> None:
        super().__init__(window)
        self.desk = desk
        self.title = title
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(_STYLE)
        self.setFixedWidth(WIDTH_PX)
        self.work = Work(self)
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(12)
        self.form.setVerticalSpacing(6)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        heading = QLabel(title, self)
        heading.setObjectName("paneTitle")
        self.close_button = QPushButton("Close", self)
        self.close_button.setToolTip("Put the sheet away; what runs goes on (Esc)")
        self.close_button.clicked.connect(self.hide)
        self.progress = QProgressBar(self)
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.progress.setAccessibleName(f"{title}: progress")
        self.cancel = QPushButton("Cancel", self)
        self.cancel.setToolTip("Stop; nothing is left behind")
        self.cancel.clicked.connect(self._on_cancel)
        self.go = QPushButton(verb, self)
        self.go.setToolTip(f"{tip} (Ctrl+Return)")
        self.go.clicked.connect(self.press)
        self.result = _line(self, "messageLine")
        self.notes = _line(self, "hint")
        self.extra = QHBoxLayout()  # what can be done with the result
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN_PX, 12, MARGIN_PX, MARGIN_PX)
        layout.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(heading, 1)
        head.addWidget(self.close_button)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.progress, 1)
        foot.addWidget(self.cancel)
        foot.addWidget(self.go)
        layout.addLayout(head)
        layout.addLayout(self.form)
        layout.addLayout(foot)
        layout.addWidget(self.result)
        layout.addWidget(self.notes)
        layout.addLayout(self.extra)
        self.work.progressed.connect(lambda part: self.progress.setValue(round(part * 1000)))
        self.work.done.connect(self._on_done)
        self.work.failed.connect(self._on_failed)
        self.show_running(False)

    # ---- what subclasses say

    def begin(self) -> None:
        """Start the work. Raises HeadstageError: what was typed cannot be done; its line is shown."""
        raise NotImplementedError

    def finished(self, result: object) -> str:
        """The line for what was made."""
        raise NotImplementedError

    def add_row(self, text: str, field: QWidget) -> None:
        """A field with its caption."""
        label = field_caption(text)
        label.setFixedHeight(FIELD_PX if text else 16)
        self.form.addRow(label, field)

    # ---- how it goes

    def press(self) -> None:
        """What the button does."""
        if self.running:
            return
        self.say("")
        try:
            self.begin()
        except HeadstageError as error:
            self.say(str(error), "error")
            return
        self.progress.setValue(0)
        self.show_running(True)

    @property
    def running(self) -> bool:
        return self.work.running

    def stop(self) -> None:
        """End at once, and leave nothing."""
        self.work.stop()
        self.show_running(False)

    def show_running(self, running: bool) -> None:
        self.go.setEnabled(not running)
        self.cancel.setVisible(running)
        self.progress.setEnabled(running)

    def say(self, line: str, level: str = "", notes: str = "") -> None:
        """One line under the fields, and what there is to note."""
        self.result.setText(line)
        self.result.setProperty("level", level)
        self.result.style().unpolish(self.result)
        self.result.style().polish(self.result)
        self.result.setVisible(bool(line))
        self.notes.setText(notes)
        self.notes.setVisible(bool(notes))
        self.fit()

    def _on_cancel(self) -> None:
        self.work.cancel()

    def _on_done(self, result: object) -> None:
        self.show_running(False)
        self.progress.setValue(1000)
        line = self.finished(result)
        self.desk.say(Level.NOTE, line)

    def _on_failed(self, line: str) -> None:
        self.show_running(False)
        self.progress.setValue(0)
        if self.work.cancelled:
            self.say(line)
        else:
            self.say(line, "error")
            self.desk.say(Level.ERROR, line)

    # ---- the sheet itself

    def place(self) -> None:
        self.fit()

    def fit(self) -> None:
        """As high as its content; within the window."""
        window, layout = self.parentWidget(), self.layout()
        if window is None or layout is None:
            return
        layout.activate()
        height = layout.totalHeightForWidth(WIDTH_PX) if layout.hasHeightForWidth() else 0
        self.resize(WIDTH_PX, max(height, layout.minimumSize().height()))
        self.move((window.width() - self.width()) // 2, max(min((window.height() - self.height()) // 3, 160), 8))

    def open_over(self) -> None:
        """Show it; one that is open stays."""
        self.show()
        self.raise_()
        self.fit()

    def event(self, event: QEvent) -> bool:
        # the window's plain keys (Space, R, N …) are not meant while the sheet has the focus
        if (
            event.type() is QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and not event.modifiers() & _COMMANDS
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and control:
            self.press()
        else:
            super().keyPressEvent(event)


def _line(sheet: QWidget, name: str) -> QLabel:
    label = QLabel("", sheet)
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.hide()
    return label


def ask_where(window: QWidget, title: str, start: Path, kinds: str, then: Callable[[Path], None]) -> QFileDialog:
    """Let a path be chosen for something new, without holding anything up.

    Parameters
    ----------
    kinds : such as ``PNG (*.png)``; "" for anything
    then : given the path; not called when none is chosen
    """
    dialog = QFileDialog(window, title, str(start.parent), kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.selectFile(start.name)
    if start.suffix:
        dialog.setDefaultSuffix(start.suffix[1:])
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setModal(False)
    dialog.show()
    return dialog


def ask_folder(window: QWidget, title: str, start: Path, then: Callable[[Path], None]) -> QFileDialog:
    """Let a folder be chosen, without holding anything up."""
    dialog = QFileDialog(window, title, str(start))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setModal(False)
    dialog.show()
    return dialog
