"""Years held out: how well a calibration on the years before gives trade by partner, and what a ban did to the total.

The scenarios are built from changed facts by the same rules as the shipped ones; nothing is fitted to the year tested.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from lodeplan import scenarios
from lodeplan.schemas import Scenario
from lodeplan.schemas.events import Event, ExportEvent, Future
from lodeplan.schemas.scenario import Demand
from tools.observed import Year, first, solved, year_of
from tools.pages import fact_rows
from tools.us_2026_build.duty import DutyBook
from tools.us_2026_build.fact_tables import BASE_YEAR, Facts, ImportShare, OthersMembers, Price, TradeValue
from tools.us_2026_build.supply import UNIT_VALUE_RANGE
from tools.us_2026_build.vintage import BASE
from tools.us_2026_build.write import read_measures, table_files

EARLIER = (2021, 2022, 2023)
"""Years of the calibration that leaves 2024 out."""
BY_PARTNER = ("lithium/chemical", "graphite/flake", "cobalt/refined")
"""Commodities whose trade by partner and year is public in codes that hold little else."""
BANNED = ("gallium/metal", "germanium/metal", "antimony/metal")
STAY, MARKET_PRICE, OWN_PRICES = "shares of 2021 to 2023 stay", "model, market price", "model, partners' own prices"
"""Names of forecasts."""
BAN = (date(2024, 12, 3), date(2025, 11, 9))
"""First day of China's stop to the United States, and first day without."""


@dataclass(frozen=True)
class Trade:
    """Imports by partner of one commodity in some years: t contained and kUSD, `rest` for small partners together."""

    t: dict[str, float]
    kusd: dict[str, float]

    def share(self, country: str) -> float:
        """Of all imports."""
        return self.t.get(country, 0.0) / sum(self.t.values())

    def unit_value(self, country: str | None = None) -> float:
        """kUSD per t contained, of a country or of all."""
        if country is None:
            return sum(self.kusd.values()) / sum(self.t.values())
        return self.kusd[country] / self.t[country]


@dataclass(frozen=True)
class Forecast:
    """Shares by partner said of the year held out."""

    name: str
    shares: dict[str, float]

    def error(self, actual: Mapping[str, float]) -> tuple[float, float]:
        """(mean absolute error of a share, total variation distance: the share of imports put in the wrong place)."""
        gaps = [abs(self.shares.get(place, 0.0) - actual[place]) for place in actual]
        return sum(gaps) / len(gaps), sum(gaps) / 2


def trade(commodity: str, years: tuple[int, ...]) -> Trade:
    """Trade of the years together."""
    t: dict[str, float] = defaultdict(float)
    kusd: dict[str, float] = defaultdict(float)
    for row in fact_rows("heldout_trade.csv"):
        if row["commodity"] == commodity and int(row["year"]) in years:
            t[row["country"]] += float(row["gross_t"]) * float(row["contained_share"])
            kusd[row["country"]] += float(row["value_kusd"])
    return Trade(dict(t), dict(kusd))


def price(commodity: str, years: tuple[int, ...]) -> float:
    """Mean market price of the years, kUSD/t."""
    rows = [row for row in fact_rows("heldout_prices.csv") if row["commodity"] == commodity]
    found = [float(row["price_kusd_per_t"]) for row in rows if int(row["year"]) in years]
    return sum(found) / len(years)


def only(facts: Facts, commodities: tuple[str, ...]) -> Facts:
    """The facts of some commodities alone: what plants outside take is a need like others, their feed is not told."""
    plants = [plant for plant in facts.plants if plant.output in commodities]
    fed = [{name: amount for name, amount in plant.inputs.items() if name in commodities} for plant in plants]
    return replace(
        facts,
        materials={name: facts.materials[name] for name in commodities},
        flows=[flow for flow in facts.flows if flow.commodity in commodities],
        plants=[plant.model_copy(update={"inputs": inputs}) for plant, inputs in zip(plants, fed, strict=True)],
        others={name: row for name, row in facts.others.items() if name in commodities},
    )


def as_of(facts: Facts, commodities: tuple[str, ...], years: tuple[int, ...]) -> Facts:
    """The facts with volumes and prices of some commodities as they were on the mean of these years.

    A flow that is not known for all of the years stays as in the base year.
    """
    quantities = dict(facts.quantities)
    keys = {flow.key for flow in facts.flows if flow.commodity in commodities}
    keys |= {plant.activity_key for plant in facts.plants if plant.output in commodities}
    for key in keys:
        known = [facts.quantities[key, year].value_t for year in years if (key, year) in facts.quantities]
        if len(known) == len(years):
            mean = sum(known) / len(known)
            quantities[key, BASE_YEAR] = quantities[key, BASE_YEAR].model_copy(update={"value_t": mean})
    prices = dict(facts.prices)
    for name in commodities:
        source = "mean of the years calibrated to"
        prices[name, BASE_YEAR] = Price(
            commodity=name, year=BASE_YEAR, price_kusd_per_t=price(name, years), kind="derived", source=source
        )
    return replace(facts, quantities=quantities, prices=prices)


