"""The facts as they stand in `facts/*.csv`, one class a table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, TypeAdapter

from lodeplan.schemas.scenario import Stage
from lodeplan.schemas.types import NameList, NonNegative, Positive, Recipe, Share, Strict, split_pairs

FOLDER = Path(__file__).parent / "facts"
BASE_YEAR = 2024
"""Year whose trade and output the model is calibrated to."""

Kind = Literal["published", "derived", "assumed"]

QuantityKeys = Annotated[dict[str, str], BeforeValidator(split_pairs)]
"""Commodities, each with the key of a quantity: `tellurium/metal=tellurium.telluride`."""


class Material(Strict):
    """A commodity, and what its demand is made of."""

    commodity: str
    title: str
    stage: Stage
    mineral_group: str
    hts: str = ""
    contained_share: Share
    contained_source: str = ""
    disposable: bool = False
    final_use: Literal["tiers", "exports", "none"]
    note: str = ""


class CriticalMineral(Strict):
    """A mineral of the list of 2025, and the commodities that stand for it."""

    mineral: str
    commodities: NameList
    source: str


class Assumption(Strict):
    """What is judged, by commodity; the ranges are in `parameter_ranges.csv`."""

    commodity: str
    elasticity: Positive
    steps: int
    reach: Positive
    freight_share: Share
    growth_per_y: float
    military_share: Share
    essential_share: Share
    use_value_factor: Positive
    reasoning: str


class ParameterRange(Strict):
    """How far a judged parameter may be off, as factors, and the rule it follows."""

    parameter: str
    low_factor: float
    high_factor: float
    rule: str


class PenaltyRule(Strict):
    """Shortage penalty of a tier, as multiples of landed price times the use value factor."""

    tier: Literal["military", "essential_civilian", "other", "export"]
    first_share: Share
    first_multiple: float
    rest_multiple: float
    reasoning: str


class Price(Strict):
    """Market price of a year, kUSD per t contained."""

    commodity: str
    year: int
    price_kusd_per_t: Positive
    kind: Kind
    source: str


class Quantity(Strict):
    """A flow or output of a year, t; `low` and `high` where it is judged."""

    key: str
    year: int
    value_t: float
    kind: Kind
    low: float | None = None
    high: float | None = None
    source: str


class ImportShare(Strict):
    """Share of imports in a form that a country, or `others`, supplied."""

    form: str
    country: str
    share: Share
    kind: Kind
    source: str


class OthersMembers(Strict):
    """The countries behind the `others` of a commodity, by share."""

    commodity: str
    members: Recipe
    kind: Kind
    source: str


class Reliance(Strict):
    """Published net import reliance: net imports over consumption, or a bound of it."""

    commodity: str
    year: int
    share: Share
    bound: Literal["equal", "above"]
    source: str


class Flow(Strict):
    """A published flow that makes part of a commodity's balance; `factor` turns gross weight into content."""

    commodity: str
    role: Literal["imports", "exports", "check"]
    form: str = ""
    key: str
    factor: Positive
    note: str = ""


class HomePlant(Strict):
    """What runs at home today: t of inputs per t of output, and what made it run in the base year."""

    name: str
    title: str
    output: str
    by_products: QuantityKeys = Field(default={})
    """What comes with the output: the quantity won in the base year, over the activity, is the t per t of output."""
    by_products_source: str = ""
    inputs: Recipe = Field(default={})
    recipe_kind: Kind
    recipe_source: str
    activity_key: str
    capacity_factor: float | None = None
    capacity_by_year: str = ""
    capacity_kind: Kind
    capacity_source: str
    elasticity: float | None = None
    price_floor_kusd_per_t: float | None = None
    kept_above_share: float | None = None
    floor_source: str = ""


class RecyclingPath(Strict):
    """A home plant that lives on what was used before; the plan has it as recycling."""

    home_plant: str
    scope: str
    from_commodity: str = ""
    """The product whose use comes back; empty where the scrap does not come from past use."""
    lag_years: NonNegative = 0
    lag_low: NonNegative = 0
    lag_high: NonNegative = 0
    reasoning: str


class SubstituteWay(Strict):
    """Another way to meet a use of a commodity; all its numbers are judged."""

    commodity: str
    end_use: str
    substitute: str = ""
    """A commodity of the model; empty: a material outside it, or doing with less."""
    limit_share: Share
    low: Share
    high: Share
    ratio_t_per_t: Positive
    cost_kusd_per_t: Positive
    """Changing over and what is used instead, less what `substitute` costs; kUSD per t of the demand met."""
    cost_reasoning: str
    delay_years: NonNegative
    source: str


class WorldOutput(Strict):
    """Output or capacity of a country, t/y."""

    commodity: str
    country: str
    measure: Literal["production", "capacity"]
    year: int
    value_t: float
    source: str


class TradeValue(Strict):
    """US imports from a country, thousand USD and t gross weight."""

    commodity: str
    hs6: str
    country: str
    year: int
    value_kusd: float
    gross_t: Positive
    source: str


class Content(Strict):
    """Where more than half of what a place sells was mined, and first refined, if not there."""

    commodity: str
    place: str
    mined_in: str = ""
    refined_in: str = ""
    kind: Kind
    source: str
    year: int
    note: str = ""


class Country(Strict):
    """A country and the groups it belongs to."""

    country: str
    title: str
    groups: str = ""


