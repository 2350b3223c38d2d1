"""Shortages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.report.cells import NOTHING, cost, heads, number, words
from lodeplan.optimizer.report.flows import by_year
from lodeplan.optimizer.report.titles import title
from lodeplan.optimizer.tables.rows import records
from lodeplan.optimizer.words.titles import TIER_TITLES
from lodeplan.schemas.report import Cell, Section

WORST_A_TIER = 4
NONE_EXPECTED = "No shortage is expected."


def shortages(plan: Plan) -> Section:
    """Expected shortages by commodity, tier and year, those of the largest penalty first."""
    keys = ["commodity", "tier"]
    table = plan.tables["shortages"]
    penalty = table.groupby(keys)["expected_penalty_kusd"].transform("sum")
    table = table.assign(penalty=penalty).sort_values(["penalty", *keys, "year"], ascending=[False, True, True, True])

    def names(row: Mapping[str, Any]) -> list[Cell]:
        tier = words(TIER_TITLES.get(row["tier"], row["tier"]))
        return [words(title(plan, "commodities", row["commodity"])), tier, cost(row["penalty"])]

    years, rows = by_year(table, [*keys, "penalty"], names, "expected_t", "t")
    columns = [*heads("Commodity", "Tier", ">Penalty, all years"), *years]
    return Section(
        name="shortages", title="Expected shortage, t", columns=columns, rows=rows, empty=NONE_EXPECTED,
        source="shortages",
    )  # fmt: skip


def worst_shortages(plan: Plan) -> Section:
    """Each tier, and within it the commodities whose shortage weighs most."""
    short: dict[str, dict[str, tuple[float, float]]] = {}
    for row in records(plan.tables["shortages"]):
        of_tier = short.setdefault(str(row["tier"]), {})
        penalty, tonnes = of_tier.get(str(row["commodity"]), (0.0, 0.0))
        of_tier[str(row["commodity"])] = penalty + row["expected_penalty_kusd"], tonnes + row["expected_t"]
    rows = []
    for tier, tonnes in plan.summary.shortage_t.items():
        if tonnes > 0:
            rows.append([words(TIER_TITLES.get(tier, tier)), NOTHING, number(tonnes, "t")])
            worst = sorted(short.get(tier, {}).items(), key=lambda item: -item[1][0])[:WORST_A_TIER]
            rows += [[NOTHING, words(title(plan, "commodities", name)), number(t, "t")] for name, (_, t) in worst]
    return Section(
        name="worst_shortages", title="Expected shortage over the horizon",
        columns=heads("Tier", "Worst in it", ">Short, t"), rows=rows, empty=NONE_EXPECTED,
        source="shortages",
    )  # fmt: skip
