"""Where each number comes from, row by row."""

from __future__ import annotations

from tools.us_2026_build.demand import EXPORT_MULTIPLE, Demand
from tools.us_2026_build.fact_tables import BASE_YEAR, Facts, Flow, ImportShare
from tools.us_2026_build.home import COST_SHARE, Plant
from tools.us_2026_build.market import Market
from tools.us_2026_build.numbers import rounded, text
from tools.us_2026_build.supply import UNIT_VALUE_RANGE, Source
from tools.us_2026_build.tables import Row

MCS = "USGS, Mineral Commodity Summaries 2026, data release (doi:10.5066/P1WKQ63T)"


def provenance_rows(market: Market, running: list[Plant], needed: list[Demand]) -> list[Row]:
    """All rows, in the order of the tables."""
    return [
        *_commodities(market),
        *_places(market.facts),
        *_offers(market),
        *_plants(market, running),
        *_routes(market),
        *_demands(market, needed),
    ]


def source_row(table: str, name: str, field: str, kind: str, source: str, year: int | None = None) -> Row:
    """A row without a range."""
    return {
        "table": table,
        "name": name,
        "field": field,
        "kind": kind,
        "source": source,
        "year": str(year) if year else "",
        "low": "",
        "high": "",
        "range_is_factor": "",
    }


def ranged(facts: Facts, parameter: str, row: Row) -> Row:
    """The row with the range of a judged parameter, as factors."""
    judged = facts.ranges[parameter]
    row["source"] = f"{row['source']} {judged.rule}".strip()
    return {**row, "low": text(judged.low_factor), "high": text(judged.high_factor), "range_is_factor": "true"}


def _commodities(market: Market) -> list[Row]:
    rows = []
    for material in market.facts.materials.values():
        price = market.facts.prices[material.commodity, market.vintage.price_year]
        row = source_row(
            "commodities", material.commodity, "reference_price_kusd_per_t", price.kind, price.source, price.year
        )
        if price.kind == "assumed":
            row |= {"low": "0.8", "high": "1.25", "range_is_factor": "true"}
        content = material.contained_source or "All of the weight, by the unit the commodity is counted in"
        kind = "assumed" if material.contained_source else "derived"
        shared = source_row("commodities", material.commodity, "contained_share", kind, content)
        if kind == "assumed":
            shared |= {"low": "0.8", "high": "1.15", "range_is_factor": "true"}
        rows += [row, shared]
    return rows


def _places(facts: Facts) -> list[Row]:
    rows = []
    for others in facts.others.values():
        row = source_row("places", f"{others.commodity} others", "members", others.kind, others.source, BASE_YEAR)
        if others.kind == "assumed":
            row |= {"low": "0.3", "high": "2", "range_is_factor": "true"}
        rows.append(row)
    return rows


def _offers(market: Market) -> list[Row]:
    facts, rows = (
        market.facts,
        [source_row("facilities", "*", "outputs*", "derived", "One t of product per t of activity, by definition")],
    )
    for commodity in dict.fromkeys(source.commodity for source in market.sources):
        judged = facts.assumptions[commodity].reasoning
        for parameter, field in (
            ("elasticity", "supply_curve.elasticity"),
            ("steps", "supply_curve.steps"),
            ("reach", "home_share"),
        ):
            rows.append(ranged(facts, parameter, source_row("facilities", f"{commodity} *", field, "assumed", judged)))
        rows.append(_price_row(market, commodity))
    for source in market.sources:
        rows += [_observed_row(market, source), _capacity_row(market, source), *_content_rows(facts, source)]
    return rows


def _content_rows(facts: Facts, source: Source) -> list[Row]:
    """Where its material was mined and refined, as far as that is not at its place. A place has no range."""
    content = facts.content.get((source.commodity, source.place))
    if not content:
        return []
    told = {"mined_in": content.mined_in, "refined_in": content.refined_in}
    text = f"{content.source}. {content.note}".removesuffix(" ").removesuffix(".")
    return [
        source_row("facilities", source.name, field, content.kind, text, content.year)
        for field, place in told.items()
        if place
    ]


def _price_row(market: Market, commodity: str) -> Row:
    """Price of all offers of a commodity: the market's, times relative unit value where that says something."""
    price = market.facts.prices[commodity, market.vintage.price_year]
    formula = f"Market price ({price.source})"
    factors = [source for source in market.sources if source.commodity == commodity and source.unit_value_factor != 1]
    if factors:
        low, high = UNIT_VALUE_RANGE
        formula += (
            f" times the unit value of US imports from the source over the mean of all, {BASE_YEAR}, "
            f"held to {low} to {high} (CEPII, BACI HS92, release to 2024)"
        )
    row = source_row(
        "facilities",
        f"{commodity} *",
        "cost_kusd_per_t",
        "assumed" if price.kind == "assumed" else "derived",
        formula,
        price.year,
    )
    return row | ({"low": "0.8", "high": "1.25", "range_is_factor": "true"} if price.kind == "assumed" else {})


