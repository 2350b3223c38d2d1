"""Plausibility checks: each rule asks a question about the numbers of a scenario that a colleague would ask.
`docs/reference/warnings.md` lists them and says how to acknowledge a warning.
"""

from __future__ import annotations

from lodeplan.scenarios.plausibility.amounts import note_amounts_above_prices
from lodeplan.scenarios.plausibility.earnings import note_flows_that_earn, note_stocks_that_earn
from lodeplan.scenarios.plausibility.gains import note_recipes_that_gain
from lodeplan.scenarios.plausibility.happenings import note_events_that_change_nothing, note_factors_far_off
from lodeplan.scenarios.plausibility.horizon import note_tracks_too_late
from lodeplan.scenarios.plausibility.landed import Landed
from lodeplan.scenarios.plausibility.paths import note_futures_that_begin_alike, note_futures_that_overlap
from lodeplan.scenarios.plausibility.penalties import note_penalties_below_cost, note_penalties_far_above
from lodeplan.scenarios.plausibility.prices import note_prices_off_reference
from lodeplan.scenarios.plausibility.rates import note_high_discount_rate, note_high_rates, note_ratios_like_percent
from lodeplan.scenarios.plausibility.sizes import note_costs_off_their_kind, note_quantities_off_their_neighbours
from lodeplan.scenarios.rules.findings import Findings

_OF_NUMBERS = (
    note_high_discount_rate,
    note_high_rates,
    note_ratios_like_percent,
    note_recipes_that_gain,
    note_prices_off_reference,
    note_amounts_above_prices,
    note_factors_far_off,
    note_events_that_change_nothing,
    note_costs_off_their_kind,
    note_quantities_off_their_neighbours,
    note_tracks_too_late,
    note_futures_that_begin_alike,
    note_futures_that_overlap,
    note_penalties_far_above,
)
_OF_LANDED_COST = (note_penalties_below_cost, note_stocks_that_earn, note_flows_that_earn)


def note_warnings(findings: Findings) -> None:
    """Note numbers and futures of a valid scenario that are allowed but probably mistakes."""
    for rule in _OF_NUMBERS:
        rule(findings)
    landed = Landed(findings)
    for of_cost in _OF_LANDED_COST:
        of_cost(findings, landed)
