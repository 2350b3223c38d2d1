"""The duty on an import on one day, measure by measure."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, Field


class DutyTerm(BaseModel):
    """One part of a measure's duty."""

    base: str = Field(description="Base to which the rate applies.")
    base_value: float | None = Field(description="kUSD per t contained; of `gross_weight`, t gross per t contained.")
    rate: float = Field(description="Share of the base; of `gross_weight` and `minimum_price`, kUSD per t.")
    duty_kusd_per_t: float | None


class DutyLine(BaseModel):
    """One measure and its outcome."""

    measure: str
    title: str
    programme: str
    outcome: str
    because: str = Field(description="The measure, event, exemption or date that decided the outcome.")
    why: str = Field(description="Reason why the measure is not counted, in words; empty if it is counted.")
    band: str = Field(description="Band of a tariff-rate quota.")
    origin: str
    origin_title: str
    share: float = Field(description="Share of this member in an origin that is a region.")
    terms: list[DutyTerm]
    duty_kusd_per_t: float | None = Field(description="Added for the whole origin, kUSD per t contained.")
    duty_share: float = Field(description="The same as a fraction of customs value.")
    cumulative_kusd_per_t: float | None
    cumulative_share: float


class DutyBand(BaseModel):
    """The duty in one duty band of a route; `all` where there is no quota."""

    band: str
    in_force: list[DutyLine]
    not_counted: list[DutyLine]
    duty_kusd_per_t: float | None = Field(description="Empty where only rates are known.")
    duty_share: float = Field(description="Fraction of customs value.")


class DutySource(BaseModel):
    """Source of a measure."""

    measure: str
    kind: str
    source: str
    year: int | None


class DutyAnswer(BaseModel):
    """The duty on an import on one day."""

    scenario: str
    commodity: str
    commodity_title: str
    origin: str
    origin_title: str
    destination: str
    destination_title: str
    on: date
    events: list[str]
    customs_value_kusd_per_t: float | None
    value_from: str = Field(description="Source of the customs value, in words.")
    notes: list[str] = Field(description="Notes on the numbers, in sentences.")
    bands: list[DutyBand]
    sources: list[DutySource]
    measures: int = Field(description="Measures in the scenario.")
