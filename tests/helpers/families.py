"""Small scenarios in YAML, and what to read from their plans."""

from typing import Any

import pytest
import yaml

from lodeplan import optimizer

DEFAULTS: dict[str, Any] = {
    "name": "case",
    "home": "USA",
    "horizon": {"first_year": 1, "period_years": [1]},
    "economics": {"discount_rate": 0},
    "commodities": {"metal": {"stage": "refined", "mineral_group": "metal"}},
}
"""One metal, one year, no discounting, unless the case says otherwise."""
Patches = list[dict[str, Any]]


def put(path: str, value: Any) -> Patches:
    return [{"op": "set", "path": path, "value": value}]


def solved(source: str, *patches: dict[str, Any]) -> optimizer.Plan:
    """The plan of a shipped scenario, or of one written in YAML that differs from `DEFAULTS` by what it says."""
    scenario = DEFAULTS | yaml.safe_load(source) if "\n" in source else source
    return optimizer.solve(scenario, patches, gap=0)


def optimum(source: str, *patches: dict[str, Any]) -> optimizer.Plan:
    plan = solved(source, *patches)
    assert plan.summary.termination == "optimal", plan.summary.conflict
    return plan


def cost_kusd(plan: optimizer.Plan) -> float:
    assert plan.summary.objective_kusd is not None
    return plan.summary.objective_kusd


def amounts(plan: optimizer.Plan, table: str, *keys: str, of: str = "") -> dict[Any, Any]:
    """A column of a table (the last, unless named), summed by its keys; close to what it is compared with."""
    rows = plan.tables[table]
    column = of or str(rows.columns[-1])
    return {
        key: pytest.approx(total, abs=1e-6)
        for key, total in rows.groupby(list(keys) if len(keys) > 1 else keys[0])[column].sum().items()
    }


def shipped(plan: optimizer.Plan) -> dict[str, Any]:
    """t/y by route, over all bands of a scenario of one node."""
    return amounts(plan, "ship", "route")


def worth(plan: optimizer.Plan, what: str, name: str, node: str = "1") -> float:
    """Marginal value of a row in a node, expected and discounted; 0 where it has none."""
    values = plan.tables["marginal_values"]
    found = values[(values["what"] == what) & (values["name"] == name) & (values["node"] == node)]
    return float(found["value"].sum())


FLOOR = {"kind": "service_floor", "tiers": ["other"], "served_share": 1}
"""What makes a limit clash instead of leaving demand short."""


def limited(**limits: dict[str, Any]) -> list[dict[str, Any]]:
    return put("limits", limits)


def conflict(source: str, *patches: dict[str, Any]) -> list[str]:
    plan = solved(source, *patches)
    assert plan.summary.termination == "infeasible"
    assert plan.tables == {}
    return plan.summary.conflict
