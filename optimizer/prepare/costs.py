"""Cost terms: one function a term, used by the objective and by the report, so that they cannot drift apart.

A term puts a coefficient, kUSD per unit of a variable, on that variable at every node, as of the node's first day: of a
yearly flow all that is paid for it in the node's years, each at its own discount. The node's own discount factor and
probability come on top.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.projects import Start
from lodeplan.optimizer.prepare.subjects import Subjects

Variable = Literal["run", "ship", "stock", "buy", "recover", "dispose", "use", "short", "slack", "onboard"]
TRANSFERS = ("duty", "support", "grant")
"""Paid to or by the state: a cost in the importer's view only."""
NOT_SPEND = (
    "calibration",
    "demand_reduction",
    "shortage_penalty",
    "limit_violation",
    "end_value_stock",
    "end_value_projects",
)
"""Terms that are no money paid."""


@dataclass(frozen=True)
class FlowTerm:
    """A term on a variable that exists at every node."""

    name: str
    variable: Variable
    kusd_per_unit: Floats
    """Shape (index of the variable, nodes)."""


@dataclass(frozen=True)
class StartTerm:
    """A term that a start puts on its own node and on later ones."""

    name: str
    kusd: dict[tuple[Start, int], float]
    """By start and the node where it falls due."""

    def of(self, start: Start) -> Sequence[tuple[int, float]]:
        """(node, kUSD) of a start."""
        return self._by_start.get(start, ())

    @cached_property
    def _by_start(self) -> dict[Start, list[tuple[int, float]]]:
        found: dict[Start, list[tuple[int, float]]] = {}
        for (start, node), kusd in self.kusd.items():
            found.setdefault(start, []).append((node, kusd))
        return found


def production(subjects: Subjects) -> FlowTerm:
    """Running cost at home, purchase price abroad."""
    return FlowTerm("production", "run", subjects.supply.cost_kusd_per_t * subjects.tree.annuity_y)


def support(subjects: Subjects) -> FlowTerm:
    """Payments of the state under price floors, which benefit the producer and so the importer."""
    supply, nodes = subjects.supply, len(subjects.tree)
    payment = [supply.support_kusd_per_t.get(producer, np.zeros(nodes)) for producer, _ in supply.steps]
    return FlowTerm("support", "run", -np.array(payment).reshape(len(supply.steps), nodes) * subjects.tree.annuity_y)


def freight(subjects: Subjects) -> FlowTerm:
    """Freight and insurance."""
    return FlowTerm("freight", "ship", subjects.trade.freight_kusd_per_t * subjects.tree.annuity_y)


def hub_markup(subjects: Subjects) -> FlowTerm:
    """Mark-ups of trading hubs."""
    return FlowTerm("hub_markup", "ship", subjects.trade.hub_markup_kusd_per_t * subjects.tree.annuity_y)


def duty(subjects: Subjects) -> FlowTerm:
    """Duty paid to the Treasury."""
    return FlowTerm("duty", "ship", subjects.trade.duty_kusd_per_t * subjects.tree.annuity_y)


def calibration(subjects: Subjects) -> FlowTerm:
    """The term that makes the base year come out as observed."""
    return FlowTerm("calibration", "ship", subjects.trade.calibration_kusd_per_t * subjects.tree.annuity_y)


def recovery(subjects: Subjects) -> FlowTerm:
    """Collecting and recovering scrap."""
    return FlowTerm("recovery", "recover", subjects.recovery.cost_kusd_per_t * subjects.tree.annuity_y)


def substitution(subjects: Subjects) -> FlowTerm:
    """Changing over to substitutes; what they are bought for is production and trade."""
    options, nodes = subjects.demands.options.values(), len(subjects.tree)
    rows = [option.substitution_kusd_per_t for option in options]
    return FlowTerm("substitution", "use", np.array(rows).reshape(len(rows), nodes) * subjects.tree.annuity_y)


def demand_reduction(subjects: Subjects) -> FlowTerm:
    """Worth of the need that is given up to the price."""
    worth = [option.reduction_kusd_per_t for option in subjects.demands.options.values()]
    return FlowTerm("demand_reduction", "use", np.outer(np.array(worth, float), subjects.tree.annuity_y))


def disposal(subjects: Subjects) -> FlowTerm:
    """Letting a surplus go."""
    prices = [subjects.scenario.commodities[commodity].disposal_cost_kusd_per_t for commodity, _ in subjects.disposals]
    return FlowTerm("disposal", "dispose", np.outer(np.array(prices, float), subjects.tree.annuity_y))


