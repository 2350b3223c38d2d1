"""Field types of a scenario. The same text means the same in YAML, JSON and a CSV cell."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer


class Strict(BaseModel):
    """A model that refuses fields it does not know, and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def split_list(value: Any) -> Any:
    """`"CHN; RUS"` is the list of both; a CSV cell has no other way to say so."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(";") if part.strip()]
    return value


def split_pairs(value: Any) -> Any:
    """`"2026=5; 2030=8"` is the mapping of both pairs; other text is left for the field to judge."""
    if isinstance(value, str) and "=" in value:
        parts = [part.rpartition("=") for part in value.split(";") if part.strip()]
        return {key.strip(): number.strip() for key, _, number in parts}
    return value


def by_rising_key(steps: dict[float, float]) -> dict[float, float]:
    """The steps in the order of their keys, in whatever order they were written."""
    return dict(sorted(steps.items()))


def _to_date(value: Any) -> Any:
    """A bare year means its first day."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 9998:
        return date(value, 1, 1)
    return value


Year = Annotated[int, Field(ge=1, le=9998)]
Share = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Name = Annotated[str, Field(min_length=1, max_length=120)]

NameList = Annotated[list[Name], BeforeValidator(split_list)]
"""Names, or patterns with `*` where the field says so."""

When = Annotated[
    date,
    BeforeValidator(_to_date),
    PlainSerializer(lambda day: day.isoformat(), return_type=str),
]
"""A day (`2027-03-01`), or a year for its first day."""

Recipe = Annotated[dict[Name, Positive], BeforeValidator(split_pairs)]
"""t of each commodity per t of activity."""

ByYear = Annotated[
    NonNegative | Annotated[dict[Year, NonNegative], Field(min_length=1)],
    BeforeValidator(split_pairs),
]
"""A number, or numbers by year. A year takes the entry of the latest year up to it (the first entry
before that); a period takes the mean of the years it covers."""

AnyByYear = Annotated[float | Annotated[dict[Year, float], Field(min_length=1)], BeforeValidator(split_pairs)]
"""As `ByYear`, negative numbers allowed."""

ShareByYear = Annotated[Share | Annotated[dict[Year, Share], Field(min_length=1)], BeforeValidator(split_pairs)]
