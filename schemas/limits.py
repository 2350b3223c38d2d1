"""Limits a planner sets; hard, or soft at a stated price."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from lodeplan.schemas.content import Role
from lodeplan.schemas.entries import Entry, Tier
from lodeplan.schemas.types import ByYear, Name, NameList, Positive, Share, ShareByYear, When, split_list

Nodes = Literal["all", "base_path"]
Whole = Literal["supply", "use"]


class _Limit(Entry):
    applies_to: Nodes = Field(
        default="all",
        description="Every node, or the base path only, with what is sure to take its place.",
    )
    futures: NameList = Field(
        default=[],
        description="Futures, or patterns, whose own nodes it applies to; none: all nodes but those of stress tests.",
    )
    violation_price_kusd: Positive | None = Field(
        default=None,
        description="Soft limit: price per unit of violation (kUSD per t, per kUSD or per slot); absent: hard.",
    )


class _OfSupply(_Limit):
    of: Whole = Field(
        default="supply",
        description="What the share is of: `supply` (all that arrives, is made and recovered at home) or `use` (what "
        "is needed there, met or not). A share of supply can also be kept by going short.",
    )


class ShareCap(_OfSupply):
    """Places' share in home's arrivals and output of a commodity, at most."""

    kind: Literal["share_cap"]
    commodity: Name = Field(description="Whose supply.")
    places: NameList = Field(min_length=1, description="Places or groups counted together.")
    cap_share: ShareByYear = Field(description="Share at most (fraction).")
    origin_role: Role = Field(
        default="last_origin",
        description="What `places` are held against: the last origin of arrivals, or the content of arrivals and home "
        "output: where it was mined, refined, or was at any stage.",
    )


class MinimumShare(_OfSupply):
    """Share of home's arrivals and output of a commodity that is made or recovered at home, at least."""

    kind: Literal["minimum_share"]
    commodity: Name = Field(description="Whose supply.")
    source: Literal["domestic", "recycled"] = Field(
        description="`domestic`: output and recovery at home. `recycled`: recovery, and output made of scrap alone."
    )
    minimum_share: ShareByYear = Field(description="Share at least (fraction).")


class NetImportReliance(_OfSupply):
    """Imports less exports, as a share of what is left for home, at most."""

    kind: Literal["net_import_reliance"]
    commodity: Name = Field(description="Whose supply.")
    cap_share: ShareByYear = Field(description="Net imports over net imports and output at home, at most (fraction).")


class ConcentrationCap(_OfSupply):
    """Sum of squared shares of the sources of a commodity, at most; home counts as one source."""

    kind: Literal["concentration_cap"]
    commodity: Name = Field(description="Whose supply.")
    cap_index: ShareByYear = Field(description="Herfindahl-Hirschman index at most, from 0 to 1.")
    tangents: Annotated[int, Field(ge=2, le=200)] = Field(
        default=20, description="Tangents a square is cut into; the index is met to within 1 / (4 tangents^2) a source."
    )


class Budget(_Limit):
    """Money falling due in a period, at most."""

    kind: Literal["budget"]
    covers: Annotated[list[Literal["capex", "onboarding", "stock", "support"]], BeforeValidator(split_list)] = Field(
        min_length=1,
        description="`capex` includes extra cost of tracks; `stock` is purchases at the reference price; `support` is "
        "price floors and grants.",
    )
    amount_kusd_per_y: ByYear = Field(description="kUSD/y.")


class PermitSlots(_Limit):
    """Permit slots used by starts, at most."""

    kind: Literal["permit_slots"]
    slots_per_y: ByYear = Field(description="Slots a year.")


class ServiceFloor(_Limit):
    """Share of demand served, at least."""

    kind: Literal["service_floor"]
    tiers: Annotated[list[Tier], BeforeValidator(split_list)] = Field(
        min_length=1, description="Tiers it protects, each demand alone."
    )
    commodities: NameList = Field(default=["*"], description="Commodities, or patterns.")
    served_share: ShareByYear = Field(description="Share of each demand served, at least (fraction).")


class Survival(_Limit):
    """Loss of any one of these places, one at a time: for each a stress test in which demand is served to a floor."""

    kind: Literal["survival"]
    places: NameList = Field(default=["*"], description="Places or groups; home and regions are never meant.")
    onset: When = Field(description="First day of the loss; not before the second period.")
    until: When | None = Field(default=None, description="First day it is over; absent: it stays.")
    left_share: Share = Field(default=0.0, description="What is left of output and exports (fraction).")
    tiers: Annotated[list[Tier], BeforeValidator(split_list)] = Field(
        min_length=1, description="Tiers it protects, each demand alone."
    )
    commodities: NameList = Field(default=["*"], description="Commodities, or patterns.")
    served_share: ShareByYear = Field(description="Share of each demand served, at least (fraction).")


Limit = Annotated[
    ShareCap | MinimumShare | NetImportReliance | ConcentrationCap | Budget | PermitSlots | ServiceFloor | Survival,
    Field(discriminator="kind"),
]
