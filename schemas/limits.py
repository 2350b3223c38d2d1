"""Limits a planner sets; hard, or soft at a stated price."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from schemas.entries import Entry, Tier
from schemas.types import ByYear, Name, NameList, Positive, ShareByYear, split_list

Nodes = Literal["all", "base_path"]


class _Limit(Entry):
    applies_to: Nodes = Field(default="all", description="Every node, or the base path only.")
    violation_price_kusd: Positive | None = Field(
        default=None,
        description="Soft limit: price per unit of violation (kUSD per t, per kUSD or per slot); absent: hard.",
    )


class ShareCap(_Limit):
    """Places' share in home's arrivals and output of a commodity, at most."""

    kind: Literal["share_cap"]
    commodity: Name = Field(description="Whose supply.")
    places: NameList = Field(min_length=1, description="Places or groups counted together.")
    cap_share: ShareByYear = Field(description="Share at most (fraction).")


class Budget(_Limit):
    """Money falling due in a period, at most."""

    kind: Literal["budget"]
    covers: Annotated[list[Literal["capex", "onboarding", "stock", "support"]], BeforeValidator(split_list)] = Field(
        min_length=1,
        description="`capex` includes extra cost of tracks; `stock` is purchases at the reference price; `support` is "
        "price floors.",
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


Limit = Annotated[ShareCap | Budget | PermitSlots | ServiceFloor, Field(discriminator="kind")]
