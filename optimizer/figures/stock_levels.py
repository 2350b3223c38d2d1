"""Stock levels over the years: as planned, and in each future."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from optimizer.figures.rows import cell_text, records
from optimizer.figures.spec import SERIES, Spec, colours, figure
from optimizer.figures.text import title_of
from schemas import Scenario

AS_PLANNED = "Base path"

Point = dict[str, Any]


def stock_levels(tables: dict[str, pd.DataFrame], scenario: Scenario, mineral_group: str) -> Spec:
    """Lines of stock, t, at the end of each period, for the stockpiles of a mineral group.

    A future's line begins where it departs from the base path; one that has the base path's stock all along is
    left out. Colours tell the futures apart, dashes the stockpiles.
    """
    values = stock_points(tables, scenario, mineral_group)
    present = {point["path"] for point in values}
    paths = [
        path
        for path in [AS_PLANNED, *(title_of(scenario.futures, str(name)) for name in tables["futures"]["future"])]
        if path in present
    ]
    piles = sorted({point["stockpile"] for point in values})
    years = sorted({point["year"] for point in values})
    dashes = [[1, 0], [6, 3], [2, 3], [9, 3, 2, 3]]
    encoding: Spec = {
        "x": {
            "field": "year",
            "type": "quantitative",
            "title": "End of year",
            "axis": {"format": "d", "values": years, "grid": False, "labelOverlap": True},
            "scale": {"zero": False, "nice": False},
        },
        "y": {"field": "stock_t", "type": "quantitative", "title": "Stock, t", "axis": {"tickCount": 5}},
        "color": {
            "field": "path",
            "type": "nominal",
            "scale": colours(paths, SERIES),
            "legend": {"orient": "bottom", "title": None, "columns": 3, "labelLimit": 260},
        },
        "detail": [{"field": "path", "type": "nominal"}, {"field": "stockpile", "type": "nominal"}],
        "tooltip": [
            {"field": "stockpile", "title": "Stockpile"},
            {"field": "path", "title": "Path"},
            {"field": "year", "title": "End of year"},
            {"field": "stock_t", "type": "quantitative", "title": "Stock, t", "format": ",.4~r"},
        ],
    }
    if len(piles) > 1:
        encoding["strokeDash"] = {
            "field": "stockpile",
            "type": "nominal",
            "scale": {"domain": piles, "range": [dashes[i % len(dashes)] for i in range(len(piles))]},
            "legend": {
                "orient": "top",
                "title": None,
                "columns": 2,
                "symbolType": "stroke",
                "symbolStrokeColor": "#555555",
                "symbolSize": 400,
                "labelLimit": 300,
            },
        }
    mark = {"type": "line", "strokeWidth": 2, "point": {"size": 30, "filled": True}}
    spec = figure(f"Stock of {mineral_group} by year, t.", 240, [{"mark": mark, "encoding": encoding}])
    return {**spec, "data": {"values": values}}


def stock_points(tables: dict[str, pd.DataFrame], scenario: Scenario, mineral_group: str) -> list[Point]:
    """Points of the lines: stockpile, path, year (at its end), stock_t. Zero rows, left out of `store`, are here."""
    levels = {(row["stockpile"], row["node"]): float(row["stock_t"]) for row in records(tables["store"])}
    nodes = records(tables["nodes"])
    points = []
    for name, pile in scenario.stockpiles.items():
        if scenario.commodities[pile.commodity].mineral_group == mineral_group:
            shared = {"stockpile": title_of(scenario.stockpiles, name)}
            opening = {"year": scenario.horizon.first_year - 1, "stock_t": pile.opening_t}
            stock = {str(node["node"]): levels.get((name, node["node"]), 0.0) for node in nodes}
            points += [{**shared, **point} for point in _lines(nodes, stock, opening, scenario)]
    return points


def _lines(nodes: list[Point], stock: dict[str, float], opening: Point, scenario: Scenario) -> list[Point]:
    """The lines of one stockpile: the base path from the opening stock, each other future from where it departs."""
    points = [{"path": AS_PLANNED, **opening}]
    seen: dict[str, Point] = {}
    for node in nodes:
        name, parent = str(node["node"]), cell_text(node["parent"])
        future = cell_text(node["future"])
        path = title_of(scenario.futures, future) if future else AS_PLANNED
        seen[name] = {"path": path, "year": int(node["period"] + node["length_y"]) - 1, "stock_t": stock[name]}
        if future and seen[parent]["path"] != path:
            points.append({**seen[parent], "path": path})
        points.append(seen[name])
    planned = {point["year"]: point["stock_t"] for point in points if point["path"] == AS_PLANNED}
    differing = {
        point["path"]
        for point in points
        if not math.isclose(point["stock_t"], planned.get(point["year"], math.inf), rel_tol=1e-6, abs_tol=1e-6)
    }
    return [point for point in points if point["path"] in {AS_PLANNED, *differing}]
