"""Events that change nothing, or so much that another unit may be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lodeplan.scenarios.selections import matching
from lodeplan.schemas.events import DemandEvent, ExportEvent, OutputEvent, PriceEvent

if TYPE_CHECKING:
    from lodeplan.scenarios.rules.findings import Findings

HIGH_FACTOR = 20.0
"""New price or demand over old above which per cent may be meant."""


def note_factors_far_off(findings: Findings) -> None:
    """Prices that fall to nothing, and prices and demands that rise more than twentyfold."""
    for name, event in findings.scenario.events.items():
        if not isinstance(event, PriceEvent | DemandEvent):
            continue
        keys, factor = ["events", name, "factor"], event.factor
        what = "price" if isinstance(event, PriceEvent) else "demand"
        if factor > HIGH_FACTOR:
            message = f"the {what} becomes {factor:g} times as high."
            remedy = f"Did you mean {factor / 100:g} ({factor:g} % of the old {what})?"
            findings.note("factor_far_off", keys, message, value=factor, remedy=remedy)
        elif factor == 0 and isinstance(event, PriceEvent):
            message = "the price becomes 0: everything the event affects is free while it lasts."
            remedy = "Did you mean 1, no change? The factor is the new price over the old."
            findings.note("factor_far_off", keys, message, value=factor, remedy=remedy)


def note_events_that_change_nothing(findings: Findings) -> None:
    """Events that leave all as it was, and open no strategic reserve."""
    scenario = findings.scenario
    opening = [pile.release_events for pile in scenario.stockpiles.values() if pile.kind == "strategic"]
    for name, event in scenario.events.items():
        if isinstance(event, PriceEvent | DemandEvent):
            field, left = "factor", event.factor
        elif isinstance(event, ExportEvent | OutputEvent):
            field, left = "availability_share", event.availability_share
        else:
            continue
        if left == 1 and not any(matching(patterns, [name]) for patterns in opening):
            message = "1 changes nothing: the event has no effect."
            remedy = "Give the share that remains, such as 0 for nothing." if field == "availability_share" else None
            remedy = remedy or "Give the new value over the old one, such as 1.5 for an increase by half."
            findings.note("changes_nothing", ["events", name, field], message, value=left, remedy=remedy)
