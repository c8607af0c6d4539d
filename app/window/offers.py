"""What can be put on the table here and now, and what it would take otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from app.window.desk import Opening
from rig.registry import BrokenPlugin, installed_plugins
from rig.subject import OptionInfo, SubjectPlugin

ALE_GAMES = ("space_invaders", "donkey_kong", "pitfall")
HIDDEN = ("playback",)  # opened through a recording


@dataclass(frozen=True)
class Offer:
    """A line of the subject menu; `opening` is None where something is missing, and `reason` says what."""

    label: str
    opening: Opening | None
    reason: str = ""


def offers() -> tuple[Offer, ...]:
    """Every subject that can be opened now, the richest first; then what something is missing for."""
    ready: list[Offer] = []
    missing: list[Offer] = []
    for name, plugin in installed_plugins().items():
        if name in HIDDEN:
            continue
        if isinstance(plugin, BrokenPlugin):
            missing.append(Offer(name, None, f"subject {name} cannot be loaded: {plugin.reason}"))
            continue
        absent = [a.name for a in plugin.assets if a.needed and not a.is_installed()]
        if absent:
            line = f"{plugin.name} needs {absent[0]}, which Headstage may not ship: run  headstage install {absent[0]}"
            missing.append(Offer(f"{plugin.name}  (needs {absent[0]})", None, line))
        elif cartridge := next((o for o in plugin.options if o.name == "cartridge"), None):
            ready[:0] = [*_games(name, cartridge), *_other_chips(plugin)]
        else:
            ready.append(Offer(f"{plugin.name} — {plugin.summary}", Opening(name, {})))
    return (*ready, *missing)


def cartridge_plugins() -> list[str]:
    """Names of the plugins that take a cartridge, and have all that they need."""
    return [
        name
        for name, plugin in installed_plugins().items()
        if not isinstance(plugin, BrokenPlugin)
        and any(o.name == "cartridge" for o in plugin.options)
        and all(a.is_installed() for a in plugin.assets if a.needed)
    ]


def _games(plugin: str, cartridge: OptionInfo) -> list[Offer]:
    """The plugin's own games, then some of the person's own ale-py."""
    games = (*cartridge.offered, *(() if find_spec("ale_py") is None else ALE_GAMES))
    return [Offer(f"{plugin} · {g.replace('_', ' ')}", Opening(plugin, {"cartridge": g})) for g in games]


def _other_chips(plugin: SubjectPlugin) -> list[Offer]:
    """The plugin's chips beside its own, where they are installed, each with its first game."""
    installed = {a.name for a in plugin.assets if a.is_installed()}
    others = [str(c) for o in plugin.options if o.name == "chip" for c in o.offered if str(c) in installed]
    return [Offer(f"{plugin.name} · {chip}", Opening(plugin.name, {"chip": chip})) for chip in others]