def with_trade(facts: Facts, commodity: str, years: tuple[int, ...]) -> Facts:
    """The facts with shares and unit values by partner of these years."""
    known, source = trade(commodity, years), "CEPII BACI"
    named = {country for country in known.t if country in facts.countries}
    form = next(flow.form for flow in facts.flows_of(commodity, "imports"))
    shares = [row for row in facts.import_shares if row.form != form]
    for country in named:
        share = known.share(country)
        shares.append(ImportShare(form=form, country=country, share=share, kind="derived", source=source))
    rest = 1 - sum(known.share(country) for country in named)
    shares.append(ImportShare(form=form, country="others", share=rest, kind="derived", source=source))
    small = sorted(named, key=lambda country: -known.t[country])[4:] or sorted(named)
    total = sum(known.t[country] for country in small)
    members = {country: known.t[country] / total for country in small}
    others = {
        **facts.others,
        commodity: OthersMembers(commodity=commodity, members=members, kind="derived", source=source),
    }
    codes = {row.commodity: row.hs6 for row in facts.trade if row.commodity == commodity}
    values = [
        TradeValue(
            commodity=commodity,
            hs6=codes[commodity],
            country=country,
            year=BASE_YEAR,
            value_kusd=known.kusd[country],
            gross_t=known.t[country],
            source=source,
        )
        for country in known.t
    ]
    kept = [row for row in facts.trade if row.commodity != commodity]
    return replace(facts, import_shares=shares, others=others, trade=kept + values)


def scenario_of(facts: Facts) -> Scenario:
    """The base scenario these facts make, under the duties of the shipped one."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / BASE.folder.name
        shutil.copytree(BASE.folder, place, ignore=shutil.ignore_patterns("*tariffs*"))
        for name, text in table_files(facts, BASE, DutyBook(read_measures(), facts)).items():
            (place / name).write_text(text, encoding="utf-8")
        return under_duties_of(scenarios.load(place), scenarios.load(BASE.folder))


def under_duties_of(scenario: Scenario, other: Scenario) -> Scenario:
    """The scenario with the measures of another one that name commodities it has, or none."""
    met = {
        name: measure.model_copy(
            update={
                "commodities": _known(measure.commodities, scenario),
                "except_commodities": _known(measure.except_commodities, scenario),
            }
        )
        for name, measure in other.tariffs.items()
        if not measure.commodities or _known(measure.commodities, scenario)
    }
    return scenario.model_copy(update={"tariffs": met})


def _known(commodities: list[str], scenario: Scenario) -> list[str]:
    """Those commodities that the scenario has, and patterns."""
    return [name for name in commodities if "*" in name or name in scenario.commodities]


def forecasts(facts: Facts, commodity: str) -> tuple[dict[str, float], list[Forecast]]:
    """Shares of 2024 by partner, and what the model and three rules of thumb say of them.

    Both forecasts of the model know the total demand, the duties and the market price of 2024; the second also each
    partner's customs value of that year.
    """
    facts = only(facts, (commodity,))
    before, actual = trade(commodity, EARLIER), trade(commodity, (BASE_YEAR,))
    calibrated = scenario_of(with_trade(as_of(facts, (commodity,), EARLIER), commodity, EARLIER))
    needed = scenario_of(facts).demands
    places = [route.origin for route in calibrated.routes.values() if route.commodity == commodity]
    ratio = price(commodity, (BASE_YEAR,)) / price(commodity, EARLIER)
    own = {place: ratio * _value_change(before, actual, place) for place in places}
    found = [
        Forecast(STAY, _by_place(before, places)),
        Forecast("shares of 2023 stay", _by_place(trade(commodity, (EARLIER[-1],)), places)),
        Forecast("all from the cheapest partner", _cheapest(actual, places)),
    ]
    for name, factors in (
        (MARKET_PRICE, dict.fromkeys(places, ratio)),
        (OWN_PRICES, own),
    ):
        moved = _at_prices(calibrated, commodity, factors, ratio)
        demands = {key: needed[key] if d.commodity == commodity else d for key, d in moved.demands.items()}
        plan = solved(moved.model_copy(update={"demands": demands}))
        imports = year_of(plan, str(BASE_YEAR)).imports
        found.append(Forecast(name, {place: imports.share(commodity, place) for place in places}))
    return _by_place(actual, places), found


def _by_place(known: Trade, places: list[str]) -> dict[str, float]:
    """Shares of the named partners and of all others together."""
    named = {place: known.share(place) for place in places if not place.endswith(" others")}
    others = next((place for place in places if place.endswith(" others")), "others")
    return {**named, others: 1 - sum(named.values())}


def _value_change(before: Trade, actual: Trade, place: str) -> float:
    """Change of a partner's customs value beside the mean, each held to the range the build holds it to."""
    if place not in before.t or place not in actual.t:
        return 1.0
    low, high = UNIT_VALUE_RANGE
    old, new = (min(max(known.unit_value(place) / known.unit_value(), low), high) for known in (before, actual))
    return new / old


