"""The row in which a trigger is chosen; there while sweeps are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QWidget

from app.window.trigger_choice import PRE_PERCENTS, TriggerChoice
from app.window.trigger_offers import TriggerOffer, first_offer, with_value

KEPT = (1, 4, 16, 64)
SHOWN = {"sweeps + average": (True, True), "sweeps": (True, False), "average": (False, True)}


class TriggerRow(QWidget):
    """Shows a `TriggerChoice`, and says how it is wanted.

    Parameters
    ----------
    change : called with what shall change, and its name
    """

    shown_changed = Signal(bool, bool)  # overlaid, averaged

    def __init__(self, trigger: TriggerChoice, change: Callable[..., None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trigger, self._change = trigger, change
        self._offers: tuple[TriggerOffer, ...] = ()
        self.source = QComboBox(self)
        self.source.setToolTip("What sweeps are made around (T turns them on and off)")
        self.source.setMinimumContentsLength(10)
        self.source.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.value = QLineEdit("$F000", self)
        self.value.setToolTip("The value to wait for: $F000, 0xF000 or 61440, then Return")
        self.value.setFixedWidth(72)
        self.pre = QComboBox(self)
        self.pre.setToolTip("How much of a sweep lies before its trigger")
        for percent in PRE_PERCENTS:
            self.pre.addItem(f"pre {percent} %", percent)
        self.kept = QComboBox(self)
        self.kept.setToolTip("How many sweeps are laid over one another")
        for n in KEPT:
            self.kept.addItem(f"{n} sweep{'s' if n > 1 else ''}", n)
        self.shown = QComboBox(self)
        self.shown.setToolTip("Show sweeps, their average, or both")
        self.shown.addItems(list(SHOWN))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(4)
        caption = QLabel("on", self)
        caption.setObjectName("caption")
        for widget in (caption, self.source, self.value, self.pre, self.kept, self.shown):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.source.activated.connect(self._choose)
        self.value.returnPressed.connect(self._choose)
        self.pre.activated.connect(lambda i: change("pre-trigger", pre_percent=PRE_PERCENTS[i]))
        self.kept.activated.connect(lambda i: change("sweeps kept", n_kept=KEPT[i]))
        self.shown.activated.connect(lambda i: self.shown_changed.emit(*list(SHOWN.values())[i]))
        trigger.listen(self.show_settings)
        self.show_settings()

    def set_offers(self, offers: Sequence[TriggerOffer]) -> None:
        """What there is to choose from; the present choice stays, even where it is no longer offered."""
        self._offers = tuple(offers)
        self.source.clear()
        self.source.addItems([o.name for o in self._offers])
        self.show_settings()

    def first(self, selected: Sequence[int]) -> TriggerOffer | None:
        """What to choose where nothing is chosen."""
        return first_offer(self._offers, selected)

    def show_shown(self, overlaid: bool, averaged: bool) -> None:
        """Whether sweeps, their average, or both are shown."""
        self.shown.setCurrentIndex(list(SHOWN.values()).index((overlaid, averaged)))

    def show_settings(self) -> None:
        """Show what is set."""
        settings = self._trigger.settings
        self.setVisible(settings.on)
        self.pre.setCurrentIndex(PRE_PERCENTS.index(settings.pre_percent))
        self.kept.setCurrentIndex(KEPT.index(settings.n_kept) if settings.n_kept in KEPT else 2)
        at = next((i for i, o in enumerate(self._offers) if self._is_set(o)), -1)
        self.source.setCurrentIndex(at)
        self.value.setVisible(at >= 0 and bool(self._offers[at].field))

    def _is_set(self, offer: TriggerOffer) -> bool:
        condition = self._trigger.settings.condition
        if offer.field and condition is not None:
            return type(condition) is type(offer.condition) and condition.stream == offer.condition.stream
        return offer.condition == condition

    def _choose(self) -> None:
        at = self.source.currentIndex()
        if at < 0:
            return
        offer = self._offers[at]
        given = with_value(offer, self.value.text()) if offer.field else offer
        if given is None:
            self.value.selectAll()
            self.value.setFocus()
            return
        self._change(f"trigger on {given.name}", condition=given.condition, name=given.name)
