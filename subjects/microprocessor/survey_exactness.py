"""Which perturbations of a chip come out otherwise compiled than event by event: every single one, tried alone.

    python -m subjects.microprocessor.survey_exactness FOLDER --chip mos6502 [--kinds high,low] [--write FILE.py]

A perturbation that cannot be compiled at all is not listed: such a chip runs on the event engine anyhow. All others go
through the trial that the engine makes of everything (`compiled.trial`), then through more programs, for longer.
FOLDER keeps a journal for each kind, a line for each perturbation. Begun again, the survey goes on where it ended; a
verdict depends on nothing but chip and perturbation, so it does not matter when, in what order or on what machine it
was found. `--write` makes the module that the chip's description takes its list from, of the kinds given.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.circuit import CLAMP_HIGH, CLAMP_LOW, MODE_OFF, MODE_ON
from subjects.microprocessor.compiled import trial
from subjects.microprocessor.compiled.comparison import Comparison, Course, Parting
from subjects.microprocessor.compiled.compiled_engine import CompiledEngine
from subjects.microprocessor.netlist import Netlist
from subjects.microprocessor.opening import CHIPS, open_chip

LONGER = Course(programs=(100, 101), n_before=301, n_perturbed=2500, n_after=200)


class Kind(StrEnum):
    """What is done to one transistor (off, on), to one node (low, high)."""

    OFF = "off"
    ON = "on"
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True)
class Verdict:
    """What came of one perturbation.

    Attributes
    ----------
    compiled : whether it can be expressed at all
    parting : where it differs from the event engine; None where it does not, or where it was not compiled
    """

    compiled: bool
    parting: Parting | None = None


def candidates(netlist: Netlist, kind: Kind) -> list[int]:
    """Merged transistors that are not inert, or nodes that exist and are no supply, by id."""
    if kind in (Kind.OFF, Kind.ON):
        return [int(t) for t in np.flatnonzero(~netlist.inert)]
    return [int(n) for n in np.flatnonzero(netlist.node_exists) if n not in (netlist.vss, netlist.vcc)]


def perturbation(netlist: Netlist, kind: Kind, candidate: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Clamps and modes, as `Engine.perturb` takes them."""
    clamp = np.zeros(netlist.n_nodes, np.uint8)
    row_mode = np.zeros(netlist.n_rows, np.uint8)
    if kind in (Kind.OFF, Kind.ON):
        row_mode[netlist.row_transistor == candidate] = MODE_OFF if kind is Kind.OFF else MODE_ON
    else:
        clamp[candidate] = CLAMP_LOW if kind is Kind.LOW else CLAMP_HIGH
    return clamp, row_mode


