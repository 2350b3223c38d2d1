"""What each future would cost, and how likely it is."""

from __future__ import annotations

import pandas as pd

from optimizer.figures.rows import records
from optimizer.figures.spec import BLUE, GREY, RED, Spec, colours, figure
from optimizer.figures.text import percent, title_of
from schemas import Scenario, Summary

STEP_PIXELS = 30


def future_costs(tables: dict[str, pd.DataFrame], scenario: Scenario, summary: Summary) -> Spec:
    """A point a future: cost in million USD against probability (its area), the dearest on top.

    Upright lines show the expected cost and the mean of the worst futures (CVaR).
    """
    table = tables["futures"].sort_values(["cost_kusd", "future"], ascending=[False, True])
    values = [
        {
            "future": title_of(scenario.futures, str(row["future"])),
            "probability": row["probability"],
            "percent": percent(row["probability"]),
            "musd": row["cost_kusd"] / 1000,
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
        "field": "musd",
        "type": "quantitative",
        "title": "Cost over the horizon, discounted, million USD",
        "scale": {"zero": False, "padding": 24},
        "axis": {"format": ",.5~g", "grid": False, "tickCount": 5, "labelOverlap": True},
    }
    tooltip = [
        {"field": "future", "title": "Future"},
        {"field": "percent", "title": "Probability"},
        {"field": "musd", "type": "quantitative", "title": "Million USD", "format": ",.6~g"},
    ]
    size = {
        "field": "probability",
        "type": "quantitative",
        "legend": None,
        "scale": {"domain": [0, 1], "range": [30, 500]},
    }
    points = {
        "mark": {"type": "circle", "color": BLUE, "opacity": 0.85},
        "encoding": {"y": names, "x": cost, "size": size, "tooltip": tooltip},
    }
    labels = {
        "mark": {"type": "text", "align": "left", "dx": 16, "fontSize": 11},
        "encoding": {"y": names, "x": cost, "text": {"field": "percent"}},
    }
    spec = figure("Cost of each future, million USD, and its probability.", {"step": STEP_PIXELS}, [points, labels])
    spec["layer"] += _marker_lines(summary, cost)
    return {**spec, "data": {"values": values}}


def _marker_lines(summary: Summary, cost: Spec) -> list[Spec]:
    marks = {"Expected cost": (summary.expected_cost_kusd, GREY), "Mean of the worst (CVaR)": (summary.cvar_kusd, RED)}
    known = {name: (kusd / 1000, colour) for name, (kusd, colour) in marks.items() if kusd is not None}
    if not known:
        return []
    encoding = {
        "x": {**cost, "field": "musd"},
        "color": {
            "field": "line",
            "type": "nominal",
            "scale": colours(list(known), [colour for _, colour in known.values()]),
            "legend": {"orient": "bottom", "title": None, "symbolType": "stroke"},
        },
        "tooltip": [
            {"field": "line", "title": "What"},
            {"field": "musd", "type": "quantitative", "title": "Million USD", "format": ",.6~g"},
        ],
    }
    values = [{"line": name, "musd": musd} for name, (musd, _) in known.items()]
    return [{"data": {"values": values}, "mark": {"type": "rule", "strokeWidth": 2}, "encoding": encoding}]
