"""What can be put on the table here and now, and what it would take otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from app.window.desk import Opening
from rig.registry import BrokenPlugin, installed_plugins

GAMES = ("space_invaders", "donkey_kong", "pitfall")
HIDDEN = ("playback",)  # opened through a recording


@dataclass(frozen=True)
class Offer:
    """A line of the subject menu; `opening` is None where something is missing, and `reason` says what."""

    label: str
    opening: Opening | None
    reason: str = ""


def offers() -> tuple[Offer, ...]:
    """Every subject, with those first that are alive at once."""
    made: list[Offer] = []
    for name, plugin in installed_plugins().items():
        if name in HIDDEN:
            continue
        if isinstance(plugin, BrokenPlugin):
            made.append(Offer(name, None, f"subject {name} cannot be loaded: {plugin.reason}"))
            continue
        if any(o.name == "cartridge" for o in plugin.options):
            if find_spec("ale_py") is None:
                made.append(
                    Offer(
                        f"{name} (needs a cartridge)",
                        None,
                        "no cartridges are at hand: pip install ale-py, or open a file of yours",
                    )
                )
            made += [
                Offer(f"{plugin.name} · {game.replace('_', ' ')}", Opening(name, {"cartridge": game}))
                for game in GAMES
                if find_spec("ale_py") is not None
            ]
        else:
            made.append(Offer(f"{plugin.name} — {plugin.summary}", Opening(name, {})))
    return tuple(made)
