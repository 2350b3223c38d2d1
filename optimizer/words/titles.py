"""Titles of the names that appear in results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lodeplan.schemas.entries import Entry
from lodeplan.schemas.kinds import SourceKind, UseKind
from lodeplan.schemas.scenario import Scenario

TERM_TITLES: dict[str, str] = {
    "production": "Purchases and production",
    "freight": "Freight",
    "hub_markup": "Hub mark-up",
    "duty": "Duty",
    "support": "Price support by the state",
    "calibration": "Calibration",
    "recovery": "Recycling",
    "substitution": "Changing over to substitutes",
    "demand_reduction": "Need given up to the price",
    "disposal": "Disposal",
    "holding": "Storage",
    "buying_premium": "Premium on stock purchases",
    "shortage_penalty": "Shortage penalty",
    "limit_violation": "Limits exceeded",
    "capex": "Capital cost",
    "grant": "Grants by the state",
    "fast_track": "Extra cost of tracks",
    "onboarding": "Qualifying suppliers",
    "end_value_stock": "Stock left at the end",
    "end_value_projects": "Project life left at the end",
}
"""Terms of a node's cost, in words."""

TIER_TITLES: dict[str, str] = {
    "military": "Military",
    "essential_civilian": "Essential civilian",
    "other": "Other demand",
    "export": "Sales abroad",
}
"""Tiers of demand, in words."""

SOURCE_TITLES: dict[SourceKind, str] = {
    SourceKind.IMPORT: "Import",
    SourceKind.HOME: "Home production",
    SourceKind.RECYCLED: "Recycling",
    SourceKind.STOCK: "From stock",
}
"""Kinds of supply, in words."""

USE_TITLES: dict[UseKind, str] = {
    UseKind.DEMAND: "Demand served",
    UseKind.SUBSTITUTE: "In place of another",
    UseKind.REDUCED: "Given up to the price",
    UseKind.PLANT: "Used by plants",
    UseKind.STOCK: "Into stock",
    UseKind.DISPOSAL: "Disposal",
    UseKind.EXPORT: "Export",
    UseKind.SHORTAGE: "Shortage",
}
"""Kinds of use, in words."""


def title_of(entries: Mapping[str, Entry], name: str) -> str:
    """The title of an entry, or its name where it has none."""
    entry = entries.get(name)
    return entry.title if entry and entry.title else name


def user_title(scenario: Scenario, kind: UseKind, name: str) -> str:
    """Return the title of a user: the column `name` of the table `uses` in words; empty where it has none."""
    match kind:
        case UseKind.DEMAND | UseKind.REDUCED | UseKind.SHORTAGE:
            return TIER_TITLES.get(name, name)
        case UseKind.SUBSTITUTE:
            return title_of(scenario.demands, name)
        case UseKind.PLANT:
            return title_of({**scenario.facilities, **scenario.projects}, name)
        case UseKind.STOCK:
            return title_of(scenario.stockpiles, name)
        case UseKind.EXPORT:
            return TIER_TITLES.get(name) or title_of(scenario.places, name)
        case UseKind.DISPOSAL:
            return ""


def distinct_titles(entries: Mapping[str, Entry], names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """The title of each name, with the name behind it where two would read the same, or as one `taken`."""
    titles = {name: title_of(entries, name) for name in names}
    used = [*titles.values(), *taken]
    return {name: title if used.count(title) == 1 else f"{title} ({name})" for name, title in titles.items()}
