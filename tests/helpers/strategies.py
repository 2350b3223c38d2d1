"""Random small scenarios for the properties: every demand can be served, every shortage has a finite penalty.

Each commodity has an unlimited source that no limit, event or onboarding touches, and whatever could make a scenario
infeasible (forced starts, hard service floors) is left out, so each of them has an optimum.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from volumes import with_volumes

Data = dict[str, Any]

FIRST_YEAR = 2026
COMMODITIES = ("metal", "alloy", "oxide")


@st.composite
def scenarios(
    draw: st.DrawFn,
    *,
    most_commodities: int = 3,
    most_projects: int = 2,
    most_periods: int = 4,
    branches: bool = True,
) -> Data:
    """A scenario with some of everything."""
    commodities = COMMODITIES[: draw(st.integers(1, most_commodities))]
    lengths = draw(st.lists(st.sampled_from([1, 1, 2, 3]), min_size=2, max_size=most_periods))
    data: Data = {
        "name": "random",
        "home": "USA",
        "horizon": {"first_year": FIRST_YEAR, "period_years": lengths},
        "economics": {
            "discount_rate": draw(st.sampled_from([0.0, 0.05])),
            "view": draw(st.sampled_from(["importer", "national"])),
        },
        "risk": {
            "tail_weight": draw(st.sampled_from([0.0, 0.0, 0.5, 0.9])),
            "tail_level": draw(st.sampled_from([0.0, 0.5, 0.9])),
        },
        "commodities": {name: draw(_commodity()) for name in commodities},
        "places": {"USA": {}, "CHN": {"groups": ["rivals"]}, "CHL": {"groups": ["rivals"]}, "AUS": {}},
        "facilities": {},
        "projects": {},
        "routes": {},
        "demands": {},
    }
    for name in commodities:
        _add_sources(draw, data, name)
        _add_demands(draw, data, name)
    if len(commodities) > 1 and draw(st.booleans()):
        _add_plant(draw, data)
    for number in range(draw(st.integers(0, most_projects))):
        data["projects"][f"project {number}"] = draw(project(data, branches))
    data["tariffs"] = draw(_tariffs(commodities))
    data["stockpiles"] = {"store": draw(_stockpile(commodities))} if draw(st.booleans()) else {}
    data["limits"] = draw(_limits(data))
    _add_futures(draw, data)
    return with_volumes(data, 200)


def _commodity() -> st.SearchStrategy[Data]:
    return st.fixed_dictionaries(
        {
            "stage": st.just("refined"),
            "mineral_group": st.sampled_from(["light", "heavy"]),
            "reference_price_kusd_per_t": st.sampled_from([8.0, 20.0]),
            "contained_share": st.sampled_from([0.5, 1.0]),
            "disposable": st.booleans(),
            "disposal_cost_kusd_per_t": st.sampled_from([0.0, 0.5]),
        }
    )


def _by_year(low: float, high: float) -> st.SearchStrategy[Any]:
    """One number for all years, or another one from 2028 on."""
    number = st.floats(low, high).map(lambda x: round(x, 1))
    return st.one_of(number, number, st.tuples(number, number).map(lambda pair: {FIRST_YEAR: pair[0], 2028: pair[1]}))


def _add_sources(draw: st.DrawFn, data: Data, commodity: str) -> None:
    """The dear source that never fails, and one or two cheap ones that may."""
    spot = {"place": "AUS", "outputs": {commodity: 1}, "cost_kusd_per_t": draw(_by_year(18, 40))}
    data["facilities"][f"spot {commodity}"] = spot
    data["routes"][f"{commodity} AUS"] = {"commodity": commodity, "origin": "AUS", "destination": "USA"}
    for place in draw(st.sampled_from([["CHN"], ["CHN", "CHL"]])):
        data["facilities"][f"{place} {commodity}"] = draw(_offer(place, commodity))
        data["routes"][f"{commodity} {place}"] = draw(_route(place, commodity))


@st.composite
def _offer(draw: st.DrawFn, place: str, commodity: str) -> Data:
    offer: Data = {"place": place, "outputs": {commodity: draw(st.sampled_from([1, 1, 0.5]))}}
    kind = draw(st.sampled_from(["plain", "plain", "steps", "curve"]))
    if kind == "steps":
        widths = draw(st.lists(st.integers(5, 60), min_size=2, max_size=2))
        costs = draw(st.lists(st.integers(4, 20), min_size=2, max_size=2))
        offer["steps"] = [
            {"width_t_per_y": w, "cost_kusd_per_t": c} for w, c in zip(widths, sorted(costs), strict=True)
        ]
    else:
        offer["cost_kusd_per_t"] = draw(_by_year(4, 16))
    if kind == "curve":
        offer["supply_curve"] = {
            "observed_t_per_y": draw(st.sampled_from([0, 20])),
            "slope_kusd_per_t2_y": draw(st.sampled_from([0.05, 0.3])),
            "up_to_t_per_y": 120,
            "basis": draw(st.sampled_from(["market", "buyer"])),
        }
    if draw(st.booleans()):
        offer["capacity_t_per_y"] = draw(_by_year(10, 150))
        offer["home_share"] = draw(st.sampled_from([0.5, 1.0]))
    return offer


@st.composite
def _route(draw: st.DrawFn, place: str, commodity: str) -> Data:
    route: Data = {
        "commodity": commodity,
        "origin": place,
        "destination": "USA",
        "freight_kusd_per_t": draw(st.sampled_from([0.0, 0.4, 1.5])),
        "customs_value_kusd_per_t": draw(_by_year(5, 15)),
        "calibration_kusd_per_t": draw(st.sampled_from([0.0, 0.0, -0.5, 1.0])),
    }
    if draw(st.booleans()):
        route["capacity_t_per_y"] = draw(_by_year(10, 150))
    if draw(st.integers(0, 2)) == 0:
        route.setdefault("capacity_t_per_y", 100)
        route["onboarding"] = {
            "cost_kusd": draw(st.sampled_from([0, 50, 300])),
            "lead_years": draw(st.sampled_from([0, 1, 1.5])),
            "minimum_t_per_y": draw(st.sampled_from([0, 10])),
        }
    return route


def _add_demands(draw: st.DrawFn, data: Data, commodity: str) -> None:
    for tier in draw(st.sampled_from([["other"], ["military", "other"]])):
        data["demands"][f"{commodity} {tier}"] = {
            "commodity": commodity,
            "tier": tier,
            "quantity_t_per_y": draw(_by_year(5, 80)),
            "shortage_penalty_kusd_per_t": draw(st.sampled_from([15, 60, {0.25: 25, 1: 120}])),
        }


def _add_plant(draw: st.DrawFn, data: Data) -> None:
    """A running plant at home that makes the first commodity of the second, and may be held up by a price floor."""
    plant: Data = {
        "place": "USA",
        "inputs": {"alloy": draw(st.sampled_from([0.5, 1.5]))},
        "outputs": {"metal": 1},
        "capacity_t_per_y": draw(st.integers(5, 40)),
        "cost_kusd_per_t": draw(st.integers(1, 8)),
    }
    if draw(st.booleans()):
        reference = draw(st.sampled_from([8.0, 14.0]))
        plant["price_floor"] = {
            "floor_kusd_per_t": 10,
            "reference_price_kusd_per_t": reference,
            "kept_above_share": 0.5,
        }
    data["facilities"]["plant"] = plant


@st.composite
def project(draw: st.DrawFn, data: Data, branches: bool) -> Data:
    commodity = draw(st.sampled_from(sorted(data["commodities"])))
    tracks: Data = {
        "standard": {
            "permit_years": draw(st.sampled_from([0, 1, 1.5])),
            "construction_years": draw(st.sampled_from([0, 1])),
            "permit_slots": 1,
        }
    }
    if draw(st.booleans()):
        extra = draw(st.sampled_from([20, 150]))
        tracks["fast"] = {"permit_years": 0, "construction_years": 0.5, "extra_cost_kusd": extra, "permit_slots": 2}
    return {
        "place": "USA",
        "outputs": {commodity: 1},
        "capacity_t_per_y": draw(st.integers(10, 60)),
        "cost_kusd_per_t": draw(st.integers(1, 10)),
        "capex_kusd": draw(st.integers(50, 1500)),
        "capex_spending_share": draw(st.sampled_from([[1.0], [0.5, 0.5], [0.25, 0.25, 0.5]])),
        "ramp_up_share": draw(st.sampled_from([[1.0], [0.5, 1.0], [0.25, 0.5, 1.0]])),
        "life_years": draw(st.sampled_from([5, 20])),
        "start_in_branches": branches and draw(st.booleans()),
        "tracks": tracks,
    }


@st.composite
def _tariffs(draw: st.DrawFn, commodities: tuple[str, ...]) -> Data:
    """None, some or all of: a flat duty, a quota, a measure that replaces the first, a ceiling over it."""
    measures: Data = {
        "flat": {"programme": "mfn", "origins": ["rivals"], "rate_share": draw(st.sampled_from([0.1, 0.5]))},
        "quota": {
            "programme": "trq",
            "origins": [draw(st.sampled_from(["CHN", "rivals"]))],
            "rate_share": 0.4,
            "quota": {"volume_t_per_y": draw(st.integers(1, 40)), "in_quota_rate_share": 0.05},
            "onset": draw(st.sampled_from([None, "2027-03-01"])),
        },
        "instead": {
            "programme": "232",
            "rate_share": 0.3,
            "rate_kusd_per_t_gross": 0.2,
            "minimum_price_kusd_per_t": draw(st.sampled_from([None, 12.0])),
            "origins": ["CHN"],
            "precedence": 1,
            "replaces": ["mfn"],
            "onset": "2027-07-01",
            "until": draw(st.sampled_from([None, "2028-02-01"])),
        },
        "ceiling": {"programme": "deal", "origins": ["CHL"], "all_in_ceiling_share": 0.35, "onset": "2027-01-01"},
    }
    chosen = draw(st.sets(st.sampled_from(sorted(measures)), max_size=3))
    if "instead" in chosen:
        chosen |= {"flat"}
    return {name: {**measures[name], "commodities": list(commodities)} for name in sorted(chosen)}


@st.composite
def _stockpile(draw: st.DrawFn, commodities: tuple[str, ...]) -> Data:
    return {
        "commodity": draw(st.sampled_from(commodities)),
        "kind": draw(st.sampled_from(["commercial", "commercial", "strategic"])),
        "opening_t": draw(st.sampled_from([0, 15])),
        "capacity_t": draw(st.sampled_from([None, 60])),
        "fill_t_per_y": draw(st.sampled_from([None, 25])),
        "loss_share_per_y": draw(st.sampled_from([0.0, 0.1])),
        "holding_kusd_per_t_y": draw(st.sampled_from([0.0, 0.5])),
        "buying_premium_kusd_per_t": draw(st.sampled_from([0.0, 0.5])),
        "end_value_kusd_per_t": draw(st.sampled_from([-1.0, 0.0, 2.0])),
    }


@st.composite
def _limits(draw: st.DrawFn, data: Data) -> Data:
    soft = draw(st.sampled_from([None, 3.0]))
    limits: Data = {
        "cap": {
            "kind": "share_cap",
            "commodity": "metal",
            "places": ["rivals"],
            "cap_share": draw(st.sampled_from([0.3, 0.6])),
            "of": draw(st.sampled_from(["supply", "use"])),
            "violation_price_kusd": soft,
        },
        "budget": {
            "kind": "budget",
            "covers": ["capex", "onboarding", "stock", "support"],
            "amount_kusd_per_y": draw(st.sampled_from([50, 400])),
            "violation_price_kusd": draw(st.sampled_from([None, 0.2])),
        },
        "slots": {"kind": "permit_slots", "slots_per_y": draw(st.sampled_from([0.5, 1, 2]))},
        "floor": {
            "kind": "service_floor",
            "tiers": ["other"],
            "served_share": draw(st.sampled_from([0.8, 1.0])),
            "violation_price_kusd": 30.0,
            "applies_to": draw(st.sampled_from(["all", "base_path"])),
        },
    }
    return {name: limits[name] for name in sorted(draw(st.sets(st.sampled_from(sorted(limits)), max_size=3)))}


def _add_futures(draw: st.DrawFn, data: Data) -> None:
    """Up to three futures of one or two events each, and what they leave for the years going as planned."""
    data["events"], data["futures"] = {}, {}
    count = draw(st.integers(0, 3))
    for number in range(count):
        names = []
        for place in range(draw(st.integers(1, 2))):
            name = f"event {number}{place}"
            data["events"][name] = draw(_event(data))
            names.append(name)
        probability = draw(st.sampled_from([0.05, 0.2, 0.3]))
        data["futures"][f"future {number}"] = {"probability": probability, "events": names}
    if count:
        data["futures"]["calm"] = {}


@st.composite
def _event(draw: st.DrawFn, data: Data) -> Data:
    lengths = data["horizon"]["period_years"]
    first, end = date(FIRST_YEAR + lengths[0], 1, 1), date(FIRST_YEAR + sum(lengths), 1, 1)
    days = draw(st.sampled_from([0, 90, 200, 365]) | st.integers(0, (end - first).days - 1))
    onset = first + timedelta(days=min(days, (end - first).days - 1))
    lasts = draw(st.sampled_from([None, 120, 400]))
    timing = {"onset": onset.isoformat(), "until": lasts and (onset + timedelta(days=lasts)).isoformat()}
    share = draw(st.sampled_from([0.0, 0.0, 0.4]))
    kinds: list[Data] = [
        {"changes": "exports", "places": ["CHN"], "availability_share": share},
        {"changes": "exports", "places": ["rivals"], "availability_share": share},
        {"changes": "output", "places": ["CHN"], "availability_share": share},
        {"changes": "price", "places": ["CHN"], "factor": draw(st.sampled_from([0.5, 1.8]))},
        {"changes": "demand", "factor": draw(st.sampled_from([0.7, 1.3]))},
    ]
    if data["projects"]:
        kinds.append({"changes": "projects", "delay_years": draw(st.sampled_from([None, 1.0]))})
    if data["tariffs"]:
        kinds.append({"changes": "tariffs", "switch_off": [draw(st.sampled_from(sorted(data["tariffs"])))]})
    return {**draw(st.sampled_from(kinds)), **timing}
