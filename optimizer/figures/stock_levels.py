"""Stock levels over the years: as planned, and in each future."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from lodeplan.optimizer.figures.spec import SERIES, Spec, colours, figure, note, nothing
from lodeplan.optimizer.tables.rows import cell_text, records
from lodeplan.optimizer.words.titles import distinct_titles
from lodeplan.schemas import Scenario

AS_PLANNED = "Base path"
DASHES = [[1, 0], [6, 3], [2, 3], [9, 3, 2, 3], [12, 4], [2, 6], [6, 3, 2, 3, 2, 3], [14, 3, 6, 3]]

Point = dict[str, Any]


def stock_levels(tables: dict[str, pd.DataFrame], scenario: Scenario, mineral_group: str) -> Spec:
    """Lines of stock, t, at the end of each period, for the stockpiles of a mineral group.

    A future's line begins where it departs from the base path; one that has the base path's stock all along is
    left out, and so are the least different ones of more than there are colours. Colours tell the futures apart,
    dashes the stockpiles.
    """
    points = stock_points(tables, scenario, mineral_group)
    title = mineral_group.replace("_", " ")
    if not points:
        return nothing(f"The scenario has no stockpile of {title}.")
    if all(point["stock_t"] == 0 for point in points):
        return nothing(f"No stock of {title} is held in any year of any future.")
    values, left_out = _most_different(points, len(SERIES))
    paths = list(dict.fromkeys(point["path"] for point in values))
    mark = {"type": "line", "strokeWidth": 2, "point": {"size": 30, "filled": True}}
    layers = [{"mark": mark, "encoding": _encoding(values, paths)}]
    spec = figure(f"Stock of {title} by year, t.", 240, layers)
    kept = f"The {len(paths) - 1} futures whose stock differs most from the base path’s; {left_out} more differ less."
    return {**spec, **(note(kept) if left_out else {}), "data": {"values": values}}


def _encoding(values: list[Point], paths: list[str]) -> Spec:
    piles = sorted({point["stockpile"] for point in values})
    years = sorted({point["year"] for point in values})
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
            "scale": {"domain": piles, "range": [DASHES[i % len(DASHES)] for i in range(len(piles))]},
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
    return encoding


def _most_different(points: list[Point], most: int) -> tuple[list[Point], int]:
    """Points of the base path and of the `most` - 1 paths that are farthest from it in a year, in the order that they
    have; and how many paths are left out."""
    planned = {(point["stockpile"], point["year"]): point["stock_t"] for point in points if point["path"] == AS_PLANNED}
    farthest: dict[str, float] = {}
    for point in points:
        away = abs(point["stock_t"] - planned.get((point["stockpile"], point["year"]), 0.0))
        farthest[point["path"]] = max(away, farthest.get(point["path"], 0.0))
    farthest.pop(AS_PLANNED, None)
    kept = {AS_PLANNED, *sorted(farthest, key=lambda path: -farthest[path])[: most - 1]}
    return [point for point in points if point["path"] in kept], len(farthest) - len(kept) + 1


def stock_points(tables: dict[str, pd.DataFrame], scenario: Scenario, mineral_group: str) -> list[Point]:
    """Points of the lines: stockpile, path, year (at its end), stock_t. Zero rows, left out of `store`, are here."""
    levels = {(row["stockpile"], row["node"]): float(row["stock_t"]) for row in records(tables["store"])}
    nodes = records(tables["nodes"])
    piles = distinct_titles(scenario.stockpiles, scenario.stockpiles)
    futures = distinct_titles(scenario.futures, {cell_text(node["future"]) for node in nodes} - {""}, [AS_PLANNED])
    points = []
    for name, pile in scenario.stockpiles.items():
        if scenario.commodities[pile.commodity].mineral_group == mineral_group:
            shared = {"stockpile": piles[name]}
            opening = {"year": scenario.horizon.first_year - 1, "stock_t": pile.opening_t}
            stock = {str(node["node"]): levels.get((name, node["node"]), 0.0) for node in nodes}
            points += [{**shared, **point} for point in _lines(nodes, stock, opening, futures)]
    return points


def _lines(nodes: list[Point], stock: Mapping[str, float], opening: Point, futures: Mapping[str, str]) -> list[Point]:
    """The lines of one stockpile: the base path from the opening stock, each other future from where it departs."""
    points = [{"path": AS_PLANNED, **opening}]
    seen: dict[str, Point] = {}
    for node in nodes:
        name, parent = str(node["node"]), cell_text(node["parent"])
        future = cell_text(node["future"])
        path = futures[future] if future else AS_PLANNED
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
