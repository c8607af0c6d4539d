"""The subjects that the contract suite runs over, and how each is opened and poked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_cartridge import tiny_cartridge

from rig.errors import AssetError
from rig.perturbation import PerturbationKind
from rig.subject import ControlValue, Subject


@dataclass(frozen=True)
class Case:
    """A subject, and what the suite must know of it.

    Attributes
    ----------
    open : a fresh one
    open_other : one whose snapshots it must refuse
    n_ticks : a stretch in which every stream gives samples
    held : a unit that changes in any 100 ticks from tick 300 on, and can be driven and silenced
    lesioned : a unit whose lesion shows within n_ticks
    control : a control and a value of it that shows within n_ticks
    bad_values : values that controls must refuse
    graded : its units take any value; on or off otherwise
    """

    open: Callable[[], Subject]
    open_other: Callable[[], Subject]
    n_ticks: int
    held: str
    lesioned: str
    lesion: PerturbationKind
    control: tuple[str, ControlValue]
    bad_values: Mapping[str, ControlValue]
    graded: bool = False


def _model_cell(folder: Path) -> Case:
    from subjects.model_cell import PLUGIN

    return Case(
        open=lambda: PLUGIN.open({"units": "19", "frame_ticks": "37"}),
        open_other=lambda: PLUGIN.open({"units": "20", "frame_ticks": "37"}),
        n_ticks=700,
        held="cell7",
        lesioned="cell3",
        lesion=PerturbationKind.STUCK_ON,
        control=("gain", 5),
        bad_values={"gain": 8, "light": 1, "label": False},
    )


def _microprocessor(folder: Path) -> Case:
    from subjects.microprocessor import PLUGIN
    from subjects.microprocessor.install import find_chip

    reference = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "mos6502"
    if not (reference / "transdefs.js").is_file():
        try:
            reference = find_chip("mos6502")
        except AssetError as error:
            pytest.skip(f"no Visual6502 files: {error}")
    cartridges = []
    for name, image in (("tiny.bin", tiny_cartridge()), ("other.bin", tiny_cartridge()[:-1] + b"\x01")):
        (folder / name).write_bytes(image)
        cartridges.append(str(folder / name))

    def opener(cartridge: str) -> Callable[[], Subject]:
        return lambda: PLUGIN.open({"cartridge": cartridge, "chip_dir": str(reference)})

    return Case(
        open=opener(cartridges[0]),
        open_other=opener(cartridges[1]),
        n_ticks=1700,
        held="sync",
        lesioned="t1005",
        lesion=PerturbationKind.STUCK_ON,
        control=("stick_left", True),
        bad_values={"fire": 1, "difficulty_left": "C", "color": "on"},
    )


def _microprocessor_of_our_own(folder: Path) -> Case:
    """The chip and a game that ship: nothing to be found or installed."""
    from subjects.microprocessor import PLUGIN

    return Case(
        open=lambda: PLUGIN.open({"chip": "hs6502", "cartridge": "vesper"}),
        open_other=lambda: PLUGIN.open({"chip": "hs6502", "cartridge": "tundra"}),
        n_ticks=7400,  # the first frame ends at 6861
        held="sync",
        lesioned="m3294",
        lesion=PerturbationKind.STUCK_ON,
        control=("stick_left", True),
        bad_values={"fire": 1, "difficulty_left": "C", "color": "on"},
    )


def _learner(folder: Path) -> Case:
    from subjects.learner import PLUGIN

    small = {"heads": "2", "width": "8", "vocabulary": "11", "context": "12", "batch": "3"}
    return Case(
        open=lambda: PLUGIN.open(small),
        open_other=lambda: PLUGIN.open({**small, "vocabulary": "12"}),
        n_ticks=600,
        held="L1H0",
        lesioned="L0H1",
        lesion=PerturbationKind.STUCK_ON,
        control=("freeze", True),
        bad_values={"learning_rate": -1.0, "markov": float("nan"), "freeze": 1, "repeats": 1},
    )


def _language_model(folder: Path) -> Case:
    from tiny_model import write_tiny_model

    from subjects.language_model import PLUGIN

    for name, seed in (("tiny", 1), ("other", 2)):
        write_tiny_model(folder / name, seed)

    def opener(name: str) -> Callable[[], Subject]:
        return lambda: PLUGIN.open({"model": str(folder / name), "tokens": "a", "threads": "1"})

    return Case(
        open=opener("tiny"),
        open_other=opener("other"),
        n_ticks=600,
        held="L0N7",
        lesioned="L1N3",
        lesion=PerturbationKind.REMOVE,
        control=("prompt", "to be or not to be"),
        bad_values={"temperature": -1.0, "top_p": "all", "history": "never", "direction_1": "L9N1", "write": 1},
        graded=True,
    )


CASES = {
    "model-cell": _model_cell,
    "microprocessor": _microprocessor,
    "microprocessor of our own": _microprocessor_of_our_own,
    "learner": _learner,
    "language-model": _language_model,
}
