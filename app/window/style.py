"""The application's stylesheet, made of a theme's roles."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from app.theme import Theme
from app.window.fonts import text_px

_DOWN = (Path(__file__).parent / "down.svg").as_posix()  # a stylesheet draws no arrow but from a file
_TICK = (Path(__file__).parent / "tick.svg").as_posix()


def apply_style(application: QApplication, theme: Theme) -> None:
    """Fusion in the theme's colours; menus, dialogs and tooltips included."""
    scheme = Qt.ColorScheme.Dark if theme.dark else Qt.ColorScheme.Light
    application.styleHints().setColorScheme(scheme)
    if application.style().objectName().lower() != "fusion":
        application.setStyle("Fusion")
    application.setPalette(_palette(theme))
    application.setStyleSheet(stylesheet(theme))


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for r, colour in (
        (role.Window, theme.panel),
        (role.WindowText, theme.text),
        (role.Base, theme.field),
        (role.AlternateBase, theme.panel),
        (role.Text, theme.text),
        (role.Button, theme.header),
        (role.ButtonText, theme.text),
        (role.ToolTipBase, theme.header),
        (role.ToolTipText, theme.text),
        (role.PlaceholderText, theme.muted),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent),
        (role.Link, theme.accent),
        (role.Mid, theme.line),
    ):
        palette.setColor(r, QColor(colour))
    for r in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, r, QColor(theme.muted))
    return palette


def stylesheet(t: Theme) -> str:
    return f"""
* {{ font-size: {text_px(12)}px; }}
QMainWindow, QMainWindow > QWidget {{ background: {t.window}; }}
QMainWindow::separator {{ background: {t.window}; width: 6px; height: 6px; }}
QMainWindow::separator:hover {{ background: {t.accent}; }}
QToolTip {{ background: {t.header}; color: {t.text}; border: 1px solid {t.line}; padding: 4px; }}
#transport {{ background: {t.panel}; border-bottom: 2px solid {t.line}; }}
#transport[recording="true"] {{ border-bottom: 2px solid {t.record}; }}
Pane {{ background: {t.panel}; }}
#paneHeader {{ background: {t.header}; border-top-left-radius: 4px; border-top-right-radius: 4px; }}
#paneTitle {{ font-weight: 600; color: {t.text}; background: transparent; }}
#paneDetail, #caption {{ color: {t.muted}; background: transparent; }}
#caption {{ font-size: {text_px(11)}px; }}
#captionFigure {{ font-size: {text_px(11)}px; color: {t.text}; }}
#hint {{ color: {t.muted}; }}
#figure, #recordClock {{ font-size: {text_px(14)}px; color: {t.text}; }}
#transport QToolButton {{ padding: 0; font-size: {text_px(14)}px; }}
#subjectButton {{ font-weight: 600; padding: 8px 12px; text-align: left; }}
QPushButton, QToolButton, QComboBox {{ background: {t.header}; color: {t.text}; border: 1px solid {t.line};
  border-radius: 4px; padding: 4px 8px; }}
QPushButton:hover, QToolButton:hover, QComboBox:hover {{ border-color: {t.muted}; }}
QPushButton:focus, QToolButton:focus, QComboBox:focus, QLineEdit:focus, QAbstractSpinBox:focus
  {{ border-color: {t.accent}; }}
QPushButton:pressed, QToolButton:pressed, QToolButton:checked, QPushButton:checked {{ background: {t.line}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {t.muted}; background: {t.panel}; }}
QPushButton[role="stimulus"] {{ background: {t.stimulus}; color: {t.window}; font-weight: 600; border: none; }}
QPushButton[role="silence"] {{ background: {t.silence}; color: {t.window}; font-weight: 600; border: none; }}
QComboBox QAbstractItemView {{ background: {t.panel}; border: 1px solid {t.line};
  selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
#recordButton {{ padding: 2px; }}
#recordButton[recording="true"] {{ background: {t.panel}; border: 1px solid {t.record}; }}
#recordDot {{ color: {t.record}; font-size: {text_px(16)}px; background: transparent; }}
#recordClock[recording="true"] {{ font-weight: 600; }}
#recordName {{ font-weight: 600; background: transparent; }}
#recordDetail {{ color: {t.muted}; font-size: {text_px(11)}px; background: transparent; }}
#lamp {{ color: {t.line}; background: transparent; }}
#lamp[level="good"] {{ color: {t.good}; }}
#lamp[level="poor"] {{ color: {t.poor}; }}
#lamp[level="bad"] {{ color: {t.text}; }}
QLineEdit, QAbstractSpinBox, QPlainTextEdit, QTextEdit {{ background: {t.field}; color: {t.text};
  border: 1px solid {t.line}; border-radius: 4px; padding: 4px 6px; selection-background-color: {t.accent};
  selection-color: {t.on_accent}; }}
QTreeView, QListView, QTableView {{ background: {t.panel}; color: {t.text}; border: none; outline: none;
  selection-background-color: {t.line}; selection-color: {t.text}; }}
QComboBox::drop-down {{ border: none; width: 20px; }}
QToolButton::menu-button {{ border: none; width: 14px; }}
QComboBox::down-arrow {{ image: url("{_DOWN}"); width: 10px; height: 6px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: none; }}
QAbstractSpinBox QLineEdit {{ border: none; padding: 0 0 0 6px; background: transparent; }}
QSplitter::handle {{ background: transparent; }}
QSplitter::handle:hover {{ background: {t.accent}; }}
QTableCornerButton::section {{ background: {t.header}; border: none; }}
#windowMenu {{ padding: 2px 8px; }}
QCheckBox::indicator, QListView::indicator {{ width: 13px; height: 13px; border: 1px solid {t.muted};
  border-radius: 3px; background: {t.field}; }}
QCheckBox::indicator:checked, QListView::indicator:checked {{ background: {t.accent}; border-color: {t.accent};
  image: url("{_TICK}"); }}
#windowMenu::menu-indicator {{ image: none; width: 0; }}
QHeaderView::section {{ background: {t.header}; color: {t.muted}; border: none; padding: 4px 6px; }}
QTabWidget::pane {{ border: none; }}
QTabBar::tab {{ background: {t.header}; color: {t.muted}; padding: 6px 8px; border: none; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom: 2px solid {t.accent}; }}
QDockWidget {{ color: {t.text}; }}
QScrollBar:vertical {{ background: transparent; width: 8px; }}
QScrollBar:horizontal {{ background: transparent; height: 8px; }}
QScrollBar::handle {{ background: {t.line}; border-radius: 4px; min-height: 24px; min-width: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QMenu {{ background: {t.panel}; color: {t.text}; border: 1px solid {t.line}; }}
QMenu::item {{ padding: 5px 24px 5px 12px; }}
QMenu::item:selected {{ background: {t.accent}; color: {t.on_accent}; }}
QMenu::item:disabled {{ color: {t.muted}; }}
#timelineBar {{ background: {t.window}; border: none; padding: 0; spacing: 0; }}
QMainWindow > QStatusBar {{ background: {t.panel}; border-top: 1px solid {t.line}; }}
QStatusBar::item {{ border: none; }}
#message {{ background: {t.panel}; }}
#messageLine[level="error"] {{ font-weight: 600; }}
#messageLine[level="hint"] {{ color: {t.muted}; }}
#messageLine[level="warning"] {{ color: {t.poor}; }}
#overlay {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 6px; }}
"""
