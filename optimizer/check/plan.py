"""A plan's tables as numbers by node (conventions, "Tables of a result").

What is listed twice, is no number or does not exist in the scenario is reported here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import pandas as pd

from lodeplan.optimizer.check.ledger import Ledger

Name = tuple[str, ...]
"""What a row is about, without the node: facility and step, route and band, ..."""
Rows = dict[str, dict[Name, tuple[float, ...]]]
"""Numbers of a table by node, then by name."""


@dataclass(frozen=True)
class Layout:
    """Columns of a table: those that name (the node comes after them), and those that count."""

    names: tuple[str, ...]
    numbers: tuple[str, ...] = ()


LAYOUTS = {
    "run": Layout(("facility", "step"), ("run_t_per_y",)),
    "ship": Layout(("route", "band"), ("ship_t_per_y",)),
    "store": Layout(("stockpile",), ("buy_t_per_y", "release_t_per_y", "stock_t")),
    "dispose": Layout(("commodity", "place"), ("dispose_t_per_y",)),
    "activity": Layout(("facility", "mode"), ("run_t_per_y",)),
    "declare": Layout(("commodity", "place", "variant", "declared"), ("declared_t_per_y",)),
    "recover": Layout(("recycling",), ("recovered_t_per_y",)),
    "serve": Layout(("demand", "option"), ("served_t_per_y",)),
    "shortage": Layout(("demand", "step"), ("shortage_t_per_y",)),
    "starts": Layout(("project", "track")),
    "onboardings": Layout(("route",)),
    "slack": Layout(("limit", "item"), ("slack",)),
}


@dataclass
class Plan:
    """Values of the plan by node; missing values are zero."""

    tables: dict[str, Rows] = field(default_factory=dict)
    _totals: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    _parts: dict[tuple[str, str], dict[str, list[tuple[str, float]]]] = field(default_factory=dict)

    def rows(self, table: str, node: str) -> Mapping[Name, tuple[float, ...]]:
        """Rows of a table at a node."""
        return self.tables[table].get(node, {})

    def totals(self, table: str, node: str) -> Mapping[str, float]:
        """The first number of the rows at a node, added up by the first of their names."""
        if (table, node) not in self._totals:
            total = self._totals[table, node] = {}
            for name, numbers in self.rows(table, node).items():
                total[name[0]] = total.get(name[0], 0.0) + numbers[0]
        return self._totals[table, node]

    def parts(self, table: str, node: str) -> Mapping[str, list[tuple[str, float]]]:
        """The first number of the rows at a node, with the second of their names, by the first."""
        if (table, node) not in self._parts:
            parts = self._parts[table, node] = {}
            for (first, second), numbers in self.rows(table, node).items():
                parts.setdefault(first, []).append((second, numbers[0]))
        return self._parts[table, node]

    def value(self, table: str, node: str, name: Name) -> float:
        """The first number of one row."""
        row = self.rows(table, node).get(name)
        return row[0] if row else 0.0


def text(value: Any) -> str:
    """A cell that names; empty for None and NaN, `2` for 2.0."""
    if value is None or value is pd.NA or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def records(frame: pd.DataFrame | None, columns: Iterable[str], table: str, ledger: Ledger) -> list[tuple[Any, ...]]:
    """The rows of a table as tuples of these columns. A missing table has none; a missing column is a finding."""
    if frame is None or frame.empty:
        return []
    lacking = [column for column in columns if column not in frame.columns]
    if lacking:
        ledger.wrong(f"table {table} has no column {', '.join(lacking)}")
        return []
    return list(zip(*(frame[column].tolist() for column in columns), strict=True))


def read_plan(
    tables: Mapping[str, pd.DataFrame], known: Mapping[str, frozenset[Name]], nodes: Iterable[str], ledger: Ledger
) -> Plan:
    """The solution itself; `known` holds the names each table may speak of."""
    known_nodes = frozenset(nodes)
    plan = Plan()
    for table, layout in LAYOUTS.items():
        columns = (*layout.names, "node", *layout.numbers)
        rows: Rows = {}
        for record in records(tables.get(table), columns, table, ledger):
            name = tuple(map(text, record[: len(layout.names)]))
            node = text(record[len(layout.names)])
            where = f"{table} of {' '.join(filter(None, name))} at {node}"
            if name not in known[table] or node not in known_nodes:
                ledger.wrong(f"{where} does not exist in the scenario")
            elif name in rows.setdefault(node, {}):
                ledger.wrong(f"{where} is listed twice")
            else:
                numbers = record[len(layout.names) + 1 :]
                rows[node][name] = _numbers(numbers, layout, where, ledger)
        plan.tables[table] = rows
    return plan


def number(value: Any) -> float | None:
    """A finite number, or None."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if isfinite(found) else None


def _numbers(values: tuple[Any, ...], layout: Layout, where: str, ledger: Ledger) -> tuple[float, ...]:
    found = tuple(map(number, values))
    for column, value, given in zip(layout.numbers, found, values, strict=True):
        if value is None:
            ledger.wrong(f"{where}: {column} is {given!r}, not a number")
    return tuple(value or 0.0 for value in found)
