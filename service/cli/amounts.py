"""Money, mass and shares as a person reads them."""

from __future__ import annotations

import math

_HARDLY_ANY = 1e-5


def money(kusd: float) -> str:
    """An amount in kUSD, in the unit that fits: `5.17 million USD`."""
    for factor, unit in ((1e6, "billion USD"), (1e3, "million USD")):
        # From here on rounding to three digits would reach the unit.
        if abs(kusd) >= 0.9995 * factor:
            return f"{_three_digits(kusd / factor)} {unit}"
    return f"{_three_digits(kusd)} thousand USD" if kusd else "0 USD"


def amount(number: float) -> str:
    """A number without its unit: `12,346`; below a thousand with three digits."""
    return _three_digits(number) if abs(number) < 999.5 else f"{number:,.0f}"


def percent(share: float) -> str:
    """A fraction in per cent, with two digits where it is small: `0.32 %`."""
    if share == 0:
        return "0 %"
    if abs(share) < _HARDLY_ANY:
        return "about 0 %"
    digits = max(0, 1 - math.floor(math.log10(abs(share) * 100)))
    return f"{share * 100:,.{digits}f} %"


def _three_digits(number: float) -> str:
    """Three significant digits, and no trailing zeros after the point."""
    if number == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    text = f"{number:,.{min(digits, 9)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
