"""Cells and heads of columns."""

from __future__ import annotations

from typing import Any

import pandas as pd

from lodeplan.optimizer.words.numbers import amount, money, percent
from lodeplan.schemas.report import Cell, Heading

NOTHING = Cell(text="")


def words(text: Any) -> Cell:
    """A text."""
    return Cell(text=str(text))


def number(value: Any, unit: str = "") -> Cell:
    """A number in the unit of its column."""
    return _missing() if pd.isna(value) else Cell(text=amount(float(value)), value=float(value), unit=unit)


def quantity(value: Any, unit: str) -> Cell:
    """A number with its unit, where a column has several."""
    return _missing() if pd.isna(value) else Cell(text=f"{amount(float(value))} {unit}", value=float(value), unit=unit)


def cost(kusd: Any) -> Cell:
    """An amount of money, in the words that fit its size."""
    return _missing() if pd.isna(kusd) else Cell(text=money(float(kusd)), value=float(kusd), unit="kUSD")


def share(value: Any) -> Cell:
    """A fraction, in per cent."""
    return _missing() if pd.isna(value) else Cell(text=percent(float(value)), value=float(value))


def year(value: Any) -> Cell:
    """A year, whole or decimal."""
    return _missing() if pd.isna(value) else Cell(text=f"{float(value):g}")


def heads(*titles: str, details: int = 0) -> list[Heading]:
    """Heads of columns: one that begins with `>` stands over numbers; the last `details` are for wide pages alone."""
    first_detail = len(titles) - details
    return [
        Heading(title=title.removeprefix(">"), number=title.startswith(">"), detail=at >= first_detail)
        for at, title in enumerate(titles)
    ]


def _missing() -> Cell:
    return Cell(text="–")
