"""Numbers and names as a planner reads them, in figures and on pages."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.entries import Entry

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


def amount(value: float) -> str:
    """A number with about three significant digits and thousands separated.

    >>> amount(1234.5), amount(12.345), amount(0.0123), amount(-7.0), amount(0.0)
    ('1,234', '12.3', '0.0123', '−7', '0')
    """
    if value == 0:
        return "0"
    if abs(value) < 5e-4:
        return "≈ 0"
    text = f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"
    return text.replace("-", "−")


def percent(share: float) -> str:
    """A fraction in per cent, with about three significant digits.

    >>> percent(0.2), percent(0.00412), percent(1e-9)
    ('20 %', '0.412 %', '≈ 0 %')
    """
    return f"{amount(100 * share)} %"


def title_of(entries: Mapping[str, Entry], name: str) -> str:
    """The title of an entry, or its name where it has none."""
    entry = entries.get(name)
    return entry.title if entry and entry.title else name
