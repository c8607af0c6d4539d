"""How figures and tables look on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from rig.errors import SpecError


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
    """A plain table; the columns numbered in `right` are flush right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)


def in_bytes(n_bytes: float) -> str:
    """``48.2 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(n_bytes) < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


def key_values(texts: Sequence[str], what: str) -> dict[str, str]:
    """``["a=1"]`` → ``{"a": "1"}``. Raises SpecError."""
    given = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise SpecError(f"asked for {what} {text!r}; write KEY=VALUE")
        given[key] = value
    return given


@contextmanager
def progress_bar(title: str, *, quiet: bool) -> Any:
    """Yields ``update(done, total, note="")``; draws on a terminal's standard error only."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total, note="": None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None, note="")

        def update(done: float, total: float | None, note: str = "") -> None:
            progress.update(task, completed=done, total=total, note=note)

        yield update


Update = Callable[[float, float | None, str], None]
Facts = Mapping[str, Any]
