"""Shocks that official studies have looked at, put to the base year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from lodeplan import scenarios
from lodeplan.schemas import Patch, Scenario
from lodeplan.schemas.events import Event, ExportEvent, OutputEvent
from tools.held_out import next_year
from tools.observed import first, solved, year_of
from tools.pages import Row, fact_rows
from tools.us_2026_build.fact_tables import BASE_YEAR
from tools.us_2026_build.vintage import BASE

SMALL = 0.03
"""Countries below this share in a commodity's imports are not stopped one by one."""
NOTHING_T = 1e-3
"""A shortage below this is rounding, t."""
GALLIUM, GERMANIUM = "gallium/metal", "germanium/metal"


@dataclass(frozen=True)
class Shock:
    """What a year costs more for a shock, million USD; and what a further tonne at home is worth, over that before."""

    title: str
    cost_musd: float
    price_rise: dict[str, float]
    shortage_t: dict[str, float]


def official(key: str) -> Row:
    """A published result."""
    return next(row for row in fact_rows("official_results.csv") if row["key"] == key)


def stop(country: str, commodities: list[str], destinations: list[str]) -> ExportEvent:
    """No exports from a country for the whole base year."""
    return ExportEvent(
        changes="exports",
        onset=date(BASE_YEAR, 1, 1),
        places=[country],
        commodities=commodities,
        destinations=destinations,
        availability_share=0.0,
    )


def shocks(scenario: Scenario, events: dict[str, dict[str, Event]]) -> list[Shock]:
    """One year of each future, beside the same year without events."""
    plan = solved(next_year(scenario, BASE_YEAR, events))
    costs = plan.tables["node_costs"].groupby("node")["cost_kusd"].sum()
    calm_node = str(BASE_YEAR)
    calm = year_of(plan, calm_node)
    short = plan.tables["shortage"]
    found = []
    for future in events:
        node = f"{future}@{BASE_YEAR}"
        year = year_of(plan, node)
        lacking = short[short["node"] == node].groupby("demand")["shortage_t_per_y"].sum()
        found.append(
            Shock(
                title=future,
                cost_musd=(float(costs[node]) - float(costs[calm_node])) / 1000,
                price_rise={name: year.worth[name] / calm.worth[name] - 1 for name in calm.worth},
                shortage_t={str(name): float(amount) for name, amount in lacking.items() if amount > NOTHING_T},
            )
        )
    return found


def gallium_and_germanium(base: Scenario, plan: Scenario) -> list[Shock]:
    """The Chinese stop of each and of both, to the United States alone; and of both with refiners elsewhere short."""
    home = [base.home]
    knock_on = {
        name: event.model_copy(update={"onset": stop("CHN", ["*"], home).onset, "until": None})
        for name, event in plan.events.items()
        if isinstance(event, OutputEvent) and set(event.commodities) <= {GALLIUM, GERMANIUM, "gallium/*", "germanium/*"}
    }
    short = dict(list(knock_on.items())[:1])
    both: dict[str, Event] = {"stop": stop("CHN", [GALLIUM, GERMANIUM], home)}
    found: dict[str, dict[str, Event]] = {
        "gallium": {"stop": stop("CHN", [GALLIUM], home)},
        "germanium": {"stop": stop("CHN", [GERMANIUM], home)},
        "both": both,
    }
    if short:
        found["both, refiners short"] = both | short
    return shocks(base, found)


def china_stops(base: Scenario) -> Shock:
    """No exports of anything from China."""
    return shocks(base, {"china": {"stop": stop("CHN", ["*"], ["*"])}})[0]


def shortage_by_tier(base: Scenario, shock: Shock) -> dict[str, float]:
    """What is short, at the reference prices of the base year, million USD by tier."""
    found = dict.fromkeys(("military", "essential_civilian", "other"), 0.0)
    for name, amount in shock.shortage_t.items():
        demand = base.demands[name]
        if demand.tier in found:
            price = base.commodities[demand.commodity].reference_price_kusd_per_t
            found[demand.tier] += amount * first(price) / 1000
    return found


