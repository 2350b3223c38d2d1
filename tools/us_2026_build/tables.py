"""The rows of each table of a scenario."""

from __future__ import annotations

from collections.abc import Mapping

from tools.us_2026_build.demand import Demand
from tools.us_2026_build.fact_tables import Facts
from tools.us_2026_build.home import Plant
from tools.us_2026_build.market import Market
from tools.us_2026_build.numbers import pairs, rounded, text
from tools.us_2026_build.recycling import Recovery
from tools.us_2026_build.substitutes import Instead
from tools.us_2026_build.supply import HOME, Source
from tools.us_2026_build.vintage import Vintage

Row = dict[str, str]


def commodity_rows(market: Market) -> list[Row]:
    """All commodities, valued at the market price of the vintage."""
    return [
        {
            "name": material.commodity,
            "title": material.title,
            "stage": material.stage,
            "mineral_group": material.mineral_group,
            "mineral": "; ".join(market.facts.minerals_of(material.commodity)),
            "hts": material.hts,
            "contained_share": text(material.contained_share),
            "reference_price_kusd_per_t": text(
                market.facts.prices[material.commodity, market.vintage.price_year].price_kusd_per_t
            ),
            "disposable": "true" if material.disposable else "",
            "note": material.note,
        }
        for material in market.facts.materials.values()
    ]


def place_rows(facts: Facts) -> list[Row]:
    """Countries, and the regions of small sources."""
    countries = [
        {"name": country.country, "title": country.title, "groups": country.groups}
        for country in facts.countries.values()
    ]
    regions = [
        {
            "name": f"{row.commodity} others",
            "title": f"Other sources of {_lower(facts.materials[row.commodity].title)}",
            "members": pairs(row.members),
        }
        for row in facts.others.values()
    ]
    return countries + regions


def facility_rows(market: Market, running: list[Plant]) -> list[Row]:
    """Offers abroad, then plants at home."""
    return [_offer_row(market, source) for source in market.sources] + [_plant_row(market, plant) for plant in running]


def _offer_row(market: Market, source: Source) -> Row:
    judged = market.facts.assumptions[source.commodity]
    content = market.facts.content.get((source.commodity, source.place))
    return {
        "name": source.name,
        "title": _title(market.facts, source),
        "place": source.place,
        "mined_in": content.mined_in if content else "",
        "refined_in": content.refined_in if content else "",
        "outputs": f"{source.commodity}=1",
        "capacity_t_per_y": text(source.capacity_t_per_y),
        "home_share": text(source.home_share),
        "cost_kusd_per_t": text(source.price_kusd_per_t),
        "supply_curve.observed_t_per_y": text(source.observed_t_per_y),
        "supply_curve.elasticity": text(judged.elasticity),
        "supply_curve.steps": text(judged.steps),
    }


def _plant_row(market: Market, plant: Plant) -> Row:
    row = {
        "name": plant.facts.name,
        "title": plant.facts.title,
        "place": HOME,
        "outputs": pairs(plant.outputs),
        "inputs": pairs(plant.inputs),
        "cost_kusd_per_t": text(plant.cost_kusd_per_t),
    }
    if plant.facts.capacity_by_year and market.vintage.is_base:
        return row | {"capacity_t_per_y": text(plant.activity_t_per_y)}
    if plant.facts.capacity_by_year:
        return row | {"capacity_t_per_y": plant.facts.capacity_by_year} | _price_floor(market, plant)
    return {
        **row,
        "capacity_t_per_y": text(plant.capacity_t_per_y),
        "supply_curve.observed_t_per_y": text(plant.activity_t_per_y),
        "supply_curve.elasticity": text(plant.facts.elasticity or 1),
        "supply_curve.steps": "1",
    }


def _price_floor(market: Market, plant: Plant) -> Row:
    """Public support the plant has today; it had none in the base year."""
    if plant.facts.price_floor_kusd_per_t is None:
        return {}
    reference = market.facts.prices[plant.facts.output, market.vintage.price_year].price_kusd_per_t
    return {
        "price_floor.floor_kusd_per_t": text(plant.facts.price_floor_kusd_per_t),
        "price_floor.reference_price_kusd_per_t": text(reference),
        "price_floor.kept_above_share": text(plant.facts.kept_above_share or 0),
    }


