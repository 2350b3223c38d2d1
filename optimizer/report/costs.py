"""Costs of the plan, by term and by future, and its distance from the best at most."""

from __future__ import annotations

from collections.abc import Iterator

from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.prepare.costs import TRANSFERS
from lodeplan.optimizer.report.cells import cost, heads, quantity, share, words
from lodeplan.optimizer.report.titles import title
from lodeplan.optimizer.tables.rows import records
from lodeplan.optimizer.words.numbers import percent
from lodeplan.optimizer.words.titles import TERM_TITLES, TIER_TITLES
from lodeplan.schemas.report import Cell, Section

AIMS = {
    "cost": "expected cost and CVaR",
    "worst_future": "cost of the costliest future",
    "maximum_regret": "largest regret",
    "expected_shortage": "expected worth of shortages",
}
"""The objective that is minimised, in words."""
_BRIEF_GROUPS = 8
_BRIEF_FUTURES = 6


def totals(plan: Plan) -> Section:
    """The numbers of the whole plan, each with a few words on what it is."""
    rows = [[words(name), cell, words(meaning)] for name, cell, meaning in _totals(plan) if cell.value is not None]
    return Section(
        name="totals", title="The plan in numbers", columns=heads("Number", ">Amount", "What it is"),
        rows=rows, note="Money is expected over all futures and discounted.",
    )  # fmt: skip


def _totals(plan: Plan) -> Iterator[tuple[str, Cell, str]]:
    summary, scenario = plan.summary, plan.scenario
    importer = scenario is None or scenario.economics.view == "importer"
    tail = "" if scenario is None else f"{percent(1 - scenario.risk.tail_level)} "
    yield "Cost", cost(summary.spend_kusd), "money paid"
    yield "Duty", cost(summary.duty_kusd), "part of the cost" if importer else "a transfer, not in the cost"
    yield "Shortage penalty", cost(summary.cost_terms_kusd.get("shortage_penalty", 0.0)), "worth of what is missing"
    yield "Mean of the futures", cost(summary.expected_cost_kusd), "with penalties and worth left"
    yield "Worst futures", cost(summary.cvar_kusd), f"mean of the worst {tail}(CVaR)"
    yield "Objective", cost(summary.objective_kusd), AIMS[scenario.risk.objective if scenario else "cost"]
    yield "Doing nothing", cost(summary.do_nothing_kusd), "its objective"
    yield "Saving", cost(saving_kusd(plan)), "against doing nothing"
    asked = ", as was asked for" if summary.gap_of == "worth" else ""
    yield "Gap", share(summary.gap), "a better plan saves at most"
    yield "Gap of the saving", share(summary.gap_of_worth), f"of the gain on doing nothing{asked}"
    for tier, tonnes in summary.shortage_t.items():
        said = TIER_TITLES.get(tier, tier).lower()
        yield f"Shortage, {said}", quantity(tonnes, "t"), "over the horizon"


def saving_kusd(plan: Plan) -> float | None:
    """Saving of the plan against doing nothing, in expectation, as in the first finding."""
    if plan.summary.do_nothing_kusd is None:
        return None
    terms = plan.tables["cost_terms"]
    counts_all = plan.scenario is None or plan.scenario.economics.view == "importer"
    counted = terms if counts_all else terms[~terms["term"].isin(TRANSFERS)]
    return float(-counted["change_kusd"].sum())


def cost_terms(plan: Plan) -> Section:
    """Expected, discounted cost by term, the largest first."""
    table = plan.tables["cost_terms"]
    terms = sorted((row for row in records(table) if row["expected_kusd"]), key=lambda row: -abs(row["expected_kusd"]))
    whole = sum(row["expected_kusd"] for row in terms)
    rows = [
        [
            words(TERM_TITLES.get(row["term"], row["term"])),
            cost(row["expected_kusd"]),
            share(row["expected_kusd"] / whole if whole > 0 else None),
        ]
        for row in terms
    ]
    columns = heads("Term", ">Expected, discounted", ">Of the whole")
    return Section(name="cost_terms", title="Cost by term", columns=columns, rows=rows, source="cost_terms")


def futures(plan: Plan) -> Section:
    """Futures by cost, the costliest first."""
    rows = [
        [words(title(plan, "futures", row["future"])), share(row["probability"]), cost(row["cost_kusd"])]
        for row in records(plan.tables["futures"].sort_values("cost_kusd", ascending=False))
    ]
    columns = heads("Future", ">Probability", ">Cost, discounted")
    return Section(
        name="futures", title="Cost by future", columns=columns, rows=rows, source="futures", brief_rows=_BRIEF_FUTURES
    )


def gaps(plan: Plan) -> Section:
    """Distance of each mineral group from its best plan at most, the largest first."""
    ordered = sorted(plan.summary.gap_by_group.items(), key=lambda item: (-item[1], item[0]))
    rows = [[words(group.replace("_", " ")), share(gap)] for group, gap in ordered]
    left = ", ".join(group.replace("_", " ") for group in plan.summary.open_groups)
    return Section(
        name="gaps", title="Gap by mineral group", columns=heads("Group", ">Gap"), rows=rows,
        note="A better plan for the group would save at most this share. The gap of the whole can hide a small "
        "mineral. Shared budgets: what another use of limits that groups share would save, of the whole."
        + (f" Still open, by more than 1 % of their cost and 10 million USD: {left}." if left else ""),
        empty="Not computed.", brief_rows=_BRIEF_GROUPS,
    )  # fmt: skip
