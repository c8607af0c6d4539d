"""Streams that nobody watches unless asked to, from the palette and from the oscilloscope's menu."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.window.scope import ScopePane
from app.window.watched_streams import stream_wishes, unwatch_stream, watch_stream

if TYPE_CHECKING:
    from tests.app.window.conftest import Table

NAME = "charge"


def test_a_stream_is_offered_watched_and_left(cell_table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = cell_table.desk
    assert stream_wishes(desk) == []
    assert desk.client is not None
    unwatch_stream(desk, NAME)
    told = desk.client.description
    streams = tuple(replace(s, on_demand=s.name == NAME) for s in told.streams)
    monkeypatch.setattr(type(desk.client), "description", replace(told, streams=streams))
    (wish,) = stream_wishes(desk)
    assert wish.text.startswith(f"Watch: {NAME}, ")
    wish.act()
    cell_table.until(lambda: desk.ring(NAME) is not None)
    assert cell_table.said[-1] == f"{NAME} is watched: it is shown, and recorded with the next recording"
    watch_stream(desk, NAME)
    assert len(cell_table.said) == 1, "it is watched already"
    (wish,) = stream_wishes(desk)
    assert wish.text.startswith(f"Watch no longer: {NAME}, ")
    wish.act()
    cell_table.until(lambda: desk.ring(NAME) is None)


def test_the_oscilloscope_watches_the_signal_that_is_chosen(cell_table: Table) -> None:
    pane = ScopePane(cell_table.desk)
    cell_table.lay(pane, 720, 340)
    cell_table.desk.set_channels([100, 101])
    unwatch_stream(cell_table.desk, NAME)
    cell_table.until(lambda: cell_table.desk.ring(NAME) is None)
    pane.choose_stream(NAME)
    cell_table.until(lambda: cell_table.desk.ring(NAME) is not None)
    cell_table.run_to(300)
    assert {row.stream for row in pane.picture.rows if row.unit_id in (100, 101)} == {NAME}
