"""The figure of the plan's cost by term."""

from __future__ import annotations

import pandas as pd

from lodeplan.optimizer.figures.spec import BLUE, GREEN, GREY, OCHRE, Spec, colours, figure, money_unit, nothing
from lodeplan.optimizer.prepare.costs import NOT_SPEND, TRANSFERS
from lodeplan.optimizer.tables.rows import records
from lodeplan.optimizer.words.titles import TERM_TITLES
from lodeplan.schemas import Scenario

MONEY, TRANSFER = "Money paid", "Paid within the nation, not counted"
STEERING, END_VALUE = "Steers the plan, not paid", "Worth left at the end"
PALETTE = {MONEY: BLUE, TRANSFER: GREY, STEERING: OCHRE, END_VALUE: GREEN}
STEP_PIXELS = 26


def cost_by_term(tables: dict[str, pd.DataFrame], scenario: Scenario) -> Spec:
    """Bars of expected, discounted cost by term; the largest on top, zero terms left out."""
    terms = tables["cost_terms"]
    terms = terms[terms["expected_kusd"].abs() > 0].sort_values(["expected_kusd", "term"], ascending=[False, True])
    if terms.empty:
        return nothing("The plan costs nothing: every term of its expected cost is 0.")
    size, unit = money_unit(terms["expected_kusd"].abs().max())
    values = [
        {
            "term": TERM_TITLES.get(row["term"], row["term"]),
            "money": row["expected_kusd"] / size,
            "kind": _kind(row["term"], scenario),
        }
        for row in records(terms)
    ]
    kinds = [kind for kind in PALETTE if any(value["kind"] == kind for value in values)]
    encoding = {
        "y": {"field": "term", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}},
        "x": {
            "field": "money",
            "type": "quantitative",
            "title": f"Expected, discounted, {unit}",
            "axis": {"format": ",.4~r", "tickCount": 5, "labelOverlap": True},
        },
        "color": {
            "field": "kind",
            "type": "nominal",
            "scale": colours(kinds, [PALETTE[kind] for kind in kinds]),
            "legend": {"orient": "bottom", "title": None, "columns": 2},
        },
        "tooltip": [
            {"field": "term", "title": "Term"},
            {"field": "money", "type": "quantitative", "title": "Cost, " + unit, "format": ",.5~r"},
            {"field": "kind", "title": "What it is"},
        ],
    }
    bars = {"mark": {"type": "bar", "height": {"band": 0.7}}, "encoding": encoding}
    return {
        **figure(f"Expected cost by term, {unit}.", STEP_PIXELS * len(values), [bars]),
        "data": {"values": values},
    }


def _kind(term: str, scenario: Scenario) -> str:
    if term in TRANSFERS and scenario.economics.view == "national":
        return TRANSFER
    if term.startswith("end_value_"):
        return END_VALUE
    return STEERING if term in NOT_SPEND else MONEY
