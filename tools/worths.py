"""Worth of commodities at home, from the marginal values of a plan."""

from __future__ import annotations

from lodeplan import optimizer
from lodeplan.optimizer.model.balances import commodity_balances


def worths(plan: optimizer.Plan) -> dict[tuple[str, str], float]:
    """Worth of a t at home by commodity and node, kUSD/t; a commodity that is worth nothing at a node is left out."""
    assert plan.scenario is not None
    suffix = f" {plan.scenario.home}"
    table = plan.tables["marginal_values"]
    rows = table[(table.what == commodity_balances.name) & table["name"].str.endswith(suffix)]
    return {
        (str(name).removesuffix(suffix), str(node)): float(worth)
        for name, node, worth in zip(rows["name"], rows.node, rows.at_node, strict=True)
    }
