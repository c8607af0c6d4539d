"""A survey's outcomes as one table, for the tools of statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from rig.survey.journal import SurveyJournal
from rig.units import UnitTable


def outcome_table(journal: SurveyJournal, varied_option: str, units: UnitTable) -> Any:
    """A row a lesion and preparation: what was varied, unit ids, names and regions of the lesioned, outcomes.

    Raises
    ------
    FormatError : the survey is not done.
    """
    plan = journal.plan
    n_lesions, n_preparations = len(plan.lesions), len(plan.preparations)
    rows = [units.rows(ids) for ids in plan.lesions]
    columns: dict[str, Any] = {
        varied_option: [p[varied_option] for p in plan.preparations for _ in range(n_lesions)],
        "kind": [str(plan.kind)] * (n_lesions * n_preparations),
    }
    for place in range(max(map(len, plan.lesions))):
        suffix = f"_{place + 1}" if place else ""
        columns[f"unit_id{suffix}"] = [ids[place] for ids in plan.lesions] * n_preparations
        columns[f"unit{suffix}"] = [units.name[r[place]] for r in rows] * n_preparations
        columns[f"region{suffix}"] = [units.region[r[place]] for r in rows] * n_preparations
    outcomes = [journal.outcomes(p) for p in range(n_preparations)]
    for column in journal.columns:
        columns[column.name] = pa.concat_arrays([pa.array(o[column.name].copy()) for o in outcomes])
    ids = [(name, "ascending") for name in columns if name.startswith("unit_id")]
    return pa.table(columns).sort_by([(varied_option, "ascending"), *ids])


def write_table(table: Any, path: Path) -> None:
    """CSV or Parquet, by the path's ending."""
    if path.suffix == ".parquet":
        pa.parquet.write_table(table, path)
    else:
        pa.csv.write_csv(table, path)
