"""The base year as published and as the model has it, with the calibration term and without, by commodity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from lodeplan import optimizer
from lodeplan.schemas import Scenario
from lodeplan.schemas.scenario import TariffMeasure
from tools.pages import fact_rows
from tools.us_2026_build.fact_tables import BASE_YEAR, Facts
from tools.us_2026_build.market import Market
from tools.worths import worths

EXTRA_DUTY = 0.25
"""Further duty on the largest country, as a share of customs value."""
ALLOWED = 0.1
"""Difference that needs no note: 10 points of a share, or 10 % of an amount."""


@dataclass(frozen=True)
class Imports:
    """Imports of a plan, t/y by commodity and place."""

    t_per_y: dict[str, dict[str, float]]

    def total(self, commodity: str) -> float:
        """All imports of a commodity, t/y."""
        return sum(self.t_per_y.get(commodity, {}).values())

    def share(self, commodity: str, place: str) -> float:
        """A place's share in them."""
        total = self.total(commodity)
        return self.t_per_y[commodity].get(place, 0.0) / total if total else 0.0

    def distance(self, other: Imports, commodity: str) -> float:
        """Share of imports that would have to change its source to turn one pattern into the other."""
        places = self.t_per_y[commodity].keys() | other.t_per_y.get(commodity, {}).keys()
        return sum(abs(self.share(commodity, place) - other.share(commodity, place)) for place in places) / 2

    def largest_country(self, commodity: str) -> str:
        """The largest source that is a country, not the others together."""
        countries = [place for place in self.t_per_y[commodity] if not place.endswith(" others")]
        return max(countries, key=lambda place: self.t_per_y[commodity][place])


@dataclass(frozen=True)
class Year:
    """One year of a plan: imports, and by commodity home output, exports and needs (t/y), and worth (kUSD/t)."""

    imports: Imports
    output: dict[str, float]
    exports: dict[str, float]
    needs: dict[str, float]
    worth: dict[str, float]

    def consumption(self, commodity: str) -> float:
        """Apparent consumption, t/y: imports + home output - exports."""
        return self.imports.total(commodity) + self.output[commodity] - self.exports[commodity]

    def net_import_reliance(self, commodity: str) -> float | None:
        """Net imports over apparent consumption; none where all output is exported."""
        used = self.consumption(commodity)
        return (self.imports.total(commodity) - self.exports[commodity]) / used if used > 1e-9 else None


@dataclass(frozen=True)
class Difference:
    """A figure of a commodity that is further off than `ALLOWED`."""

    commodity: str
    figure: str
    published: float
    model: float


@dataclass(frozen=True)
class Compared:
    """What is published about a commodity (`None`: nothing), beside the model with the term and without.

    `bound` says how published reliance is meant: `equal`, `above` or `below` the number. Consumption and world output
    in t/y; price is that of the market abroad, then what a further tonne at home is worth, kUSD/t.
    """

    commodity: str
    consumption: tuple[float | None, float, float]
    reliance: tuple[float | None, float | None, float | None]
    bound: str
    largest: str
    largest_share: tuple[float | None, float, float]
    price: tuple[float, float, float]
    world_output: tuple[float | None, float | None]
    world_total: float | None
    moved_without: float

    def differences(self) -> Iterator[Difference]:
        """Figures that need a note."""
        published, with_term = self.consumption[0], self.consumption[1]
        if published and abs(with_term / published - 1) > ALLOWED:
            yield Difference(self.commodity, "consumption", published, with_term)
        reliance, modelled = self.reliance[0], self.reliance[1]
        if reliance is not None and modelled is not None:
            low = self.bound != "below" and modelled < reliance - ALLOWED
            high = self.bound != "above" and modelled > reliance + ALLOWED
            if low or high:
                yield Difference(self.commodity, "reliance", reliance, modelled)
        for figure, at in (("share", 1), ("share without term", 2)):
            given, found = self.largest_share[0], self.largest_share[at]
            if given is not None and found is not None and abs(found - given) > ALLOWED:
                yield Difference(self.commodity, figure, given, found)
        if abs(self.price[1] / self.price[0] - 1) > ALLOWED:
            yield Difference(self.commodity, "price", self.price[0], self.price[1])
        output, capacity = self.world_output
        if output and capacity and abs(capacity / output - 1) > ALLOWED:
            yield Difference(self.commodity, "world output", output, capacity)


