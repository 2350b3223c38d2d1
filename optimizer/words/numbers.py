"""Numbers, years and lists as a planner reads them: three digits that count, thousands separated, a true minus sign."""

from __future__ import annotations

from collections.abc import Sequence

_SMALLEST = 5e-4
"""What is smaller is told as about 0, which is not the same as 0."""


def amount(value: float) -> str:
    """A number with about three significant digits and thousands separated.

    >>> amount(1234.5), amount(12.345), amount(0.0123), amount(-7.0), amount(1e-9), amount(0.0)
    ('1,234', '12.3', '0.0123', '−7', '≈ 0', '0')
    """
    if value == 0:
        return "0"
    if abs(value) < _SMALLEST:
        return "≈ 0"
    text = f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"
    return text.replace("-", "−")


def percent(share: float) -> str:
    """A fraction in per cent, with about three significant digits.

    >>> percent(0.2), percent(0.00412), percent(1e-9)
    ('20 %', '0.412 %', '≈ 0 %')
    """
    return f"{amount(100 * share)} %"


def money(kusd: float) -> str:
    """kUSD as USD, in the words that fit its size.

    >>> money(1_237_000.0), money(-52.2), money(999.9), money(0.0)
    ('1.24 billion USD', '−52.2 thousand USD', '1 million USD', '0 USD')
    """
    for size, name in ((1e6, "billion "), (1e3, "million "), (1.0, "thousand ")):
        # From here on three digits round up to the next word.
        if abs(kusd) >= 0.9995 * size:
            return f"{amount(kusd / size)} {name}USD"
    return f"{amount(kusd * 1e3)} USD"


def tonnes(t: float) -> str:
    """t with its unit."""
    return f"{amount(t)} t"


def measured(value: float | None, unit: str) -> str:
    """Write the value of a limit in its unit: a share in per cent, an index as it is.

    >>> measured(0.65, "fraction"), measured(0.5, "index from 0 to 1"), measured(12.0, "t"), measured(None, "t")
    ('65 %', '0.5', '12 t', '–')
    """
    if value is None or value != value:  # NaN
        return "–"
    if unit == "fraction":
        return percent(value)
    return amount(value) if unit.startswith("index") else f"{amount(value)} {unit.removesuffix(' per period')}"


def span_of_years(first: int, last: int) -> str:
    """The years of a period or horizon, both ends included: `2034`, or `2034 to 2035`."""
    return str(first) if first == last else f"{first} to {last}"


def listed(items: Sequence[str], at_most: int = 6) -> str:
    """`a, b and c`; what is left out is counted."""
    shown = list(items[:at_most])
    if len(items) > at_most:
        shown.append(f"{len(items) - at_most} more")
    return "".join(shown) if len(shown) < 2 else ", ".join(shown[:-1]) + " and " + shown[-1]
