"""The table of limits: for each limit and node the value required, reached and missed, and the cost of keeping it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from lodeplan.optimizer.model.declare import Limit
from lodeplan.optimizer.model.registry import registry
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.shares import Concentration, ShareRow
from lodeplan.optimizer.results.solution_tables import frame
from lodeplan.optimizer.results.values import Values, flow_indices
from lodeplan.schemas.limits import Budget, ServiceFloor

Row = tuple[Any, ...]

TIGHT = 1e-6
"""Part of the whole within which a limit leaves nothing."""


@dataclass(frozen=True)
class Reached:
    """A limit at a node."""

    limit: str
    kind: str
    item: str
    node: int
    unit: str
    asked: float
    reached: float | None
    """None for a share of nothing."""
    is_tight: bool
    commodity: str | None = None
    """Of a limit on where it comes from or on how much is kept: short demand of it may be what keeps the limit."""


def limits_table(values: Values, marginal_values: pd.DataFrame) -> pd.DataFrame:
    """The table `limits`, from the plan's own flows; prices from the table of marginal values."""
    prices = {
        (str(row["what"]), str(row["name"]), str(row["node"])): (row["at_node"], str(row["unit"]))
        for row in marginal_values.to_dict("records")
    }
    book = _Book(values, prices)
    return frame("limits", [book.row(reached) for reached in _all(values)])


class _Book:
    """What every row looks up."""

    def __init__(self, values: Values, prices: Mapping[tuple[str, str, str], tuple[Any, str]]) -> None:
        self.values, self.prices = values, prices
        self.soft = {key: row for row, key in enumerate(values.instance.limits.soft)}
        self.priced = {
            kind: (constraint.name, constraint.marginal_value)
            for constraint in registry().values()
            if isinstance(constraint.marginal_value, Limit)
            for kind in constraint.marginal_value.kinds
        }
        """By kind: the constraint whose dual is the price of a limit."""

    def row(self, at: Reached) -> Row:
        """A row of the table."""
        tree = self.values.instance.tree
        sense = self.priced[at.kind][1].sense
        margin = None if at.reached is None else (at.reached - at.asked) * (1 if sense == "at least" else -1) + 0.0
        slack = self.soft.get((at.limit, at.item))
        missed = 0.0 if slack is None else float(self.values.flows["slack"][slack, at.node])
        kusd = 0.0 if slack is None else missed * float(self.values.instance.limits.violation_kusd[slack, at.node])
        price, unit = self._price(at)
        future = tree.future_names[tree.future[at.node]] if tree.future[at.node] >= 0 else ""
        return (
            at.limit,
            at.kind,
            at.item,
            tree.names[at.node],
            tree.start[at.node],
            float(tree.length[at.node]),
            future,
            sense,
            at.asked,
            at.reached,
            margin,
            at.unit,
            missed,
            self._missed_in(at),
            kusd,
            price,
            unit,
            self._short_t(at, missed, price),
        )

    def _missed_in(self, at: Reached) -> str:
        """The unit of what is missed."""
        _, told = self.priced[at.kind]
        if told.per != "kUSD or slot":
            return told.per
        return self.values.instance.scenario.limits[at.limit].measured_in

    def _price(self, at: Reached) -> tuple[float | None, str]:
        """What one more unit of the limit would save at the node; none where the node weighs nothing."""
        key = f"{at.limit} {at.item}".rstrip() if at.kind == "service_floor" else at.limit
        tree = self.values.instance.tree
        told = self.prices.get((self.priced[at.kind][0], key, tree.names[at.node])) if at.is_tight else None
        weightless = told is None and at.is_tight and tree.probability[at.node] == 0
        found, unit = told or (None if weightless else 0.0, "")
        return (None if found is None or pd.isna(found) else abs(float(found))), unit

    def _short_t(self, at: Reached, missed: float, price: float | None) -> float:
        """What goes short where the limit holds, leaves nothing, and would be worth more of it."""
        if at.commodity is None or not at.is_tight or missed > 0 or price == 0.0:
            return 0.0
        return float(self.values.short_at_home(at.commodity)[at.node])


def _all(values: Values) -> Iterator[Reached]:
    yield from _on_flows(values)
    yield from _concentration(values)
    yield from _budgets(values)
    yield from _floors(values)
    yield from _stocks(values)


def _on_flows(values: Values) -> Iterator[Reached]:
    limits, flows = values.instance.limits, _Flows(values)
    amounts = {
        name: (flows.of(limit.meant), flows.of(limit.whole.row) + limit.whole.known_t_per_y)
        for name, limit in limits.on_flows.items()
    }
    for name, node in limits.shares:
        limit, (meant, whole) = limits.on_flows[name], amounts[name]
        unit, asked, reached, left, of = limit.reached(node, meant[node], whole[node])
        kind, tight = values.instance.scenario.limits[name].kind, bool(left <= TIGHT * of)
        yield Reached(name, kind, "", node, unit, asked, reached, tight, limit.commodity)


def _concentration(values: Values) -> Iterator[Reached]:
    limits, flows = values.instance.limits, _Flows(values)
    for name, cap in limits.concentration.items():
        whole = flows.of(cap.whole.row) + cap.whole.known_t_per_y
        sources = np.array([flows.of(row) for row in cap.sources.values()]).reshape(-1, len(whole))
        entry: Any = values.instance.scenario.limits[name]
        for node in (node for limit, node in limits.concentrated if limit == name):
            total, asked = float(whole[node]), cap.index[node]
            index = float(((sources[:, node] / total) ** 2).sum()) if total > 0 else None
            tight = _by_tangents(cap, sources[:, node], total) >= (asked - TIGHT) * total
            yield Reached(name, entry.kind, "", node, "index from 0 to 1", asked, index, tight, entry.commodity)