def route_rows(market: Market) -> list[Row]:
    """One route a source, into home."""
    return [
        {
            "name": source.name,
            "title": _title(market.facts, source),
            "commodity": source.commodity,
            "origin": source.place,
            "destination": HOME,
            "freight_kusd_per_t": text(source.freight_kusd_per_t),
            "customs_value_kusd_per_t": text(source.price_kusd_per_t),
            "calibration_kusd_per_t": text(market.calibration_kusd_per_t(source)),
        }
        for source in market.sources
    ]


def recycling_rows(facts: Facts, found: list[Recovery]) -> list[Row]:
    """What comes back from use, at today's cost and at more."""
    return [
        {
            "name": recovery.name,
            "title": f"{recovery.plant.facts.title}{', at a higher cost' if recovery.is_dearer else ''}",
            "commodity": recovery.plant.facts.output,
            **_where_from(recovery),
            "cost_kusd_per_t": text(recovery.cost_kusd_per_t),
            "note": recovery.path.scope.capitalize(),
        }
        for recovery in found
    ]


def _where_from(recovery: Recovery) -> Row:
    """A share of past use, or so much a year."""
    used = recovery.past_use_t_per_y
    return {
        "from_commodity": recovery.path.from_commodity if used else "",
        "recovered_t_per_t": text(recovery.recovered_t_per_t) if used else "",
        "lag_years": text(recovery.path.lag_years) if used else "",
        "past_use_t_per_y": _one_or_pairs(used),
        "available_t_per_y": "" if used else text(recovery.t_per_y),
    }


def demand_rows(facts: Facts, found: list[Demand], vintage: Vintage, instead: dict[str, list[Instead]]) -> list[Row]:
    """All demands, by year, each with what may be used instead."""
    return [
        {
            "name": demand.name,
            "title": _demand_title(facts, demand),
            "commodity": demand.commodity,
            "tier": demand.tier,
            "quantity_t_per_y": _by_year(demand, vintage),
            "shortage_penalty_kusd_per_t": _one_or_pairs(demand.penalty_kusd_per_t),
        }
        | _substitutes(instead.get(demand.name, []))
        for demand in found
    ]


def _substitutes(ways: list[Instead]) -> Row:
    """Columns of the substitutes of a demand."""
    cells: Row = {}
    for way in ways:
        at = f"substitutes.{way.name}"
        if way.commodity:
            cells |= {f"{at}.commodity": way.commodity, f"{at}.ratio_t_per_t": text(way.facts.ratio_t_per_t)}
        cells |= {
            f"{at}.limit_share": text(way.facts.limit_share),
            f"{at}.cost_kusd_per_t": text(way.cost_kusd_per_t),
            f"{at}.delay_years": text(way.facts.delay_years),
            f"{at}.after_departure": "true",
        }
    return cells


def _by_year(demand: Demand, vintage: Vintage) -> str:
    grown = {
        year: rounded(demand.base_t_per_y * vintage.growth(demand.growth_per_y, year), 6) for year in vintage.years
    }
    return pairs(grown) if len(set(grown.values())) > 1 else text(grown[vintage.first_year])


def _one_or_pairs(values: Mapping[int, float] | Mapping[float, float]) -> str:
    """A mapping as a cell; of one entry, its number alone; of none, nothing."""
    return pairs(values) if len(values) > 1 else "".join(text(value) for value in values.values())


def _demand_title(facts: Facts, demand: Demand) -> str:
    use = demand.name.removeprefix(demand.commodity).strip()
    return f"{facts.materials[demand.commodity].title}: {'other users' if use == 'other' else use}"


def _title(facts: Facts, source: Source) -> str:
    country = facts.countries.get(source.place)
    return f"{facts.materials[source.commodity].title}, {country.title if country else 'other sources'}"


def _lower(title: str) -> str:
    return title if title[:2].isupper() or title.startswith("NdFeB") else title[0].lower() + title[1:]