def compared(facts: Facts, scenario: Scenario, with_term: Year, without: Year) -> list[Compared]:
    """All commodities, in the order of the facts."""
    observed = observed_imports(scenario)
    totals = {row["commodity"]: float(row["value_t"]) for row in fact_rows("world_totals.csv")}
    return [_compared(facts, scenario, name, (observed, with_term, without), totals) for name in facts.materials]


def _compared(
    facts: Facts, scenario: Scenario, name: str, found: tuple[Imports, Year, Year], totals: dict[str, float]
) -> Compared:
    observed, with_term, without = found
    reliance, bound = _published_reliance(facts, name)
    largest = observed.largest_country(name) if name in observed.t_per_y else ""
    shares = [year.imports.share(name, largest) if largest else 0.0 for year in (with_term, without)]
    return Compared(
        commodity=name,
        consumption=(
            _published_consumption(facts, name),
            _used(facts, with_term, name),
            _used(facts, without, name),
        ),
        reliance=(reliance, with_term.net_import_reliance(name), without.net_import_reliance(name)),
        bound=bound,
        largest=largest,
        largest_share=(published_share(facts, name, largest), shares[0], shares[1]),
        price=(facts.prices[name, BASE_YEAR].price_kusd_per_t, with_term.worth[name], without.worth[name]),
        world_output=_world_output(facts, scenario, name),
        world_total=totals.get(name),
        moved_without=observed.distance(without.imports, name) if largest else 0.0,
    )


def _published_reliance(facts: Facts, name: str) -> tuple[float | None, str]:
    """Net import reliance and how it is meant: from the facts the build is held to, else those beside them."""
    row = next((row for row in facts.reliance if row.commodity == name), None)
    if row:
        return row.share, row.bound
    beside = _beside(name, "reliance")
    return (float(beside["value"]), beside["bound"]) if beside else (None, "equal")


def _published_consumption(facts: Facts, name: str) -> float | None:
    """Apparent consumption, t/y."""
    beside = _beside(name, "consumption")
    return facts.flow_t(name, "check") or (float(beside["value"]) if beside else None)


def _beside(name: str, figure: str) -> dict[str, str] | None:
    """A published figure the build is not held to, as it counts something else than the commodity does."""
    rows = fact_rows("validation_figures.csv")
    return next((row for row in rows if (row["commodity"], row["figure"]) == (name, figure)), None)


def _used(facts: Facts, year: Year, name: str) -> float:
    """What published consumption is held against: exports, for a commodity that is mined to be exported."""
    if facts.materials[name].final_use == "exports":
        return year.exports[name] + year.needs[name]
    return year.consumption(name)


def published_share(facts: Facts, commodity: str, country: str) -> float | None:
    """A country's share in imports as published; forms weighted by volume, none where no form has it published."""
    total = facts.flow_t(commodity, "imports")
    if not total or not country:
        return None
    found, published = 0.0, False
    for flow in facts.flows_of(commodity, "imports"):
        weight = flow.factor * facts.quantity_t(flow.key) / total
        row = next((row for row in facts.import_shares if (row.form, row.country) == (flow.form, country)), None)
        found += weight * (row.share if row else 0.0)
        published = published or bool(row and row.kind == "published")
    return found if published else None


def _world_output(facts: Facts, scenario: Scenario, commodity: str) -> tuple[float | None, float | None]:
    """Output of the base year of the sources it is published for, t/y, and capacity of the same in the scenario."""
    output = {
        row.country: row.value_t
        for row in facts.world
        if (row.commodity, row.measure, row.year) == (commodity, "production", BASE_YEAR) and row.value_t
    }
    capacity = {country: scenario.facilities.get(f"{commodity} {country}") for country in output}
    present = {country: facility for country, facility in capacity.items() if facility}
    if not present:
        return None, None
    return sum(output[country] for country in present), sum(first(f.capacity_t_per_y) for f in present.values())