def _by_tangents(cap: Concentration, sources: Floats, total: float) -> float:
    """Sum of squares as the model has it, times the total."""
    slopes = np.array(cap.tangents)[:, None]
    squares = (2.0 * slopes * sources - slopes**2 * total).max(axis=0, initial=0.0)
    return float(squares.sum())


def _budgets(values: Values) -> Iterator[Reached]:
    limits = values.instance.limits
    flows = _Flows(values)
    for name, node in limits.budgets:
        due = sum(kusd for start, kusd in limits.starts_due[name, node].items() if start in values.started_now)
        decided = {route for route, at in values.onboarded_now if at == node}
        due += sum(kusd for route, kusd in limits.onboardings_due[name, node].items() if route in decided)
        due += sum(kusd * flows.bought(pile)[node] for pile, kusd in limits.purchases_due[name, node].items())
        due += sum(kusd * flows.run(maker)[node] for maker, kusd in limits.support_due[name, node].items())
        asked = limits.allowance[name, node]
        is_budget = isinstance(values.instance.scenario.limits[name], Budget)
        kind, unit = ("budget", "kUSD per period") if is_budget else ("permit_slots", "slots per period")
        yield Reached(name, kind, "", node, unit, asked, float(due), bool(due >= asked * (1.0 - TIGHT)))


def _floors(values: Values) -> Iterator[Reached]:
    instance = values.instance
    limits, demands, flows = instance.limits, instance.demands, _Flows(values)
    for name, demand, node in limits.service_floors:
        floor = instance.scenario.limits[name]
        assert isinstance(floor, ServiceFloor)
        asked = float(instance.tree.calendar.mean(floor.served_share)[instance.tree.period[node]])
        wanted = float(demands.quantity_t_per_y[demands.row_of[demand], node])
        reached = 1.0 - float(flows.short(demand)[node]) / wanted if wanted > 0 else None
        tight = reached is not None and reached <= asked + TIGHT
        yield Reached(name, floor.kind, demand, node, "fraction", asked, reached, tight)


def _stocks(values: Values) -> Iterator[Reached]:
    stocks, tree = values.instance.stocks, values.instance.tree
    for row, (name, pile) in enumerate(stocks.stockpiles.items()):
        if pile.replenish_within_years is None:
            for node in tree.planned_path:
                if stocks.cover_t[row, node] > 0:
                    yield _held(values, row, "stock_cover", node, float(stocks.cover_t[row, node]))
        for node in tree.planned_ends if pile.end_minimum_t > 0 else ():
            yield _held(values, row, "end_minimum", node, pile.end_minimum_t)
        for (refilled, node), lately in stocks.lately.items():
            if refilled == name:
                yield _refilled(values, row, node, lately)


def _held(values: Values, row: int, kind: str, node: int, asked: float) -> Reached:
    """What a stockpile holds at the end of a node, against what it is asked to."""
    stocks, level = values.instance.stocks, float(values.flows["stock"][row, node])
    name = stocks.names[row]
    return Reached(
        name, kind, "", node, "t", asked, level, level <= asked * (1.0 + TIGHT), stocks.stockpiles[name].commodity
    )


def _refilled(values: Values, row: int, node: int, lately: list[int]) -> Reached:
    """The fullest a stockpile was, against its target, within the years allowed."""
    stocks, held = values.instance.stocks, values.flows["stock"][row]
    best = max(lately, key=lambda above: float(held[above] - stocks.cover_t[row, above]))
    asked, level = float(stocks.cover_t[row, best]), float(held[best])
    return Reached(stocks.names[row], "stock_refill", "", node, "t", asked, level, level <= asked * (1.0 + TIGHT))


class _Flows:
    """Sums of a plan's flows; arrays of shape (nodes,)."""

    def __init__(self, values: Values) -> None:
        self._values = values
        indices = flow_indices(values.instance)
        self._row = {variable: {key: row for row, key in enumerate(index)} for variable, index in indices.items()}
        self._sums: dict[tuple[str, str], Floats] = {}

    @cached_property
    def _nothing(self) -> Floats:
        return np.zeros(len(self._values.instance.tree))

    def _sum(self, variable: str, first: str) -> Floats:
        """Of all rows of a variable whose key begins so."""
        if (variable, first) not in self._sums:
            rows = self._rows_by_first[variable].get(first, [])
            self._sums[variable, first] = self._values.flows[variable][rows].sum(axis=0)
        return self._sums[variable, first]

    @cached_property
    def _rows_by_first(self) -> dict[str, dict[str, list[int]]]:
        found: dict[str, dict[str, list[int]]] = {"run": {}, "short": {}}
        for variable, rows in found.items():
            for key, row in self._row[variable].items():
                rows.setdefault(key[0], []).append(row)
        return found

    def run(self, producer: str) -> Floats:
        """Activity over all steps."""
        return self._sum("run", producer)

    def short(self, demand: str) -> Floats:
        """Shortage over all steps."""
        return self._sum("short", demand)

    def bought(self, stockpile: str) -> Floats:
        """Purchases for a stockpile."""
        found: Floats = self._values.flows["buy"][self._row["buy"][stockpile]]
        return found

    def of(self, row: ShareRow) -> Floats:
        """The sum that a row of coefficients means, t/y."""
        total = self._nothing.copy()
        for variable, weights in (
            ("ship", row.ship),
            ("activity", row.activity),
            ("recover", row.recover),
            ("use", row.use),
        ):
            for key, weight in weights.items():
                total += weight * self._values.flows[variable][self._row[variable][key]]
        for producer, weight in row.run.items():
            total += weight * self.run(producer)
        return total
