"""How numbers are rounded and written."""

from __future__ import annotations

from collections.abc import Mapping


def rounded(value: float, digits: int = 4) -> float:
    """A number to so many significant digits."""
    return float(f"{value:.{digits}g}")


def text(value: float) -> str:
    """A number as a cell: no exponent, no trailing zeros."""
    shown = f"{value:.10f}".rstrip("0").rstrip(".")
    return "0" if shown in ("-0", "") else shown


def pairs(values: Mapping[str, float] | Mapping[int, float] | Mapping[float, float]) -> str:
    """A mapping as a cell, `2026=5; 2027=6`."""
    return "; ".join(
        f"{key if isinstance(key, str | int) else text(key)}={text(value)}" for key, value in values.items()
    )
