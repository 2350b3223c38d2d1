"""The plan in sentences: decisions, cost, benefit and remaining risk."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lodeplan.optimizer.prepare.costs import NOT_SPEND
from lodeplan.optimizer.results.values import Values, tail_mean
from lodeplan.optimizer.solver import Answer
from lodeplan.optimizer.words.numbers import listed, money, percent, span_of_years, tonnes
from lodeplan.schemas.plan import SamplingReport, Termination

TIER_WORDS = {
    "military": "Expected shortage of the military tier",
    "essential_civilian": "Expected shortage of the essential civilian tier",
    "other": "Expected shortage of the other tier",
    "export": "Expected lost sales abroad",
}


SAME_COST = 1e-9
"""Relative difference within which two costs are the same."""
UNDERSTATED = 0.8
"""Share of a hazard's expected loss below which a finding says that the futures kept understate it."""
NOTHING_FOUND = (
    "No plan was found before the search ended. The following is the outcome of doing nothing and not a "
    "recommendation: allow more time."
)
FAILED_WITHOUT_PLAN = (
    "The solver failed before it found a plan. The following only keeps the limits and is not a recommendation: look "
    "for numbers of very different size in the scenario."
)
FAILED_WITH_PLAN = (
    "The solver failed before it reached the requested gap: this plan passed the independent check, but a better one "
    "may exist."
)


def findings(values: Values, do_nothing: Values | None, answer: Answer) -> list[str]:
    """Sentences, the decision first; before it, that the search found nothing, or failed."""
    return [
        *_how_the_search_failed(answer),
        *([] if answer.nothing_found else [_plan_in_a_sentence(values, do_nothing), *_decisions(values)]),
        # Where nothing was found, what doing nothing lacks is no yardstick: it is the same, or nearly.
        *_shortage(values, None if answer.nothing_found else do_nothing),
        *_tail(values),
        *_aim(values),
        *_how_near(values, answer),
    ]


def _how_the_search_failed(answer: Answer) -> Iterator[str]:
    if answer.nothing_found:
        yield FAILED_WITHOUT_PLAN if answer.termination is Termination.ERROR else NOTHING_FOUND
    elif answer.termination is Termination.ERROR:
        yield FAILED_WITH_PLAN


def _how_near(values: Values, answer: Answer) -> Iterator[str]:
    """Say that the gap is not measured as it was asked for."""
    if values.instance.scenario.solve.gap_of == "worth" and answer.gap_of == "cost" and not answer.nothing_found:
        why = "is not possible" if answer.do_nothing_kusd is None else "is as good as this plan"
        yield f"The gap is a share of the cost and not of the saving, as was asked for: doing nothing {why}."


def _plan_in_a_sentence(values: Values, do_nothing: Values | None) -> str:
    """Write the decisions, their cost and their benefit."""
    starts, onboardings, stored = _starts(values), _onboardings(values), _stored(values)
    fast = sum(_is_fast(values, project, track) for project, track, _ in starts)
    do = []
    if starts:
        do.append(f"start {_counted(len(starts), 'project')}" + (f" ({fast} on the fast track)" if fast else ""))
    if onboardings:
        do.append(f"onboard {_counted(len(onboardings), 'supplier')}")
    if stored:
        do.append(f"fill {_counted(len(stored), 'stockpile')}")
    decision = listed(do).capitalize() if do else "Start, onboard and store nothing"
    horizon = values.instance.tree.calendar
    years = span_of_years(horizon.starts[0], horizon.end - 1)
    text = f"{decision}. The whole plan costs {money(spend(values))} in {years}, expected and discounted"
    if do_nothing is None:
        return text + "."
    idle = do_nothing.expected(do_nothing.counted_costs())
    saved = idle - values.expected(values.counted_costs())
    if not do or abs(saved) <= SAME_COST * abs(idle):
        return text + "."
    part = f" ({percent(abs(saved) / abs(idle))})" if idle else ""  # doing nothing may cost nothing
    more = "less" if saved > 0 else "more"
    return f"{text}; with shortages at their penalties it costs {money(abs(saved))} {more} than doing nothing{part}."


def _decisions(values: Values) -> Iterator[str]:
    """The decisions by name, those for early years and fast tracks first."""
    instance = values.instance
    tree = instance.tree
    ranked = sorted((not _is_fast(values, p, t), n, p) for p, t, n in _starts(values))
    starts = [
        f"{instance.programme.projects[p].title or p} ({tree.start[n]}{'' if slow else ', fast track'})"
        for slow, n, p in ranked
    ]
    onboardings = [f"{instance.trade.routes[r].title or r} ({tree.start[n]})" for r, n in _onboardings(values)]
    stored = []
    for row, node in _stored(values):
        level = tonnes(values.flows["stock"][row, node])
        name = commodity_title(values, instance.stocks.stockpiles[instance.stocks.names[row]].commodity)
        stored.append(f"{level} of {name} ({tree.start[node]})")
    for verb, items in (("Projects", starts), ("Suppliers", onboardings), ("Stocks at their highest", stored)):
        if items:
            yield f"{verb}: {listed(items)}."


