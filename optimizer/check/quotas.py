"""Rows of duty bands and tariff quotas at a node (conventions, "Duty", 4 and 5)."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from lodeplan.optimizer.check.case import Case
from lodeplan.optimizer.check.ledger import Ledger, Unit
from lodeplan.optimizer.check.periods import mean
from lodeplan.optimizer.check.tree import Node

ABOVE_KUSD_PER_T = 1e-9
"""By how much the duty within a quota is above that over it where the quota has to be full first."""


@dataclass
class _Row:
    """What a quota, or the part of it that an origin has for itself, counts."""

    within_t_per_y: float = 0.0
    over_t_per_y: float = 0.0
    size: float = inf
    has_to_be_full: bool = False


def check_quotas(case: Case, node: Node, ledger: Ledger) -> None:
    """In-quota flow <= volume, and where that band costs more = volume before more flows over it."""
    rows = _rows(case, node, ledger)
    for (measure, origin), row in rows.items():
        volume, unit = _volume_t_per_y(case, node, measure, origin), Unit(row.size, "t/y")
        under = f"{measure} ({origin})" if origin else measure
        what = f"in-quota flow under {under} at {node.name}"
        ledger.at_most(what, row.within_t_per_y, volume, unit)
        if not row.has_to_be_full:
            continue
        # Either there is none over the quota or nothing is lacking within: what is the less of both is too much.
        lacking = (volume - row.within_t_per_y) / max(unit.size, volume)
        if row.over_t_per_y / unit.size > lacking:
            ledger.at_least(f"{what}, which costs more than the flow over it,", row.within_t_per_y, volume, unit)
        else:
            ledger.at_most(
                f"flow over the quota of {under}, which is not full and costs more, at {node.name}",
                row.over_t_per_y,
                0.0,
                unit,
            )


def _rows(case: Case, node: Node, ledger: Ledger) -> dict[tuple[str, str], _Row]:
    """By measure and origin; the part of origins without a volume of their own has none."""
    rows: dict[tuple[str, str], _Row] = {}
    for name in case.scenario.routes:
        for band, (kind, variant) in case.world.bands[name].items() if case.world.duties.has_quota(name) else ():
            duty, flow = case.world.duty(name, node, variant), case.plan.value("ship", node.name, (name, band))
            if kind == "all" and flow and duty.quotas:
                ledger.wrong(f"route {name} has no band {band} at {node.name}: a quota is in force")
            for measure, share in duty.quotas.items():
                row = rows.setdefault((measure, _own_origin(case, measure, name)), _Row())
                row.size = min(row.size, case.units[case.scenario.routes[name].commodity].size)
                dearer = duty.in_quota > duty.over_quota + ABOVE_KUSD_PER_T
                row.has_to_be_full |= dearer and case.world.sources.feeds(name, variant)
                row.within_t_per_y += share * flow if kind == "in_quota" else 0.0
                row.over_t_per_y += flow if kind == "over_quota" else 0.0
    return rows


def _own_origin(case: Case, measure: str, route: str) -> str:
    """The origin of a route if the quota has a volume for it alone."""
    quota, origin = case.scenario.tariffs[measure].quota, case.scenario.routes[route].origin
    return origin if quota is not None and origin in quota.volume_by_origin_t_per_y else ""


def _volume_t_per_y(case: Case, node: Node, measure: str, origin: str) -> float:
    quota = case.scenario.tariffs[measure].quota
    if quota is None:
        return inf
    return mean(quota.volume_by_origin_t_per_y[origin] if origin else quota.volume_t_per_y, node.period)
