"""``headstage``: the command line. One clear line for what went wrong; the traceback goes to the log file."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from app.cli import bench, demo, export, info, opening, record, rederive, subjects, survey
from rig.errors import HeadstageError

EXIT_ERROR = 1

cli = typer.Typer(
    name="headstage",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@cli.callback()
def window(
    context: typer.Context,
    reset: Annotated[bool, typer.Option("--reset", help="Forget layouts, theme and what was opened lately.")] = False,
) -> None:
    """A virtual electrophysiology rig whose preparations are computing systems. Without a command: the window."""
    if context.invoked_subcommand is None:
        from app.window.launch import run_window  # Qt is loaded for the window alone

        raise typer.Exit(run_window(reset=reset))


cli.command("open")(opening.open_window)
cli.command("subjects")(subjects.list_subjects)
cli.command("install")(subjects.install)
cli.command("record")(record.record)
cli.command("info")(info.show)
cli.command("export")(export.export)
cli.command("rederive")(rederive.rederive)
cli.add_typer(survey.cli)
cli.command("bench")(bench.bench)
cli.command("demo")(demo.demo)


def log_path() -> Path:
    return Path(platformdirs.user_log_dir("headstage", appauthor=False)) / "headstage.log"


def run() -> None:
    """Entry point. Exit code 0 done, 1 an error that was told, 2 words the command line does not know, 130 Ctrl-C."""
    try:
        cli()  # leaves by SystemExit, for words it does not know and for Ctrl-C too
    except HeadstageError as error:
        _log_traceback(error)
        print(f"headstage: {error}", file=sys.stderr)
        sys.exit(EXIT_ERROR)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away; nobody is left to tell
        sys.exit(EXIT_ERROR)
    except Exception as error:
        where = _log_traceback(error)
        print(f"headstage: unexpected {type(error).__name__}: {error}; the traceback is in {where}", file=sys.stderr)
        sys.exit(EXIT_ERROR)


def _log_traceback(error: BaseException) -> Path:
    """Append to the log file; a log that cannot be written is no reason to fail."""
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path)
    except OSError:
        return path
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log = logging.getLogger("headstage.cli")
    log.propagate = False
    log.addHandler(handler)
    log.error("%s", " ".join(sys.argv), exc_info=error)
    handler.close()
    log.removeHandler(handler)
    return path


if __name__ == "__main__":
    run()
