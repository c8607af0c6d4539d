"""``headstage survey``: every unit lesioned, one after the other, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from app.cli.record import interruptible
from app.cli.text import key_values, print_json, print_table, progress_bar
from app.survey import SurveyRequest, plan_survey, write_results
from rig.survey.journal import SurveyJournal
from rig.survey.plan import FAILS, LesionSurvey, PublishedCounts
from rig.survey.run import lesion_survey, run_survey
from rig.survey.summary import failure_counts

cli = typer.Typer(name="survey", help="Do the same to many units, and see what came of each.", no_args_is_help=True)


@cli.callback()
def group() -> None:
    """Do the same to many units, and see what came of each."""


@cli.command()
def lesions(
    games: Annotated[str, typer.Option(help="Cartridges, or whatever the subject varies.", metavar="A,B,…")],
    out: Annotated[Path, typer.Option("--out", help="Folder for journal, tables and picture.", metavar="NAME.survey")],
    kind: Annotated[str, typer.Option(help="stuck_on, stuck_off or remove.", metavar="KIND")] = "stuck_on",
    frames: Annotated[int, typer.Option(help="Watch each for so many frames.", metavar="N")] = 60,
    units: Annotated[str | None, typer.Option(help="Only these units; every one otherwise.", metavar="UNITS")] = None,
    pairs: Annotated[Path | None, typer.Option(help="Double lesions: a file, two units a line.")] = None,
    subject: Annotated[str, typer.Option(help="Name of a subject.", metavar="SUBJECT")] = "microprocessor",
    options: Annotated[
        list[str] | None, typer.Option("--set", help="Option of the subject.", metavar="KEY=VALUE")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; one a core otherwise.", metavar="N")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Of a dask cluster, to use its workers.", metavar="URL")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON summary.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")] = False,
) -> None:
    """Lesion every unit in turn, and see what becomes of behaviour.

    What is done is kept: after Ctrl-C, a kill or a power cut the same words go on from there. The folder gets
    outcomes.csv, outcomes.parquet and map.png.

    \b
    Examples:
      headstage survey lesions --games vesper --kind stuck_off --units region:alu --out alu.survey
      headstage survey lesions --games donkey_kong,space_invaders,pitfall --frames 60 --out fig4.survey
      headstage survey lesions --games vesper --pairs pairs.txt --out epistasis.survey
    """
    survey = lesion_survey(subject)
    names = tuple(dict.fromkeys(g.strip() for g in games.split(",") if g.strip()))
    asked = SurveyRequest(subject, names, kind, frames, units or "", pairs, key_values(options or (), "option"))
    plan, table = plan_survey(survey, asked)
    journal = SurveyJournal.create_or_resume(out, plan, survey.columns)
    if journal.n_damaged and not quiet:
        typer.secho(f"{journal.n_damaged} torn line(s) of the journal passed over; done again", err=True, fg="yellow")
    with interruptible() as pressed, progress_bar(f"lesions {out.name}", quiet=quiet or as_json) as update:
        done = run_survey(journal, workers, scheduler, lambda n, total: update(n, total, f"{n} of {total}"), pressed)
    if not done:
        n_left = sum(len(p) for p in journal.pending)
        typer.echo(f"{out}: stopped with {n_left} lesions to go; the same command goes on from here", err=True)
        raise typer.Exit(130)
    write_results(journal, survey, table)
    counts = failure_counts(journal)
    published = survey.published(plan.kind, len(plan.preparations)) if units is None and pairs is None else None
    if as_json:
        print_json(summary_json(journal, survey, counts, published))
    elif not quiet:
        print_summary(journal, counts, published)


def summary_json(
    journal: SurveyJournal, survey: LesionSurvey, counts: NDArray[np.int64], published: PublishedCounts | None
) -> dict[str, Any]:
    names = [p[survey.varied_option] for p in journal.plan.preparations]
    return {
        "out": str(journal.folder),
        "kind": str(journal.plan.kind),
        "n_lesions": len(journal.plan.lesions),
        "n_failing": {name: int(journal.outcomes(p)[FAILS].sum()) for p, name in enumerate(names)},
        "lesions_by_n_failing": counts.tolist(),
        "published": None if published is None else {"source": published.source, "counts": list(published.counts)},
    }


def print_summary(journal: SurveyJournal, counts: NDArray[np.int64], published: PublishedCounts | None) -> None:
    n = len(journal.plan.preparations)
    total = int(counts.sum())
    headings = ["a lesion makes fail", "lesions", "share"]
    rows = []
    for k in range(n, -1, -1):
        label = "none" if k == 0 else f"all {n}" if k == n else f"exactly {k}"
        row = [label, f"{counts[k]:,}", f"{counts[k] / total:.1%}"]
        if published is not None:
            row += [f"{published.counts[k]:,}", f"{published.counts[k] / sum(published.counts):.1%}"]
        rows.append(row)
    if published is not None:
        headings += ["published", "share"]
    print_table(headings, rows, frozenset(range(1, len(headings))))
    if published is not None:
        typer.echo(f"published: {published.source}")
        for line in published.differences:
            typer.echo(f"  {line}")
    typer.echo(f"{journal.folder}: outcomes.csv, outcomes.parquet, map.png")
