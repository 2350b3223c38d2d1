"""The one way to read a date: a day such as `2026-07-01`, or a year for its first day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_YEAR = re.compile(r"[0-9]{1,4}")

_YEAR_FIRST = re.compile(r"([0-9]{4})[-/. ]([0-9]{1,2})(?:[-/. ]([0-9]{1,2}))?(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/. ]+)([0-9]{1,2})[-/. ]+([0-9]{4}|[0-9]{2})")
_MONTH_AND_YEAR = re.compile(r"([0-9]{1,2})[-/. ]([0-9]{4})")
_QUARTER = re.compile(r"(?:q([1-4])[-/ ]?([0-9]{4})|([0-9]{4})[-/ ]?q([1-4]))")
_WORDS = re.compile(r"[a-z]+|[0-9]+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPREADSHEET_DAYS = (20_000, 80_000)
_SPREADSHEET_ZERO = date(1899, 12, 30)
_UNIX_SECONDS = (10**8, 10**10)


class BrokenDate(ValueError):
    """A value that is not a date, with what to write instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def read_date(value: Any) -> date:
    """Return the day that a value stands for; raises `BrokenDate`. A text or whole number must be `2026-07-01` or a
    year from 1 to 9998. Python objects may be dates, or times at midnight as in data frames.
    """
    if isinstance(value, datetime):
        if value.time() == time() and value.tzinfo is None:
            return value.date()
        raise BrokenDate("this has a time of day; only a date is allowed.", f"Write {value.date()}.")
    if isinstance(value, date):
        return value
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if _YEAR.fullmatch(text) and 1 <= int(text) <= 9998:
        return date(int(text), 1, 1)
    found = _DAY.fullmatch(text)
    if found:
        year, month, day = map(int, found.groups())
        for meant in _days([(year, month, day)]):
            return meant
        swapped = [f"Write {other}." for other in _days([(year, day, month)])]
        raise BrokenDate("there is no such day.", *(swapped or ["Write a date that exists, such as 2026-07-01."]))
    raise BrokenDate("this is not a date.", _remedy(value))


def _remedy(value: Any) -> str:
    """A remedy: the likely dates, or the two allowed forms."""
    days = list(dict.fromkeys(_guesses(value)))
    if not days:
        return "Write a day as 2026-07-01, or a year as 2026."
    if len(days) > 1:
        return f"Write {days[0]} or {days[1]}, whichever is meant."
    return f"Write {days[0]}" + (f", or {days[0].year}." if isinstance(value, float) else ".")


def _guesses(value: Any) -> Iterator[date]:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return
    text = str(value).strip().lower()
    try:
        number = float(text)
    except ValueError:
        yield from _guesses_of_text(text)
        return
    if number.is_integer():
        yield from _guesses_of_number(int(number), text.partition(".")[0])
    yield from _guesses_of_text(text)


def _guesses_of_number(number: int, digits: str) -> Iterator[date]:
    """A year written as `2026.0`; 20260701 or 202607; days of a spreadsheet; seconds or milliseconds since 1970."""
    if 1 <= number <= 9998:
        yield date(number, 1, 1)
    elif len(digits) == 8 and digits.startswith(("19", "20", "21")):
        yield from _days([(int(digits[:4]), int(digits[4:6]), int(digits[6:]))])
    elif len(digits) == 6 and digits.startswith(("19", "20", "21")):
        yield from _days([(int(digits[:4]), int(digits[4:]), 1)])
    elif _SPREADSHEET_DAYS[0] <= number <= _SPREADSHEET_DAYS[1]:
        yield _SPREADSHEET_ZERO + timedelta(days=number)
    for seconds in (number, number // 1000):
        if _UNIX_SECONDS[0] <= seconds <= _UNIX_SECONDS[1] and len(digits) > 8:
            yield datetime.fromtimestamp(seconds, UTC).date()


def _guesses_of_text(text: str) -> Iterator[date]:
    if found := _YEAR_FIRST.fullmatch(text.upper()):
        yield from _days([(int(found[1]), int(found[2]), int(found[3] or 1))])
    elif found := _YEAR_LAST.fullmatch(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        year += 2000 if len(found[4]) == 2 else 0
        day_first, month_first = (year, second, first), (year, first, second)
        # Only the day comes first before a dot; before other signs either may.
        yield from _days([day_first] if found[2].strip() == "." else [month_first, day_first])
    elif found := _MONTH_AND_YEAR.fullmatch(text):
        yield from _days([(int(found[2]), int(found[1]), 1)])
    elif found := _QUARTER.fullmatch(text):
        quarter, year = int(found[1] or found[4]), int(found[2] or found[3])
        yield from _days([(year, 3 * quarter - 2, 1)])
    else:
        yield from _guess_of_words(_WORDS.findall(text))


def _guess_of_words(words: Sequence[str]) -> Iterator[date]:
    """`1 July 2026`, `July 1, 2026`, `Jul 2026`."""
    months = [_MONTHS.index(word[:3]) + 1 for word in words if word[:3] in _MONTHS]
    years = [int(word) for word in words if len(word) == 4 and word.isdecimal()]
    numbers = [int(word) for word in words if len(word) <= 2 and word.isdecimal()]
    if len(months) == 1 and len(years) == 1 and len(numbers) <= 1:
        yield from _days([(years[0], months[0], *(numbers or [1]))])


def _days(parts: Sequence[tuple[int, ...]]) -> Iterator[date]:
    """Those of the years, months and days that are days of the calendar."""
    for year, month, day in parts:
        try:
            yield date(year, month, day)
        except ValueError:
            continue
