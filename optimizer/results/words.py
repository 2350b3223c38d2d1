"""Numbers as a planner says them."""

from __future__ import annotations

from collections.abc import Sequence


def money(kusd: float) -> str:
    """kUSD as USD with two or three digits that count: `1.24 billion USD`."""
    for size, name in ((1e6, "billion"), (1e3, "million"), (1.0, "thousand")):
        if abs(kusd) >= size:
            return f"{_digits(kusd / size)} {name} USD"
    return f"{kusd * 1e3:,.0f} USD"


def tonnes(t: float) -> str:
    """t with thousands separated."""
    return f"{t:,.0f} t" if abs(t) >= 10 else f"{t:.3g} t"


def percent(share: float) -> str:
    """A fraction in percent; what is below a ten-thousandth of a percent is 0."""
    return "0 %" if abs(share) < 1e-6 else f"{100 * share:.3g} %"


def span_of_years(first: int, last: int) -> str:
    """The years of a period or horizon, both ends included: `2034`, or `2034 to 2035`."""
    return str(first) if first == last else f"{first} to {last}"


def listed(items: Sequence[str], at_most: int = 6) -> str:
    """`a, b and c`; what is left out is counted."""
    shown = list(items[:at_most])
    if len(items) > at_most:
        shown.append(f"{len(items) - at_most} more")
    return "".join(shown) if len(shown) < 2 else ", ".join(shown[:-1]) + " and " + shown[-1]


def _digits(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
