"""Rates and ratios that look like per cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import largest

HIGH_RATE = 4.0
"""Duty above 400 %."""
HIGH_DISCOUNT_RATE = 0.3
HIGH_RATIO = 20.0
"""t of one commodity per t of another; contained tonnes mostly stay near 1."""


def note_high_rates(findings: Findings) -> None:
    """Duties of more than 400 %."""
    for name, measure in findings.scenario.tariffs.items():
        quota = measure.quota.in_quota_rate_share if measure.quota else None
        for field, rates in (
            (["rate_share"], measure.rate_share),
            (["quota", "in_quota_rate_share"], quota),
            (["all_in_ceiling_share"], measure.all_in_ceiling_share),
        ):
            if rates is not None:
                _note_if_high(findings, ["tariffs", name, *field], rates)


def _note_if_high(findings: Findings, keys: Sequence[str], rates: float | Mapping[int, float]) -> None:
    rate = largest(rates)
    if rate > HIGH_RATE:
        message = f"{rate:g} is {100 * rate:,.0f} % of the value."
        remedy = f"Did you mean {rate / 100:g}?"
        findings.note("high_rate", keys, message, value=rate, remedy=remedy)


def note_high_discount_rate(findings: Findings) -> None:
    """A discount rate at which the years after the first hardly count."""
    rate = findings.scenario.economics.discount_rate
    if rate > HIGH_DISCOUNT_RATE:
        message = f"{rate:g} is {100 * rate:g} % a year: next year's money counts {1 / (1 + rate):.2f} times today's."
        remedy = f"Did you mean {rate / 10:.2g}?"
        findings.note("high_discount_rate", ["economics", "discount_rate"], message, value=rate, remedy=remedy)


def note_ratios_like_percent(findings: Findings) -> None:
    """Recipes and substitutes with ratios that are usual as per cent."""
    scenario = findings.scenario
    for collection in ("facilities", "projects"):
        for name, plant in getattr(scenario, collection).items():
            for side in ("outputs", "inputs"):
                for commodity, ratio in getattr(plant, side).items():
                    _note_ratio(findings, [collection, name, side, commodity], ratio, "of activity")
    for name, demand in scenario.demands.items():
        for key, substitute in demand.substitutes.items():
            keys = ["demands", name, "substitutes", key, "ratio_t_per_t"]
            _note_ratio(findings, keys, substitute.ratio_t_per_t, "of the demand met")


def _note_ratio(findings: Findings, keys: Sequence[str], ratio: float, per: str) -> None:
    if ratio >= HIGH_RATIO:
        message = f"the ratio is {ratio:g} t per t {per}."
        remedy = f"Did you mean {ratio / 100:g} ({ratio:g} %)? Both are t contained."
        findings.note("ratio_like_percent", keys, message, value=ratio, remedy=remedy)
