"""Two plans side by side, in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.report.cells import cost, heads, number, quantity, words
from lodeplan.optimizer.report.costs import saving_kusd
from lodeplan.optimizer.report.flows import source_title
from lodeplan.optimizer.report.titles import title
from lodeplan.optimizer.words.titles import TERM_TITLES, TIER_TITLES
from lodeplan.schemas.report import Cell, Section

_BRIEF_SOURCES = 12

Source = tuple[str, str, str]
"""(commodity, source kind, place)."""


def totals_of_both(first: Plan, second: Plan) -> Section:
    """The numbers of both plans as a whole."""
    old, new = first.summary, second.summary
    named = {
        "Cost": (old.spend_kusd, new.spend_kusd),
        "Duty": (old.duty_kusd, new.duty_kusd),
        "Mean of the futures": (old.expected_cost_kusd, new.expected_cost_kusd),
        "Worst futures": (old.cvar_kusd, new.cvar_kusd),
        "Saving against doing nothing": (saving_kusd(first), saving_kusd(second)),
    }
    rows = [
        [words(name), *_costs(before, after)]
        for name, (before, after) in named.items()
        if before is not None and after is not None
    ]
    for tier in dict.fromkeys([*old.shortage_t, *new.shortage_t]):
        said = f"Shortage, {TIER_TITLES.get(tier, tier).lower()}"
        short = [side.shortage_t.get(tier, 0.0) for side in (old, new)]
        rows.append([words(said), *(quantity(t, "t") for t in (*short, short[1] - short[0]))])
    return Section(
        name="totals", title="The plans in numbers", columns=heads("Number", ">First", ">Second", ">Difference"),
        rows=rows, note="Money is expected over all futures and discounted; shortages are over the horizon.",
    )  # fmt: skip


def cost_terms_of_both(first: Plan, second: Plan) -> Section:
    """Expected, discounted cost by term, the largest difference first, and all of it."""
    old, new = first.summary.cost_terms_kusd, second.summary.cost_terms_kusd
    terms = sorted({**old, **new}, key=lambda term: -abs(new.get(term, 0.0) - old.get(term, 0.0)))
    rows = [
        [words(TERM_TITLES.get(term, term)), *_costs(old.get(term, 0.0), new.get(term, 0.0))]
        for term in terms
        if old.get(term) or new.get(term)
    ]
    whole = (plan.summary.expected_cost_kusd or 0.0 for plan in (first, second))
    return Section(
        name="cost_terms", title="Expected cost, discounted",
        columns=heads("Term", ">First", ">Second", ">Difference"), rows=rows,
        total=[words("All that counts"), *_costs(*whole)],
    )  # fmt: skip


def moved_sources(known: Plan, moved: Iterable[Source], supply_t: tuple[Mapping[Source, float], ...]) -> Section:
    """Sources whose supply differs, in this order; `supply_t` of the first and of the second plan, whose names are
    told as the plan `known` calls them."""
    rows = [
        [
            words(title(known, "commodities", source[0])),
            words(source_title(known, source[1:])),
            *_numbers(*(side.get(source, 0.0) for side in supply_t)),
        ]
        for source in moved
    ]
    return Section(
        name="moved_sources", title="Expected supply that differs, t",
        columns=heads("Commodity", "Source", ">First", ">Second", ">Difference"), rows=rows,
        empty="Both plans buy the same.", note="Over the years that both plans are for.", brief_rows=_BRIEF_SOURCES,
    )  # fmt: skip


def _costs(first: float, second: float) -> list[Cell]:
    return [cost(first), cost(second), cost(second - first)]


def _numbers(first: float, second: float) -> list[Cell]:
    return [number(first, "t"), number(second, "t"), number(second - first, "t")]
