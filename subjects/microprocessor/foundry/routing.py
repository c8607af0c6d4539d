"""Wires: for every net a trunk through all its places and a branch to each, metal level and polysilicon upright.

Trunks and branches have a track of their own as long as there is a free one near where they should run, so that no two
wires of one layer lie upon each other along their length; where they cross they lie on different layers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from subjects.microprocessor.foundry.floorplan import AND_TOP, BUSES, OR_BOTTOM, Rect, bus_y

METAL, DIFFUSION, GROUNDED, POWERED, POLY = 0, 1, 3, 4, 5
"""Layers of the Visual6502 format (`layout_files`)."""

TRUNK_HALF_UM, BRANCH_HALF_UM, BUS_HALF_UM, CONTACT_HALF_UM = 2, 1, 4, 3
GAP_UM = 1
FARTHEST_UM = {True: 90, False: 40}
"""How far a trunk, and a branch, may be moved aside to lie free."""

Place = tuple[int, int]


@dataclass(frozen=True)
class Shape:
    """A rectangle that belongs to a net."""

    net: str
    layer: int
    rect: Rect


@dataclass
class Tracks:
    """What is taken already of one direction's layer: by position across, stretches along."""

    taken: defaultdict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def take(self, near: int, low: int, high: int, half: int, farthest: int) -> int:
        """The free position closest to `near` for a wire from `low` to `high`; `near` itself where all is taken."""
        at = next((near + k for k in _outwards(farthest) if self._free(near + k, low, high, half)), near)
        self.claim(at, low, high, half)
        return at

    def claim(self, at: int, low: int, high: int, half: int) -> None:
        for k in range(at - half, at + half):
            self.taken[k].append((low, high))

    def _free(self, at: int, low: int, high: int, half: int) -> bool:
        beside = range(at - half - GAP_UM, at + half + GAP_UM)
        return all(high < a or low > b for k in beside for a, b in self.taken.get(k, ()))


def route(places: Mapping[str, Sequence[Place]], rails: Iterable[Shape]) -> Iterator[Shape]:
    """Wires of all nets: first those whose place is given, then the others, the short ones before the long.

    Parameters
    ----------
    places : where each net has to be led to
    rails : metal that lies level already
    """
    level, upright = Tracks(), Tracks()
    for x0, x1, y0, y1 in (shape.rect for shape in rails):
        level.claim((y0 + y1) // 2, x0, x1, (y1 - y0 + 1) // 2)
    trunks: dict[str, tuple[bool, int]] = {}
    nets = {net: sorted(set(spots)) for net, spots in places.items() if len(set(spots)) > 1}
    for net in sorted(nets, key=lambda net: (_fixed(net, nets[net]) is None, _length(nets[net]))):
        spots = nets[net]
        lies, near = _fixed(net, spots) or _wanted(spots)
        half = BUS_HALF_UM if _bus(net) else TRUNK_HALF_UM
        low, high = _ends(spots, lies)
        tracks = level if lies else upright
        if _fixed(net, spots) is None:
            at = tracks.take(near, low, high, half, FARTHEST_UM[True])
        else:
            at = near
            tracks.claim(at, low, high, half)
        trunks[net] = lies, at
    for net, spots in nets.items():
        lies, at = trunks[net]
        yield from _draw(net, spots, lies, at, upright if lies else level)


def _outwards(farthest: int) -> Iterator[int]:
    yield 0
    for k in range(1, farthest + 1):
        yield from (k, -k)


def _length(spots: Sequence[Place]) -> int:
    return sum(high - low for low, high in (_ends(spots, True), _ends(spots, False)))


def _ends(spots: Sequence[Place], lies: bool) -> tuple[int, int]:
    along = [x if lies else y for x, y in spots]
    return min(along), max(along)


def _bus(net: str) -> bool:
    return net.rstrip("01234567") in BUSES


def _fixed(net: str, spots: Sequence[Place]) -> tuple[bool, int] | None:
    """Whether it lies level, and where: buses, and what belongs to the PLA alone; None for what is free to move."""
    if _bus(net):
        return True, bus_y(int(net[-1]), BUSES.index(net.rstrip("01234567")))
    y_low, y_high = _ends(spots, False)
    if y_low >= OR_BOTTOM - 20 and y_high <= AND_TOP + 20:
        return _wanted(spots)
    return None


def _wanted(spots: Sequence[Place]) -> tuple[bool, int]:
    """Along the longer side, through the middle one of the places."""
    (x_low, x_high), (y_low, y_high) = _ends(spots, True), _ends(spots, False)
    lies = x_high - x_low >= y_high - y_low
    across = sorted(y if lies else x for x, y in spots)
    return lies, across[len(across) // 2]


def _draw(net: str, spots: Sequence[Place], lies: bool, at: int, tracks: Tracks) -> Iterator[Shape]:
    """The branches, each to all places on one side of one spot, and the trunk that joins them."""
    half = BUS_HALF_UM if _bus(net) else TRUNK_HALF_UM
    low, high = _ends(spots, lies)
    branches: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
    for x, y in spots:
        spot, across = (x, y) if lies else (y, x)
        if abs(across - at) > half:
            branches[spot, across > at].append(across)
    for (spot, beyond), places in branches.items():
        near, far = (at, max(places)) if beyond else (min(places), at)
        track = tracks.take(spot, near, far, BRANCH_HALF_UM, FARTHEST_UM[False])
        low, high = min(low, track), max(high, track)
        yield _wire(net, not lies, near, far, track, BRANCH_HALF_UM)
        yield _wire(net, lies, track - CONTACT_HALF_UM, track + CONTACT_HALF_UM, at, CONTACT_HALF_UM)
        if track != spot:
            for place in places:
                yield _wire(net, lies, min(track, spot) - 1, max(track, spot) + 1, place, BRANCH_HALF_UM)
    yield _wire(net, lies, low - half, high + half, at, half)


def _wire(net: str, lies: bool, low: int, high: int, at: int, half: int) -> Shape:
    if lies:
        return Shape(net, METAL, (low, high, at - half, at + half))
    return Shape(net, POLY, (at - half, at + half, low, high))
