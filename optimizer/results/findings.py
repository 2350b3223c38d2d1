"""The plan in sentences: what to do, what it costs, what it buys, what stays at risk."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.results.values import Values, tail_mean
from optimizer.results.words import listed, money, percent, tonnes

TIER_WORDS = {
    "military": "Expected shortage of the military tier",
    "essential_civilian": "Expected shortage of the essential civilian tier",
    "other": "Expected shortage of the other tier",
    "export": "Expected sales abroad forgone",
}


def findings(values: Values, do_nothing: Values | None) -> list[str]:
    """Sentences, the decision first."""
    return [*_decisions(values), *_worth(values, do_nothing), *_shortage(values, do_nothing), *_tail(values)]


def _decisions(values: Values) -> Iterator[str]:
    instance = values.instance
    tree = instance.tree
    on_base = [start for start in values.started_now if tree.future[start[2]] < 0]
    starts = [
        f"{instance.programme.projects[p].title or p} in {tree.start[n]} ({t.replace('_', ' ')})"
        for p, t, n in sorted(on_base, key=lambda s: (s[2], s[0]))
    ]
    onboarded = [
        f"{instance.trade.routes[r].title or r} in {tree.start[n]}"
        for r, n in sorted(values.onboarded_now, key=lambda s: (s[1], s[0]))
        if tree.future[n] < 0
    ]
    stored = []
    for row, name in enumerate(instance.stocks.names):
        level = {node: values.flows["stock"][row, node] for node in tree.base_path}
        peak = max(level, key=lambda node: level[node])
        if values.flows["buy"][row].any() and level[peak] > 0:
            stockpile = instance.stocks.stockpiles[name]
            stored.append(f"{tonnes(level[peak])} of {stockpile.commodity} by the end of {_last_year(values, peak)}")
    if starts:
        yield f"Start {listed(starts)}."
    if onboarded:
        yield f"Onboard {listed(onboarded)}."
    if stored:
        yield f"Store up to {listed(stored)}."
    if not (starts or onboarded or stored):
        yield "Start no project, onboard no new supplier and buy nothing for stock: running sources serve best."


def _last_year(values: Values, node: int) -> int:
    return int(values.instance.tree.start[node] + values.instance.tree.length[node] - 1)


def _worth(values: Values, do_nothing: Values | None) -> Iterator[str]:
    cost = values.expected(values.counted_costs())
    if do_nothing is None:
        return
    idle = do_nothing.expected(do_nothing.counted_costs())
    saved = idle - cost
    if abs(saved) > 1e-9 * abs(idle):
        word = "less" if saved > 0 else "more"
        yield (
            f"With shortages valued at their penalties, this comes to {money(abs(saved))} {word} in expectation "
            f"than doing nothing ({percent(abs(saved) / abs(idle))} of it)."
        )


def _shortage(values: Values, do_nothing: Values | None) -> Iterator[str]:
    short = shortage_by_tier(values)
    idle = shortage_by_tier(do_nothing) if do_nothing else {}
    for tier, expected in short.items():
        before = idle.get(tier, 0.0)
        if expected > 0 or before > 0:
            text = f"{TIER_WORDS[tier]}: {tonnes(expected)}"
            yield text + (f" (doing nothing: {tonnes(before)})." if do_nothing else ".")


def _tail(values: Values) -> Iterator[str]:
    tree = values.instance.tree
    costs = values.future_costs()
    if len(costs) < 2:
        return
    level = values.instance.scenario.risk.tail_level
    worst = int(costs.argmax())
    expected = float((costs * tree.future_probability).sum())
    yield (
        f"The dearest future is {tree.future_names[worst]!r} (probability {percent(tree.future_probability[worst])}), "
        f"{money(costs[worst] - expected)} above the mean; the mean of the worst {percent(1 - level)} of futures is "
        f"{money(tail_mean(costs, tree.future_probability, level))}."
    )


def shortage_by_tier(values: Values) -> dict[str, float]:
    """Expected shortage over the horizon by tier, t, not discounted."""
    instance = values.instance
    weight = instance.tree.probability * instance.tree.length
    total = {demand.tier: 0.0 for demand in instance.demands.demands.values()}
    for row, (d, _) in enumerate(instance.demands.steps):
        total[instance.demands.demands[d].tier] += float((values.flows["short"][row] * weight).sum())
    return {str(tier): t for tier, t in total.items()}
