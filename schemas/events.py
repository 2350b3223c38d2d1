"""Events (dated changes) and the futures made of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from lodeplan.schemas.entries import Entry, Tier
from lodeplan.schemas.types import Name, NameList, NonNegative, Share, When, split_list


class _Event(Entry):
    onset: When = Field(description="First day; not before the second period begins.")
    until: When | None = Field(
        default=None, description="First day after the event; absent: it lasts to the end of the horizon."
    )


class _Fading(_Event):
    recovery_years: NonNegative = Field(
        default=0.0, description="Years after `until` over which its effect fades evenly to zero."
    )


class ExportEvent(_Fading):
    """Routes out of places carry less: a ban, a licence delay, a quota, a blockade."""

    changes: Literal["exports"]
    places: NameList = Field(default=["*"], description="Origins, or groups.")
    commodities: NameList = Field(default=["*"], description="Commodities, or patterns.")
    destinations: NameList = Field(default=["*"], description="Destinations, or groups.")
    availability_share: Share = Field(description="Share that remains during the event (0: nothing).")


class OutputEvent(_Fading):
    """Facilities run less: a strike, an accident, a war, a water shortage."""

    changes: Literal["output"]
    places: NameList = Field(default=["*"], description="Places, or groups.")
    commodities: NameList = Field(default=["*"], description="Commodities they make, or patterns.")
    facilities: NameList = Field(default=["*"], description="Facilities and projects, or patterns.")
    availability_share: Share = Field(description="Share that remains during the event (0: nothing).")


class PriceEvent(_Fading):
    """Costs of facilities abroad and customs values move."""

    changes: Literal["price"]
    places: NameList = Field(default=["*"], description="Places, or groups; home is never included.")
    commodities: NameList = Field(default=["*"], description="Commodities, or patterns.")
    factor: NonNegative = Field(description="New price over old.")


class DemandEvent(_Fading):
    """Demand changes."""

    changes: Literal["demand"]
    commodities: NameList = Field(default=["*"], description="Commodities, or patterns.")
    tiers: Annotated[list[Tier], BeforeValidator(split_list)] = Field(
        default=["military", "essential_civilian", "other", "export"], description="Tiers."
    )
    factor: NonNegative = Field(description="New demand over old.")


class ProjectEvent(_Event):
    """Project starts that are not on line at the onset are delayed or fail."""

    changes: Literal["projects"]
    projects: NameList = Field(default=["*"], description="Projects, or patterns.")
    delay_years: NonNegative | None = Field(default=None, description="Delay, years; absent: they fail.")


class TariffEvent(_Event):
    """Measures come into force or are lifted."""

    changes: Literal["tariffs"]
    switch_on: NameList = Field(default=[], description="Measures that come into force.")
    switch_off: NameList = Field(default=[], description="Measures that are lifted.")


Event = Annotated[
    ExportEvent | OutputEvent | PriceEvent | DemandEvent | ProjectEvent | TariffEvent, Field(discriminator="changes")
]


class Future(Entry):
    """One possible future: a set of events and its probability."""

    probability: Share | None = Field(
        default=None, description="Probability. One future may omit it and takes what the others leave."
    )
    events: NameList = Field(default=[], description="Its events; none: the years go as planned.")
    after: Name | None = Field(
        default=None,
        description="The future that this one follows, events included, until it departs; absent: the base path.",
    )
    stress: bool = Field(
        default=False,
        description="A stress test: a future of probability 0 that the plan must withstand. It has no starts or "
        "onboardings of its own, and only limits that name it apply.",
    )
