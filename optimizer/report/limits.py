"""Limits that are missed, and limits that cost something to keep."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.report.cells import NOTHING, cost, heads, number, quantity, words
from lodeplan.optimizer.tables.rows import nodes_in_words, records, told_limits
from lodeplan.optimizer.words.limits import limit_words
from lodeplan.optimizer.words.numbers import measured
from lodeplan.schemas.report import Cell, Section

LIMITS_A_KIND = 3
_BRIEF_LIMITS = 12


def missed_limits(plan: Plan) -> Section:
    """Limits missed, the costliest first, and those that hold only as something goes short."""
    when = nodes_in_words(plan.tables)
    rows = [
        [
            words(f"{row['limit']} {row['item']}".rstrip()),
            words(when[row["node"]]),
            words(f"{row['sense']} {measured(row['asked'], row['unit'])}"),
            words(measured(row["reached"], row["unit"])),
            _amount(row["missed"], str(row["missed_unit"])),
            cost(row["missed_kusd"]) if row["missed"] else NOTHING,
            _amount(row["short_t"], "t"),
        ]
        for row in records(told_limits(plan.tables["limits"]))
    ]
    columns = heads("Limit", "At", "Asked", ">Reached", ">Missed by", ">At a cost of", ">Kept because this is short")
    return Section(
        name="missed_limits", title="Limits missed, or kept only by a shortage", columns=columns, rows=rows,
        source="limits", brief_rows=_BRIEF_LIMITS, empty="Every limit is kept, and none only by a shortage.",
        note="A limit on shares of supply is also kept when demand goes short. The file has all limits.",
    )  # fmt: skip


def _amount(value: float, unit: str) -> Cell:
    return quantity(value, unit) if value else NOTHING


def binding_limits(plan: Plan) -> Section:
    """For each kind of limit those with the largest worth, each at the node where it is worth most."""
    values = plan.tables["marginal_values"]
    said, when = limit_words(), nodes_in_words(plan.tables)
    limits = values[values["what"].isin(said)]
    worth = limits.assign(size=limits["value"].abs()).sort_values("size", ascending=False, kind="stable")
    shown = worth.drop_duplicates(["what", "name"]).groupby("what", sort=False).head(LIMITS_A_KIND)
    rows = [
        [
            words(said[str(row["what"])]),
            words(row["name"]),
            words(when[row["node"]]),
            number(_worth(row)),
            # At a node that is reached, a t/y for its years is worth its tonnes.
            words(str(row["unit"]).replace("kUSD per t/y", "kUSD/t")),
        ]
        for row in records(shown.sort_values(["what", "size"], ascending=[True, False]))
    ]
    columns = heads("Limit", "Name", "At", ">Worth", "Unit")
    return Section(
        name="binding_limits", title="Limits that bind, and what one more unit would save", columns=columns, rows=rows,
        source="marginal_values", empty="No limit binds.", note="Projects and suppliers start as in the plan.",
    )  # fmt: skip


def _worth(row: Mapping[str, Any]) -> float:
    """In money of the node; where it has none, or none in a test that the plan has to stand, in the objective."""
    at_node = row["at_node"]
    told = at_node is not None and not isnan(at_node) and at_node != 0
    return abs(float(at_node if told else row["value"]))