def _observed_row(market: Market, source: Source) -> Row:
    facts = market.facts
    flows = facts.flows_of(source.commodity, "imports")
    shares = [_share(facts, flow, source) for flow in flows]
    assumed = any(facts.quantities[flow.key, BASE_YEAR].kind == "assumed" for flow in flows)
    assumed |= any(share is not None and share.kind == "assumed" for share in shares)
    parts = " + ".join(_term(facts, flow) for flow in flows)
    formula = f"{source.share:.3f} of imports ({parts}); shares: {shares[0].source if shares[0] else MCS}"
    if not market.vintage.is_base:
        formula += f"; grown to {market.vintage.first_year} as demand"
    row = source_row(
        "facilities",
        source.name,
        "supply_curve.observed_t_per_y",
        "assumed" if assumed else "derived",
        formula,
        BASE_YEAR,
    )
    return row | ({"low": "0.5", "high": "1.5", "range_is_factor": "true"} if assumed else {})


def _share(facts: Facts, flow: Flow, source: Source) -> ImportShare | None:
    country = "others" if source.place.endswith(" others") else source.place
    return next((row for row in facts.import_shares if (row.form, row.country) == (flow.form, country)), None)


def _term(facts: Facts, flow: Flow, year: int = BASE_YEAR) -> str:
    quantity = facts.quantities.get((flow.key, year)) or facts.quantities[flow.key, BASE_YEAR]
    content = "" if flow.factor == 1 else f" x {text(flow.factor)} ({flow.note.lower()})"
    return f"{text(quantity.value_t)} t{content}, {quantity.source}"


def _capacity_row(market: Market, source: Source) -> Row:
    if source.capacity_source:
        kind = "derived" if source.capacity_source.startswith("1.1") else "published"
        return source_row("facilities", source.name, "capacity_t_per_y", kind, source.capacity_source)
    reach = text(market.facts.assumptions[source.commodity].reach)
    most = f"Not published by country: the most home can draw on, {reach} times the observed volume, grown as demand"
    row = source_row("facilities", source.name, "capacity_t_per_y", "assumed", most)
    judged = market.facts.ranges["reach"]
    return factored(row, judged.low_factor, judged.high_factor)


def _plants(market: Market, running: list[Plant]) -> list[Row]:
    facts, rows = market.facts, []
    for plant in running:
        name, made = plant.facts.name, facts.quantities[plant.facts.activity_key, BASE_YEAR]
        worth = "landed price of all it makes" if plant.facts.by_products else "landed price"
        cost = source_row("facilities", name, "cost_kusd_per_t", "assumed", f"{COST_SHARE} times {worth} less inputs.")
        rows.append(ranged(facts, "home_cost_share", cost))
        rows += _recipe_rows(facts, plant)
        if plant.facts.capacity_by_year and market.vintage.is_base:
            rows.append(
                between(
                    source_row("facilities", name, "capacity_t_per_y", made.kind, made.source, BASE_YEAR),
                    made.low,
                    made.high,
                )
            )
            continue
        capacity = source_row(
            "facilities", name, "capacity_t_per_y", plant.facts.capacity_kind, plant.facts.capacity_source
        )
        rows.append(factored(capacity, 0.7, 1.3))
        if plant.facts.price_floor_kusd_per_t is not None:
            rows += _floor_rows(market, plant)
        if plant.facts.capacity_by_year:
            continue
        observed = source_row("facilities", name, "supply_curve.observed_t_per_y", made.kind, made.source, BASE_YEAR)
        elastic = source_row("facilities", name, "supply_curve.elasticity", "assumed", "")
        steps = source_row("facilities", name, "supply_curve.steps", "assumed", "")
        rows += [
            between(observed, made.low, made.high),
            ranged(facts, "home_elasticity", elastic),
            ranged(facts, "steps", steps),
        ]
    return rows


