"""What one canonical unit of each column and row is, in the model's own units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.solver.labels import Label
from lodeplan.schemas.limits import Budget, PermitSlots, ServiceFloor, Survival

UnitOf = Callable[[tuple[Any, ...]], float]


def column_units(columns: Sequence[Label], instance: Instance) -> Floats:
    """Unit of each column; shape (columns,)."""
    return _units(columns, _of_variables(instance))


def row_units(rows: Sequence[Label], instance: Instance) -> Floats:
    """Unit of each row; shape (rows,)."""
    return _units(rows, _of_constraints(instance))


def _units(labels: Sequence[Label], unit_of: Mapping[str, UnitOf]) -> Floats:
    return np.array([unit_of[label.component](label.key) for label in labels], float)


def _of_variables(instance: Instance) -> dict[str, UnitOf]:
    size = _Sizes(instance)
    return {
        "run": size.producer,
        "activity": size.producer,
        "ship": size.route,
        "declare": size.commodity,
        "recover": size.recovery,
        "dispose": size.commodity,
        "buy": size.stockpile,
        "release": size.stockpile,
        "stock": size.stockpile,
        "use": size.demand,
        "short": size.demand,
        "slack": size.limit,
        "supplied": size.limit,
        "square": size.limit,
        "quota_full": size.one,
        "full": size.one,
        "start": size.one,
        "started": size.one,
        "onboard": size.one,
        "onboarded": size.one,
        "cost": size.money,
        "excess": size.money,
        "value_at_risk": size.money,
        "worst": size.money,
    }


def _of_constraints(instance: Instance) -> dict[str, UnitOf]:
    size = _Sizes(instance)
    return {
        "commodity_balances": size.commodity,
        "facility_runs_within_capacity": size.producer,
        "modes_add_up": size.producer,
        "facility_keeps_running": size.producer,
        "activity_grows_within_limit": size.producer,
        "reserves_are_not_exceeded": size.producer,
        "start_stays_started": size.one,
        "project_starts_once": size.one,
        "project_starts_where_forced": size.one,
        "project_runs_when_on_line": size.producer,
        "project_waits_for_required": size.one,
        "project_excludes_other": size.one,
        "route_flows_within_capacity": size.route,
        "flow_stays_within_quota": size.quota,
        "quota_fills_first": size.quota,
        "over_quota_needs_full_quota": size.quota,
        "onboarding_stays": size.one,
        "route_flows_after_onboarding": size.route,
        "onboarded_route_takes_minimum": size.route,
        "stock_carries_over": size.stockpile,
        "stock_covers_target": size.stockpile,
        "stock_meets_target_if_said": size.stockpile,
        "stock_is_replenished": size.one,
        "demand_is_served_or_short": size.demand,
        "substitute_stays_within_limit": size.demand,
        "demand_takes_clean_material": size.demand,
        "scrap_follows_past_use": size.recovery,
        "share_stays_below_cap": size.limit,
        "minimum_share_is_kept": size.limit,
        "reliance_stays_below_cap": size.limit,
        "supply_adds_up": size.limit,
        "square_lies_above_tangent": size.limit,
        "index_stays_below_cap": size.limit,
        "budget_is_kept": size.limit,
        "shortage_stays_below_floor": lambda key: size.demand((key[1],)),
        "node_cost_adds_up": size.money,
        "tail_excess_is_counted": size.money,
        "worst_future_is_counted": size.money,
    }


COST_ROWS = ("node_cost_adds_up", "tail_excess_is_counted", "worst_future_is_counted")
COST_COLUMNS = ("cost", "value_at_risk", "excess", "worst")


def scale_costs(
    matrix: sp.csr_array, rows: tuple[Sequence[Label], Floats], columns: tuple[Sequence[Label], Floats]
) -> None:
    """Give each row of costs, and the cost it adds up, the size of its own largest term, in place.

    A penalty may be a hundred million times a price: in one unit of money for all, a row with both would be feasible
    only to more than what anything else costs.
    """
    (row_labels, row_unit), (column_labels, column_unit) = rows, columns
    of_cost = np.array([label.component in COST_COLUMNS for label in column_labels])
    place = {label: j for j, label in enumerate(column_labels) if label.component in COST_COLUMNS}

    def largest(row: int, *, costs: bool) -> float:
        of_row = slice(matrix.indptr[row], matrix.indptr[row + 1])
        terms = np.abs(matrix.data[of_row]) * column_unit[matrix.indices[of_row]]
        kept = terms[of_cost[matrix.indices[of_row]] == costs]
        return float(2.0 ** np.round(np.log2(kept.max()))) if kept.any() else 0.0

    for row, label in enumerate(row_labels):
        if label.component == "node_cost_adds_up" and (size := largest(row, costs=False)) > 0:
            row_unit[row] = column_unit[place[Label("cost", label.key)]] = size
    compared = [row for row, label in enumerate(row_labels) if label.component in COST_ROWS[1:]]
    for row in compared:
        row_unit[row] = largest(row, costs=True)
    for label, column in place.items():
        if label.component != "cost" and compared:
            column_unit[column] = row_unit[compared].max()


class _Sizes:
    """Unit by the first part of an index."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._tonnes = instance.units.tonnes
        self._producer = {}
        for name, producer in instance.supply.producers.items():
            main, per_activity = next(iter(producer.outputs.items()))
            self._producer[name] = self._tonnes[main] / 2.0 ** round(np.log2(per_activity))

    def one(self, key: tuple[Any, ...]) -> float:
        return 1.0

    def money(self, key: tuple[Any, ...]) -> float:
        return self._instance.units.kusd

    def commodity(self, key: tuple[Any, ...]) -> float:
        return self._tonnes[key[0]]

    def producer(self, key: tuple[Any, ...]) -> float:
        return float(self._producer[key[0]])

    def route(self, key: tuple[Any, ...]) -> float:
        return self._tonnes[self._instance.trade.routes[key[0]].commodity]

    def quota(self, key: tuple[Any, ...]) -> float:
        return self.route((next(iter(self._instance.trade.quota_routes[key[:2]])),))

    def recovery(self, key: tuple[Any, ...]) -> float:
        return self._tonnes[self._instance.recovery.rules[key[0]].commodity]

    def stockpile(self, key: tuple[Any, ...]) -> float:
        return self._tonnes[self._instance.stocks.stockpiles[key[0]].commodity]

    def demand(self, key: tuple[Any, ...]) -> float:
        return self._tonnes[self._instance.demands.demands[key[0]].commodity]

    def limit(self, key: tuple[Any, ...]) -> float:
        limit = self._instance.scenario.limits[key[0]]
        match limit:
            case Budget():
                return self._instance.units.kusd
            case PermitSlots():
                return 1.0
            case ServiceFloor():
                return self.demand((key[1],))
            case Survival():
                raise ValueError("survival limits are written out before a scenario is prepared")
            case _:
                return self._tonnes[limit.commodity]
