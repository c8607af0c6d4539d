"""What hands hold down: buttons of a console, from the keyboard and from the screen at once. No widgets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rig.subject import ControlInfo

DIRECTIONS = ("up", "down", "left", "right")
MOMENTARY = ("fire", "select", "reset")
_OPPOSITE = {"up": "down", "down": "up", "left": "right", "right": "left"}

Change = tuple[str, bool]


def stick_prefixes(controls: Iterable[ControlInfo]) -> tuple[str, ...]:
    """Of every stick that has all four directions: ``""`` for the first, ``right_`` for another."""
    names = {c.name for c in controls if isinstance(c.default, bool)}
    prefixes = [n.removesuffix("stick_up") for n in names if n.endswith("stick_up")]
    whole = [p for p in prefixes if all(f"{p}stick_{d}" in names for d in DIRECTIONS)]
    return tuple(sorted(whole, key=lambda p: (len(p), p)))


def momentary_names(controls: Sequence[ControlInfo]) -> tuple[str, ...]:
    """Controls that are held, not switched: sticks, fire buttons and the console's two switches that spring back."""
    prefixes = stick_prefixes(controls)
    held = [f"{p}stick_{d}" for p in prefixes for d in DIRECTIONS] + [f"{p}fire" for p in prefixes] + list(MOMENTARY)
    booleans = [c.name for c in controls if isinstance(c.default, bool) and not c.default]
    return tuple(n for n in booleans if n in held)


class HeldControls:
    """Which controls are down, given who holds them.

    A stick cannot point both ways: of two opposite directions the one pressed last counts, until it is let go.

    Parameters
    ----------
    names : controls that can be held
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)
        self._holders: dict[str, set[object]] = {}  # in order of the first press
        self._down: frozenset[str] = frozenset()

    @property
    def down(self) -> frozenset[str]:
        return self._down

    def press(self, name: str, holder: object) -> list[Change]:
        """Somebody (a key, the mouse) presses. Returns what changes, releases first."""
        if name not in self._names:
            return []
        if name not in self._holders:
            self._holders[name] = set()
        self._holders[name].add(holder)
        return self._changes()

    def release(self, name: str, holder: object) -> list[Change]:
        if holder in self._holders.get(name, ()):
            self._holders[name].discard(holder)
            if not self._holders[name]:
                del self._holders[name]
        return self._changes()

    def release_all(self) -> list[Change]:
        self._holders.clear()
        return self._changes()

    def _changes(self) -> list[Change]:
        order = list(self._holders)
        down = frozenset(n for i, n in enumerate(order) if _opposite(n) not in order[i + 1 :])
        let_go, pressed = sorted(self._down - down), sorted(down - self._down)
        self._down = down
        return [(n, False) for n in let_go] + [(n, True) for n in pressed]


def _opposite(name: str) -> str:
    stem, underscore, direction = name.rpartition("_")
    return f"{stem}_{_OPPOSITE[direction]}" if underscore and direction in _OPPOSITE else ""
