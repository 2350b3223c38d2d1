"""The figure of each future's cost and probability."""

from __future__ import annotations

import pandas as pd

from lodeplan.optimizer.figures.spec import BLUE, GREY, RED, Spec, colours, figure, money_unit, note, nothing
from lodeplan.optimizer.tables.rows import records
from lodeplan.optimizer.words.numbers import percent
from lodeplan.optimizer.words.titles import distinct_titles
from lodeplan.schemas import Scenario, Summary

STEP_PIXELS = 30
MOST_NAMED = 30
"""More futures have no line of their own: they make a curve."""
CURVE_PIXELS = 320


def future_costs(tables: dict[str, pd.DataFrame], scenario: Scenario, summary: Summary) -> Spec:
    """One point per future: cost against probability (its area), the costliest on top.

    Of more than `MOST_NAMED` futures: how likely it is that cost is as high as each future's or higher. Upright lines
    show the expected cost and the mean of the worst futures (CVaR).
    """
    table = tables["futures"].sort_values(["cost_kusd", "future"], ascending=[False, True])
    if table.empty:
        return nothing("The plan has no futures to compare.")
    size, unit = money_unit(table["cost_kusd"].abs().max())
    titles = distinct_titles(scenario.futures, [str(name) for name in table["future"]])
    values = [
        {
            "future": titles[str(row["future"])],
            "probability": row["probability"],
            "percent": percent(row["probability"]),
            "money": row["cost_kusd"] / size,
            "as_dear": as_dear,
        }
        for row, as_dear in zip(records(table), table["probability"].cumsum().clip(upper=1.0).tolist(), strict=True)
    ]
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
    lines = _marker_lines(summary, cost, size)
    if len(values) > MOST_NAMED:
        layers = [*lines, *_curve(cost, tooltip)]
        spec = figure(f"How likely a cost is to be reached or passed, {unit}.", CURVE_PIXELS, layers)
        spec |= note(f"One point for each of {len(values)} futures; the table names them.")
    else:
        layers = [*lines, *_points(cost, tooltip)]
        spec = figure(f"Cost of each future, {unit}, and its probability.", STEP_PIXELS * len(values), layers)
    return {**spec, "data": {"values": values}}


def _points(cost: Spec, tooltip: list[Spec]) -> list[Spec]:
    """A line a future, by name."""
    names = {
        "field": "future",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"labelLimit": 220, "grid": True},
    }
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
    return [points, {"mark": {**text, "style": "halo"}, "encoding": label}, {"mark": text, "encoding": label}]


def _curve(cost: Spec, tooltip: list[Spec]) -> list[Spec]:
    """The probability of a cost or a higher one, against the cost."""
    as_dear = {
        "field": "as_dear",
        "type": "quantitative",
        "title": "Probability of this cost or more",
        "scale": {"domain": [0, 1]},
        "axis": {"format": ".0%", "tickCount": 5},
    }
    steps = {
        "mark": {"type": "line", "color": BLUE, "interpolate": "step-after", "strokeWidth": 2},
        "encoding": {"x": cost, "y": as_dear, "order": {"field": "as_dear", "type": "quantitative"}},
    }
    points = {
        "mark": {"type": "circle", "color": BLUE, "opacity": 0.6, "size": 24},
        "encoding": {"x": cost, "y": as_dear, "tooltip": tooltip},
    }
    return [steps, points]


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
