"""Whether two perturbations that are exact alone are exact together: random pairs, beside the event engine for long.

    python -m subjects.microprocessor.survey_pairs JOURNAL N --chip mos6502

Nothing guarantees it beforehand. What one perturbation leaves to a race the other may decide; so the engine tries
every set as a whole (`compiled.trial`) and this survey counts what comes of that: how many pairs the trial refuses,
and how many of those it lets pass differ nevertheless within many more half-cycles of other programs. The n-th pair is
always the same. The journal has a line for each; begun again, the survey goes on where it ended.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.compiled.comparison import Comparison, Course
from subjects.microprocessor.compiled.compiled_engine import CompiledEngine
from subjects.microprocessor.netlist import Netlist
from subjects.microprocessor.opening import CHIPS, open_chip
from subjects.microprocessor.survey_exactness import Kind, candidates, perturbation

LONG = Course(programs=(200, 201), n_before=301, n_perturbed=20_000, n_after=200)
EXACT, REFUSED, DIFFERS, ONE_DIFFERS = "exact", "refused", "differs", "one differs alone"

Held = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class PairSurvey:
    """Judges the pairs of one chip."""

    def __init__(self, netlist: Netlist, chip: ChipDescription) -> None:
        self._netlist = netlist
        self._engine = CompiledEngine(netlist, chip)
        self._comparison = Comparison(CompiledEngine(netlist, chip, trusting=True), LONG)
        self._candidates = [(kind, c) for kind in Kind for c in candidates(netlist, kind)]

    def pair(self, number: int) -> list[tuple[Kind, int]]:
        """The number-th pair: two that the engine takes for exact alone, and that touch different places."""
        rng = np.random.default_rng(number)
        found: list[tuple[Kind, int]] = []
        while len(found) < 2:
            kind, candidate = self._candidates[rng.integers(len(self._candidates))]
            if all(candidate != c for _, c in found) and self._engine.is_exact(*self._held(kind, candidate)):
                found.append((kind, candidate))
        return found

    def judge(self, pair: list[tuple[Kind, int]]) -> str:
        alone = [self._held(*single) for single in pair]
        together = alone[0][0] | alone[1][0], alone[0][1] | alone[1][1]
        if not self._engine.is_exact(*together):
            return REFUSED
        if self._comparison.parting(*together) is None:
            return EXACT
        differ_alone = any(self._comparison.parting(*held) is not None for held in alone)
        return ONE_DIFFERS if differ_alone else DIFFERS

    def _held(self, kind: Kind, candidate: int) -> Held:
        return perturbation(self._netlist, kind, candidate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("journal", type=Path)
    parser.add_argument("n", type=int)
    parser.add_argument("--chip", choices=tuple(CHIPS), required=True)
    parser.add_argument("--chip-dir", default="", help="folder of a published chip's files; else as installed")
    asked = parser.parse_args()
    survey = PairSurvey(open_chip(CHIPS[asked.chip], asked.chip_dir).netlist, CHIPS[asked.chip])
    lines = asked.journal.read_text("utf-8").splitlines() if asked.journal.exists() else []
    for number in range(len(lines), asked.n):
        pair = survey.pair(number)
        lines.append(json.dumps([survey.judge(pair), pair]))
        with open(asked.journal, "a", encoding="utf-8") as file:
            file.write(lines[-1] + "\n")
    for verdict, n in Counter(json.loads(line)[0] for line in lines[: asked.n]).items():
        print(f"{n} of {asked.n} pairs: {verdict}")


if __name__ == "__main__":
    main()
