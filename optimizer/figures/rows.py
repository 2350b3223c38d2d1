"""Rows of a table as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One mapping a row, from column to value."""
    # Many times faster than `to_dict`; a page reads many rows.
    names = [str(name) for name in table.columns]
    columns = [table[name].tolist() for name in table.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def cell_text(value: Any) -> str:
    """A cell that names; empty where there is none."""
    return "" if pd.isna(value) else str(value)


def base_path_years(tables: Mapping[str, pd.DataFrame]) -> set[int]:
    """Periods, by their first year, that the base path reaches: it stops where some future is certain to have come."""
    nodes = tables["nodes"]
    return {int(year) for year in nodes.loc[nodes["future"].fillna("") == "", "period"]}


def shown_flows(tables: Mapping[str, pd.DataFrame], rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the table `supply` or `uses` with `t_per_y`: on the base path, or the mean over the futures once that
    has stopped."""
    on_path = rows["year"].isin(base_path_years(tables))
    return rows.assign(t_per_y=rows["base_t_per_y"].where(on_path, rows["expected_t_per_y"]))
