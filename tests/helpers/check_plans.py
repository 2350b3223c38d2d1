"""Two scenarios, and a plan for each worked out by hand, for the tests of the independent check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from lodeplan.optimizer import check
from lodeplan.schemas import Scenario, Verdict

Data = dict[str, Any]
Lists = dict[str, list[list[Any]]]

COLUMNS = {
    "nodes": ["node", "parent", "period", "start_y", "length_y", "probability", "discount_factor", "future"],
    "run": ["facility", "step", "node", "run_t_per_y"],
    "ship": ["route", "band", "node", "ship_t_per_y"],
    "store": ["stockpile", "node", "buy_t_per_y", "release_t_per_y", "stock_t"],
    "dispose": ["commodity", "place", "node", "dispose_t_per_y"],
    "activity": ["facility", "mode", "node", "run_t_per_y"],
    "declare": ["commodity", "place", "variant", "declared", "node", "declared_t_per_y"],
    "recover": ["recycling", "node", "recovered_t_per_y"],
    "serve": ["demand", "option", "node", "served_t_per_y"],
    "shortage": ["demand", "step", "node", "shortage_t_per_y"],
    "starts": ["project", "track", "node"],
    "onboardings": ["route", "node"],
    "slack": ["limit", "item", "node", "slack"],
    "node_costs": ["node", "term", "cost_kusd"],
    "futures": ["future", "probability", "cost_kusd"],
    "regrets": ["future", "best_kusd", "regret_kusd"],
}


def frames(lists: Lists) -> dict[str, pd.DataFrame]:
    return {name: pd.DataFrame(lists.get(name, []), columns=columns) for name, columns in COLUMNS.items()}


def verdict_of(data: Data, lists: Lists, objective: float | None = None) -> Verdict:
    return check.check(Scenario.model_validate(data), frames(lists), objective_kusd=objective)


# The golden toy: one metal, four years, a ban in years 3 and 4 with probability 0.2; 100 t stocked in year 2.


def golden_toy() -> Data:
    project = {
        "place": "USA",
        "outputs": {"metal": 1},
        "capacity_t_per_y": 40,
        "cost_kusd_per_t": 13,
        "capex_kusd": 150,
    }
    return {
        "name": "golden",
        "home": "USA",
        "horizon": {"first_year": 2026, "period_years": [1, 1, 1, 1]},
        "economics": {"discount_rate": 0.05},
        "commodities": {"metal": {"stage": "refined", "mineral_group": "metal"}},
        "places": {"USA": {}, "CHN": {}, "AUS": {}},
        "facilities": {
            "China": {"place": "CHN", "outputs": {"metal": 1}, "cost_kusd_per_t": 10},
            "Ally": {"place": "AUS", "outputs": {"metal": 1}, "cost_kusd_per_t": 15, "capacity_t_per_y": 50},
        },
        "projects": {
            "Mine": {
                **project,
                "end_value_share": 0,
                "tracks": {
                    "standard": {"permit_years": 2, "construction_years": 1},
                    "fast": {"permit_years": 0, "construction_years": 1, "extra_cost_kusd": 270},
                },
            }
        },
        "routes": {
            "from China": {
                "commodity": "metal",
                "origin": "CHN",
                "destination": "USA",
                "freight_kusd_per_t": 1,
                "customs_value_kusd_per_t": 10,
            },
            "from ally": {"commodity": "metal", "origin": "AUS", "destination": "USA"},
        },
        "tariffs": {"duty": {"programme": "mfn", "origins": ["CHN"], "commodities": ["metal"], "rate_share": 0.25}},
        "stockpiles": {"store": {"commodity": "metal", "holding_kusd_per_t_y": 0.5, "end_value_kusd_per_t": 8}},
        "demands": {
            "military": {
                "commodity": "metal",
                "tier": "military",
                "quantity_t_per_y": 20,
                "shortage_penalty_kusd_per_t": 500,
            },
            "civilian": {
                "commodity": "metal",
                "tier": "essential_civilian",
                "quantity_t_per_y": 80,
                "shortage_penalty_kusd_per_t": 60,
            },
        },
        "events": {"ban": {"changes": "exports", "onset": 2028, "places": ["CHN"], "availability_share": 0}},
        "futures": {"calm": {}, "ban": {"probability": 0.2, "events": ["ban"]}},
    }


def golden_plan() -> Lists:
    nodes = ["2026", "2027", "2028", "2029", "ban@2028", "ban@2029"]
    return {
        "nodes": [
            ["2026", "", 2026, 0, 1, 1.0, 1.0, ""],
            ["2027", "2026", 2027, 1, 1, 1.0, 1.05**-1, ""],
            ["2028", "2027", 2028, 2, 1, 0.8, 1.05**-2, ""],
            ["2029", "2028", 2029, 3, 1, 0.8, 1.05**-3, ""],
            ["ban@2028", "2027", 2028, 2, 1, 0.2, 1.05**-2, "ban"],
            ["ban@2029", "ban@2028", 2029, 3, 1, 0.2, 1.05**-3, "ban"],
        ],
        "run": [
            ["China", 0, "2026", 100.0],
            ["China", 0, "2027", 200.0],
            ["China", 0, "2029", 100.0],
            ["Ally", 0, "ban@2028", 50.0],
            ["Ally", 0, "ban@2029", 50.0],
        ],
        "ship": [
            ["from China", "all", "2026", 100.0],
            ["from China", "all", "2027", 200.0],
            ["from China", "all", "2029", 100.0],
            ["from ally", "all", "ban@2028", 50.0],
            ["from ally", "all", "ban@2029", 50.0],
        ],
        "store": [
            ["store", "2027", 100.0, 0.0, 100.0],
            ["store", "2028", 0.0, 100.0, 0.0],
            ["store", "ban@2028", 0.0, 50.0, 50.0],
            ["store", "ban@2029", 0.0, 50.0, 0.0],
        ],
        "serve": [[name, "itself", node, t] for node in nodes for name, t in (("military", 20.0), ("civilian", 80.0))],
        "node_costs": [
            ["2026", "production", 1000.0],
            ["2026", "freight", 100.0],
            ["2026", "duty", 250.0],
            ["2027", "production", 2000.0],
            ["2027", "freight", 200.0],
            ["2027", "duty", 500.0],
            ["2027", "holding", 50.0],
            ["2029", "production", 1000.0],
            ["2029", "freight", 100.0],
            ["2029", "duty", 250.0],
            ["ban@2028", "production", 750.0],
            ["ban@2028", "holding", 25.0],
            ["ban@2029", "production", 750.0],
        ],
        "futures": [
            ["calm", 0.8, 1350 + 2750 / 1.05 + 1350 / 1.05**3],
            ["ban", 0.2, 1350 + 2750 / 1.05 + 775 / 1.05**2 + 750 / 1.05**3],
        ],
    }


# A plan that uses every rule: three periods of 2, 1 and 2 years, a crisis from 2028 on.
# Metal is bought from China (quota) and Australia (onboarded for 2028), made from ore at home, and by project P.


def workshop() -> Data:
    project = {"place": "USA", "outputs": {"metal": 1}, "capacity_t_per_y": 40, "cost_kusd_per_t": 5}
    standard = {"permit_years": 1, "construction_years": 1, "permit_slots": 1}
    return {
        "name": "workshop",
        "home": "USA",
        "horizon": {"first_year": 2026, "period_years": [2, 1, 2]},
        "economics": {"discount_rate": 0.1},
        "risk": {"tail_weight": 0.5, "tail_level": 0.5},
        "commodities": {
            "ore": {"stage": "ore", "mineral_group": "metal"},
            "metal": {"stage": "refined", "mineral_group": "metal", "reference_price_kusd_per_t": 12},
            "slag": {"stage": "scrap", "mineral_group": "metal", "disposable": True, "disposal_cost_kusd_per_t": 0.2},
        },
        "places": {"USA": {}, "CHN": {}, "AUS": {"groups": ["allies"]}},
        "facilities": {
            "China": {
                "place": "CHN",
                "outputs": {"metal": 1},
                "capacity_t_per_y": 1000,
                "home_share": 0.5,
                "cost_kusd_per_t": 10,
            },
            "Australia": {
                "place": "AUS",
                "outputs": {"metal": 1},
                "capacity_t_per_y": 100,
                "steps": [{"width_t_per_y": 50, "cost_kusd_per_t": 14}, {"width_t_per_y": 60, "cost_kusd_per_t": 16}],
            },
            "pit": {"place": "USA", "outputs": {"ore": 1, "slag": 0.1}, "capacity_t_per_y": 50, "cost_kusd_per_t": 2},
            "plant": {
                "place": "USA",
                "inputs": {"ore": 2},
                "outputs": {"metal": 1},
                "capacity_t_per_y": 25,
                "cost_kusd_per_t": 3,
                "price_floor": {"floor_kusd_per_t": 20, "reference_price_kusd_per_t": 15},
            },
        },
        "projects": {
            "P": {
                **project,
                "capex_kusd": 400,
                "capex_spending_share": [0.5, 0.5],
                "life_years": 10,
                "ramp_up_share": [0.5, 1],
                "tracks": {"standard": {**standard, "extra_cost_kusd": 10}, "late": standard},
                "requires": ["R"],
                "excludes": ["Q"],
            },
            "Q": {**project, "capex_kusd": 0, "tracks": {"standard": standard}},
            "R": {**project, "capex_kusd": 0, "tracks": {"standard": standard}},
        },
        "routes": {
            "CHN-USA": {
                "commodity": "metal",
                "origin": "CHN",
                "destination": "USA",
                "freight_kusd_per_t": 1,
                "customs_value_kusd_per_t": 10,
            },
            "AUS-USA": {
                "commodity": "metal",
                "origin": "AUS",
                "destination": "USA",
                "freight_kusd_per_t": 2,
                "calibration_kusd_per_t": -1,
                "capacity_t_per_y": 90,
                "onboarding": {"cost_kusd": 30, "lead_years": 2, "minimum_t_per_y": 10},
            },
        },
        "tariffs": {
            "quota": {
                "programme": "trq",
                "origins": ["CHN"],
                "commodities": ["metal"],
                "rate_share": 0.25,
                "quota": {"volume_t_per_y": 30, "in_quota_rate_share": 0.05},
            }
        },
        "stockpiles": {
            "reserve": {
                "commodity": "metal",
                "kind": "strategic",
                "opening_t": 20,
                "capacity_t": 50,
                "fill_t_per_y": 15,
                "holding_kusd_per_t_y": 0.5,
                "buying_premium_kusd_per_t": 1,
                "cover_days": 36.5,
                "end_value_kusd_per_t": 6,
                "end_minimum_t": 25,
            }
        },
        "demands": {
            "military": {
                "commodity": "metal",
                "tier": "military",
                "quantity_t_per_y": 40,
                "shortage_penalty_kusd_per_t": {0.5: 100, 1: 200},
            },
            "civilian": {
                "commodity": "metal",
                "tier": "other",
                "quantity_t_per_y": 60,
                "shortage_penalty_kusd_per_t": 50,
            },
        },
        "limits": {
            "CHN cap": {"kind": "share_cap", "commodity": "metal", "places": ["CHN"], "cap_share": 0.85},
            "allies cap": {
                "kind": "share_cap",
                "commodity": "metal",
                "places": ["allies"],
                "cap_share": 0.4,
                "violation_price_kusd": 5,
            },
            "capex budget": {"kind": "budget", "covers": ["capex", "onboarding"], "amount_kusd_per_y": 230},
            "state budget": {"kind": "budget", "covers": ["stock", "support"], "amount_kusd_per_y": 150},
            "slots": {"kind": "permit_slots", "slots_per_y": 1},
            "military floor": {"kind": "service_floor", "tiers": ["military"], "served_share": 0.9},
        },
        "events": {
            "ban": {"changes": "exports", "onset": 2028, "places": ["CHN"], "availability_share": 0.04},
            "strike": {"changes": "output", "onset": 2028, "facilities": ["pit"], "availability_share": 0.8},
        },
        "futures": {"calm": {}, "crisis": {"probability": 0.25, "events": ["ban", "strike"]}},
    }


TWO_Y = 1 + 1 / 1.1
"""What 1 a year costs on the first day of two years, at 10 %."""
TERMS_KUSD = {
    "2026": {
        "production": TWO_Y * (10 * 60 + 2 * 30 + 3 * 15),
        "freight": TWO_Y * 1 * 60,
        "duty": TWO_Y * (0.5 * 30 + 2.5 * 30),
        "support": -TWO_Y * (20 - 15) * 15,
        "disposal": TWO_Y * 0.2 * 3,
        "holding": TWO_Y * 0.5 * 30,
        "buying_premium": TWO_Y * 1 * 5,
        "shortage_penalty": TWO_Y * 50 * 30,
        "capex": 200 + 200 / 1.1,
        "fast_track": 10,
        "onboarding": 30,
    },
    "2028": {
        "production": 10 * 50 + 14 * 20 + 2 * 30 + 3 * 15 + 5 * 15,
        "freight": 1 * 50 + 2 * 20,
        "duty": 0.5 * 30 + 2.5 * 20,
        "support": -5 * 15,
        "calibration": -20,
        "disposal": 0.2 * 3,
        "holding": 0.5 * 30,
    },
    "2029": {
        "production": TWO_Y * (10 * 40 + 14 * 20 + 5 * 40),
        "freight": TWO_Y * (1 * 40 + 2 * 20),
        "duty": TWO_Y * (0.5 * 30 + 2.5 * 10),
        "calibration": -TWO_Y * 20,
        "holding": TWO_Y * 0.5 * 30,
        "end_value_stock": -6 * 30 / 1.1,
        "end_value_projects": -400 * 0.7 / 1.1,  # on line 2028, life 10: 7 years left at the end of 2030
    },
    "crisis@2028": {
        "production": 10 * 20 + 14 * 45 + 2 * 30 + 3 * 15 + 5 * 10,
        "freight": 1 * 20 + 2 * 45,
        "duty": 0.5 * 20,
        "support": -5 * 15,
        "calibration": -45,
        "disposal": 0.2 * 3,
        "holding": 0.5 * 20,
        "limit_violation": 5 * 9,
    },
    "crisis@2029": {
        "production": TWO_Y * (10 * 20 + 14 * 40 + 5 * 30),
        "freight": TWO_Y * (1 * 20 + 2 * 40),
        "duty": TWO_Y * 0.5 * 20,
        "calibration": -TWO_Y * 40,
        "holding": TWO_Y * 0.5 * 10,
        "shortage_penalty": TWO_Y * (100 * 2 + 50 * 3),
        "limit_violation": TWO_Y * 5 * 4,
        "end_value_stock": -6 * 10 / 1.1,
        "end_value_projects": -400 * 0.7 / 1.1,
    },
}

FIRST_KUSD = TWO_Y * 2300.6 + 200 + 200 / 1.1 + 40
CALM_KUSD = FIRST_KUSD + 1035.6 / 1.1**2 + (TWO_Y * 995 - 460 / 1.1) / 1.1**3
CRISIS_KUSD = FIRST_KUSD + 1040.6 / 1.1**2 + (TWO_Y * 1355 - 340 / 1.1) / 1.1**3
# The dearer half of the futures: all of the crisis (0.25) and as much of the calm.
CVAR_KUSD = (CALM_KUSD + CRISIS_KUSD) / 2
OBJECTIVE_KUSD = 0.5 * (0.75 * CALM_KUSD + 0.25 * CRISIS_KUSD) + 0.5 * CVAR_KUSD


def workshop_plan() -> Lists:
    return {
        "nodes": [
            ["2026", "", 2026, 0, 2, 1.0, 1.0, ""],
            ["2028", "2026", 2028, 2, 1, 0.75, 1.1**-2, ""],
            ["2029", "2028", 2029, 3, 2, 0.75, 1.1**-3, ""],
            ["crisis@2028", "2026", 2028, 2, 1, 0.25, 1.1**-2, "crisis"],
            ["crisis@2029", "crisis@2028", 2029, 3, 2, 0.25, 1.1**-3, "crisis"],
        ],
        "run": [
            ["China", 0, "2026", 60.0],
            ["pit", 0, "2026", 30.0],
            ["plant", 0, "2026", 15.0],
            ["China", 0, "2028", 50.0],
            ["Australia", 0, "2028", 20.0],
            ["pit", 0, "2028", 30.0],
            ["plant", 0, "2028", 15.0],
            ["P", 0, "2028", 15.0],
            ["China", 0, "2029", 40.0],
            ["Australia", 0, "2029", 20.0],
            ["P", 0, "2029", 40.0],
            ["China", 0, "crisis@2028", 20.0],
            ["Australia", 0, "crisis@2028", 45.0],
            ["pit", 0, "crisis@2028", 30.0],
            ["plant", 0, "crisis@2028", 15.0],
            ["P", 0, "crisis@2028", 10.0],
            ["China", 0, "crisis@2029", 20.0],
            ["Australia", 0, "crisis@2029", 40.0],
            ["P", 0, "crisis@2029", 30.0],
        ],
        "ship": [
            ["CHN-USA", "in_quota", "2026", 30.0],
            ["CHN-USA", "over_quota", "2026", 30.0],
            ["CHN-USA", "in_quota", "2028", 30.0],
            ["CHN-USA", "over_quota", "2028", 20.0],
            ["AUS-USA", "all", "2028", 20.0],
            ["CHN-USA", "in_quota", "2029", 30.0],
            ["CHN-USA", "over_quota", "2029", 10.0],
            ["AUS-USA", "all", "2029", 20.0],
            ["CHN-USA", "in_quota", "crisis@2028", 20.0],
            ["AUS-USA", "all", "crisis@2028", 45.0],
            ["CHN-USA", "in_quota", "crisis@2029", 20.0],
            ["AUS-USA", "all", "crisis@2029", 40.0],
        ],
        "store": [
            ["reserve", "2026", 5.0, 0.0, 30.0],
            ["reserve", "2028", 0.0, 0.0, 30.0],
            ["reserve", "2029", 0.0, 0.0, 30.0],
            ["reserve", "crisis@2028", 0.0, 10.0, 20.0],
            ["reserve", "crisis@2029", 0.0, 5.0, 10.0],
        ],
        "dispose": [["slag", "USA", node, 3.0] for node in ("2026", "2028", "crisis@2028")],
        "serve": [
            ["military", "itself", "2026", 40.0],
            ["civilian", "itself", "2026", 30.0],
            ["military", "itself", "2028", 40.0],
            ["civilian", "itself", "2028", 60.0],
            ["military", "itself", "2029", 40.0],
            ["civilian", "itself", "2029", 60.0],
            ["military", "itself", "crisis@2028", 40.0],
            ["civilian", "itself", "crisis@2028", 60.0],
            ["military", "itself", "crisis@2029", 38.0],
            ["civilian", "itself", "crisis@2029", 57.0],
        ],
        "shortage": [
            ["civilian", 0, "2026", 30.0],
            ["military", 0, "crisis@2029", 2.0],
            ["civilian", 0, "crisis@2029", 3.0],
        ],
        "starts": [["P", "standard", "2026"], ["R", "standard", "2026"]],
        "onboardings": [["AUS-USA", "2026"]],
        "slack": [["allies cap", "", "crisis@2028", 9.0], ["allies cap", "", "crisis@2029", 4.0]],
        "node_costs": [[node, term, cost] for node, terms in TERMS_KUSD.items() for term, cost in terms.items()],
        "futures": [["calm", 0.75, CALM_KUSD], ["crisis", 0.25, CRISIS_KUSD]],
    }


Mutation = Callable[[Data, Lists], None]


def scenario_with(path: str, value: Any) -> Mutation:
    """The scenario asks for something else; the plan stays as it was."""

    def mutate(data: Data, _: Lists) -> None:
        *parents, last = path.split("/")
        place: Any = data
        for key in parents:
            place = place[int(key) if isinstance(place, list) else key]
        place[last] = value

    return mutate


def cell(table: str, key: list[Any], column: str, value: Any) -> Mutation:
    """One cell of the plan says something else; `key` is how its row begins."""

    def mutate(_: Data, lists: Lists) -> None:
        rows = [row for row in lists[table] if row[: len(key)] == key]
        assert len(rows) == 1
        rows[0][COLUMNS[table].index(column)] = value

    return mutate


def without(table: str, key: list[Any]) -> Mutation:
    def mutate(_: Data, lists: Lists) -> None:
        kept = [row for row in lists[table] if row[: len(key)] != key]
        assert len(kept) < len(lists[table])
        lists[table] = kept

    return mutate


def more(table: str, row: list[Any]) -> Mutation:
    return lambda _, lists: lists.setdefault(table, []).append(row)


def with_event(event: Data) -> Mutation:
    """An event more in the crisis."""

    def mutate(data: Data, _: Lists) -> None:
        data["events"]["more"] = {"onset": 2028, **event}
        data["futures"]["crisis"]["events"].append("more")

    return mutate


def both(*mutations: Mutation) -> Mutation:
    def mutate(data: Data, lists: Lists) -> None:
        for mutation in mutations:
            mutation(data, lists)

    return mutate
