"""Sizes of text: they follow the system's font, of which 12 pixels is the usual size."""

from __future__ import annotations

from PySide6.QtGui import QFontInfo
from PySide6.QtWidgets import QApplication

USUAL_PX = 12


def text_px(at_usual_px: int) -> int:
    """What is `at_usual_px` high with the usual font."""
    return max(round(at_usual_px * QFontInfo(QApplication.font()).pixelSize() / USUAL_PX), 6)
