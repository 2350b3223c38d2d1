"""Tables of a run as a page shows them: titles, units, numbers rounded with the exact value behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from lodeplan.optimizer.figures.rows import base_path_years, records, told_limits
from lodeplan.optimizer.figures.stock_levels import AS_PLANNED, stock_points
from lodeplan.optimizer.words.numbers import amount, measured, money, percent, span_of_years
from lodeplan.optimizer.words.titles import SOURCE_TITLES, TERM_TITLES, TIER_TITLES, USE_TITLES, title_of, user_title
from lodeplan.schemas import Scenario, Summary
from lodeplan.schemas.kinds import ProjectStatus, SourceKind, UseKind

MOST_ROWS = 40
"""Longer tables are cut on the page; the files hold all rows."""

ON_PLANNED_PATH = (
    "On the planned path: what happens if nothing does that is not sure. The files also hold the flows expected over "
    "all futures."
)
MEANS_FROM = "From {year} on some future has come for certain: the mean over those that are left."

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Cell:
    """Text of a cell; a number also has its exact value, shown on hover."""

    text: str
    exact: str = ""
    number: bool = False


Names = Callable[[Mapping[str, Any]], list[Cell]]
"""The first cells of a row, which say what it is about."""


@dataclass(frozen=True)
class Grid:
    """A table on the page. `source` is the table of the result that its links lead to, or empty."""

    title: str
    head: list[Cell]
    rows: list[list[Cell]]
    source: str = ""
    empty: str = "None."
    note: str = ""
    left_out: int = 0


def number(value: Any, unit: str = "") -> Cell:
    """A number in the unit of its column."""
    return _missing() if pd.isna(value) else Cell(amount(float(value)), f"{float(value)!r} {unit}".strip(), number=True)


def cost(kusd: Any) -> Cell:
    """An amount of money, in the words that fit its size."""
    return _missing() if pd.isna(kusd) else Cell(money(float(kusd)), f"{float(kusd)!r} kUSD", number=True)


def share(value: Any) -> Cell:
    """A fraction, in per cent."""
    return _missing() if pd.isna(value) else Cell(percent(float(value)), repr(float(value)), number=True)


def year(value: Any) -> Cell:
    """A year, whole or decimal."""
    return _missing() if pd.isna(value) else Cell(f"{float(value):g}", number=True)


def _missing() -> Cell:
    return Cell("–", number=True)


def _head(*names: str, first_number: int) -> list[Cell]:
    """Column heads; from `first_number` on they stand over numbers."""
    return [Cell(name, number=position >= first_number) for position, name in enumerate(names)]


def starts(tables: Tables, scenario: Scenario) -> Grid:
    """Projects started, on the base path or in a future, or committed before."""
    future_of = {row["node"]: row["future"] for row in records(tables["nodes"])}
    rows = [
        [
            Cell(str(row["title"] or row["project"])),
            Cell(str(row["status"])),
            Cell(str(row["track"]).replace("_", " ")),
            Cell(_path_of(future_of.get(row["node"]), scenario)),
            year(row["start"]),
            year(row["on_line"]),
            number(row["capacity_t_per_y"], "t/y"),
            cost(row["capex_kusd"]),
            share(row["utilisation_share"]),
            number(row["break_even_kusd_per_t"], "kUSD/t"),
        ]
        for row in records(tables["projects"])
        if row["status"] != ProjectStatus.NOT_STARTED
    ]
    names = (
        "Project",
        "Status",
        "Track",
        "Path",
        "Start",
        "On line",
        "Capacity, t/y",
        "Capital cost",
        "Use of capacity",
    )
    head = _head(*names, "Break-even price, USD/kg", first_number=4)
    empty = "The plan starts no project." if scenario.projects else "The scenario has no projects."
    return Grid("Projects", head, rows, source="projects", empty=empty)


def _path_of(future: str | None, scenario: Scenario) -> str:
    return title_of(scenario.futures, future) if future else AS_PLANNED


def onboardings(summary: Summary, scenario: Scenario) -> Grid:
    """Suppliers the plan qualifies on the planned path."""
    rows = [
        [Cell(title_of(scenario.routes, item.name)), year(item.start), year(item.on_line)]
        for item in summary.onboardings
    ]
    head = _head("Route", "Decided", "Usable from", first_number=1)
    return Grid("Suppliers to qualify", head, rows, source="onboardings", empty="No supplier needs to be qualified.")


def supply(tables: Tables, scenario: Scenario, mineral_group: str) -> Grid:
    """Supply of a mineral group by source and year, t/y on the planned path."""

    def names(row: Mapping[str, Any]) -> list[Cell]:
        return [
            Cell(title_of(scenario.commodities, row["commodity"])),
            Cell(title_of(scenario.places, row["place"])),
            Cell(SOURCE_TITLES[SourceKind(row["source_kind"])]),
        ]

    keys = ["commodity", "place", "source_kind"]
    head, rows = _by_year(_of_group(tables, "supply", keys, mineral_group), keys, names, "base_t_per_y")
    head = [*_head("Commodity", "Place", "Source", first_number=3), *head]
    return _cut(Grid("Supply by source, t/y", head, rows, "supply", note=_whose_flows(tables)))


def uses(tables: Tables, scenario: Scenario, mineral_group: str) -> Grid:
    """Uses of a mineral group by year, t/y on the planned path."""

    def names(row: Mapping[str, Any]) -> list[Cell]:
        kind = UseKind(row["use_kind"])
        return [
            Cell(title_of(scenario.commodities, row["commodity"])),
            Cell(USE_TITLES[kind]),
            Cell(user_title(scenario, kind, str(row["name"]))),
        ]

    keys = ["commodity", "use_kind", "name"]
    head, rows = _by_year(_of_group(tables, "uses", keys, mineral_group), keys, names, "base_t_per_y")
    head = [*_head("Commodity", "Use", "By", first_number=3), *head]
    return _cut(Grid("Uses, t/y", head, rows, "uses", note=_whose_flows(tables)))


def stocks(tables: Tables, scenario: Scenario, mineral_group: str) -> Grid:
    """Stock of a mineral group at the end of each year, t, on the base path and in each future."""
    columns = ["stockpile", "path", "year", "stock_t"]
    points = pd.DataFrame(stock_points(tables, scenario, mineral_group), columns=columns)
    head, rows = _by_year(points, columns[:2], lambda row: [Cell(row["stockpile"]), Cell(row["path"])], "stock_t")
    head = [*_head("Stockpile", "Path", first_number=2), *head]
    note = (
        "The first column is the opening stock. A future's row begins where it departs from the base path; "
        "futures with the same stock as the base path are left out."
    )
    return _cut(Grid("Stock at the end of the year, t", head, rows, "store", "The group has no stockpile.", note))


def shortages(tables: Tables, scenario: Scenario) -> Grid:
    """Expected shortages by commodity, tier and year, those of the largest penalty first."""
    keys = ["commodity", "tier"]
    table = tables["shortages"]
    penalty = table.groupby(keys)["expected_penalty_kusd"].transform("sum")
    table = table.assign(penalty=penalty).sort_values(["penalty", *keys, "year"], ascending=[False, True, True, True])

    def names(row: Mapping[str, Any]) -> list[Cell]:
        return [
            Cell(title_of(scenario.commodities, row["commodity"])),
            Cell(TIER_TITLES.get(row["tier"], row["tier"])),
            cost(row["penalty"]),
        ]

    head, rows = _by_year(table, [*keys, "penalty"], names, "expected_t")
    head = [*_head("Commodity", "Tier", "Penalty, all years", first_number=2), *head]
    return _cut(Grid("Expected shortage, t", head, rows, "shortages", "No shortage is expected."))


def limits(tables: Tables) -> Grid:
    """Limits missed, the costliest first, and those that hold only as something goes short."""
    rows = [
        [
            Cell(f"{row['limit']} {row['item']}".rstrip()),
            Cell(str(row["node"])),
            Cell(f"{row['sense']} {measured(row['asked'], row['unit'])}"),
            Cell(measured(row["reached"], row["unit"]), number=True),
            Cell(f"{amount(row['missed'])} {row['missed_unit']}" if row["missed"] else "", number=True),
            cost(row["missed_kusd"]) if row["missed"] else Cell("", number=True),
            Cell(f"{amount(row['short_t'])} t" if row["short_t"] else "", number=True),
        ]
        for row in records(told_limits(tables["limits"]))
    ]
    names = ("Limit", "At", "Asked", "Reached", "Missed by", "At a cost of", "Kept as this goes short")
    note = "A limit on shares of supply also holds as demand goes short. The file has all limits, kept ones too."
    empty = "Every limit holds, and none only by going short."
    head = _head(*names, first_number=3)
    return _cut(Grid("Limits missed, or kept by going short", head, rows, "limits", empty, note))


def futures(tables: Tables, scenario: Scenario) -> Grid:
    """Futures by cost, the dearest first."""
    rows = [
        [Cell(title_of(scenario.futures, row["future"])), share(row["probability"]), cost(row["cost_kusd"])]
        for row in records(tables["futures"].sort_values("cost_kusd", ascending=False))
    ]
    return _cut(Grid("Futures", _head("Future", "Probability", "Cost, discounted", first_number=1), rows, "futures"))


def cost_terms(tables: Tables) -> Grid:
    """Expected, discounted cost by term, the largest first."""
    table = tables["cost_terms"].sort_values("expected_kusd", ascending=False)
    rows = [
        [Cell(TERM_TITLES.get(row["term"], row["term"])), cost(row["expected_kusd"])]
        for row in records(table)
        if row["expected_kusd"]
    ]
    return Grid("Cost by term", _head("Term", "Expected, discounted", first_number=1), rows, "cost_terms")


def gaps(summary: Summary) -> Grid:
    """How far each mineral group may be from its best plan."""
    rows = [[Cell(group.replace("_", " ")), share(gap)] for group, gap in sorted(summary.gap_by_group.items())]
    note = "The gap of the whole can hide a small mineral; here each group stands for itself."
    return Grid("Gap by mineral group", _head("Group", "Gap", first_number=1), rows, note=note, empty="Not computed.")


def _whose_flows(tables: Tables) -> str:
    beyond = {int(year) for year in tables["nodes"]["period"]} - base_path_years(tables)
    return f"{ON_PLANNED_PATH} {MEANS_FROM.format(year=min(beyond))}" if beyond else ON_PLANNED_PATH


def _of_group(tables: Tables, name: str, keys: list[str], mineral_group: str) -> pd.DataFrame:
    """Rows of a mineral group by commodity, those of the largest sources or uses first."""
    rows = tables[name][tables[name]["mineral_group"] == mineral_group]
    rows = rows[rows["base_t_per_y"] != 0]
    total = rows.groupby(keys)["base_t_per_y"].transform("sum")
    order = ["commodity", "total", *keys[1:], "year"]
    return rows.assign(total=total).sort_values(order, ascending=[key != "total" for key in order])


def _by_year(table: pd.DataFrame, keys: list[str], names: Names, value: str) -> tuple[list[Cell], list[list[Cell]]]:
    """A head for each period, and a row of values for each key; `names` makes a row's first cells from its keys.

    A period of several years, which the table's `years` tell, is headed by its first and last.
    """
    lengths = table["years"] if "years" in table else pd.Series(1, table.index)
    last = {int(first): int(first) + int(length) - 1 for first, length in zip(table["year"], lengths, strict=True)}
    values = {(*(row[key] for key in keys), int(row["year"])): row[value] for row in records(table)}
    rows = []
    for row in records(table[keys].drop_duplicates()):
        key = tuple(row[name] for name in keys)
        rows.append([*names(row), *(number(values.get((*key, year))) for year in sorted(last))])
    return [Cell(span_of_years(first, last[first]), number=True) for first in sorted(last)], rows


def _cut(grid: Grid) -> Grid:
    """The grid with its first rows, and how many were left out."""
    left_out = max(0, len(grid.rows) - MOST_ROWS)
    return replace(grid, rows=grid.rows[:MOST_ROWS], left_out=left_out)
