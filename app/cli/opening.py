"""``headstage open``: the window with something of the person's own on the table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.text import key_values
from rig.errors import AssetError
from rig.registry import find_plugin


def open_window(
    what: Annotated[
        str, typer.Argument(help="A recording (NAME.rig), a session (NAME.session.json), or a subject's name.")
    ],
    options: Annotated[
        list[str] | None, typer.Option("--set", help="Option of the subject.", metavar="KEY=VALUE")
    ] = None,
) -> None:
    """Open the window with a recording, a saved session, or a subject.

    \b
    Examples:
      headstage open vesper.rig
      headstage open monday.session.json
      headstage open microprocessor --set cartridge=tundra
    """
    path = Path(what)
    chosen = key_values(options or (), "option")
    session = path if path.is_file() else None
    if session is None and not path.is_dir():
        if path.suffix:
            raise AssetError(f"asked to open {what}; there is no such recording or session")
        find_plugin(what)  # says which there are
    if session is not None:
        from app.saved.session import load_session

        load_session(session)  # what is wrong with it is told here and not in a window
    from app.window.desk import Opening  # Qt is loaded for the window alone
    from app.window.launch import run_window

    if path.is_dir():
        opening: Opening | None = Opening("playback", {"recording": str(path.resolve()), **chosen})
    else:
        opening = None if session is not None else Opening(what, chosen)
    raise typer.Exit(run_window(opening, session=session))
