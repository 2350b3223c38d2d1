"""Rows of a table as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lodeplan.optimizer.words.numbers import span_of_years


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
    """Periods, by their first year, that the base path reaches: it stops where some future is certain to have come, and
    the planned path goes on in those that are left."""
    nodes = tables["nodes"]
    return {int(year) for year in nodes.loc[nodes["future"].fillna("") == "", "period"]}


def years_in_words(tables: Mapping[str, pd.DataFrame]) -> dict[int, str]:
    """The years of each period, such as `2034 to 2035`, by the first."""
    nodes = tables["nodes"]
    lengths = dict(zip(nodes["period"].astype(int), nodes["length_y"].astype(int), strict=True))
    return {first: span_of_years(first, first + length - 1) for first, length in sorted(lengths.items())}


def nodes_in_words(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Nodes by name, with the last year of a longer period: `2028 to 2029`, `ban@2028 to 2029`."""
    nodes = tables["nodes"]
    lengths = zip(nodes["node"], nodes["period"].astype(int), nodes["length_y"].astype(int), strict=True)
    return {
        str(node): f"{node} to {first + length - 1}" if length > 1 else str(node) for node, first, length in lengths
    }


def told_limits(limits: pd.DataFrame) -> pd.DataFrame:
    """Rows of the table `limits` that a reader is told: those missed, the costliest first, and those that hold only as
    something goes short."""
    told = limits[(limits["missed"] > 0) | (limits["short_t"] > 0)]
    return told.sort_values(["missed_kusd", "short_t"], ascending=False, kind="stable")
