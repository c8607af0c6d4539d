"""What can be triggered on, to choose from. Free of Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.window.scope_rows import NOT_CARRIED, ScopeRow
from rig.streams import StreamInfo, StreamKind
from rig.trigger import Condition, FieldsMatch, FrameStarts, UnitRises

_LIKED = ("sync", "clk0", "cell0")  # triggers that hardly anyone regrets


@dataclass(frozen=True)
class TriggerOffer:
    """A condition and its short name; `field` is set where a value is to be given (a bus address)."""

    name: str
    condition: Condition
    field: str = ""


def trigger_offers(
    rows: Sequence[ScopeRow], infos: dict[str, StreamInfo], streams: Sequence[StreamInfo]
) -> tuple[TriggerOffer, ...]:
    """Each unit's rise, the start of each kind of frame, a word on each bus.

    Parameters
    ----------
    rows : the oscilloscope's
    infos : layouts of their streams as they are watched
    streams : all of the subject's
    """
    offers = []
    for row in rows:
        ids = infos[row.stream].unit_ids if row.stream in infos else None
        if row.unit_id is not None and row.channel != NOT_CARRIED and ids is not None:
            offers.append(TriggerOffer(f"{row.name} ↑", UnitRises(row.stream, int(ids[row.channel]))))
    for info in streams:
        if info.kind is StreamKind.IMAGE and not info.regular:
            offers.append(TriggerOffer(f"{info.name}: frame starts", FrameStarts(info.name)))
        fields = info.dtype.names or ()
        if info.kind is StreamKind.BUS and info.regular and fields:
            field = "address" if "address" in fields else fields[0]
            offers.append(TriggerOffer(f"{info.name} {field}", FieldsMatch(info.name, ((field, 0),)), field))
    return tuple(offers)


def first_offer(offers: Sequence[TriggerOffer], selected: Sequence[int]) -> TriggerOffer | None:
    """What to trigger on when nobody has said: a selected unit, a well-known clock, or the first there is."""
    by_unit = {o.condition.unit_id: o for o in offers if isinstance(o.condition, UnitRises)}
    for unit_id in selected:
        if unit_id in by_unit:
            return by_unit[unit_id]
    for name in _LIKED:
        for offer in offers:
            if offer.name == f"{name} ↑":
                return offer
    return offers[0] if offers else None


def with_value(offer: TriggerOffer, text: str) -> TriggerOffer | None:
    """The offer with a value typed for its field, hexadecimal with ``$`` or ``0x``; None where it is no number."""
    if not isinstance(offer.condition, FieldsMatch):
        return offer
    digits = text.strip()
    try:
        value = int(digits[1:], 16) if digits.startswith("$") else int(digits, 0)
    except ValueError:
        return None
    name = f"{offer.field} = ${value:04X}"
    return TriggerOffer(name, FieldsMatch(offer.condition.stream, ((offer.field, value),)), offer.field)
