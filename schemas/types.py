"""Field types of a scenario. A text means the same in YAML, JSON and a CSV cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Annotated, Any, LiteralString

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationInfo, WrapValidator
from pydantic_core import PydanticCustomError

from lodeplan.schemas import codes
from lodeplan.schemas.dates import BrokenDate, read_date

SMALLEST, TOO_LARGE = 1e-9, 1e15
"""Range of the size of a number that is not 0. A number beyond it stands for no limit or is in another unit, and the
solver, which works to some nine digits, could not tell it from 0 or from no limit."""
_SIZES = "0, or a size from 1e-9 to below 1e15"


class Strict(BaseModel):
    """A model that refuses fields it does not know, and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def refused(code: LiteralString, message: str, *, remedy: str = "", allowed: str = "") -> PydanticCustomError:
    """Build an error of a field, to be raised; planners see its words unchanged."""
    context = {"message": message.replace("{", "(").replace("}", ")"), "remedy": remedy, "allowed": allowed}
    return PydanticCustomError(code, "{message}", context)


def split_list(value: Any) -> Any:
    """Read `"CHN; RUS"` as a list of both; a CSV cell cannot hold a list otherwise."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(";") if part.strip()]
    if isinstance(value, list):
        return [item.strip() if isinstance(item, str) else item for item in value]
    return value


def read_pairs(value: str) -> list[tuple[str, str]]:
    """The pairs in `"2026=5; 2030=8"`, in the order written; empty for text without `=`."""
    if "=" not in value:
        return []
    parts = [part.rpartition("=") for part in value.split(";") if part.strip()]
    return [(key.strip(), number.strip()) for key, _, number in parts]


def split_pairs(value: Any) -> Any:
    """Read `"CHN=5; RUS=8"` as a mapping of both pairs; other text is left for the field to judge."""
    return _mapping(value, str)


def split_numbered(value: Any) -> Any:
    """Like `split_pairs`, with numbers as keys, so that `2026` and `2026.0`, `0.5` and `0.50` are one key."""
    return _mapping(value, number_or_text)


def number_or_text(key: str) -> float | str:
    """Read a key as a number if it is one."""
    try:
        return float(key)
    except ValueError:
        return key


def _mapping(value: Any, meaning: Callable[[str], float | str]) -> Any:
    pairs = read_pairs(value) if isinstance(value, str) else []
    if pairs:
        refuse_twice(pairs, meaning)
        return dict(pairs)
    if isinstance(value, Mapping):
        refuse_twice(value.items(), meaning)
    return value


def by_rising_key(steps: dict[float, float]) -> dict[float, float]:
    """Sort steps by their keys."""
    return dict(sorted(steps.items()))


def refuse_twice(pairs: Iterable[tuple[Any, Any]], meaning: Callable[[str], float | str]) -> None:
    """Raise an error of a field where two keys mean the same; it names them with their values."""
    found: dict[float | str, list[tuple[str, Any]]] = {}
    for key, value in pairs:
        found.setdefault(meaning(str(key)), []).append((str(key), value))
    for same in found.values():
        if len(same) > 1:
            said = [f"{key}={_short(value)}" for key, value in same]
            message = f"one key is given {'twice' if len(same) == 2 else f'{len(same)} times'}: {', '.join(said)}."
            raise refused("duplicate_key", message, remedy="Keep one of them.")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _to_date(value: Any) -> date:
    try:
        return read_date(value)
    except BrokenDate as error:
        raise refused("broken_date", str(error), remedy=error.remedy) from None


def _sized(value: Any, read: Callable[[Any], float], info: ValidationInfo) -> float:
    """Read a number and hold it to the allowed size."""
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        raise refused("wrong_type", "this is not a number.")
    number = read(value)
    if number != 0 and not SMALLEST <= abs(number) < TOO_LARGE:
        what = "small" if abs(number) < SMALLEST else "large"
        raise refused("magnitude", f"this number is too {what} in size.", allowed=_SIZES)
    return number


def _to_code(value: Any) -> Any:
    """Read a tariff code; the error for anything else suggests the code it may have been."""
    text = value.strip() if isinstance(value, str) else repr(value)
    if isinstance(value, str) and codes.is_code(text):
        return text
    meant = [f'"{code}"' for code in codes.guesses(text)] if _may_be_code(value) else []
    remedy = f"Did you mean {' or '.join(meant)}? " if meant else ""
    is_text = isinstance(value, str)
    remedy += "Separate several by `;`." if is_text else "Put it in quotes."
    message = "this is not a tariff code." if is_text else "a tariff code written as a number loses its zeros."
    raise refused("tariff_code", message, remedy=remedy, allowed=codes.ALLOWED)


def _may_be_code(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _to_codes(value: Any) -> Any:
    return [value] if _may_be_code(value) and not isinstance(value, str) else split_list(value)


Sized = WrapValidator(_sized)
"""Holds a number to the allowed size; used by all numbers of a scenario that may have a fraction."""

Number = Annotated[float, Sized]
LAST_YEAR = 9998
"""The last year whose end is a date."""
Year = Annotated[int, Field(ge=1, le=LAST_YEAR)]
Share = Annotated[float, Field(ge=0, le=1), Sized]
NonNegative = Annotated[float, Field(ge=0), Sized]
Positive = Annotated[float, Field(gt=0), Sized]
Name = Annotated[str, Field(min_length=1, max_length=120)]

NameList = Annotated[list[Name], BeforeValidator(split_list)]
"""Names, or patterns with `*` where the field says so."""

CodeList = Annotated[list[Annotated[str, BeforeValidator(_to_code)]], BeforeValidator(_to_codes)]
"""Tariff codes, or their leading digits."""

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
    BeforeValidator(split_numbered),
]
"""A number, or numbers by year. A year takes the entry of the latest year up to it (the first entry
before that); a period takes the mean of the years it covers."""

AnyByYear = Annotated[Number | Annotated[dict[Year, Number], Field(min_length=1)], BeforeValidator(split_numbered)]
"""As `ByYear`, negative numbers allowed."""

ShareByYear = Annotated[Share | Annotated[dict[Year, Share], Field(min_length=1)], BeforeValidator(split_numbered)]
