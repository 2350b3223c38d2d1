"""What the plan's cost is made of."""

from __future__ import annotations

import pandas as pd

from optimizer.figures.rows import records
from optimizer.figures.spec import BLUE, GREEN, OCHRE, Spec, colours, figure
from optimizer.figures.text import TERM_TITLES

NO_MONEY = frozenset({"calibration", "shortage_penalty", "limit_violation"})
"""Terms that steer the plan and that nobody pays."""

MONEY, STEERING, END_VALUE = "Money paid", "Steers the plan, not paid", "Worth left at the end"
STEP_PIXELS = 26


def cost_by_term(tables: dict[str, pd.DataFrame]) -> Spec:
    """Bars of expected, discounted cost by term, million USD; the largest on top, zero terms left out."""
    terms = tables["cost_terms"]
    terms = terms[terms["expected_kusd"].abs() > 0].sort_values(["expected_kusd", "term"], ascending=[False, True])
    values = [
        {
            "term": TERM_TITLES.get(row["term"], row["term"]),
            "musd": row["expected_kusd"] / 1000,
            "kind": _kind(row["term"]),
        }
        for row in records(terms)
    ]
    kinds = [kind for kind in (MONEY, STEERING, END_VALUE) if any(value["kind"] == kind for value in values)]
    palette = {MONEY: BLUE, STEERING: OCHRE, END_VALUE: GREEN}
    encoding = {
        "y": {"field": "term", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}},
        "x": {
            "field": "musd",
            "type": "quantitative",
            "title": "Expected, discounted, million USD",
            "axis": {"format": ",.4~g", "tickCount": 5, "labelOverlap": True},
        },
        "color": {
            "field": "kind",
            "type": "nominal",
            "scale": colours(kinds, [palette[kind] for kind in kinds]),
            "legend": {"orient": "bottom", "title": None, "columns": 2},
        },
        "tooltip": [
            {"field": "term", "title": "Term"},
            {"field": "musd", "type": "quantitative", "title": "Million USD", "format": ",.5~g"},
            {"field": "kind", "title": "What it is"},
        ],
    }
    bars = {"mark": {"type": "bar", "height": {"band": 0.7}}, "encoding": encoding}
    return {**figure("Expected cost by term, million USD.", {"step": STEP_PIXELS}, [bars]), "data": {"values": values}}


def _kind(term: str) -> str:
    if term in NO_MONEY:
        return STEERING
    return END_VALUE if term.startswith("end_value_") else MONEY
