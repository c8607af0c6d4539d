"""A survey on disk: its plan, and a line for every portion that is done.

    NAME.survey/plan.json       the plan and the columns, written before anything is done
    NAME.survey/journal.jsonl   {"crc": …, "body": {"portion": "0:0-511", "columns": {name: [values]}}} a line

A line is on the disk before its portion counts. One that was torn by a kill, or damaged since, is passed over, and its
portion is done again; a portion that is there twice counts once.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import FormatError, SpecError
from rig.storage.disk import storage_error, write_durably
from rig.survey.plan import OutcomeColumn, Portion, SurveyPlan, outcome_dtype, plan_from_json, plan_to_json

FORMAT = "headstage-survey-1"
PLAN, JOURNAL = "plan.json", "journal.jsonl"


@contextmanager
def _told(asked: str) -> Iterator[None]:
    """What the disk refuses, in one line."""
    try:
        yield
    except OSError as error:
        raise storage_error(asked, error) from error


class SurveyJournal:
    """An open survey folder. Written by one process.

    Attributes
    ----------
    plan, columns, folder : as they are on disk
    n_damaged : lines that were passed over when it was opened
    """

    def __init__(self, folder: Path, plan: SurveyPlan, columns: Sequence[OutcomeColumn]) -> None:
        self.folder = folder
        self.plan = plan
        self.columns = tuple(columns)
        self.n_damaged = 0
        self._outcomes: dict[str, NDArray[np.void]] = {}
        self._read()

    @classmethod
    def create_or_resume(cls, folder: Path, plan: SurveyPlan, columns: Sequence[OutcomeColumn]) -> SurveyJournal:
        """Begin a survey in a folder, or go on with the same one there.

        Raises
        ------
        SpecError : another survey, or something else, is there. StorageError : the disk refuses.
        """
        path = folder / PLAN
        if path.exists():
            there = cls.open(folder)
            if there.plan.hash != plan.hash or there.columns != tuple(columns):
                raise SpecError(
                    f"asked for a survey in {folder.name}; another one is there (other lesions, games, frames or "
                    "netlist): name another folder, or remove it"
                )
            return there
        if folder.exists() and any(folder.iterdir()):
            raise SpecError(f"asked for a survey in {folder.name}; the folder holds something else: name another")
        head = {
            "format": FORMAT,
            "plan": plan_to_json(plan),
            "columns": [[c.name, c.dtype, c.description] for c in columns],
        }
        with _told(f"asked to begin a survey in {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
            write_durably(path, [json.dumps(head).encode()])
        return cls(folder, plan, columns)

    @classmethod
    def open(cls, folder: Path) -> SurveyJournal:
        """Open what is there.

        Raises
        ------
        FormatError : it is no survey.
        """
        try:
            head = json.loads((folder / PLAN).read_text("utf-8"))
            if head["format"] != FORMAT:
                raise ValueError(f"format {head['format']!r}")
            columns = tuple(OutcomeColumn(str(n), str(d), str(t)) for n, d, t in head["columns"])
            outcome_dtype(columns)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FormatError(f"asked to open the survey {folder.name}; it cannot be read ({error})") from error
        return cls(folder, plan_from_json(head["plan"]), columns)

    @property
    def done(self) -> frozenset[str]:
        """Keys of the portions that count."""
        return frozenset(self._outcomes)

    @property
    def pending(self) -> tuple[Portion, ...]:
        return tuple(p for p in self.plan.portions if p.key not in self._outcomes)

    def add(self, portion: Portion, outcomes: NDArray[np.void]) -> None:
        """Write down what came of a portion; it counts when this returns. One that is there already is left as it is.

        Raises
        ------
        StorageError : the disk refuses; the portion does not count.
        """
        if portion.key in self._outcomes:
            return
        body = {"portion": portion.key, "columns": {c.name: outcomes[c.name].tolist() for c in self.columns}}
        text = json.dumps(body)
        line = json.dumps({"crc": zlib.crc32(text.encode()), "body": text}) + "\n"
        with _told(f"asked to go on with the survey {self.folder.name}"):
            self._append(line.encode())
        self._outcomes[portion.key] = outcomes

    def outcomes(self, preparation: int) -> NDArray[np.void]:
        """Outcomes of a preparation whose portions are all done, (n_lesions,).

        Raises
        ------
        FormatError : some are not done.
        """
        parts = [self._outcomes.get(p.key) for p in self.plan.portions if p.preparation == preparation]
        done = [part for part in parts if part is not None]
        if len(done) < len(parts):
            raise FormatError(
                f"asked for the outcomes of the survey {self.folder.name}; {len(parts) - len(done)} of {len(parts)} "
                "portions are missing: go on with it first"
            )
        return np.concatenate(done)

    def _append(self, line: bytes) -> None:
        with open(self.folder / JOURNAL, "ab") as file:
            if file.tell() and not self._ends_with_newline():
                file.write(b"\n")  # what a kill has torn stays a line of its own
            file.write(line)
            file.flush()
            os.fsync(file.fileno())  # fsync: the file's new length is what makes the line count

    def _ends_with_newline(self) -> bool:
        with open(self.folder / JOURNAL, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def _read(self) -> None:
        path = self.folder / JOURNAL
        if not path.exists():
            return
        dtype = outcome_dtype(self.columns)
        portions = {p.key: p for p in self.plan.portions}
        with _told(f"asked to open the survey {self.folder.name}"):
            lines = path.read_bytes().splitlines()
        for line in lines:
            try:
                key, outcomes = _read_line(line, dtype, portions)
            except (ValueError, KeyError, TypeError, OverflowError):
                self.n_damaged += bool(line.strip())
                continue
            self._outcomes.setdefault(key, outcomes)


def _read_line(line: bytes, dtype: np.dtype[np.void], portions: dict[str, Portion]) -> tuple[str, NDArray[np.void]]:
    """Raises ValueError, KeyError, TypeError, OverflowError where it is not a whole line of this survey."""
    outer = json.loads(line)
    text = outer["body"]
    if zlib.crc32(text.encode()) != outer["crc"]:
        raise ValueError("checksum")
    body: dict[str, Any] = json.loads(text)
    portion = portions[body["portion"]]
    outcomes = np.empty(len(portion), dtype)
    for name in dtype.names or ():
        values = body["columns"][name]
        if len(values) != len(portion):
            raise ValueError("length")
        outcomes[name] = values
    return portion.key, outcomes
