"""Every command of the window: name, words, keys, what it does. Keys, palette and key sheet are made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.window.docks import CONSOLE, TIMELINE

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

N_MARKS = 9


class Command(NamedTuple):
    """Several keys are separated by spaces; "" for none: then the palette alone has it."""

    name: str
    text: str
    keys: str
    act: Callable[[], object]


def window_commands(window: MainWindow) -> list[Command]:
    """What is not a single pane's."""
    desk, tools = window.desk, window.tools
    return [
        Command("run", "Run or pause", "Space", window.toggle_run),
        Command("step", "Step one tick", ".", lambda: desk.do(lambda c: c.step(1))),
        Command("rewind", "Back to tick 0", "Ctrl+R", window.rewind),
        Command("restart", "Restart the subject", "Ctrl+Shift+R", window.restart),
        Command("record", "Record or stop recording", "R", window.toggle_record),
        Command("twin", "Intact twin beside the subject", "Ctrl+T", window.toggle_twin),
        Command("twin view", "Show the intact twin in another way", "Ctrl+Shift+T", window.desk.twin.next),
        Command("note", "Write a note", "N", window.write_note),
        Command("stimulate", "Stimulate now", "S", tools.stimulate_now),
        Command("silence", "Silence the selection", "X", tools.silence_selection),
        Command("branch", "Go back to what is on show, and go on from there", "B", desk.branch),
        Command("live", "Follow the live edge", "End", desk.view.go_live),
        Command("shorter", "Less time per division", "]", lambda: window.scale_span(0.5)),
        Command("longer", "More time per division", "[", lambda: window.scale_span(2.0)),
        Command("undo", "Undo", "Ctrl+Z", desk.undo.undo),
        Command("redo", "Redo", "Ctrl+Shift+Z Ctrl+Y", desk.undo.redo),
        Command("open", "Choose a subject, open a recording", "Ctrl+O", window.open_menu),
        Command("palette", "All commands", "Ctrl+K", lambda: window.palette_overlay.open_over()),
        Command("keys", "All keys", "F12", lambda: window.key_sheet.open_over()),
        Command("layout", "Reset the layout", "Ctrl+0", window.docks.reset),
        Command("save layout", "Save the layout as…", "Ctrl+Shift+L", window.layouts.ask_save),
        Command("save session", "Save the session as…", "Ctrl+S", window.sessions.ask_save),
        Command("open session", "Open a session…", "Ctrl+Shift+O", window.sessions.ask_open),
        Command("open recording", "Open a recording…", "Ctrl+Alt+O", lambda: window.subject_menu.ask_recording()),
        Command("theme", "Theme: light or dark", "Ctrl+L", window.toggle_theme),
        Command("tour", "Tour of the window", "", lambda: window.tour.begin()),
        Command("details", "Details of the last message", "F8", lambda: window.messages.show_history()),
        *(Command(f"mark{n}", f"Event mark {n}", str(n), partial(window.mark, n)) for n in range(1, N_MARKS + 1)),
    ]


def make_actions(window: QWidget, commands: Iterable[Command]) -> dict[str, QAction]:
    """Name → action of the window, with its keys."""
    actions = {}
    for command in commands:
        action = QAction(command.text, window)
        action.setShortcuts([QKeySequence(k) for k in command.keys.split()])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.triggered.connect(lambda _=False, act=command.act: act())
        window.addAction(action)
        actions[command.name] = action
    return actions


def pane_commands(panes: Iterable[object]) -> list[Command]:
    """Those that panes offer by `pane_actions()`."""
    return [Command(*offered) for pane in panes for offered in getattr(pane, "pane_actions", list)()]


def dock_actions(window: MainWindow) -> dict[str, QAction]:
    """Show or hide each pane."""
    actions = {}
    for title, dock in window.docks.of.items():
        action = dock.toggleViewAction()
        action.setText(f"Show or hide {title}")
        actions[f"dock {title}"] = action
    console = actions[f"dock {CONSOLE}"]
    window.addAction(console)
    console.setShortcut(QKeySequence("Ctrl+J"))
    console.triggered.connect(lambda shown: window.raise_console() if shown else None)
    timeline = window.docks.bar.toggleViewAction()
    timeline.setText(f"Show or hide {TIMELINE}")
    actions[f"dock {TIMELINE}"] = timeline
    return actions
