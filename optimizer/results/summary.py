"""The plan in one object."""

from __future__ import annotations

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.results.findings import findings, shortage_by_tier, spend
from lodeplan.optimizer.results.reports import by_year
from lodeplan.optimizer.results.values import Values, tail_mean
from lodeplan.optimizer.solver import Answer, Form
from lodeplan.schemas.plan import FutureCost, Import, ProjectStart, Size, StockLevel, Summary


def size_of(instance: Instance, form: Form) -> Size:
    """Size of the model handed to the solver."""
    rows, columns = form.matrix.shape
    return Size(
        columns=columns,
        rows=rows,
        nonzeros=form.nonzeros,
        binaries=int(form.integer.sum()),
        nodes=len(instance.tree),
    )


def summarise(instance: Instance, answer: Answer, values: Values, do_nothing: Values | None) -> Summary:
    """Everything of the contract that the solution itself tells."""
    tree = instance.tree
    costs = values.node_costs()
    terms = {term: values.expected(cost) for term, cost in costs.items() if cost.any()}
    futures = values.future_costs()
    distance = max(0.0, answer.objective_kusd - answer.bound_kusd)
    worth = None if answer.do_nothing_kusd is None else answer.do_nothing_kusd - answer.objective_kusd
    return Summary(
        scenario=instance.scenario.name,
        scenario_hash=instance.scenario.content_hash(),
        termination=answer.termination,
        solution=answer.solution,
        nothing_found=answer.nothing_found,
        objective_kusd=answer.objective_kusd,
        bound_kusd=answer.bound_kusd if np.isfinite(answer.bound_kusd) else None,
        gap=answer.gap if np.isfinite(answer.gap) else None,
        gap_of=answer.gap_of,
        gap_of_worth=distance / worth if worth is not None and worth > 0 and np.isfinite(distance) else None,
        gap_by_group=dict(answer.gap_by_group),
        open_groups=list(answer.open_groups),
        expected_cost_kusd=values.expected(values.counted_costs()),
        cvar_kusd=tail_mean(futures, tree.future_probability, instance.scenario.risk.tail_level),
        spend_kusd=spend(values),
        duty_kusd=terms.get("duty", 0.0),
        refundable_duty_kusd=_refundable(values),
        max_regret_kusd=_max_regret(values, futures),
        cost_terms_kusd=terms,
        do_nothing_kusd=answer.do_nothing_kusd,
        futures=[
            FutureCost(name=name, probability=float(p), cost_kusd=float(c))
            for name, p, c in zip(tree.future_names, tree.future_probability, futures, strict=True)
        ],
        projects=_starts(values),
        onboardings=_onboardings(values),
        imports=_imports(values),
        stocks=_stocks(values),
        shortage_t=shortage_by_tier(values),
        findings=findings(values, do_nothing, answer),
    )


def _refundable(values: Values) -> float | None:
    """Duty, expected and discounted, under measures that may be refunded; None where no measure is marked so."""
    instance = values.instance
    marked = {name for name, measure in instance.scenario.tariffs.items() if measure.refundable}
    if not marked:
        return None
    tree = instance.tree
    paid = np.zeros(len(tree))
    for row, duties in enumerate(instance.trade.duty_by_measure):
        rate = [sum(amount for name, amount in duty.items() if name in marked) for duty in duties]
        paid += np.array(rate) * values.flows["ship"][row] * tree.annuity_y
    return values.expected(paid)


def _max_regret(values: Values, future_costs: Floats) -> float | None:
    best = values.instance.best_kusd
    costs = dict(zip(values.instance.tree.future_names, future_costs.tolist(), strict=True))
    return max((costs[name] - least for name, least in best.items()), default=None)


def _starts(values: Values) -> list[ProjectStart]:
    tree, programme = values.instance.tree, values.instance.programme
    return [
        ProjectStart(name=p, track=t, start=tree.start[n], on_line=programme.on_line_y[p, t, n])
        for p, t, n in sorted(values.started_now, key=lambda s: (s[2], s[0]))
        if tree.planned_share[n] > 0
    ]


def _onboardings(values: Values) -> list[ProjectStart]:
    tree, rules = values.instance.tree, values.instance.trade.onboarding
    return [
        ProjectStart(name=r, track="onboarding", start=tree.start[n], on_line=tree.start[n] + rules[r].lead_years)
        for r, n in sorted(values.onboarded_now, key=lambda s: (s[1], s[0]))
        if tree.planned_share[n] > 0
    ]


def _imports(values: Values) -> list[Import]:
    """Imports on the planned path by commodity, origin and period."""
    instance = values.instance
    total: dict[tuple[str, str, int], float] = {}
    for row, (r, _) in enumerate(instance.trade.bands):
        route = instance.trade.routes[r]
        if route.destination == instance.scenario.home:
            for year, flow, _ in by_year(values, values.flows["ship"][row] * instance.tree.length):
                key = (route.commodity, route.origin, year)
                total[key] = total.get(key, 0.0) + flow
    return [Import(commodity=k, place=q, period=year, quantity_t=t) for (k, q, year), t in total.items() if t > 0]


def _stocks(values: Values) -> list[StockLevel]:
    """Stock at the end of each period on the planned path."""
    instance = values.instance
    years = instance.tree.calendar.starts
    found = []
    for row, name in enumerate(instance.stocks.names):
        held = {year: level for year, level, _ in by_year(values, values.flows["stock"][row])}
        found += [StockLevel(name=name, period=year, stock_t=held.get(year, 0.0)) for year in years]
    return found