@dataclass(frozen=True)
class Facts:
    """All facts, keyed for use."""

    materials: dict[str, Material]
    minerals: list[CriticalMineral]
    assumptions: dict[str, Assumption]
    ranges: dict[str, ParameterRange]
    penalties: list[PenaltyRule]
    prices: dict[tuple[str, int], Price]
    quantities: dict[tuple[str, int], Quantity]
    import_shares: list[ImportShare]
    others: dict[str, OthersMembers]
    reliance: list[Reliance]
    flows: list[Flow]
    plants: list[HomePlant]
    world: list[WorldOutput]
    trade: list[TradeValue]
    content: dict[tuple[str, str], Content]
    countries: dict[str, Country]
    recycling: dict[str, RecyclingPath]
    substitutes: list[SubstituteWay]

    def minerals_of(self, commodity: str) -> list[str]:
        """The minerals of the list that a commodity stands for."""
        return [row.mineral for row in self.minerals if commodity in row.commodities]

    def quantity_t(self, key: str, year: int = BASE_YEAR) -> float:
        """A flow or output, t."""
        return self.quantities[key, year].value_t

    def flows_of(self, commodity: str, role: str) -> list[Flow]:
        """The flows of one role in a commodity's balance."""
        return [flow for flow in self.flows if flow.commodity == commodity and flow.role == role]

    def flow_t(self, commodity: str, role: str) -> float:
        """Their sum in the base year, t contained."""
        return sum(flow.factor * self.quantity_t(flow.key) for flow in self.flows_of(commodity, role))


def read_facts() -> Facts:
    """The facts of the folder; raises `pydantic.ValidationError` on a row that is not one."""
    quantities = [*_rows("us_statistics.csv", Quantity), *_rows("other_quantities.csv", Quantity)]
    return Facts(
        materials={row.commodity: row for row in _rows("materials.csv", Material)},
        minerals=_rows("critical_minerals.csv", CriticalMineral),
        assumptions={row.commodity: row for row in _rows("assumptions.csv", Assumption)},
        ranges={row.parameter: row for row in _rows("parameter_ranges.csv", ParameterRange)},
        penalties=_rows("penalty_rule.csv", PenaltyRule),
        prices={(row.commodity, row.year): row for row in _rows("prices.csv", Price)},
        quantities={(row.key, row.year): row for row in quantities},
        import_shares=_rows("import_shares.csv", ImportShare),
        others={row.commodity: row for row in _rows("others_members.csv", OthersMembers)},
        reliance=_rows("published_reliance.csv", Reliance),
        flows=_rows("flows.csv", Flow),
        plants=_rows("home_facilities.csv", HomePlant),
        world=_rows("world_output.csv", WorldOutput),
        trade=_rows("us_imports_by_country.csv", TradeValue),
        content={(row.commodity, row.place): row for row in _rows("content.csv", Content)},
        countries={row.country: row for row in _rows("countries.csv", Country)},
        recycling={row.home_plant: row for row in _rows("recycling.csv", RecyclingPath)},
        substitutes=_rows("substitutes.csv", SubstituteWay),
    )


class Hazard(Strict):
    """An interruption that may happen, and whose class its rate follows."""

    name: str
    changes: Literal["exports", "output"]
    cause: str
    country: str
    in_scenario: bool
    """False where home buys nothing it meets: then it counts against the record alone."""
    places: str
    commodities: str
    multiple: Positive
    """Of the rate of its country's class."""
    bloc: str = ""
    bloc_correlation: Share = 0.0
    note: str = ""


class StabilityClass(Strict):
    """Yearly rates of countries by political stability, interruptions per hazard."""

    name: str
    stability_from: float
    exports_per_y: Share
    exports_low: Share
    exports_high: Share
    output_per_y: Share
    output_low: Share
    output_high: Share
    reasoning: str


class Stability(Strict):
    """Political stability of a country (estimate, about -2.5 to 2.5)."""

    country: str
    political_stability: float
    year: int
    source: str


class Severity(Strict):
    """What an interruption of a cause leaves, how long it lasts, and how it fades."""

    cause: str
    title: str
    availability_share: str
    duration_years: str
    recovery_years: Positive
    kind: Kind
    reasoning: str
    recovery_reasoning: str


class Interruption(Strict):
    """An event of the record; `hazard` is empty where it is not counted."""

    event: str
    onset: str
    until: str = ""
    country: str
    minerals: str
    hazard: str = ""
    lost_share: Share | None = None
    lasted_years: Positive | None = None
    what: str
    source: str


@dataclass(frozen=True)
class HazardFacts:
    """All facts on hazards."""

    hazards: list[Hazard]
    classes: list[StabilityClass]
    stability: dict[str, Stability]
    severity: dict[str, Severity]
    record: list[Interruption]

    @property
    def in_scenario(self) -> list[Hazard]:
        """The hazards that the scenario holds."""
        return [hazard for hazard in self.hazards if hazard.in_scenario]


def read_hazard_facts() -> HazardFacts:
    """The facts on hazards; raises `pydantic.ValidationError` on a row that is not one."""
    return HazardFacts(
        hazards=_rows("hazards.csv", Hazard),
        classes=_rows("hazards_classes.csv", StabilityClass),
        stability={row.country: row for row in _rows("hazards_countries.csv", Stability)},
        severity={row.cause: row for row in _rows("hazards_severity.csv", Severity)},
        record=_rows("hazards_record.csv", Interruption),
    )


Row = TypeVar("Row", bound=Strict)


def _rows(file: str, row_type: type[Row]) -> list[Row]:
    """The rows of a table, and of its parts: `flows.rare_earths.csv` belongs to `flows.csv`."""
    first = FOLDER / file
    cells = []
    for path in [first, *sorted(FOLDER.glob(f"{first.stem}.*.csv"))]:
        with path.open(encoding="utf-8", newline="") as stream:
            cells += [{name: text for name, text in row.items() if text} for row in csv.DictReader(stream)]
    return TypeAdapter(list[row_type]).validate_python(cells)  # type: ignore[valid-type]
