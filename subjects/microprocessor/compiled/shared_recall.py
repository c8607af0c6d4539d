"""What engines of one chip in one process recall together: a subject, and the twin that goes the way it went.

A twin in lockstep finds each half-cycle that the subject has just computed, where by itself it would have to learn all
of it again; and the states are kept once.
"""

from __future__ import annotations

import threading
from weakref import WeakValueDictionary

from subjects.microprocessor.compiled.compiled_chip import CompiledChip
from subjects.microprocessor.compiled.recall import N_KEPT, new_recall

N_PERTURBATIONS = 256
"""Sets of perturbations whose numbers are known; then all are forgotten, and get new ones."""


class SharedRecall:
    """Recall of a chip, and the numbers of the perturbations under which its states came up.

    Parameters
    ----------
    code : the chip's
    n_kept : states, a power of two

    Attributes
    ----------
    recall : the states
    turn : held by the engine that runs: half-cycles go on without Python's lock
    """

    def __init__(self, code: CompiledChip, n_kept: int = N_KEPT) -> None:
        self.recall = new_recall(code.n_slots, code.pack, code.expand, n_kept)
        self.turn = threading.RLock()
        self._code = code  # whose routines `recall` has the addresses of
        self._numbers: dict[bytes, int] = {}
        self._last = 0

    def number_of(self, perturbation: bytes) -> int:
        """The same for the same perturbation, and never one that another had."""
        if perturbation not in self._numbers:
            if len(self._numbers) == N_PERTURBATIONS:
                self._numbers.clear()
            self._last += 1
            self._numbers[perturbation] = self._last
        return self._numbers[perturbation]


_of_chips: WeakValueDictionary[str, SharedRecall] = WeakValueDictionary()
_finding = threading.Lock()


def shared_recall(code: CompiledChip) -> SharedRecall:
    """That of a chip's code; kept as long as one of its engines is there."""
    with _finding:
        found = _of_chips.get(code.key)
        if found is None:
            found = _of_chips[code.key] = SharedRecall(code)
        return found
