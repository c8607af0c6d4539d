"""The model cell with one fault: ``fault`` happens in the block that would do tick ``at_tick``.

For tests of what is around it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from rig.errors import AssetError
from rig.streams import Chunk
from rig.subject import OptionInfo, Subject, SubjectPlugin
from subjects.model_cell import PLUGIN as MODEL_CELL


class UnrulyCell:
    """Everything but `advance` is the model cell's."""

    def __init__(self, cell: Subject, fault: str, at_tick: int) -> None:
        self._cell = cell
        self._fault = fault
        self._at_tick = at_tick

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cell, name)

    def advance(self, n_ticks: int) -> list[Chunk]:
        if self._fault != "none" and self._cell.tick <= self._at_tick < self._cell.tick + n_ticks:
            misbehave(self._fault)
        return self._cell.advance(n_ticks)

    def perturb(self, perturbation: Any) -> None:
        if self._fault == "raise at perturb":
            raise KeyError("no such thing")
        self._cell.perturb(perturbation)


def misbehave(fault: str) -> NoReturn:
    match fault:
        case "raise":
            raise ZeroDivisionError("a cell divided by nothing\nand said more")
        case "exit":
            os._exit(3)
        case "system exit":
            sys.exit("enough")
        case "segfault":
            ctypes.string_at(0)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "sleep":
            while True:
                time.sleep(3600)
        case "spin":
            while True:
                pass
        case "lock":  # asleep without letting go of the interpreter
            libc = ctypes.PyDLL(None)
            while True:
                libc.sleep(3600)
    raise AssertionError(f"{fault} did not happen")


def open_unruly(options: Mapping[str, str]) -> Subject:
    match options.get("fault"):
        case "asset":
            raise AssetError("asked for the cartridge; there is none: put one in")
        case "raise at open":
            raise RuntimeError("not today")
        case "exit at open":
            os._exit(4)
        case "sleep at open":
            time.sleep(3600)
    cell: Any = UnrulyCell(MODEL_CELL.open({}), options.get("fault", "none"), int(options.get("at_tick", 1000)))
    subject: Subject = cell
    return subject


PLUGIN = SubjectPlugin(
    name="unruly",
    summary="the model cell with a fault",
    open=open_unruly,
    options=(OptionInfo("fault", "what happens", "none"), OptionInfo("at_tick", "when", "1000")),
)
