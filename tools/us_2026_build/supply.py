"""Sources abroad: who sold how much in the base year, at what price, and how far home can draw on each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from tools.us_2026_build.fact_tables import BASE_YEAR, Facts
from tools.us_2026_build.numbers import rounded
from tools.us_2026_build.vintage import Vintage

HOME = "USA"
OVERLAND = ("CAN", "MEX")
SMALL_SHARE = 0.05
"""Others of at most this share are spread over the named sources."""
UNIT_VALUE_CODES = ("250410", "261100", "283691", "760110", "810110", "810510")
"""Trade codes narrow enough for the unit value by country to say something about price."""
UNIT_VALUE_RANGE = (0.8, 1.25)
"""Beyond this, unit values differ by grade rather than price."""
CAPACITY_MARGIN = 1.1
"""Capacity over the highest output of three years, where no capacity is published."""


@dataclass(frozen=True)
class Source:
    """A seller of a commodity to home: a country, or the others together."""

    commodity: str
    place: str
    share: float
    observed_t_per_y: float
    price_kusd_per_t: float
    unit_value_factor: float
    freight_kusd_per_t: float
    capacity_t_per_y: float
    capacity_source: str
    home_share: float

    @property
    def name(self) -> str:
        """Name of its facility and of its route."""
        return f"{self.commodity} {'others' if self.place.endswith(' others') else self.place}"


def others_place(commodity: str) -> str:
    """The region that stands for a commodity's small sources."""
    return f"{commodity} others"


def import_shares(facts: Facts, commodity: str) -> dict[str, float]:
    """Share of each source in a commodity's imports; `others` for the rest. Adds to 1."""
    shares: dict[str, float] = defaultdict(float)
    total = facts.flow_t(commodity, "imports")
    by_form: dict[str, float] = defaultdict(float)
    for flow in facts.flows_of(commodity, "imports"):
        by_form[flow.form] += flow.factor * facts.quantity_t(flow.key) / total
    for form, weight in by_form.items():
        of_form = {row.country: row.share for row in facts.import_shares if row.form == form}
        for country, share in of_form.items():
            shares[country] += weight * share / sum(of_form.values())
    return _at_most_four(dict(shares))


def _at_most_four(shares: dict[str, float]) -> dict[str, float]:
    """The four largest named sources and others; small others go to the named ones."""
    ranked = sorted((country for country in shares if country != "others"), key=lambda country: -shares[country])
    named = {country: shares[country] for country in ranked[:4]}
    others = 1 - sum(named.values())
    if others > SMALL_SHARE + 1e-9:
        return {**named, "others": others}
    return {country: share / (1 - others) for country, share in named.items()}


def sources(facts: Facts, vintage: Vintage) -> list[Source]:
    """All sources, by commodity and falling share."""
    return [
        _source(facts, vintage, commodity, country)
        for commodity in facts.materials
        if facts.flows_of(commodity, "imports")
        for country in import_shares(facts, commodity)
    ]


def _source(facts: Facts, vintage: Vintage, commodity: str, country: str) -> Source:
    judged = facts.assumptions[commodity]
    share = import_shares(facts, commodity)[country]
    observed = rounded(share * facts.flow_t(commodity, "imports") * vintage.growth(judged.growth_per_y), 6)
    factor = unit_value_factor(facts, commodity, country)
    price = rounded(facts.prices[commodity, vintage.price_year].price_kusd_per_t * factor)
    reach = observed * judged.reach * vintage.growth(judged.growth_per_y, vintage.last_year) / vintage.growth(
        judged.growth_per_y
    )  # fmt: skip
    capacity, source = _capacity(facts, commodity, country, observed, reach)
    return Source(
        commodity=commodity,
        place=others_place(commodity) if country == "others" else country,
        share=share,
        observed_t_per_y=observed,
        price_kusd_per_t=price,
        unit_value_factor=factor,
        freight_kusd_per_t=rounded(judged.freight_share * (0.5 if country in OVERLAND else 1) * price),
        capacity_t_per_y=capacity,
        capacity_source=source,
        home_share=min(1.0, rounded(reach / capacity)) if source else 1.0,
    )


def _capacity(facts: Facts, commodity: str, country: str, observed: float, reach: float) -> tuple[float, str]:
    """Capacity and where it comes from; the reach itself where nothing is published (or less than was bought)."""
    rows = [row for row in facts.world if (row.commodity, row.country) == (commodity, country)]
    published = [row for row in rows if row.measure == "capacity"]
    best = max(published or rows, key=lambda row: row.value_t, default=None)
    if best:
        capacity = rounded(best.value_t * (1 if published else CAPACITY_MARGIN))
        if capacity > observed:
            return (
                capacity,
                best.source if published else f"{CAPACITY_MARGIN} x highest output of three years: {best.source}",
            )
    return rounded(reach), ""


def unit_value_factor(facts: Facts, commodity: str, country: str) -> float:
    """A source's unit value of the base year over the mean of all, within the range that price explains."""
    rows = [
        row
        for row in facts.trade
        if row.commodity == commodity and row.hs6 in UNIT_VALUE_CODES and row.year == BASE_YEAR
    ]
    own = [row for row in rows if row.country == country]
    if not own:
        return 1.0
    mean = sum(row.value_kusd for row in rows) / sum(row.gross_t for row in rows)
    factor = sum(row.value_kusd for row in own) / sum(row.gross_t for row in own) / mean
    return rounded(min(max(factor, UNIT_VALUE_RANGE[0]), UNIT_VALUE_RANGE[1]), 3)
