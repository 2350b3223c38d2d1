"""A scenario: everything a planner says, and nothing else.

Mass is in tonnes of contained material (t), money in real kUSD (1 kUSD/t = 1 USD/kg), time in years.
Each collection is a mapping from a name to its entry. `docs/reference/conventions.md` states how dates,
periods, lead times and shares are read.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from lodeplan.schemas.content import Role, SourceBan
from lodeplan.schemas.entries import Entry, Tier
from lodeplan.schemas.events import Event, Future
from lodeplan.schemas.hazards import Hazard, Sampling
from lodeplan.schemas.limits import Limit
from lodeplan.schemas.types import (
    AnyByYear,
    ByYear,
    CodeList,
    Name,
    NameList,
    NonNegative,
    Number,
    Positive,
    Recipe,
    Share,
    ShareByYear,
    Sized,
    Strict,
    When,
    Year,
    by_rising_key,
    split_list,
    split_numbered,
    split_pairs,
)

Stage = Literal["ore", "concentrate", "refined", "semi_finished", "product", "scrap"]


class Horizon(Strict):
    """The years planned for, cut into periods."""

    first_year: Year = Field(description="First year of the first period.")
    period_years: list[Annotated[int, Field(ge=1, le=50)]] = Field(
        min_length=1, max_length=100, description="Length of each period, years."
    )


class Economics(Strict):
    """How money is weighed over time, and whose cost counts."""

    discount_rate: Annotated[float, Field(ge=0, lt=1), Sized] = Field(
        default=0.05, description="Real yearly rate (fraction)."
    )
    money_year: Year | None = Field(default=None, description="Year whose USD the money is in.")
    view: Literal["importer", "national"] = Field(
        default="importer",
        description="`importer`: duties are a cost. `national`: a duty is a transfer to the Treasury, no cost.",
    )


class Risk(Strict):
    """How much the worst futures weigh."""

    tail_weight: Share = Field(
        default=0.0,
        description="Lambda: weight of CVaR in the objective, against expected cost. At 1 the futures outside the tail "
        "count for nothing; what they do is then decided last, each as cheap as can be.",
    )
    tail_level: Annotated[float, Field(ge=0, lt=1), Sized] = Field(
        default=0.9, description="Alpha: CVaR is the mean cost of the worst 1 - alpha of the futures."
    )
    objective: Literal["cost", "worst_future", "maximum_regret", "expected_shortage"] = Field(
        default="cost",
        description="What is least: `cost`: expected cost and CVaR by `tail_weight`. `worst_future`: the cost of the "
        "dearest future. `maximum_regret`: the most that a future costs above its own best plan. `expected_shortage`: "
        "the expected worth of shortages. The last three have expected cost as tie-breaker, at a thousandth.",
    )


class SolveOptions(Strict):
    """How far to search; the command line and the API may override it."""

    gap: Annotated[float, Field(ge=0, lt=1), Sized] = Field(
        default=1e-6, description="Relative gap at which the search stops (fraction)."
    )
    time_limit_s: Positive | None = Field(default=None, description="Wall time for the solver, seconds.")
    threads: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None, description="Solver threads; the solver's choice when absent."
    )


class Commodity(Entry):
    """A material in a form, such as `gallium/metal` or `ndfeb/magnet`."""

    stage: Stage = Field(description="Where in the chain the form stands.")
    mineral_group: Name = Field(description="Minerals planned and reported together, such as `gallium`.")
    mineral: NameList = Field(
        default=[], description="Minerals it is a form of, as lists of critical minerals count; none: its group."
    )
    hts: CodeList = Field(default=[], description="Tariff codes (HTS), as text, with or without dots.")
    contained_share: Annotated[float, Field(gt=0, le=1), Sized] = Field(
        default=1.0, description="t contained per t gross weight; used where a duty is by weight."
    )
    reference_price_kusd_per_t: ByYear | None = Field(
        default=None, description="Market price; values stock purchases and metal content, kUSD/t."
    )
    disposable: bool = Field(default=False, description="Whether a surplus may be let go.")
    disposal_cost_kusd_per_t: NonNegative = Field(default=0.0, description="Cost of that, kUSD/t.")

    @property
    def minerals(self) -> list[str]:
        """The minerals it is a form of; of one that does not say, its group."""
        return self.mineral or [self.mineral_group]


class Membership(Strict):
    """Belonging to a club for a time."""

    onset: When | None = Field(default=None, description="First day; absent: always was.")
    until: When | None = Field(default=None, description="First day no longer; absent: stays.")


class Place(Entry):
    """A country (ISO 3166 alpha-3) or a region."""

    groups: NameList = Field(default=[], description="Named groups it belongs to, such as `allies`.")
    memberships: dict[Name, Membership] = Field(
        default={},
        description="Clubs it joins or leaves: groups that count by date, in `origins` and `except_origins` of tariff "
        "measures only.",
    )
    members: Annotated[dict[Name, Positive], BeforeValidator(split_pairs)] = Field(
        default={},
        description="A region made of other places: the share of each, adding to 1. Its duty and the events "
        "that hit it are those of its members, by share.",
    )


class CostStep(Strict):
    """Activity up to a width at one cost."""

    width_t_per_y: Positive = Field(description="Activity this step allows, t/y.")
    cost_kusd_per_t: ByYear = Field(description="Cost on this step, kUSD per t of activity.")


class SupplyCurve(Strict):
    """Rising inverse supply beyond an observed volume X0: P(x) = P0 (1 + (x - X0)/(e X0)) or P0 + slope (x - X0)."""

    observed_t_per_y: NonNegative = Field(description="X0: volume supplied at the base price P0, t/y.")
    elasticity: Positive | None = Field(default=None, description="e: supply elasticity at X0.")
    slope_kusd_per_t2_y: Positive | None = Field(
        default=None, description="Price rise per t/y beyond X0, kUSD/t per t/y; instead of `elasticity`."
    )
    up_to_t_per_y: Positive | None = Field(
        default=None, description="Where the curve ends, t/y; home's share of capacity when absent."
    )
    steps: Annotated[int, Field(ge=1, le=50)] = Field(default=2, description="Cost steps beyond X0.")
    basis: Literal["market", "buyer"] = Field(
        default="market",
        description="`market`: a price taker, steps integrate P. `buyer`: a buyer who moves the price, steps "
        "follow x P(x).",
    )


class PriceFloor(Strict):
    """A contract for difference: the state tops the price up to the floor, and keeps a share above it."""

    floor_kusd_per_t: NonNegative = Field(description="Guaranteed price, kUSD per t of activity.")
    reference_price_kusd_per_t: ByYear = Field(description="Market price it is held against, kUSD/t.")
    kept_above_share: Share = Field(default=0.0, description="Share of the price above the floor the state keeps.")


class Growth(Strict):
    """How fast activity can grow: by a share of what ran before, and a little from nothing."""

    share_per_y: NonNegative = Field(description="Growth a year at most, fraction of the activity before.")
    seed_t_per_y: NonNegative = Field(default=0.0, description="Activity that may be added each year besides, t/y.")
    before_t_per_y: NonNegative | None = Field(
        default=None, description="Activity in the year before the horizon, t/y; absent: the first period is free."
    )


class Facility(Entry):
    """Something at a place that turns inputs into outputs. A mine or a foreign offer has no inputs."""

    place: Name = Field(description="Where it stands.")
    outputs: Annotated[Recipe, Field(min_length=1)] = Field(
        description="t of each commodity out per t of activity; the first is the main product."
    )
    inputs: Recipe = Field(default={}, description="t of each commodity in per t of activity.")
    capacity_t_per_y: ByYear | None = Field(default=None, description="Activity at most, t/y; absent: no limit.")
    home_share: Share = Field(default=1.0, description="Share of the capacity that home can buy.")
    cost_kusd_per_t: ByYear | None = Field(
        default=None,
        description="Running cost, or the price an offer asks at its border (P0), kUSD per t of activity. Absent: 0, "
        "which only what has inputs may leave unsaid, or the cost of its `steps`.",
    )
    steps: list[CostStep] = Field(default=[], description="Cost steps, instead of one cost.")
    supply_curve: SupplyCurve | None = Field(default=None, description="Rising price, instead of one cost.")
    price_floor: PriceFloor | None = Field(default=None, description="Public support by a price floor.")
    minimum_utilisation_share: Share = Field(
        default=0.0, description="Activity at least, as a share of the capacity that home can buy (or is on line)."
    )
    growth: Growth | None = Field(default=None, description="Limit on the growth of activity.")
    reserves_t: NonNegative | None = Field(
        default=None, description="Activity at most over the whole horizon, t; absent: no end in sight."
    )
    mined_in: Name | None = Field(
        default=None, description="For an offer without inputs: where its material was mined, if not at its place."
    )
    refined_in: Name | None = Field(
        default=None, description="For an offer without inputs: where its material was refined, if not at its place."
    )


class Track(Strict):
    """One way to build a project. A fast track shortens the permit part only."""

    permit_years: NonNegative = Field(description="Years from start to permit.")
    construction_years: NonNegative = Field(description="Years from permit to first output.")
    extra_cost_kusd: NonNegative = Field(
        default=0.0, description="Cost of the track on top of capex, paid at start, kUSD."
    )
    permit_slots: NonNegative = Field(default=0.0, description="Permit slots a start uses.")

    @property
    def lead_years(self) -> float:
        """Years from start to first output."""
        return self.permit_years + self.construction_years


class Project(Facility):
    """A facility that does not run yet."""

    capacity_t_per_y: ByYear = Field(description="Activity at most when ramped up, t/y.")
    capex_kusd: NonNegative = Field(description="Capital cost, kUSD.")
    capex_spending_share: Annotated[list[Share], BeforeValidator(split_list)] = Field(
        default=[1.0],
        min_length=1,
        description="Share of capex falling due in the year of the start and each year after; adds to 1.",
    )
    life_years: Positive = Field(default=20.0, description="Life from first output, years.")
    end_value_share: Share | None = Field(
        default=None,
        description="Worth at the end of the horizon as a share of capex paid; absent: the share of its life left.",
    )
    tracks: dict[Name, Track] = Field(
        min_length=1, description="Ways to build it, such as `standard` and `fast_track`."
    )
    ramp_up_share: Annotated[list[Share], BeforeValidator(split_list)] = Field(
        default=[1.0], min_length=1, description="Share of capacity in each year on line; the last holds from then on."
    )
    earliest_start: Year | None = Field(default=None, description="First year a start is allowed.")
    latest_start: Year | None = Field(default=None, description="Last year a start is allowed.")
    start_in_branches: bool = Field(
        default=False, description="Whether it may also start after a future departs from the base path."
    )
    forced_track: Name | None = Field(default=None, description="Track on which it must start on the base path.")
    committed_start: Year | None = Field(
        default=None, description="Year of a start already decided, on the forced or only track; its capex is sunk."
    )
    requires: NameList = Field(default=[], description="Projects that must have started too.")
    excludes: NameList = Field(default=[], description="Projects of which at most one may start with this one.")
    grant_share: Share = Field(default=0.0, description="Share of capex that the state pays, as it falls due.")
    federal_land: bool | None = Field(default=None, description="Whether it stands on federal land.")

    def is_fast(self, track: str) -> bool:
        """Whether a track, whatever its name, has a shorter lead time than the slowest one."""
        return self.tracks[track].lead_years < max(one.lead_years for one in self.tracks.values())


class Onboarding(Strict):
    """Qualifying a supplier: a yes/no decision before the route can be used."""

    cost_kusd: NonNegative = Field(default=0.0, description="Paid at the decision, kUSD.")
    lead_years: NonNegative = Field(default=0.0, description="Years from decision to first delivery.")
    minimum_t_per_y: NonNegative = Field(default=0.0, description="Volume to be taken once qualified, t/y.")
    earliest: Year | None = Field(default=None, description="First year of a decision.")
    latest: Year | None = Field(default=None, description="Last year of a decision.")
    in_branches: bool = Field(default=False, description="Whether it may be decided after a future departs.")


class Route(Entry):
    """A commodity from one place to another."""

    commodity: Name = Field(description="What is shipped.")
    origin: Name = Field(description="From.")
    destination: Name = Field(description="To.")
    freight_kusd_per_t: ByYear = Field(default=0.0, description="Freight and insurance, kUSD/t.")
    hub_markup_kusd_per_t: ByYear = Field(default=0.0, description="What a trading hub adds, kUSD/t.")
    customs_value_kusd_per_t: ByYear | None = Field(
        default=None, description="Price at the exporter's border on which duty is taken, kUSD/t contained."
    )
    calibration_kusd_per_t: AnyByYear = Field(
        default=0.0,
        description="Term that makes the base year come out as observed; never dutiable, never spend, kUSD/t.",
    )
    capacity_t_per_y: ByYear | None = Field(default=None, description="Flow at most, t/y.")
    onboarding: Onboarding | None = Field(default=None, description="Decision needed before first use.")


class TariffQuota(Strict):
    """A tariff-rate quota: the first volume a year pays another rate than the rest."""

    volume_t_per_y: ByYear = Field(
        default=0.0, description="Volume at the in-quota rate, t/y, shared by all routes without a volume of their own."
    )
    volume_by_origin_t_per_y: Annotated[dict[Name, ByYear], BeforeValidator(split_pairs)] = Field(
        default={}, description="Volumes of single origins, instead of a part in the shared one, t/y."
    )
    in_quota_rate_share: NonNegative = Field(
        description="Rate within, fraction of the base. Above the rate over it, the quota has to be full first."
    )


class TariffMeasure(Entry):
    """A dated rule on routes into a place."""

    programme: Name = Field(description="What it belongs to, such as `mfn`, `section_301_china`, `section_232`.")
    destination: Name | None = Field(default=None, description="Importing place; absent: home.")
    origins: NameList = Field(default=["*"], description="Places or groups it applies to; `*`: all.")
    except_origins: NameList = Field(default=[], description="Places or groups left out.")
    origin_role: Role = Field(
        default="last_origin",
        description="What `origins` and `except_origins` are held against: the last place, or the content: where it "
        "was mined, refined, or was at any stage.",
    )
    includes_derivatives: bool = Field(
        default=False, description="Whether it also meets what is made, by any recipes, of the commodities it names."
    )
    commodities: NameList = Field(default=[], description="Commodities, or patterns such as `gallium/*`.")
    hts: CodeList = Field(default=[], description="HTS prefixes; a commodity matches by any of its codes.")
    except_commodities: NameList = Field(default=[], description="Commodities or patterns exempt.")
    except_hts: CodeList = Field(default=[], description="HTS prefixes exempt.")
    rate_share: ByYear = Field(default=0.0, description="Rate as a fraction of the base (0.25 is 25 %).")
    base: Literal["customs_value", "metal_value"] = Field(
        default="customs_value",
        description="What `rate_share` is taken of; metal value is the commodity's reference price.",
    )
    rate_kusd_per_t_gross: ByYear = Field(
        default=0.0, description="Specific duty, kUSD per t gross weight; adds to the other."
    )
    all_in_ceiling_share: NonNegative | None = Field(
        default=None,
        description="All-in measure: duty is what this ceiling leaves above the duty of `all_in_with`, fraction of "
        "customs value; replaces `rate_share`.",
    )
    all_in_with: NameList = Field(default=["mfn"], description="Programmes counted within the ceiling.")
    minimum_price_kusd_per_t: ByYear | None = Field(
        default=None, description="Minimum import price: duty adds what the customs value lacks, kUSD/t contained."
    )
    quota: TariffQuota | None = Field(default=None, description="Tariff-rate quota; `rate_share` is the rate over it.")
    precedence: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = Field(
        default=0, description="Order among measures that replace one another."
    )
    replaces: NameList = Field(default=[], description="Programmes or measures of lower precedence it stands in for.")
    onset: When | None = Field(default=None, description="First day in force; absent: always was.")
    until: When | None = Field(default=None, description="First day no longer in force; absent: stays.")
    active: bool = Field(default=True, description="False: in force only where an event switches it on.")
    refundable: bool = Field(
        default=False,
        description="Duty under it may come back (a court ruling, drawback): counted as paid, and reported apart.",
    )


class Stockpile(Entry):
    """Stock of a commodity held against interruption."""

    commodity: Name = Field(description="What is stored.")
    place: Name | None = Field(default=None, description="Where; absent: home.")
    kind: Literal["commercial", "strategic"] = Field(
        default="commercial",
        description="`strategic`: released only while an event is in force (see `release_events`).",
    )
    release_events: NameList = Field(default=["*"], description="Events, or patterns, that open a strategic reserve.")
    opening_t: NonNegative = Field(default=0.0, description="Stock before the first period, t.")
    capacity_t: NonNegative | None = Field(default=None, description="Stock at most, t.")
    fill_t_per_y: ByYear | None = Field(default=None, description="Purchases at most, t/y.")
    loss_share_per_y: Share = Field(default=0.0, description="Loss of stock a year (fraction).")
    holding_kusd_per_t_y: ByYear = Field(
        default=0.0, description="Storage and finance, kUSD per t held at a period's end and year."
    )
    buying_premium_kusd_per_t: NonNegative = Field(default=0.0, description="On top of the purchase price, kUSD/t.")
    cover_days: ByYear = Field(
        default=0.0, description="Stock at least, in days of home's demand for the commodity; on the planned path."
    )
    end_value_kusd_per_t: Number = Field(
        default=0.0, description="Worth of stock left at the end, kUSD/t; negative: cost of clearing it."
    )
    end_minimum_t: NonNegative = Field(default=0.0, description="Stock at least at the end of the planned path, t.")
    replenish_within_years: Positive | None = Field(
        default=None,
        description="Stock may be below its cover target for so many years at most, in futures too; costs yes/no "
        "decisions. At the end of the horizon it may be below: give `end_minimum_t` if it must not.",
    )
    source_bans: dict[Name, SourceBan] = Field(default={}, description="Sources it may not hold material of.")


class Substitute(Strict):
    """Another way to meet a demand: another commodity, or doing with less."""

    commodity: Name | None = Field(default=None, description="What is used instead; absent: the need is reduced.")
    ratio_t_per_t: Positive = Field(default=1.0, description="t of it per t of the demand met.")
    limit_share: ShareByYear = Field(default=1.0, description="Share of the demand at most (fraction).")
    cost_kusd_per_t: ByYear = Field(default=0.0, description="Cost of changing over, kUSD per t of the demand met.")
    delay_years: NonNegative = Field(
        default=0.0, description="Years until it can be used, from the first period (see `after_departure`)."
    )
    after_departure: bool = Field(
        default=False, description="Only in futures, and the delay counts from the period in which they depart."
    )


class ElasticDemand(Strict):
    """Need that is given up as the price rises, along P(q) = P0 (1 + (Q0 - q) / (e Q0)); a cost, but no money paid."""

    price_kusd_per_t: Positive = Field(description="P0: price at which the whole quantity is wanted, kUSD/t.")
    elasticity: Positive = Field(description="e: demand elasticity at P0, without its sign.")
    down_to_share: Share = Field(default=0.5, description="Share of the quantity below which the curve does not reach.")
    steps: Annotated[int, Field(ge=1, le=50)] = Field(default=3, description="Steps the curve is cut into.")


class Demand(Entry):
    """What a tier needs of a commodity."""

    commodity: Name = Field(description="What is wanted.")
    place: Name | None = Field(default=None, description="Where; absent: home.")
    tier: Tier = Field(description="Whose need it is; `export` is a sale abroad.")
    quantity_t_per_y: ByYear = Field(description="t/y.")
    shortage_penalty_kusd_per_t: Annotated[
        NonNegative | Annotated[dict[Share, NonNegative], Field(min_length=1), AfterValidator(by_rising_key)],
        BeforeValidator(split_numbered),
    ] = Field(
        description="Worth of an unserved t, kUSD/t; or rising steps: up to this share of the demand, this penalty "
        "(`0.1=50; 1=400`; the last share is 1)."
    )
    substitutes: dict[Name, Substitute] = Field(default={}, description="Other ways to meet it.")
    elastic: ElasticDemand | None = Field(default=None, description="How it gives way to the price.")
    source_bans: dict[Name, SourceBan] = Field(default={}, description="Sources that may not serve it.")


class Recycling(Entry):
    """Scrap that comes back from past use, or on a path of its own."""

    commodity: Name = Field(description="What is recovered.")
    place: Name | None = Field(default=None, description="Where; absent: home.")
    from_commodity: Name | None = Field(default=None, description="The product whose use at the place it comes from.")
    recovered_t_per_t: ByYear = Field(
        default=0.0, description="t recovered at most per t used: collection times yield."
    )
    lag_years: NonNegative = Field(default=0.0, description="Years from use to recovery.")
    past_use_t_per_y: ByYear = Field(default=0.0, description="Use in the years before the horizon, t/y.")
    available_t_per_y: ByYear | None = Field(
        default=None, description="t/y recovered at most, instead of a share of past use."
    )
    cost_kusd_per_t: ByYear = Field(default=0.0, description="Collection and recovery, kUSD/t.")


class Provenance(Strict):
    """Where numbers come from."""

    table: Name = Field(description="Collection of the scenario, such as `routes`.")
    name: Name = Field(default="*", description="Entry, or a pattern.")
    field: Name = Field(default="*", description="Field, dotted when nested, or a pattern.")
    kind: Literal["published", "derived", "assumed"] = Field(
        description="Printed by the source; computed from it; or our judgement."
    )
    source: str = Field(
        min_length=1, description="Publisher and title; for `derived` also the formula, for `assumed` the reasoning."
    )
    year: Year | None = Field(default=None, description="Year the number is for.")
    low: Number | None = Field(
        default=None,
        description="Lower end of the plausible range, in the field's unit, or as a factor where `range_is_factor`.",
    )
    high: Number | None = Field(default=None, description="Upper end.")
    range_is_factor: bool = Field(default=False, description="Whether low and high multiply the number.")


class Acknowledgement(Strict):
    """Warnings that are known and meant as they stand."""

    code: Name = Field(description="Code of the warnings, or a pattern.")
    path: Name = Field(
        description="Where they stand, and all below it: a path as patches have it, `*` for any name or part of one."
    )
    reason: str = Field(min_length=1, description="Why it is meant so.")


class Scenario(Strict):
    """One question to the planner's model, complete."""

    schema_version: Literal[1] = Field(default=1, description="Version of this schema.")
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")] = Field(description="Short name.")
    title: str = Field(default="", description="What a planner calls it.")
    description: str = Field(default="", description="What it is and what it is for.")
    author: str = Field(default="", description="Who made it.")
    data_vintage: str = Field(default="", description="As of when the data stand.")
    home: Name = Field(description="The place planned for.")
    horizon: Horizon
    economics: Economics = Economics()
    risk: Risk = Risk()
    solve: SolveOptions = SolveOptions()
    commodities: dict[Name, Commodity] = Field(min_length=1)
    places: dict[Name, Place] = Field(min_length=1)
    facilities: dict[Name, Facility] = {}
    projects: dict[Name, Project] = {}
    routes: dict[Name, Route] = {}
    tariffs: dict[Name, TariffMeasure] = {}
    stockpiles: dict[Name, Stockpile] = {}
    demands: dict[Name, Demand] = Field(min_length=1)
    recycling: dict[Name, Recycling] = {}
    limits: dict[Name, Limit] = {}
    events: dict[Name, Event] = {}
    futures: dict[Name, Future] = Field(
        default={}, validate_default=True, description="Probabilities add to 1; none: the years go as planned."
    )
    hazards: dict[Name, Hazard] = {}
    sampling: Sampling | None = Field(default=None, description="Draw futures from the hazards, besides those listed.")
    provenance: list[Provenance] = []
    acknowledged: list[Acknowledgement] = Field(
        default=[], description="Warnings that are known and meant: they are counted and no longer said."
    )

    def content_hash(self) -> str:
        """SHA-256 of what is asked, whatever the order or file it came in; names, texts, provenance and acknowledged
        warnings do not count.

        Scenarios with one hash have one plan: they are solved in one order (`schemas.order`).
        """
        return content_hash_of(self.model_dump(mode="json"))


def _with_main_product(maker: dict[str, Any]) -> dict[str, Any]:
    """What is made first is the main product: said where sorting by name would hide it."""
    first = next(iter(maker["outputs"]))
    return maker if first == min(maker["outputs"]) else {**maker, "main_product": first}


_NO_CONTENT = {"name", "title", "description", "author", "provenance", "acknowledged"}


def content_hash_of(dump: dict[str, Any]) -> str:
    """The same of a scenario that was dumped as JSON data."""
    content = {key: value for key, value in dump.items() if key not in _NO_CONTENT}
    for collection in ("facilities", "projects"):
        content[collection] = {name: _with_main_product(maker) for name, maker in content.get(collection, {}).items()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
