"""Hazards: interruptions with yearly rates, from which futures are sampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from lodeplan.schemas.entries import Entry
from lodeplan.schemas.types import Name, NameList, NonNegative, Share, Sized, Strict, split_numbered


class Triangle(Strict):
    """A triangular distribution."""

    low: NonNegative = Field(description="Least value.")
    mode: NonNegative = Field(description="Most likely value.")
    high: NonNegative = Field(description="Largest value.")


def _form(value: Any) -> str:
    """Tell which form a value has, so that errors are reported for that form only."""
    if isinstance(value, Triangle):
        return "triangle"
    if not isinstance(value, Mapping):
        return "value"
    return "triangle" if value.keys() & Triangle.model_fields.keys() else "values"


_NUMBERS_AS_KEYS: dict[str, Any] = {"propertyNames": {"pattern": r"^[0-9.eE_+\s-]+$"}}
"""Lets JSON Schema validators tell values with probabilities from a triangle; otherwise both would match."""

Distribution = Annotated[
    Annotated[NonNegative, Tag("value")]
    | Annotated[dict[NonNegative, Share], Field(min_length=1, json_schema_extra=_NUMBERS_AS_KEYS), Tag("values")]
    | Annotated[Triangle, Tag("triangle")],
    Discriminator(_form),
    BeforeValidator(split_numbered),
]
"""One value; values with their probabilities (`0=0.5; 0.4=0.5`); or a triangle of low, mode and high."""


class Hazard(Entry):
    """An interruption that may begin in any year after the first period."""

    changes: Literal["exports", "output"] = Field(description="Flow that it interrupts, as in an event.")
    places: NameList = Field(default=["*"], description="Places, or groups.")
    commodities: NameList = Field(default=["*"], description="Commodities, or patterns.")
    destinations: NameList = Field(default=["*"], description="Destinations, or groups; for `exports` only.")
    yearly_rate: Share = Field(description="Probability that it begins in a year in which it is not in force.")
    availability_share: Distribution = Field(description="Share that remains during the interruption (fraction).")
    duration_years: Distribution = Field(description="Duration, years.")
    recovery_years: NonNegative = Field(default=0.0, description="Years over which its effect then fades evenly.")
    bloc: Name | None = Field(
        default=None, description="Name of a bloc. Hazards of one bloc tend to begin in the same year."
    )
    bloc_correlation: Annotated[float, Field(ge=0, lt=1), Sized] = Field(
        default=0.0, description="Correlation with the bloc's common cause (Gaussian copula, of yearly onsets)."
    )


class Sampling(Strict):
    """Settings for drawing futures from hazards and reducing them to a few."""

    futures: Annotated[int, Field(ge=1, le=2000)] = Field(description="Futures kept.")
    draws: Annotated[int, Field(ge=1, le=100_000)] = Field(default=1000, description="Futures drawn.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(default=0, description="Seed of the draw.")