def holding(subjects: Subjects) -> FlowTerm:
    """Storage and finance of the stock at the period's end, in each of its years."""
    return FlowTerm("holding", "stock", subjects.stocks.holding_kusd_per_t_y * subjects.tree.annuity_y)


def buying_premium(subjects: Subjects) -> FlowTerm:
    """Premium on purchases for stock."""
    return FlowTerm("buying_premium", "buy", subjects.stocks.premium_kusd_per_t * subjects.tree.annuity_y)


def end_value_stock(subjects: Subjects) -> FlowTerm:
    """Worth of the stock left at a leaf."""
    return FlowTerm("end_value_stock", "stock", -subjects.stocks.end_value_kusd_per_t * subjects.tree.last_year)


def shortage_penalty(subjects: Subjects) -> FlowTerm:
    """Worth of unserved demand."""
    return FlowTerm("shortage_penalty", "short", subjects.demands.penalty_kusd_per_t * subjects.tree.annuity_y)


def limit_violation(subjects: Subjects) -> FlowTerm:
    """Stated price of exceeding soft limits."""
    return FlowTerm("limit_violation", "slack", subjects.limits.violation_kusd)


def onboarding(subjects: Subjects) -> FlowTerm:
    """Qualifying suppliers, paid at the decision."""
    rules = subjects.trade.onboarding
    price = [[rules[route].cost_kusd] * len(subjects.tree) for route in rules]
    return FlowTerm("onboarding", "onboard", np.array(price, float).reshape(len(rules), len(subjects.tree)))


def capex(subjects: Subjects) -> StartTerm:
    """Capital cost by the project's spending profile, each year's part at its own discount."""
    return StartTerm("capex", dict(subjects.programme.capex_worth_kusd))


def grant(subjects: Subjects) -> StartTerm:
    """Part of capex paid by the state, which benefits the builder and so the importer."""
    programme = subjects.programme
    paid = {key: -kusd * programme.projects[key[0][0]].grant_share for key, kusd in programme.capex_worth_kusd.items()}
    return StartTerm("grant", {key: kusd for key, kusd in paid.items() if kusd < 0})


def fast_track(subjects: Subjects) -> StartTerm:
    """Extra cost of the track, at the start."""
    extra = subjects.programme.extra_due_kusd
    return StartTerm("fast_track", {(start, start[2]): kusd for start, kusd in extra.items() if kusd > 0})


def end_value_projects(subjects: Subjects) -> StartTerm:
    """Unspent life of what was built, at a leaf."""
    worth, last_year = subjects.programme.end_value_kusd, subjects.tree.last_year
    end = {(start, leaf): -kusd * float(last_year[leaf]) for (start, leaf), kusd in worth.items() if kusd > 0}
    return StartTerm("end_value_projects", end)


FLOW_TERMS: tuple[Callable[[Subjects], FlowTerm], ...] = (
    production,
    support,
    freight,
    hub_markup,
    duty,
    calibration,
    recovery,
    substitution,
    demand_reduction,
    disposal,
    holding,
    buying_premium,
    end_value_stock,
    shortage_penalty,
    limit_violation,
    onboarding,
)
START_TERMS: tuple[Callable[[Subjects], StartTerm], ...] = (capex, grant, fast_track, end_value_projects)


@dataclass(frozen=True)
class Costs:
    """All terms of a scenario, and whether each counts in its view."""

    flows: tuple[FlowTerm, ...]
    starts: tuple[StartTerm, ...]
    national_view: bool

    def counts(self, term: str) -> bool:
        """True if a term is a cost in the scenario's view."""
        return not (self.national_view and term in TRANSFERS)

    def unit_cost(self, variable: Variable) -> Floats | float:
        """Sum of the counted terms on a variable, kUSD per unit; shape (index, nodes), 0.0 without terms."""
        return sum(term.kusd_per_unit for term in self.flows if term.variable == variable and self.counts(term.name))

    def start_cost(self) -> dict[tuple[Start, int], float]:
        """Sum of the counted terms on starts, kUSD, by start and the node where it falls due."""
        total: dict[tuple[Start, int], float] = {}
        for term in (term for term in self.starts if self.counts(term.name)):
            for key, kusd in term.kusd.items():
                total[key] = total.get(key, 0.0) + kusd
        return total


def prepare_costs(subjects: Subjects) -> Costs:
    """Evaluate every term."""
    return Costs(
        flows=tuple(term(subjects) for term in FLOW_TERMS),
        starts=tuple(term(subjects) for term in START_TERMS),
        national_view=subjects.scenario.economics.view == "national",
    )
