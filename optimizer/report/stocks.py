"""Stocks."""

from __future__ import annotations

import pandas as pd

from lodeplan.optimizer.figures import stock_points
from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.report.cells import heads, number, words, year
from lodeplan.optimizer.report.flows import by_year
from lodeplan.optimizer.report.titles import title
from lodeplan.schemas.plan import StockLevel
from lodeplan.schemas.report import Section


def stocks(plan: Plan, mineral_group: str) -> Section:
    """Stock of a mineral group at the end of each year, t, on the base path and in each future."""
    assert plan.scenario is not None, "stocks are told with the scenario"
    keys = ["stockpile", "path", "year", "stock_t"]
    points = pd.DataFrame(stock_points(dict(plan.tables), plan.scenario, mineral_group), columns=keys)
    years, rows = by_year(points, keys[:2], lambda row: [words(row["stockpile"]), words(row["path"])], "stock_t", "t")
    return Section(
        name="stocks", title="Stock at the end of the year, t",
        columns=[*heads("Stockpile", "Path"), *years], rows=rows, source="store",
        empty="The group has no stockpile.",
        note="The first column is the opening stock. A future's row begins where it departs from the base path; "
        "futures with the same stock as the base path are left out.",
    )  # fmt: skip


def highest_stocks(plan: Plan) -> Section:
    """The highest and the last level of each stockpile on the planned path."""
    held: dict[str, list[StockLevel]] = {}
    for level in plan.summary.stocks:
        held.setdefault(level.name, []).append(level)
    rows = []
    for name, levels in held.items():
        highest = max(levels, key=lambda level: level.stock_t)
        last = max(levels, key=lambda level: level.period)
        if highest.stock_t > 0:
            name_cell = words(title(plan, "stockpiles", name))
            rows.append([name_cell, number(highest.stock_t, "t"), year(highest.period), number(last.stock_t, "t")])
    return Section(
        name="highest_stocks", title="Stock on the planned path",
        columns=heads("Stockpile", ">Highest, t", ">At the end of", ">Left at the end, t"),
        rows=rows, source="store", empty="The plan keeps nothing in stock.",
    )  # fmt: skip