def _is_fast(values: Values, project: str, track: str) -> bool:
    """True if a track brings its project on line sooner than the slowest one."""
    return values.instance.programme.projects[project].is_fast(track)


def _starts(values: Values) -> list[tuple[str, str, int]]:
    """Starts on the planned path, in time."""
    tree = values.instance.tree
    return sorted((s for s in values.started_now if tree.planned_share[s[2]] > 0), key=lambda s: (s[2], s[0]))


def _onboardings(values: Values) -> list[tuple[str, int]]:
    """Onboardings on the planned path, in time."""
    tree = values.instance.tree
    return sorted((s for s in values.onboarded_now if tree.planned_share[s[1]] > 0), key=lambda s: (s[1], s[0]))


def _stored(values: Values) -> list[tuple[int, int]]:
    """(stockpile's row, node of its highest level) of what is bought for stock on the planned path."""
    base = list(values.instance.tree.planned_path)
    stock = values.flows["stock"]
    bought = np.flatnonzero(values.flows["buy"][:, base].any(axis=1)).tolist()
    return [(row, base[int(stock[row, base].argmax())]) for row in bought]


def spend(values: Values) -> float:
    """Money paid, expected and discounted, kUSD."""
    costs = values.instance.costs
    paid = (cost for term, cost in values.node_costs().items() if term not in NOT_SPEND and costs.counts(term))
    return sum(values.expected(cost) for cost in paid)


def commodity_title(values: Values, commodity: str) -> str:
    """Return the title of a commodity."""
    return values.instance.scenario.commodities[commodity].title or commodity


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _shortage(values: Values, do_nothing: Values | None) -> Iterator[str]:
    short = shortage_by_tier(values)
    idle = shortage_by_tier(do_nothing) if do_nothing else {}
    for tier, expected in short.items():
        before = idle.get(tier, 0.0)
        if expected > 0 or before > 0:
            text = f"{TIER_WORDS[tier]}: {tonnes(expected)}"
            yield text + (f" (doing nothing: {tonnes(before)})." if do_nothing else ".")


def _tail(values: Values) -> Iterator[str]:
    tree, scenario = values.instance.tree, values.instance.scenario
    costs = values.future_costs()
    if len(tree.counted) < 2:
        return
    level = scenario.risk.tail_level
    worst = max(tree.counted, key=lambda future: costs[future])
    name = tree.future_names[worst]
    expected = float((costs * tree.future_probability).sum())
    if costs[worst] - expected <= SAME_COST * abs(expected):
        yield "Every future that may come costs the same."
        return
    tail = tail_mean(costs, tree.future_probability, level)
    yield (
        f"The costliest future, {scenario.futures[name].title or name} (probability "
        f"{percent(tree.future_probability[worst])}), costs {money(costs[worst] - expected)} more than the mean; the "
        f"worst {percent(1 - level)} of futures cost {money(tail)} on average."
    )


def _aim(values: Values) -> Iterator[str]:
    """Name the objective, if it is not expected cost and its tail."""
    instance = values.instance
    costs = dict(zip(instance.tree.future_names, values.future_costs().tolist(), strict=True))
    match instance.scenario.risk.objective:
        case "worst_future":
            yield "The plan makes the costliest future as cheap as possible; expected cost only breaks ties."
        case "expected_shortage":
            yield "The plan minimises the expected worth of shortages; expected cost only breaks ties."
        case "maximum_regret":
            regret = {name: costs[name] - best for name, best in instance.best_kusd.items()}
            worst = max(regret, key=lambda name: regret[name])
            title = instance.scenario.futures[worst].title or worst
            yield (
                f"The plan makes the largest regret as small as possible: if {title} comes, the plan costs "
                f"{money(regret[worst])} more than the best plan for that future alone."
            )


def sampling_findings(report: SamplingReport) -> Iterator[str]:
    """Describe how well the futures kept represent those drawn."""
    yield (
        f"{report.futures} futures stand for {report.draws:,} drawn ({report.distinct_draws:,} different): "
        f"{percent(report.relative_distance)} of the distance that a single future would leave remains."
    )
    low = {
        name: lost.kept / lost.drawn
        for name, lost in report.lost_share.items()
        if lost.drawn > 0 and lost.kept < UNDERSTATED * lost.drawn
    }
    if low:
        worst = sorted(low, key=lambda name: low[name])
        yield (
            f"They understate losses: {listed([f'{name} keeps {percent(low[name])}' for name in worst])} of its "
            "expected loss. Keep more futures."
        )


def shortage_by_tier(values: Values) -> dict[str, float]:
    """Expected shortage over the horizon by tier, t, not discounted."""
    instance = values.instance
    weight = instance.tree.probability * instance.tree.length
    total = {demand.tier: 0.0 for demand in instance.demands.demands.values()}
    for row, (d, _) in enumerate(instance.demands.steps):
        total[instance.demands.demands[d].tier] += float((values.flows["short"][row] * weight).sum())
    return {str(tier): t for tier, t in total.items()}