def first(value: float | dict[int, float] | None) -> float:
    """A number, or the first of numbers by year."""
    return (value if isinstance(value, int | float) else value[min(value)]) if value else 0.0


def without_calibration(scenario: Scenario) -> Scenario:
    """The scenario with every calibration term at 0."""
    routes = {name: route.model_copy(update={"calibration_kusd_per_t": 0.0}) for name, route in scenario.routes.items()}
    return scenario.model_copy(update={"routes": routes})


def observed_imports(scenario: Scenario) -> Imports:
    """What the data say."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for facility in scenario.facilities.values():
        if facility.place != scenario.home and facility.supply_curve:
            found[next(iter(facility.outputs))][facility.place] = facility.supply_curve.observed_t_per_y
    return Imports(dict(found))


def solved(scenario: Scenario) -> optimizer.Plan:
    """The plan; raises `RuntimeError` if it is not optimal."""
    plan = optimizer.solve(scenario)
    if plan.summary.solution != "optimal":
        raise RuntimeError(f"{scenario.name}: {plan.summary.termination}")
    return plan


def year_of(plan: optimizer.Plan, node: str) -> Year:
    """One node of a plan."""
    scenario = plan.scenario
    assert scenario is not None
    imports: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in _rows(plan, "ship", node):
        route = scenario.routes[row["route"]]
        imports[route.commodity][route.origin] += float(row["ship_t_per_y"])
    output: dict[str, float] = defaultdict(float)
    for row in _rows(plan, "run", node):
        facility = scenario.facilities[row["facility"]]
        for commodity, amount in facility.outputs.items() if facility.place == scenario.home else ():
            output[commodity] += amount * float(row["run_t_per_y"])
    for row in _rows(plan, "recover", node):
        output[scenario.recycling[row["recycling"]].commodity] += float(row["recovered_t_per_y"])
    exports: dict[str, float] = defaultdict(float)
    needs: dict[str, float] = defaultdict(float)
    for row in _rows(plan, "serve", node):
        demand = scenario.demands[row["demand"]]
        sink = exports if demand.tier == "export" else needs
        sink[demand.commodity] += float(row["served_t_per_y"]) if row["option"] == "itself" else 0.0
    worth = {commodity: worth for (commodity, at), worth in worths(plan).items() if at == node}
    return Year(Imports(imports), output, exports, needs, worth)


def _rows(plan: optimizer.Plan, name: str, node: str) -> list[dict[str, str]]:
    table = plan.tables[name]
    rows = table[table["node"] == node].to_dict("records")
    return [{str(column): str(value) for column, value in row.items()} for row in rows]


def term_size(market: Market, commodity: str) -> tuple[float, float]:
    """Size of the terms over the market's landed price: mean by volume, and largest."""
    sources = [source for source in market.sources if source.commodity == commodity]
    price, volume = market.price_kusd_per_t(commodity), sum(source.observed_t_per_y for source in sources)
    sizes = {source: abs(market.calibration_kusd_per_t(source)) / price for source in sources}
    return sum(size * source.observed_t_per_y / volume for source, size in sizes.items()), max(sizes.values())


def under_further_duty(scenario: Scenario, observed: Imports) -> Imports:
    """Imports of each commodity if the largest country alone pays a further duty on it.

    One commodity of each mineral group at a time, so that a duty on ore does not move what is smelted from it.
    """
    left = defaultdict(list)
    for commodity in observed.t_per_y:
        left[scenario.commodities[commodity].mineral_group].append(commodity)
    found: dict[str, dict[str, float]] = {}
    while wave := [group.pop(0) for group in left.values() if group]:
        measures = {
            f"further duty {name}": TariffMeasure(
                programme="further_duty",
                origins=[observed.largest_country(name)],
                commodities=[name],
                rate_share=EXTRA_DUTY,
            )
            for name in wave
        }
        dutied = scenario.model_copy(update={"tariffs": {**scenario.tariffs, **measures}})
        imports = year_of(solved(dutied), str(BASE_YEAR)).imports
        found |= {name: imports.t_per_y.get(name, {}) for name in wave}
    return Imports(found)
