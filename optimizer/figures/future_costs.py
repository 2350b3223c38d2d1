"""What each future would cost, and how likely it is."""

from __future__ import annotations

import pandas as pd

from optimizer.figures.rows import records
from optimizer.figures.spec import BLUE, GREY, RED, Spec, colours, figure, money_unit
from optimizer.figures.text import percent, title_of
from schemas import Scenario, Summary

STEP_PIXELS = 30


def future_costs(tables: dict[str, pd.DataFrame], scenario: Scenario, summary: Summary) -> Spec:
    """A point a future: cost against probability (its area), the dearest on top.

    Upright lines show the expected cost and the mean of the worst futures (CVaR).
    """
    table = tables["futures"].sort_values(["cost_kusd", "future"], ascending=[False, True])
    size, unit = money_unit(table["cost_kusd"].abs().max())
    values = [
        {
            "future": title_of(scenario.futures, str(row["future"])),
            "probability": row["probability"],
            "percent": percent(row["probability"]),
            "money": row["cost_kusd"] / size,
        }
        for row in records(table)
    ]
    names = {
        "field": "future",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"labelLimit": 220, "grid": True},
    }
    cost = {
        "field": "money",
        "type": "quantitative",
        "title": f"Cost over the horizon, discounted, {unit}",
        "scale": {"zero": False, "padding": 24},
        "axis": {"format": ",.5~r", "grid": False, "tickCount": 5, "labelOverlap": True},
    }
    tooltip = [
        {"field": "future", "title": "Future"},
        {"field": "percent", "title": "Probability"},
        {"field": "money", "type": "quantitative", "title": "Cost, " + unit, "format": ",.6~r"},
    ]
    area = {
        "field": "probability",
        "type": "quantitative",
        "legend": None,
        "scale": {"domain": [0, 1], "range": [30, 500]},
    }
    points = {
        "mark": {"type": "circle", "color": BLUE, "opacity": 0.85},
        "encoding": {"y": names, "x": cost, "size": area, "tooltip": tooltip},
    }
    text = {"type": "text", "align": "left", "dx": 16, "fontSize": 11}
    label = {"y": names, "x": cost, "text": {"field": "percent"}}
    labels = [{"mark": {**text, "style": "halo"}, "encoding": label}, {"mark": text, "encoding": label}]
    layers = [*_marker_lines(summary, cost, size), points, *labels]
    spec = figure(f"Cost of each future, {unit}, and its probability.", STEP_PIXELS * len(values), layers)
    return {**spec, "data": {"values": values}}


def _marker_lines(summary: Summary, cost: Spec, size: float) -> list[Spec]:
    marks = {"Expected cost": (summary.expected_cost_kusd, GREY), "Mean of the worst (CVaR)": (summary.cvar_kusd, RED)}
    known = {name: (kusd / size, colour) for name, (kusd, colour) in marks.items() if kusd is not None}
    if not known:
        return []
    encoding = {
        "x": {**cost, "field": "money"},
        "color": {
            "field": "line",
            "type": "nominal",
            "scale": colours(list(known), [colour for _, colour in known.values()]),
            "legend": {"orient": "bottom", "title": None, "symbolType": "stroke"},
        },
        "tooltip": [
            {"field": "line", "title": "What"},
            {"field": "money", "type": "quantitative", "title": "Cost", "format": ",.6~r"},
        ],
    }
    values = [{"line": name, "money": money} for name, (money, _) in known.items()]
    return [{"data": {"values": values}, "mark": {"type": "rule", "strokeWidth": 2}, "encoding": encoding}]