class ExactnessSurvey:
    """Judges single perturbations of one chip. Verdicts depend on nothing that was judged before."""

    def __init__(self, netlist: Netlist, chip: ChipDescription) -> None:
        self.netlist = netlist
        self.chip = chip
        self._engine = CompiledEngine(netlist, chip, trusting=True)
        self._comparisons = [Comparison(self._engine, course) for course in (trial.COURSE, LONGER)]

    def judge(self, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> Verdict:
        if not self._engine.is_exact(clamp, row_mode):
            return Verdict(compiled=False)
        for comparison in self._comparisons:
            if (parting := comparison.parting(clamp, row_mode)) is not None:
                return Verdict(True, parting)
        return Verdict(True)

    @property
    def digest(self) -> str:
        """Of what the verdicts depend on."""
        netlist = self.netlist
        told = repr((self.chip.name, trial.COURSE, LONGER)).encode()
        arrays = (netlist.gate, netlist.c1, netlist.c2, netlist.node_exists, netlist.pull_up)
        return hashlib.sha256(told + b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


class Journal:
    """Verdicts on one kind, a line each in a file that a kill may tear: what is torn is judged again."""

    def __init__(self, path: Path, digest: str) -> None:
        self.verdicts: dict[int, Verdict] = {}
        self._path = path
        self._digest = digest
        for line in path.read_bytes().splitlines() if path.exists() else ():
            if (read := _read_line(line, digest)) is not None:
                self.verdicts[read[0]] = read[1]

    def add(self, candidate: int, verdict: Verdict) -> None:
        parting = verdict.parting
        where = [parting.program, parting.half_cycle, parting.node] if parting is not None else None
        line = json.dumps([self._digest[:16], candidate, verdict.compiled, where])
        with open(self._path, "ab") as file:
            file.write(line.encode() + b"\n")
        self.verdicts[candidate] = verdict


def _read_line(line: bytes, digest: str) -> tuple[int, Verdict] | None:
    """None for a torn line, or one of another chip or course."""
    try:
        of, candidate, compiled, where = json.loads(line)
        if of != digest[:16]:
            return None
        return int(candidate), Verdict(bool(compiled), Parting(*where) if where else None)
    except (ValueError, TypeError):
        return None


def run_survey(survey: ExactnessSurvey, folder: Path, kinds: Sequence[Kind]) -> Iterator[tuple[Kind, int, Verdict]]:
    """Judge what the journals lack; gives what it finds."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        journal = Journal(folder / f"{kind}.jsonl", survey.digest)
        for candidate in candidates(survey.netlist, kind):
            if candidate not in journal.verdicts:
                verdict = survey.judge(*perturbation(survey.netlist, kind, candidate))
                journal.add(candidate, verdict)
                yield kind, candidate, verdict


def listed(survey: ExactnessSurvey, folder: Path, kind: Kind) -> list[Any]:
    """Those that differ: nodes, or transistors as (gate, c1, c2). Raises ValueError when some were not judged."""
    verdicts = Journal(folder / f"{kind}.jsonl", survey.digest).verdicts
    if left := [c for c in candidates(survey.netlist, kind) if c not in verdicts]:
        raise ValueError(f"asked for the list of {kind}; {len(left)} are not judged yet: go on with the survey")
    found = sorted(c for c, verdict in verdicts.items() if verdict.parting is not None)
    if kind in (Kind.LOW, Kind.HIGH):
        return found
    netlist = survey.netlist
    return sorted((int(netlist.gate[t]), int(netlist.c1[t]), int(netlist.c2[t])) for t in found)


def module_text(chip: ChipDescription, lists: Mapping[Kind, Sequence[Any]], maker: str, how: str) -> str:
    """Source of the module that a chip's description imports INEXACT from.

    Parameters
    ----------
    maker : name of the module that found them; how : what they are run in
    """
    fields = {Kind.OFF: "off", Kind.ON: "on", Kind.LOW: "held_low", Kind.HIGH: "held_high"}
    lines = [
        f'"""Perturbations of the {chip.title} that come out otherwise {how} than event by event.',
        "",
        f"Generated by `python -m {maker}`; that module says how.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from subjects.microprocessor.chip import Inexact",
        "",
        "INEXACT = Inexact(",
    ]
    for kind, members in lists.items():
        if members:
            lines += [f"    {fields[kind]}=frozenset(", "        ("]
            lines += [f"            {member}," for member in members]
            lines += ["        )", "    ),"]
    return "\n".join([*lines, ")"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chip", choices=tuple(CHIPS), required=True)
    parser.add_argument("--chip-dir", default="", help="folder of a published chip's files; else as installed")
    parser.add_argument("--kinds", default=",".join(Kind))
    parser.add_argument("--write", type=Path, help="module to write when all kinds are judged")
    asked = parser.parse_args()
    kinds = [Kind(kind) for kind in asked.kinds.split(",")]
    survey = ExactnessSurvey(open_chip(CHIPS[asked.chip], asked.chip_dir).netlist, CHIPS[asked.chip])
    for kind, candidate, verdict in run_survey(survey, asked.folder, kinds):
        if verdict.parting is not None:
            print(kind, candidate, verdict.parting, flush=True)
    lists = {kind: listed(survey, asked.folder, kind) for kind in kinds}
    for kind, members in lists.items():
        print(f"{kind}: {len(members)} of {len(candidates(survey.netlist, kind))} differ")
    if asked.write is not None:
        asked.write.write_text(module_text(survey.chip, lists, __spec__.name, "compiled"), "utf-8")


if __name__ == "__main__":
    main()