def _recipe_rows(facts: Facts, plant: Plant) -> list[Row]:
    """What goes in, and what comes with the output: the quantity of the base year over the activity."""
    name, rows = plant.facts.name, []
    if plant.inputs:
        needed = source_row("facilities", name, "inputs*", plant.facts.recipe_kind, plant.facts.recipe_source)
        rows.append(factored(needed, 0.9, 1.1))
    if plant.facts.by_products:
        won = {commodity: facts.quantities[key, BASE_YEAR] for commodity, key in plant.facts.by_products.items()}
        parts = " + ".join(f"{text(made.value_t)} t {commodity} ({made.source})" for commodity, made in won.items())
        formula = f"{parts}, over {text(plant.activity_t_per_y)} t of output. {plant.facts.by_products_source}"
        judged = [made for made in won.values() if made.low is not None and made.high is not None]
        source = source_row("facilities", name, "outputs", "assumed" if judged else "derived", formula, BASE_YEAR)
        if judged:
            low = min((made.low or 0) / made.value_t for made in judged)
            high = max((made.high or 0) / made.value_t for made in judged)
            source = factored(source, rounded(low, 2), rounded(high, 2))
        rows.append(source)
    return rows


def _floor_rows(market: Market, plant: Plant) -> list[Row]:
    name, price = plant.facts.name, market.facts.prices[plant.facts.output, market.vintage.price_year]
    return [
        source_row("facilities", name, "price_floor.*", "published", plant.facts.floor_source, 2025),
        source_row("facilities", name, "price_floor.reference_price_kusd_per_t", price.kind, price.source, price.year),
    ]


def factored(row: Row, low: float, high: float) -> Row:
    """The row with a range as factors, if its number is assumed."""
    return row | ({"low": text(low), "high": text(high), "range_is_factor": "true"} if row["kind"] == "assumed" else {})


def between(row: Row, low: float | None, high: float | None) -> Row:
    """The row with a range in the number's own unit, if there is one."""
    return row | ({"low": text(low), "high": text(high)} if low is not None and high is not None else {})


def _routes(market: Market) -> list[Row]:
    formula = (
        "Mean landed price of the commodity over sources by volume, less the source's own: "
        f"price + freight + mean duty of {BASE_YEAR}"
    )
    rows = [source_row("routes", "*", "calibration_kusd_per_t", "derived", formula, BASE_YEAR)]
    for commodity in dict.fromkeys(source.commodity for source in market.sources):
        freight = market.facts.assumptions[commodity].freight_share
        row = source_row("routes", f"{commodity} *", "freight_kusd_per_t", "assumed", f"{text(freight)} of price.")
        rows.append(ranged(market.facts, "freight_share", row))
        value = _price_row(market, commodity)
        rows.append({**value, "table": "routes", "field": "customs_value_kusd_per_t"})
    return rows


def _demands(market: Market, needed: list[Demand]) -> list[Row]:
    facts, rows = market.facts, []
    for demand in needed:
        judged = facts.assumptions[demand.commodity]
        if demand.name.endswith(" exports"):
            rows += _export_rows(market, demand)
            continue
        share = {"military": "military_share", "essential_civilian": "essential_share"}.get(
            demand.tier, "essential_share"
        )
        source = (
            "Imports + home output - inputs of home plants - exports of the base year, times the tier's share, "
            f"growing {text(100 * demand.growth_per_y)} % a year. {judged.reasoning}"
        )
        rows.append(
            ranged(facts, share, source_row("demands", demand.name, "quantity_t_per_y*", "assumed", source, BASE_YEAR))
        )
        rule = next(rule for rule in facts.penalties if rule.tier == demand.tier)
        penalty = (
            f"{text(rule.first_multiple)} times landed price up to {text(rule.first_share)} of the demand, "
            f"{text(rule.rest_multiple)} times beyond, times a use value factor of {text(judged.use_value_factor)}. "
            f"{rule.reasoning}"
        )
        row = source_row("demands", demand.name, "shortage_penalty_kusd_per_t*", "assumed", penalty)
        rows.append(ranged(facts, "use_value_factor", row))
    return rows


def _export_rows(market: Market, demand: Demand) -> list[Row]:
    facts, year = market.facts, market.vintage.first_year
    flows = facts.flows_of(demand.commodity, "exports")
    source = " + ".join(_term(facts, flow, year) for flow in flows)
    source = source or "Home output less inputs of home plants: what was sold abroad"
    assumed = any(facts.quantities[flow.key, BASE_YEAR].kind == "assumed" for flow in flows)
    quantity = source_row(
        "demands", demand.name, "quantity_t_per_y*", "assumed" if assumed else "derived", source, BASE_YEAR
    )
    worth = (
        f"The price exports fetch: {EXPORT_MULTIPLE} times landed price where the commodity is imported too "
        "(dearer grades go out than come in, and duty is paid back), else the market price."
    )
    penalty = source_row("demands", demand.name, "shortage_penalty_kusd_per_t*", "assumed", worth)
    return [factored(quantity, 0.7, 1.3), factored(penalty, 0.8, 2)]