def _cheapest(actual: Trade, places: list[str]) -> dict[str, float]:
    """All from the named partner of the lowest customs value of the year."""
    named = [place for place in places if place in actual.t]
    best = min(named, key=actual.unit_value)
    return {place: float(place == best) for place in places}


def _at_prices(scenario: Scenario, commodity: str, factors: dict[str, float], market: float) -> Scenario:
    """The scenario with each partner's price times its factor, freight, terms and plants at home times the market's."""
    facilities = dict(scenario.facilities)
    for name, facility in facilities.items():
        if commodity in facility.outputs:
            assert isinstance(facility.cost_kusd_per_t, float)
            cost = facility.cost_kusd_per_t * factors.get(facility.place, market)
            facilities[name] = facility.model_copy(update={"cost_kusd_per_t": cost})
    routes = dict(scenario.routes)
    for name, route in routes.items():
        if route.commodity == commodity:
            assert isinstance(route.customs_value_kusd_per_t, float)
            assert isinstance(route.freight_kusd_per_t, float)
            assert isinstance(route.calibration_kusd_per_t, float)
            changed = {
                "customs_value_kusd_per_t": route.customs_value_kusd_per_t * factors[route.origin],
                "freight_kusd_per_t": route.freight_kusd_per_t * market,
                "calibration_kusd_per_t": route.calibration_kusd_per_t * market,
            }
            routes[name] = route.model_copy(update=changed)
    return scenario.model_copy(update={"facilities": facilities, "routes": routes})


def next_year(scenario: Scenario, year: int, events: dict[str, dict[str, Event]]) -> Scenario:
    """The one-year scenario as two years, the second of them `year`: in each future it has its events.

    The years also go as planned in one future, `calm`; all are as likely as each other.
    """
    named = {f"{future} {name}": event for future, found in events.items() for name, event in found.items()}
    futures = {
        future: Future(probability=1 / (len(events) + 1), events=[f"{future} {name}" for name in found])
        for future, found in [*events.items(), ("calm", {})]
    }
    horizon = scenario.horizon.model_copy(update={"first_year": year - 1, "period_years": [1, 1]})
    return scenario.model_copy(update={"horizon": horizon, "events": named, "futures": futures})


@dataclass(frozen=True)
class BanTest:
    """A year under the ban: the model's year before and that year, and prices published for both.

    `wanted_t` is all that is wanted in the year, exports included, t.
    """

    commodity: str
    year: int
    wanted_t: float
    before: Year
    after: Year
    price_before: float
    price_after: float


def growth(facts: Facts, demand: Demand, years: tuple[int, ...], year: int) -> float:
    """Use or exports of a year over the mean of the years calibrated to; 1 where consumption is not published."""
    role = "exports" if demand.tier == "export" else "check"
    flows = facts.flows_of(demand.commodity, role)
    then = sum(flow.factor * facts.quantity_t(flow.key, year) for flow in flows)
    before = sum(flow.factor * facts.quantity_t(flow.key, known) for flow in flows for known in years) / len(years)
    return then / before if before else 1.0


def ban_tests(facts: Facts, tariffs: Scenario) -> list[BanTest]:
    """2024 from the years before, and 2025 from 2024, each with the days of the ban that fall in it."""
    facts = only(facts, BANNED)
    found = []
    for year, years in ((BASE_YEAR, EARLIER), (BASE_YEAR + 1, (BASE_YEAR,))):
        calibrated = scenario_of(as_of(facts, BANNED, years))
        demands = {
            name: demand.model_copy(
                update={
                    "quantity_t_per_y": {
                        year - 1: first(demand.quantity_t_per_y),
                        year: first(demand.quantity_t_per_y) * growth(facts, demand, years, year),
                    }
                }
            )
            for name, demand in calibrated.demands.items()
        }
        stop = ExportEvent(
            changes="exports",
            onset=max(BAN[0], date(year, 1, 1)),
            until=BAN[1],
            places=["CHN"],
            commodities=list(BANNED),
            destinations=[calibrated.home],
            availability_share=0.0,
        )
        dutied = under_duties_of(calibrated, tariffs) if year > BASE_YEAR else calibrated
        changed = dutied.model_copy(update={"demands": demands})
        plan = solved(next_year(changed, year, {"ban": {"stop": stop}}))
        before, after = year_of(plan, str(year - 1)), year_of(plan, f"ban@{year}")
        for name in BANNED:
            wanted = sum(
                demand.quantity_t_per_y[year]
                for demand in demands.values()
                if demand.commodity == name and isinstance(demand.quantity_t_per_y, dict)
            )
            found.append(BanTest(name, year, wanted, before, after, price(name, years), price(name, (year,))))
    return found
