"""Lesion surveys, from what a person asks for to files: shared by the command line and the window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.draw.canvas import image_over
from app.draw.survey_picture import survey_pixels
from rig.errors import SpecError
from rig.perturbation import PerturbationKind
from rig.selection import select_units
from rig.storage.disk import storage_error
from rig.survey.journal import SurveyJournal
from rig.survey.plan import LesionSurvey, SurveyPlan, read_pairs
from rig.survey.summary import unit_severity
from rig.survey.table import outcome_table, write_table
from rig.units import UnitTable

PICTURE_WIDTH_PX = 1200
PICTURE = "map.png"
TABLES = ("outcomes.csv", "outcomes.parquet")


@dataclass(frozen=True)
class SurveyRequest:
    """What a person asks for.

    Attributes
    ----------
    subject : entry point
    games : values of the option that the survey varies
    units : a selection; "" for every unit that can be lesioned
    pairs : a file with two units a line, in place of units
    options : the same in every preparation
    """

    subject: str
    games: tuple[str, ...]
    kind: str
    n_frames: int
    units: str = ""
    pairs: Path | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def plan_survey(survey: LesionSurvey, asked: SurveyRequest) -> tuple[SurveyPlan, UnitTable]:
    """Make a plan of it.

    Raises
    ------
    HeadstageError : it cannot be done; one line says what and why.
    """
    if asked.kind not in survey.kinds:
        raise SpecError(f"asked for lesions of kind {asked.kind!r}; there are {', '.join(sorted(survey.kinds))}")
    if not asked.games:
        raise SpecError(f"asked for a survey without a {survey.varied_option}; name at least one")
    kind = PerturbationKind(asked.kind)
    preparations = tuple({**asked.options, survey.varied_option: game} for game in asked.games)
    opened = [survey.preparation(p) for p in preparations]
    table, lesionable, _ = opened[0]
    if asked.pairs is not None:
        lesions = list(read_pairs(_text_of(asked.pairs), table, lesionable))
        if not lesions:
            raise SpecError(f"asked for the pairs in {asked.pairs}; there are none in it: write two units a line")
    else:
        ids = select_units(asked.units, table, among=lesionable) if asked.units else lesionable
        lesions = [(int(u),) for u in ids]
    plan = SurveyPlan(
        plugin=asked.subject,
        preparations=preparations,
        kind=kind,
        lesions=tuple(survey.arranged(preparations[0], kind, lesions)),
        n_frames=asked.n_frames,
        portion_lesions=survey.portion_lesions,
        fingerprints=tuple(fingerprint for _, _, fingerprint in opened),
    )
    return plan, table


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"asked for the pairs in {path}; it cannot be read ({error})") from error


def write_results(journal: SurveyJournal, survey: LesionSurvey, units: UnitTable) -> None:
    """Tables and picture, into the survey's folder.

    Raises
    ------
    FormatError : the survey is not done. StorageError : the disk refuses.
    """
    table = outcome_table(journal, survey.varied_option, units)
    try:
        for name in TABLES:
            write_table(table, journal.folder / name)
    except OSError as error:
        raise storage_error(f"asked to write the tables of {journal.folder.name}", error) from error
    pixels = survey_pixels(units, unit_severity(journal, units), PICTURE_WIDTH_PX)
    image_over(pixels).save(str(journal.folder / PICTURE))
