"""``headstage demo``: the window drives itself, records, and leaves pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from app.cli.record import SubjectOptions
from app.cli.text import key_values
from rig.errors import SessionError, SpecError


def demo(
    subject: Annotated[str, typer.Argument(help="Name of a subject; the liveliest at hand when not given.")] = "",
    options: SubjectOptions = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for pictures and the recording.")] = Path("demo"),
    offscreen: Annotated[bool, typer.Option("--offscreen", help="Without a display.")] = False,
    size: Annotated[list[str] | None, typer.Option(help="Of the window.", metavar="WxH")] = None,
    theme: Annotated[list[str] | None, typer.Option(help="dark or light.", metavar="NAME")] = None,
) -> None:
    """Drive the window through a session at the rig: run, select, stimulate, record, twin, playback.

    \b
    Examples:
      headstage demo --offscreen
      headstage demo microprocessor --set cartridge=pitfall --size 1280x800 --size 1920x1080 --theme dark --theme light
    """
    if offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from app.theme import THEMES
    from app.window.demo import DemoError, run_demo
    from app.window.desk import Opening
    from app.window.launch import application, first_subject, log_to_file, open_settings

    sizes = tuple(_size(text) for text in size or ("1600x1000",))
    themes = tuple(theme or ("dark",))
    for name in themes:
        if name not in THEMES:
            raise SpecError(f"asked for theme {name!r}; there are {', '.join(THEMES)}")
    log_to_file()
    made = application()
    opening = Opening(subject, key_values(options or (), "option")) if subject else first_subject(open_settings())
    try:
        pictures = run_demo(made, opening, out, sizes, themes, typer.echo)
    except DemoError as error:
        raise SessionError(f"the demo stopped: {error}") from error
    typer.echo(f"{len(pictures)} pictures and a recording in {out}")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) >= 640 and int(height) >= 400):
        raise SpecError(f"asked for size {text!r}; write WIDTHxHEIGHT, at least 640x400")
    return int(width), int(height)
