"""Watching whole streams from the window: those that nobody watches unless asked to, being large or seldom wanted."""

from __future__ import annotations

from functools import partial

from app.window.desk import Desk, Level
from app.window.overlays import Wish
from rig.process.client import RigClient


def stream_wishes(desk: Desk) -> list[Wish]:
    """What the palette offers: each such stream, to be watched or to be watched no longer."""
    if desk.description is None or desk.client is None:
        return []
    watched = desk.client.watched
    return [
        Wish(f"Watch no longer: {info.name}, {info.description}", partial(unwatch_stream, desk, info.name))
        if info.name in watched
        else Wish(f"Watch: {info.name}, {info.description}", partial(watch_stream, desk, info.name))
        for info in desk.description.streams
        if info.on_demand
    ]


def watch_stream(desk: Desk, name: str) -> None:
    """All of it, if nobody watches it yet."""
    if desk.client is None or name in desk.client.watched:
        return
    if desk.do(partial(RigClient.watch, stream=name)) is not None:
        desk.say(Level.NOTE, f"{name} is watched: it is shown, and recorded with the next recording")


def unwatch_stream(desk: Desk, name: str) -> None:
    desk.do(partial(RigClient.watch, stream=name, unit_ids=()))
