"""A probe's settings, laid over the map: how many electrodes, how far apart, how far they see, its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.window.probes import MAX_ELECTRODES, Shaft
from rig.errors import SpecError
from rig.probe import Probe


class ProbeForm(QFrame):
    """Says what a probe shall become; whoever holds the desk does it."""

    changed = Signal(object)  # Probe
    removed = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._shaft: Shaft | None = None
        self._taken: frozenset[str] = frozenset()
        self.name = QLineEdit(self)
        self.name.setMaxLength(16)
        self.name.setToolTip("Its channels are called after it: A1, A2 …")
        self.n = QSpinBox(self)
        self.n.lineEdit().setTextMargins(6, 0, 0, 0)  # a stylesheet does not reach it
        self.n.setRange(1, MAX_ELECTRODES)
        self.n.setToolTip("Electrodes on the shaft")
        self.pitch = self._length("Distance between neighbouring electrodes")
        self.sigma = self._length("Reach: σ of the Gaussian by which an electrode weighs what switches around it")
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        fields = (("name", self.name), ("electrodes", self.n), ("pitch", self.pitch), ("sigma", self.sigma))
        for place, (text, field) in enumerate(fields):
            label = QLabel(text, self)
            label.setObjectName("caption")
            label.setBuddy(field)
            grid.addWidget(label, place // 2 * 2, place % 2)
            grid.addWidget(field, place // 2 * 2 + 1, place % 2)
        self.error = QLabel("", self)
        self.error.setObjectName("messageLine")
        self.error.setProperty("level", "error")
        self.error.setWordWrap(True)
        self.error.hide()
        remove = QPushButton("Remove", self)
        remove.setToolTip("Take the probe out (Del)")
        done = QPushButton("Done", self)
        done.setToolTip("Close (Esc)")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(remove)
        buttons.addStretch(1)
        buttons.addWidget(done)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addLayout(grid)
        layout.addWidget(self.error)
        layout.addLayout(buttons)
        for spin in (self.n, self.pitch, self.sigma):
            # wheel and arrow keys step; without buttons by `setButtonSymbols` Qt's stylesheets leave no room for text
            spin.setStyleSheet("QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; border: none; }")
            spin.setKeyboardTracking(False)
            spin.valueChanged.connect(self._on_edited)
        self.name.editingFinished.connect(self._on_edited)
        remove.clicked.connect(self.removed)
        done.clicked.connect(self.closed)
        self.hide()

    def open_for(self, shaft: Shaft, names: Sequence[str], space: str) -> None:
        """Show the settings of a probe; `names` are those of the others."""
        self._shaft = None  # filling in is no editing
        self._taken = frozenset(names)
        suffix = " µm" if space == "um" else ""
        self.name.setText(shaft.name)
        self.n.setValue(shaft.n)
        for field, value in ((self.pitch, shaft.pitch), (self.sigma, shaft.sigma)):
            field.setSuffix(suffix)
            field.setDecimals(0 if value >= 10 else 3)
            field.setSingleStep(max(round(value / 10), 1) if value >= 10 else value / 10)
            field.setValue(value)
        self._shaft = shaft
        self._say("")
        self.adjustSize()
        self.show()
        self.raise_()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.removed.emit()
        else:
            super().keyPressEvent(event)

    def _length(self, tip: str) -> QDoubleSpinBox:
        field = QDoubleSpinBox(self)
        field.setRange(0.001, 1e7)
        field.setToolTip(tip)
        return field

    def _on_edited(self) -> None:
        if self._shaft is None:
            return
        wanted = replace(
            self._shaft,
            name=self.name.text().strip(),
            n=self.n.value(),
            pitch=self.pitch.value(),
            sigma=self.sigma.value(),
        )
        if wanted == self._shaft:
            return
        try:
            if wanted.name in self._taken:
                raise SpecError(f"there is a probe {wanted.name} already; choose another name")
            probe: Probe = wanted.to_probe()
        except SpecError as error:
            self._say(str(error))
            return
        self._say("")
        self._shaft = wanted
        self.changed.emit(probe)

    def _say(self, line: str) -> None:
        self.error.setText(line)
        self.error.setVisible(bool(line))
        self.adjustSize()