@dataclass(frozen=True)
class Risk:
    """Expected yearly loss from the stop of one mineral by one country, summed over countries, million USD."""

    minerals: str
    expected_musd: float
    worst_country: str
    worst_musd: float


def ranking(base: Scenario) -> list[Risk]:
    """All minerals by expected loss, the largest first.

    Each country stops each mineral up to the refined stage for a year, all else as observed; weighted by the yearly
    rate at which such a stop begins.
    """
    by_commodities: dict[tuple[str, ...], list[str]] = {}
    for row in fact_rows("critical_minerals.csv"):
        names = [name for name in row["commodities"].split("; ") if _is_mineral(base, name)]
        by_commodities.setdefault(tuple(names), []).append(row["mineral"])
    losses: dict[tuple[str, ...], dict[str, float]] = {commodities: {} for commodities in by_commodities}
    for groups in chains(base):
        part = scenarios.load(BASE.folder, [Patch(op="keep", path="mineral_groups", value=sorted(groups))])
        events: dict[str, dict[str, Event]] = {}
        meant: dict[str, tuple[tuple[str, ...], str]] = {}
        for commodities in by_commodities:
            for country in sorted(_countries(part, commodities)):
                name = f"{commodities[0]} {country}"
                events[name] = {"stop": stop(country, list(commodities), ["*"])}
                meant[name] = (commodities, country)
        for shock in shocks(part, events) if events else ():
            commodities, country = meant[shock.title]
            losses[commodities][country] = max(0.0, shock.cost_musd)
    found = []
    for commodities, minerals in by_commodities.items():
        weighted = {country: loss * rate(country, commodities[-1]) for country, loss in losses[commodities].items()}
        worst = max(weighted, key=lambda country: weighted[country], default="")
        found.append(
            Risk(
                minerals=", ".join(minerals),
                expected_musd=sum(weighted.values()),
                worst_country=worst,
                worst_musd=losses[commodities].get(worst, 0.0),
            )
        )
    return sorted(found, key=lambda risk: -risk.expected_musd)


def chains(base: Scenario) -> list[set[str]]:
    """Mineral groups that plants tie together, set by set."""
    found = [{commodity.mineral_group} for commodity in base.commodities.values()]
    for facility in base.facilities.values():
        tied = {base.commodities[name].mineral_group for name in (*facility.inputs, *facility.outputs)}
        joined = [groups for groups in found if groups & tied]
        found = [groups for groups in found if not groups & tied] + [set().union(*joined)]
    return found


def _is_mineral(base: Scenario, commodity: str) -> bool:
    return base.commodities[commodity].stage in ("ore", "concentrate", "refined")


def _countries(base: Scenario, commodities: tuple[str, ...]) -> set[str]:
    """Countries that sell at least `SMALL` of a commodity's imports, themselves or among the others."""
    found = set()
    for commodity in commodities:
        sellers = {
            facility.place: facility.supply_curve.observed_t_per_y
            for facility in base.facilities.values()
            if commodity in facility.outputs and facility.place != base.home and facility.supply_curve
        }
        total = sum(sellers.values())
        for place, amount in sellers.items():
            members = base.places[place].members or {place: 1.0}
            found |= {country for country, share in members.items() if amount * share > SMALL * total}
    return found


def rate(country: str, commodity: str) -> float:
    """Yearly rate at which a country begins to stop a commodity: of the hazards of the facts that name both.

    A country with no hazard of its own stops at the rate of its class of political stability.
    """
    stability = {row["country"]: float(row["political_stability"]) for row in fact_rows("hazards_countries.csv")}
    classes = sorted(fact_rows("hazards_classes.csv"), key=lambda row: -float(row["stability_from"]))
    known = stability.get(country, 0.0)
    own = next((row for row in classes if known >= float(row["stability_from"])), classes[-1])
    multiples = [
        float(row["multiple"])
        for row in fact_rows("hazards.csv")
        if row["changes"] == "exports"
        and row["country"] == country
        and any(fnmatchcase(commodity, pattern) for pattern in row["commodities"].split("; "))
    ]
    return float(own["exports_per_y"]) * (sum(multiples) or 1.0)
