"""Limits in sentences: those that are missed, and those that hold only because something goes short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from lodeplan.optimizer.results.values import Values
from lodeplan.optimizer.words.numbers import amount, listed, measured, money, span_of_years, tonnes

MOST = 5
"""Most limits of a kind that get a sentence; the table has them all."""
PERIODS = 3
SHARES = ("fraction", "index from 0 to 1")


def limit_findings(values: Values, limits: pd.DataFrame) -> list[str]:
    """Sentences from the table `limits`, the costliest and the largest first."""
    return [*_missed(values, limits), *_kept_by_going_short(values, limits)]


def _missed(values: Values, limits: pd.DataFrame) -> Iterator[str]:
    tree = values.instance.tree
    weight = dict(zip(tree.names, (tree.probability * tree.discount).tolist(), strict=True))
    missed = limits[limits["missed"] > 0]
    missed = missed.assign(expected=missed["missed_kusd"] * missed["node"].map(weight).astype(float))
    cost = missed.groupby("limit")["expected"].sum()
    order = sorted(cost.index, key=lambda name: (-cost[name], name))
    for name in order[:MOST]:
        rows = missed[missed["limit"] == name]
        worst = max(rows.to_dict("records"), key=lambda row: float(row["missed"]))
        items = "" if not worst["item"] else f" for {worst['item']}"
        most = f"{_when(rows)}: most in {worst['node']}" if len(rows) > 1 else f"in {_period(worst)}"
        yield (
            f"Limit {_title(values, name)} is missed {most}{items}, by "
            f"{_amount(float(worst['missed']), worst['missed_unit'])}{_reached(worst)}. "
            f"Missing it costs {money(float(cost[name]))}, expected and discounted."
        )
    if len(order) > MOST:
        yield f"{len(order) - MOST} more limits are missed: see the table of limits."


def _kept_by_going_short(values: Values, limits: pd.DataFrame) -> Iterator[str]:
    kept = limits[limits["short_t"] > 0]
    most = kept.groupby("limit")["short_t"].max()
    order = sorted(most.index, key=lambda name: (-most[name], name))
    for name in order[:MOST]:
        rows = kept[kept["limit"] == name]
        planned = rows[rows["node"].isin([values.instance.tree.names[n] for n in values.instance.tree.planned_path])]
        told = rows if planned.empty else planned
        what = _commodity(values, name)
        parts = [f"{tonnes(float(row['short_t']))}{what} go short in {_period(row)}" for row in told.to_dict("records")]
        more = len(rows) - len(told)
        also = f", and so in {more} {'period' if more == 1 else 'periods'} of other futures" if more else ""
        yield f"Limit {_title(values, name)} holds only because {listed(parts, PERIODS)}{also}."
    if len(order) > MOST:
        yield f"{len(order) - MOST} more limits hold only because something goes short: see the table of limits."


def _title(values: Values, name: str) -> str:
    scenario = values.instance.scenario
    entry = scenario.limits.get(name) or scenario.stockpiles.get(name)
    return f"{name!r} ({entry.title})" if entry is not None and entry.title else repr(name)


def _commodity(values: Values, name: str) -> str:
    """` of <commodity>` that a limit, or a stockpile, is about."""
    scenario = values.instance.scenario
    entry = scenario.limits.get(name) or scenario.stockpiles.get(name)
    commodity = getattr(entry, "commodity", None)
    return f" of {scenario.commodities[commodity].title or commodity}" if commodity else ""


def _when(rows: pd.DataFrame) -> str:
    nodes = list(dict.fromkeys(rows["node"]))
    return f"in {listed(nodes, PERIODS)}"


def _period(row: Mapping[str, Any]) -> str:
    """`2030`, or `2031 to 2032`, with the future."""
    span = span_of_years(int(row["year"]), int(row["year"]) + int(row["years"]) - 1)
    return f"{span} of {row['future']}" if row["future"] else span


def _amount(missed: float, unit: str) -> str:
    if unit == "kUSD":
        return money(missed)
    return f"{amount(missed)} {unit}"


def _reached(row: Mapping[str, Any]) -> str:
    """` (70 % where at most 65 % is asked)`."""
    if pd.isna(row["reached"]) or row["unit"] not in SHARES:
        return ""
    asked, reached = (measured(float(row[column]), row["unit"]) for column in ("asked", "reached"))
    return f" ({reached} where {row['sense']} {asked} is asked)"
