"""Rows of a table as plain data."""

from __future__ import annotations

from typing import Any

import pandas as pd


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One mapping a row, from column to value."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def cell_text(value: Any) -> str:
    """A cell that names; empty where there is none."""
    return "" if pd.isna(value) else str(value)
