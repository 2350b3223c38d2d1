"""A small valid scenario with one of everything, for tests that break one thing of it at a time."""

from typing import Any

import pytest

from lodeplan import scenarios
from lodeplan.schemas import InputProblem, InvalidInput


def tiny() -> dict[str, Any]:
    return {
        "name": "tiny",
        "home": "USA",
        "horizon": {"first_year": 2026, "period_years": [1, 2, 2]},
        "commodities": {
            "ore": {"stage": "ore", "mineral_group": "metal"},
            "metal": {
                "stage": "refined",
                "mineral_group": "metal",
                "hts": ["8112.92.06"],
                "reference_price_kusd_per_t": 12,
            },
        },
        "places": {
            "USA": {},
            "CHN": {"groups": ["rivals"]},
            "AUS": {},
            "Others": {"members": {"CHN": 0.4, "AUS": 0.6}},
        },
        "facilities": {
            "offer": {"place": "CHN", "outputs": {"metal": 1}, "cost_kusd_per_t": 10},
            "mine": {"place": "AUS", "outputs": {"ore": 1}, "capacity_t_per_y": 50, "cost_kusd_per_t": 3},
            "smelter": {"place": "USA", "inputs": {"ore": 2}, "outputs": {"metal": 1}, "capacity_t_per_y": 20},
        },
        "projects": {
            "new smelter": {
                "place": "USA",
                "inputs": {"ore": 2},
                "outputs": {"metal": 1},
                "capacity_t_per_y": 30,
                "capex_kusd": 100,
                "tracks": {
                    "standard": {"permit_years": 2, "construction_years": 1, "permit_slots": 1},
                    "fast": {"permit_years": 0.5, "construction_years": 1},
                },
            },
            "second smelter": {
                "place": "USA",
                "inputs": {"ore": 2},
                "outputs": {"metal": 1},
                "capacity_t_per_y": 30,
                "capex_kusd": 100,
                "tracks": {"standard": {"permit_years": 2, "construction_years": 1}},
            },
        },
        "routes": {
            "metal CHN": {
                "commodity": "metal",
                "origin": "CHN",
                "destination": "USA",
                "freight_kusd_per_t": 1,
                "customs_value_kusd_per_t": 10,
                "onboarding": {"lead_years": 1},
            },
            "ore AUS": {"commodity": "ore", "origin": "AUS", "destination": "USA", "customs_value_kusd_per_t": 3},
        },
        "tariffs": {
            "mfn": {"programme": "mfn", "commodities": ["metal"], "rate_share": 0.05},
            "extra": {"programme": "section_301", "origins": ["CHN"], "hts": ["8112"], "rate_share": {"2026": 0.25}},
        },
        "stockpiles": {"store": {"commodity": "metal", "kind": "strategic", "capacity_t": 100, "opening_t": 10}},
        "demands": {
            "user": {
                "commodity": "metal",
                "tier": "other",
                "quantity_t_per_y": 40,
                "shortage_penalty_kusd_per_t": {"0.1": 50, "1": 400},
            }
        },
        "limits": {"cap": {"kind": "share_cap", "commodity": "metal", "places": ["rivals"], "cap_share": 0.65}},
        "events": {"ban": {"changes": "exports", "places": ["CHN"], "onset": "2027-01-01", "availability_share": 0}},
        "futures": {"calm": {}, "ban": {"probability": 0.2, "events": ["ban"]}},
    }


def problems_of(source: Any, patches: Any = ()) -> list[InputProblem]:
    """The problems of a scenario that must have some."""
    with pytest.raises(InvalidInput) as caught:
        scenarios.load(source, patches)
    return caught.value.problems


def the_problem_of(source: Any, patches: Any = ()) -> InputProblem:
    """The problem of a scenario that must have exactly one."""
    found = problems_of(source, patches)
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]
