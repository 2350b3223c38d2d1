"""A scenario: all input of one planning question.

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
from lodeplan.schemas.order import in_order
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
    """Discounting, and the point of view from which costs count."""

    discount_rate: Annotated[float, Field(ge=0, lt=1), Sized] = Field(
        default=0.05, description="Real yearly rate (fraction)."
    )
    money_year: Year | None = Field(default=None, description="Year of the USD in which money is stated.")
    view: Literal["importer", "national"] = Field(
        default="importer",
        description="`importer`: duties are a cost. `national`: a duty is a transfer to the Treasury and no cost.",
    )


class Risk(Strict):
    """The objective, and the weight of the worst futures in it."""

    tail_weight: Share = Field(
        default=0.0,
        description="Lambda: weight of CVaR against expected cost in the objective. At 1, futures outside the tail "
        "have no weight; their decisions are then made last, each as cheaply as possible.",
    )
    tail_level: Annotated[float, Field(ge=0, lt=1), Sized] = Field(
        default=0.9, description="Alpha: CVaR is the mean cost of the worst 1 - alpha of the futures."
    )
    objective: Literal["cost", "worst_future", "maximum_regret", "expected_shortage"] = Field(
        default="cost",
        description="Quantity to minimise. `cost`: expected cost and CVaR, weighted by `tail_weight`. `worst_future`: "
        "the cost of the costliest future. `maximum_regret`: the largest extra cost of a future over its "
        "own best plan. `expected_shortage`: the expected penalties of shortages. The last three use "
        "expected cost as a tie-breaker, with a weight of a thousandth.",
    )


class SolveOptions(Strict):
    """Limits of the search. The command line and the API may override them."""

    gap: Annotated[float, Field(ge=0, lt=1), Sized] = Field(
        default=1e-6, description="Relative gap at which the search stops (fraction)."
    )
    gap_of: Literal["cost", "worth"] = Field(
        default="cost",
        # Release 0.1.0 refuses it, and had no other: a job may still be solved by a worker of that release.
        exclude_if=lambda gap_of: gap_of == "cost",
        description="What the gap is a fraction of. `cost`: the objective. `worth`: what the plan saves against doing "
        "nothing; met also at 1e-6 of the objective, and a fraction of the objective where doing nothing is infeasible "
        "or as good.",
    )
    time_limit_s: Positive | None = Field(default=None, description="Wall time for the solver, seconds.")
    threads: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None, description="Mineral groups searched at the same time; absent: one. It changes no plan."
    )


class Commodity(Entry):
    """A material in a form, such as `gallium/metal` or `ndfeb/magnet`."""

    stage: Stage = Field(description="Stage of the supply chain.")
    mineral_group: Name = Field(description="Minerals planned and reported together, such as `gallium`.")
    mineral: NameList = Field(
        default=[], description="Minerals it is a form of, as counted by lists of critical minerals; none: its group."
    )
    hts: CodeList = Field(default=[], description="Tariff codes (HTS), as text, with or without dots.")
    contained_share: Annotated[float, Field(gt=0, le=1), Sized] = Field(
        default=1.0, description="t contained per t gross weight; used where a duty is by weight."
    )
    reference_price_kusd_per_t: ByYear | None = Field(
        default=None, description="Market price; values stock purchases and metal content, kUSD/t."
    )
    disposable: bool = Field(default=False, description="True if a surplus may be disposed of.")
    disposal_cost_kusd_per_t: NonNegative = Field(default=0.0, description="Cost of disposal, kUSD/t.")

    @property
    def minerals(self) -> list[str]:
        """Minerals it is a form of; if none are given, its group."""
        return self.mineral or [self.mineral_group]


class Membership(Strict):
    """Membership in a club for a time."""

    onset: When | None = Field(default=None, description="First day; absent: no beginning.")
    until: When | None = Field(default=None, description="First day after it ends; absent: no end.")


class Place(Entry):
    """A country (ISO 3166 alpha-3) or a region."""

    groups: NameList = Field(default=[], description="Named groups it belongs to, such as `allies`.")
    memberships: dict[Name, Membership] = Field(
        default={},
        description="Clubs it joins or leaves: groups with dates, for `origins` and `except_origins` of tariff "
        "measures only.",
    )
    members: Annotated[dict[Name, Positive], BeforeValidator(split_pairs)] = Field(
        default={},
        description="Members of a region with the share of each, adding to 1. The region takes the duties and events "
        "of its members, by share.",
    )


class CostStep(Strict):
    """One step of a cost curve: an amount of activity at one cost."""

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
        default=None, description="End of the curve, t/y; absent: home's share of capacity."
    )
    steps: Annotated[int, Field(ge=1, le=50)] = Field(default=2, description="Cost steps beyond X0.")
    basis: Literal["market", "buyer"] = Field(
        default="market",
        description="`market`: buyers take the price, and steps integrate P. `buyer`: the buyer moves the price, and "
        "steps follow x P(x).",
    )


class PriceFloor(Strict):
    """A contract for difference: the state tops the price up to the floor and keeps a share of any price above it."""

    floor_kusd_per_t: NonNegative = Field(description="Guaranteed price, kUSD per t of activity.")
    reference_price_kusd_per_t: ByYear = Field(description="Market price that is compared with the floor, kUSD/t.")
    kept_above_share: Share = Field(default=0.0, description="Share of the price above the floor that the state keeps.")


class Growth(Strict):
    """Limit on growth: activity can rise by a share of the previous activity plus a fixed amount."""

    share_per_y: NonNegative = Field(description="Maximum growth per year, as a fraction of the previous activity.")
    seed_t_per_y: NonNegative = Field(
        default=0.0, description="Activity that may be added each year on top of that, t/y."
    )
    before_t_per_y: NonNegative | None = Field(
        default=None,
        description="Activity in the year before the horizon, t/y; absent: the first period is not limited.",
    )


class Facility(Entry):
    """Something at a place that turns inputs into outputs. A mine or a foreign offer has no inputs."""

    place: Name = Field(description="Place where it stands.")
    outputs: Annotated[Recipe, Field(min_length=1)] = Field(
        description="t of each commodity out per t of activity; the first is the main product."
    )
    inputs: Recipe = Field(default={}, description="t of each commodity in per t of activity.")
    capacity_t_per_y: ByYear | None = Field(default=None, description="Maximum activity, t/y; absent: no limit.")
    home_share: Share = Field(default=1.0, description="Share of the capacity that home can buy.")
    cost_kusd_per_t: ByYear | None = Field(
        default=None,
        description="Running cost, or the price an offer asks at its border (P0), kUSD per t of activity. Absent: the "
        "cost of its `steps`, or 0, which is allowed only with inputs.",
    )
    steps: list[CostStep] = Field(default=[], description="Cost steps, instead of one cost.")
    supply_curve: SupplyCurve | None = Field(default=None, description="Rising price, instead of one cost.")
    price_floor: PriceFloor | None = Field(default=None, description="Public support by a price floor.")
    minimum_utilisation_share: Share = Field(
        default=0.0, description="Minimum activity, as a share of the capacity that home can buy (or that is on line)."
    )
    growth: Growth | None = Field(default=None, description="Limit on the growth of activity.")
    reserves_t: NonNegative | None = Field(
        default=None, description="Maximum activity over the whole horizon, t; absent: no limit."
    )
    mined_in: Name | None = Field(
        default=None, description="For an offer without inputs: place where its material was mined, if not its own."
    )
    refined_in: Name | None = Field(
        default=None, description="For an offer without inputs: place where its material was refined, if not its own."
    )


class Track(Strict):
    """One way to build a project. A fast track shortens only the permit part."""

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

    capacity_t_per_y: ByYear = Field(description="Maximum activity after ramp-up, t/y.")
    capex_kusd: NonNegative = Field(description="Capital cost, kUSD.")
    capex_spending_share: Annotated[list[Share], BeforeValidator(split_list)] = Field(
        default=[1.0],
        min_length=1,
        description="Share of capex falling due in the year of the start and each year after; adds to 1.",
    )
    life_years: Positive = Field(default=20.0, description="Life from first output, years.")
    end_value_share: Share | None = Field(
        default=None,
        description="Value at the end of the horizon, as a share of capex paid; absent: the share of its life that is "
        "left.",
    )
    tracks: dict[Name, Track] = Field(
        min_length=1, description="Ways to build it, such as `standard` and `fast_track`."
    )
    ramp_up_share: Annotated[list[Share], BeforeValidator(split_list)] = Field(
        default=[1.0],
        min_length=1,
        description="Share of capacity in each year on line; the last entry holds from then on.",
    )
    earliest_start: Year | None = Field(default=None, description="First year a start is allowed.")
    latest_start: Year | None = Field(default=None, description="Last year a start is allowed.")
    start_in_branches: bool = Field(
        default=False, description="True if it may also start after a future departs from the base path."
    )
    forced_track: Name | None = Field(default=None, description="Track on which it must start on the base path.")
    committed_start: Year | None = Field(
        default=None, description="Year of a start already decided, on the forced or only track; its capex is sunk."
    )
    requires: NameList = Field(default=[], description="Projects that must have started before or with this one.")
    excludes: NameList = Field(
        default=[], description="Projects that exclude this one: of each pair at most one may start."
    )
    grant_share: Share = Field(default=0.0, description="Share of capex that the state pays, as it falls due.")
    federal_land: bool | None = Field(default=None, description="True if it stands on federal land.")

    def is_fast(self, track: str) -> bool:
        """True if a track has a shorter lead time than the slowest one."""
        return self.tracks[track].lead_years < max(one.lead_years for one in self.tracks.values())


class Onboarding(Strict):
    """Qualification of a supplier: a yes/no decision that must come before the route is used."""

    cost_kusd: NonNegative = Field(default=0.0, description="Paid at the decision, kUSD.")
    lead_years: NonNegative = Field(default=0.0, description="Years from decision to first delivery.")
    minimum_t_per_y: NonNegative = Field(default=0.0, description="Minimum volume once qualified, t/y.")
    earliest: Year | None = Field(default=None, description="First year of a decision.")
    latest: Year | None = Field(default=None, description="Last year of a decision.")
    in_branches: bool = Field(default=False, description="True if it may also be decided after a future departs.")


class Route(Entry):
    """A commodity from one place to another."""

    commodity: Name = Field(description="Commodity shipped.")
    origin: Name = Field(description="From.")
    destination: Name = Field(description="To.")
    freight_kusd_per_t: ByYear = Field(default=0.0, description="Freight and insurance, kUSD/t.")
    hub_markup_kusd_per_t: ByYear = Field(default=0.0, description="Mark-up of a trading hub, kUSD/t.")
    customs_value_kusd_per_t: ByYear | None = Field(
        default=None, description="Price at the exporter's border on which duty is taken, kUSD/t contained."
    )
    calibration_kusd_per_t: AnyByYear = Field(
        default=0.0,
        description="Calibration term that makes the base year match observation, kUSD/t. It carries no duty and is "
        "not spending.",
    )
    capacity_t_per_y: ByYear | None = Field(default=None, description="Maximum flow, t/y.")
    onboarding: Onboarding | None = Field(default=None, description="Decision needed before first use.")


class TariffQuota(Strict):
    """A tariff-rate quota: a first volume each year pays a different rate than the rest."""

    volume_t_per_y: ByYear = Field(
        default=0.0, description="Volume at the in-quota rate, t/y, shared by all routes without a volume of their own."
    )
    volume_by_origin_t_per_y: Annotated[dict[Name, ByYear], BeforeValidator(split_pairs)] = Field(
        default={}, description="Own volumes of single origins, instead of a part of the shared one, t/y."
    )
    in_quota_rate_share: NonNegative = Field(
        description="Rate within the quota, as a fraction of the base. If it is above the rate over the quota, the "
        "quota must be filled first."
    )


class TariffMeasure(Entry):
    """A dated rule on routes into a place."""

    programme: Name = Field(description="Programme, such as `mfn`, `section_301_china`, `section_232`.")
    destination: Name | None = Field(default=None, description="Importing place; absent: home.")
    origins: NameList = Field(default=["*"], description="Places or groups it applies to; `*`: all.")
    except_origins: NameList = Field(default=[], description="Places or groups left out.")
    origin_role: Role = Field(
        default="last_origin",
        description="Role of `origins` and `except_origins`: the last origin, or the content (where it was mined, "
        "refined, or was at any stage).",
    )
    includes_derivatives: bool = Field(
        default=False,
        description="True if it also applies to everything that recipes make from the commodities it names.",
    )
    commodities: NameList = Field(default=[], description="Commodities, or patterns such as `gallium/*`.")
    hts: CodeList = Field(default=[], description="HTS prefixes; a commodity matches by any of its codes.")
    except_commodities: NameList = Field(default=[], description="Commodities or patterns exempt.")
    except_hts: CodeList = Field(default=[], description="HTS prefixes exempt.")
    rate_share: ByYear = Field(default=0.0, description="Rate as a fraction of the base (0.25 is 25 %).")
    base: Literal["customs_value", "metal_value"] = Field(
        default="customs_value",
        description="Base of `rate_share`; metal value is the commodity's reference price.",
    )
    rate_kusd_per_t_gross: ByYear = Field(
        default=0.0, description="Specific duty, kUSD per t gross weight; added to the others."
    )
    all_in_ceiling_share: NonNegative | None = Field(
        default=None,
        description="All-in ceiling, as a fraction of customs value: the measure adds the difference between the "
        "ceiling and the duty of `all_in_with`. Used instead of `rate_share`.",
    )
    all_in_with: NameList = Field(default=["mfn"], description="Programmes counted within the ceiling.")
    minimum_price_kusd_per_t: ByYear | None = Field(
        default=None,
        description="Minimum import price, kUSD/t contained: the duty is the amount by which the "
        "customs value falls short of it.",
    )
    quota: TariffQuota | None = Field(default=None, description="Tariff-rate quota; `rate_share` is the rate over it.")
    precedence: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = Field(
        default=0, description="Rank among measures that replace one another."
    )
    replaces: NameList = Field(default=[], description="Programmes or measures of lower precedence that it replaces.")
    onset: When | None = Field(default=None, description="First day in force; absent: no beginning.")
    until: When | None = Field(default=None, description="First day no longer in force; absent: no end.")
    active: bool = Field(default=True, description="False: in force only when an event switches it on.")
    refundable: bool = Field(
        default=False,
        description="True if duty under it may be refunded (a court ruling, drawback). It counts as paid and is also "
        "reported separately.",
    )


class Stockpile(Entry):
    """Stock of a commodity held against interruption."""

    commodity: Name = Field(description="Commodity stored.")
    place: Name | None = Field(default=None, description="Place; absent: home.")
    kind: Literal["commercial", "strategic"] = Field(
        default="commercial",
        description="`strategic`: released only while an event is in force (see `release_events`).",
    )
    release_events: NameList = Field(default=["*"], description="Events, or patterns, that open a strategic reserve.")
    opening_t: NonNegative = Field(default=0.0, description="Stock before the first period, t.")
    capacity_t: NonNegative | None = Field(default=None, description="Maximum stock, t.")
    fill_t_per_y: ByYear | None = Field(default=None, description="Maximum purchases, t/y.")
    loss_share_per_y: Share = Field(default=0.0, description="Loss of stock a year (fraction).")
    holding_kusd_per_t_y: ByYear = Field(
        default=0.0, description="Storage and finance, kUSD per year and t held at a period's end."
    )
    buying_premium_kusd_per_t: NonNegative = Field(
        default=0.0, description="Premium on top of the purchase price, kUSD/t."
    )
    cover_days: ByYear = Field(
        default=0.0, description="Minimum stock on the planned path, in days of home's demand for the commodity."
    )
    end_value_kusd_per_t: Number = Field(
        default=0.0, description="Value of stock left at the end, kUSD/t; negative: cost of clearing it."
    )
    end_minimum_t: NonNegative = Field(default=0.0, description="Minimum stock at the end of the planned path, t.")
    replenish_within_years: Positive | None = Field(
        default=None,
        description="Longest time for which stock may be below its cover target, years; also in futures. This adds "
        "yes/no decisions. At the end of the horizon stock may be below: set `end_minimum_t` if it must "
        "not.",
    )
    source_bans: dict[Name, SourceBan] = Field(default={}, description="Sources whose material it may not hold.")


class Substitute(Strict):
    """Another way to meet a demand: another commodity, or a reduced need."""

    commodity: Name | None = Field(default=None, description="Commodity used instead; absent: the need is reduced.")
    ratio_t_per_t: Positive = Field(default=1.0, description="t of that commodity per t of demand met.")
    limit_share: ShareByYear = Field(default=1.0, description="Maximum share of the demand (fraction).")
    cost_kusd_per_t: ByYear = Field(default=0.0, description="Cost of switching, kUSD per t of demand met.")
    delay_years: NonNegative = Field(
        default=0.0, description="Years until it can be used, from the first period (see `after_departure`)."
    )
    after_departure: bool = Field(
        default=False,
        description="True if it can be used only in futures; the delay then counts from the period in "
        "which they depart.",
    )


class ElasticDemand(Strict):
    """Elastic demand: users give up need as the price rises, along P(q) = P0 (1 + (Q0 - q) / (e Q0)). A cost, but no
    money is paid."""

    price_kusd_per_t: Positive = Field(description="P0: price at which users want the whole quantity, kUSD/t.")
    elasticity: Positive = Field(description="e: demand elasticity at P0, without its sign.")
    down_to_share: Share = Field(
        default=0.5, description="Share of the quantity that is kept at any price; the curve ends there."
    )
    steps: Annotated[int, Field(ge=1, le=50)] = Field(
        default=3, description="Number of steps that approximate the curve."
    )


class Demand(Entry):
    """Need of one tier for one commodity."""

    commodity: Name = Field(description="Commodity needed.")
    place: Name | None = Field(default=None, description="Place; absent: home.")
    tier: Tier = Field(description="Group of users; `export` is a sale abroad.")
    quantity_t_per_y: ByYear = Field(description="t/y.")
    shortage_penalty_kusd_per_t: Annotated[
        NonNegative | Annotated[dict[Share, NonNegative], Field(min_length=1), AfterValidator(by_rising_key)],
        BeforeValidator(split_numbered),
    ] = Field(
        description="Cost of an unserved t, kUSD/t; or rising steps: this penalty up to this share of the demand "
        "(`0.1=50; 1=400`; the last share is 1)."
    )
    substitutes: dict[Name, Substitute] = Field(default={}, description="Other ways to meet it.")
    elastic: ElasticDemand | None = Field(default=None, description="Response to the price.")
    source_bans: dict[Name, SourceBan] = Field(default={}, description="Sources that may not serve it.")


class Recycling(Entry):
    """Scrap recovered from past use, or from a source of its own."""

    commodity: Name = Field(description="Commodity recovered.")
    place: Name | None = Field(default=None, description="Place; absent: home.")
    from_commodity: Name | None = Field(default=None, description="Product from whose use at the place it comes.")
    recovered_t_per_t: ByYear = Field(
        default=0.0, description="Maximum t recovered per t used: collection times yield."
    )
    lag_years: NonNegative = Field(default=0.0, description="Years from use to recovery.")
    past_use_t_per_y: ByYear = Field(default=0.0, description="Use in the years before the horizon, t/y.")
    available_t_per_y: ByYear | None = Field(
        default=None, description="Maximum recovery, t/y, instead of a share of past use."
    )
    cost_kusd_per_t: ByYear = Field(default=0.0, description="Collection and recovery, kUSD/t.")


class Provenance(Strict):
    """Source of numbers in the scenario."""

    table: Name = Field(description="Collection of the scenario, such as `routes`.")
    name: Name = Field(default="*", description="Entry, or a pattern.")
    field: Name = Field(default="*", description="Field, dotted when nested, or a pattern.")
    kind: Literal["published", "derived", "assumed"] = Field(
        description="`published`: printed by the source; `derived`: computed from it; `assumed`: our judgement."
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
    range_is_factor: bool = Field(default=False, description="True if `low` and `high` multiply the number.")


class Acknowledgement(Strict):
    """Acknowledgement of warnings: the author knows them and means the scenario as it is."""

    code: Name = Field(description="Code of the warnings, or a pattern.")
    path: Name = Field(
        description="Path of the warnings, in the notation of patches; covers everything below it. `*` stands for any "
        "name or part of one."
    )
    reason: str = Field(min_length=1, description="Reason why the scenario is right.")


class Scenario(Strict):
    """A complete scenario: one planning question."""

    schema_version: Literal[1] = Field(default=1, description="Version of this schema.")
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")] = Field(description="Short name.")
    title: str = Field(default="", description="Title for readers.")
    description: str = Field(default="", description="Content and purpose.")
    author: str = Field(default="", description="Author.")
    data_vintage: str = Field(default="", description="Date of the data.")
    home: Name = Field(description="Place to plan for.")
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
    sampling: Sampling | None = Field(default=None, description="Draw further futures from the hazards.")
    provenance: list[Provenance] = []
    acknowledged: list[Acknowledgement] = Field(
        default=[], description="Warnings that are known and intended. They are counted but not shown."
    )

    def content_hash(self) -> str:
        """SHA-256 of the question asked, independent of order and file format. The scenario's own name and texts,
        provenance, acknowledged warnings and threads do not count; titles of what is in it do, as the sentences of a
        plan hold them. Scenarios with the same hash have the same plan, because they are solved in the same order
        (`schemas.order`).
        """
        return content_hash_of(in_order(self).model_dump(mode="json"))


def _with_main_product(maker: dict[str, Any]) -> dict[str, Any]:
    """Name the main product (the first output) where sorting by name would hide it."""
    first = next(iter(maker["outputs"]))
    return maker if first == min(maker["outputs"]) else {**maker, "main_product": first}


_NO_CONTENT = {"name", "title", "description", "author", "provenance", "acknowledged"}


def content_hash_of(dump: dict[str, Any]) -> str:
    """The content hash of a scenario that was put in order and dumped as JSON data."""
    content = {key: value for key, value in dump.items() if key not in _NO_CONTENT}
    for collection in ("facilities", "projects"):
        content[collection] = {name: _with_main_product(maker) for name, maker in content.get(collection, {}).items()}
    if content.get("solve", {}).get("threads"):
        # They change no plan. Without a number it has always counted as null.
        content["solve"] = {**content["solve"], "threads": None}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
