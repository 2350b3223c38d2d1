"""Limits a planner sets; hard, or soft at a stated price."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from lodeplan.schemas.content import Role
from lodeplan.schemas.entries import Entry, Tier
from lodeplan.schemas.types import (
    ByYear,
    Name,
    NameList,
    Positive,
    Recipe,
    Share,
    ShareByYear,
    When,
    refuse_twice,
    split_list,
)

Nodes = Literal["all", "base_path"]
Whole = Literal["supply", "use"]
Measure = Literal["t/y", "kUSD", "slots"]


def each_once(value: Any) -> Any:
    """Read a list of names, or `"A; B"`, as a mapping of each to 1; what is no list is left for the field to judge."""
    names = split_list(value) if isinstance(value, list) or (isinstance(value, str) and "=" not in value) else []
    if not names or not all(isinstance(name, str) and not _is_number(name) for name in names):
        return value
    refuse_twice([(name, 1) for name in names], str)
    return dict.fromkeys(names, 1.0)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class _Limit(Entry):
    measured_in: ClassVar[Measure] = "t/y"
    """Unit of what the limit is exceeded by: t of each year, or kUSD or slots of the whole period."""

    applies_to: Nodes = Field(
        default="all",
        description="Every node, or the base path only (and the futures that continue it where it ends).",
    )
    futures: NameList = Field(
        default=[],
        description="Futures, or patterns, to whose own nodes it applies; none: all nodes except those of stress "
        "tests.",
    )
    violation_price_kusd: Positive | None = Field(
        default=None,
        description="Price per unit of violation of a soft limit (kUSD per t, per kUSD or per slot); absent: the "
        "limit is hard.",
    )


class _OfSupply(_Limit):
    of: Whole = Field(
        default="supply",
        description="Total that the share refers to: `supply` (all that arrives, is made and recovered at home) or "
        "`use` (all that is needed there, met or not). A plan can keep a share of supply by going short.",
    )


class ShareCap(_OfSupply):
    """Upper limit on the share of some places in home's arrivals and output of a commodity."""

    kind: Literal["share_cap"]
    commodity: Name = Field(description="Whose supply.")
    places: NameList = Field(min_length=1, description="Places or groups counted together.")
    cap_share: ShareByYear = Field(description="Maximum share (fraction).")
    origin_role: Role = Field(
        default="last_origin",
        description="Role of `places`: the last origin of arrivals, or the content of arrivals and home output (where "
        "it was mined, refined, or was at any stage).",
    )


class MinimumShare(_OfSupply):
    """Lower limit on the share of home's arrivals and output of a commodity that is made or recovered at home."""

    kind: Literal["minimum_share"]
    commodity: Name = Field(description="Whose supply.")
    source: Literal["domestic", "recycled"] = Field(
        description="`domestic`: output and recovery at home. `recycled`: recovery, and output made of scrap alone."
    )
    minimum_share: ShareByYear = Field(description="Minimum share (fraction).")


class NetImportReliance(_OfSupply):
    """Upper limit on imports less exports, as a share of the supply that remains at home."""

    kind: Literal["net_import_reliance"]
    commodity: Name = Field(description="Whose supply.")
    cap_share: ShareByYear = Field(
        description="Maximum of net imports over net imports plus output at home (fraction)."
    )


class ConcentrationCap(_OfSupply):
    """Upper limit on the sum of squared shares of a commodity's sources. Home counts as one source."""

    kind: Literal["concentration_cap"]
    commodity: Name = Field(description="Whose supply.")
    cap_index: ShareByYear = Field(description="Maximum Herfindahl-Hirschman index, from 0 to 1.")
    tangents: Annotated[int, Field(ge=2, le=200)] = Field(
        default=20,
        description="Tangents that approximate each square; the index is exact to within 1 / (4 "
        "tangents^2) per source.",
    )


class Budget(_Limit):
    """Upper limit on the money that falls due in a period."""

    measured_in: ClassVar[Measure] = "kUSD"
    kind: Literal["budget"]
    covers: Annotated[list[Literal["capex", "onboarding", "stock", "support"]], BeforeValidator(split_list)] = Field(
        min_length=1,
        description="`capex` includes extra cost of tracks; `stock` is purchases at the reference price; `support` is "
        "price floors and grants.",
    )
    amount_kusd_per_y: ByYear = Field(description="kUSD/y.")


class JointCapacity(_Limit):
    """Upper limit on the activity of several facilities and projects together, such as recipes of one plant."""

    kind: Literal["joint_capacity"]
    facilities: Annotated[Recipe, BeforeValidator(each_once)] = Field(
        min_length=1,
        description="Facilities and projects, each with the t of the limit that 1 t of its activity takes. In a list "
        "each takes 1.",
    )
    capacity_t_per_y: ByYear = Field(description="t/y.")


class PermitSlots(_Limit):
    """Upper limit on the permit slots that starts use."""

    measured_in: ClassVar[Measure] = "slots"
    kind: Literal["permit_slots"]
    slots_per_y: ByYear = Field(description="Slots a year.")


class ServiceFloor(_Limit):
    """Lower limit on the share of demand served."""

    kind: Literal["service_floor"]
    tiers: Annotated[list[Tier], BeforeValidator(split_list)] = Field(
        min_length=1, description="Tiers it protects. The limit holds for each of their demands on its own."
    )
    commodities: NameList = Field(default=["*"], description="Commodities, or patterns.")
    served_share: ShareByYear = Field(description="Minimum share of each demand served (fraction).")


class Survival(_Limit):
    """Survival of the loss of any one of these places: for each, a stress test in which demand is served to a floor."""

    kind: Literal["survival"]
    places: NameList = Field(default=["*"], description="Places or groups; home and regions are never included.")
    onset: When = Field(description="First day of the loss; not before the second period.")
    until: When | None = Field(default=None, description="First day after the loss; absent: it lasts.")
    left_share: Share = Field(default=0.0, description="Share of output and exports that remains (fraction).")
    tiers: Annotated[list[Tier], BeforeValidator(split_list)] = Field(
        min_length=1, description="Tiers it protects. The limit holds for each of their demands on its own."
    )
    commodities: NameList = Field(default=["*"], description="Commodities, or patterns.")
    served_share: ShareByYear = Field(description="Minimum share of each demand served (fraction).")


Limit = Annotated[
    ShareCap
    | MinimumShare
    | NetImportReliance
    | ConcentrationCap
    | Budget
    | JointCapacity
    | PermitSlots
    | ServiceFloor
    | Survival,
    Field(discriminator="kind"),
]
