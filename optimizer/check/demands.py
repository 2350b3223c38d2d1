"""Rows of demand at a node (conventions, "Demand", and source bans under "Content")."""

from __future__ import annotations

from lodeplan.optimizer.check.case import Case
from lodeplan.optimizer.check.ledger import Ledger
from lodeplan.optimizer.check.options import first_year, width_share
from lodeplan.optimizer.check.periods import mean, share_of_days
from lodeplan.optimizer.check.projects import TOLERANCE_Y
from lodeplan.optimizer.check.tree import Node


def check_demands(case: Case, node: Node, ledger: Ledger) -> None:
    """Every row of the demands at a node."""
    _quantities_are_met_or_short(case, node, ledger)
    for name in case.scenario.demands:
        _substitutes_hold(case, node, name, ledger)
        _little_is_given_up(case, node, name, ledger)
        _bans_hold(case, node, name, ledger)


def _quantities_are_met_or_short(case: Case, node: Node, ledger: Ledger) -> None:
    """Met by all options + shortage = quantity; each shortage step within its width."""
    short, met = case.short_t_per_y(node), case.plan.totals("serve", node.name)
    for name, demand in case.scenario.demands.items():
        quantity, unit = case.world.demand_t_per_y(name, node), case.units[demand.commodity]
        both = met.get(name, 0.0) + short.get(name, 0.0)
        ledger.equal(f"served and short of demand {name} at {node.name}", both, quantity, unit)
    for (name, number), (shortage, *_) in case.plan.rows("shortage", node.name).items():
        share, _ = case.world.penalty_steps(name)[int(number)]
        width = share * case.world.demand_t_per_y(name, node)
        unit = case.units[case.scenario.demands[name].commodity]
        ledger.at_most(f"shortage step {number} of demand {name} at {node.name}", shortage, width, unit)


def _substitutes_hold(case: Case, node: Node, name: str, ledger: Ledger) -> None:
    """Met by a substitute <= its share of the quantity, and nothing before it can be used."""
    demand = case.scenario.demands[name]
    met: dict[str, float] = {}
    for option, flow in case.served_t_per_y(name, node):
        if option.substitute is not None:
            met[option.substitute] = met.get(option.substitute, 0.0) + flow
    for key, flow in met.items():
        substitute, unit = demand.substitutes[key], case.units[demand.commodity]
        since = first_year(case.scenario, substitute, node.departed_year)
        what = f"demand {name} met by substitute {key}"
        if since is None or node.period.year < since - TOLERANCE_Y:
            when = "before a departure," if since is None else f"usable from {since:g} on,"
            ledger.at_most(f"{what}, {when} at {node.name}", flow, 0.0, unit)
            continue
        limit = mean(substitute.limit_share, node.period) * case.world.demand_t_per_y(name, node)
        ledger.at_most(f"{what} at {node.name}", flow, limit, unit)


def _little_is_given_up(case: Case, node: Node, name: str, ledger: Ledger) -> None:
    """Given up on a step of an elastic demand <= its width."""
    demand = case.scenario.demands[name]
    for option, flow in case.served_t_per_y(name, node):
        if option.step is not None and demand.elastic is not None:
            width = width_share(demand.elastic) * case.world.demand_t_per_y(name, node)
            what = f"step {option.step} given up of demand {name} at {node.name}"
            ledger.at_most(what, flow, width, case.units[demand.commodity])


def _bans_hold(case: Case, node: Node, name: str, ledger: Ledger) -> None:
    """Met by variants with the tag of a ban <= the part of the period without the ban * the quantity."""
    demand = case.scenario.demands[name]
    for key, ban in demand.source_bans.items():
        tag = case.world.content.tags.of_ban(ban)
        banned = sum(flow for option, flow in case.served_t_per_y(name, node) if tag in option.variant)
        allowed = 1 - share_of_days(ban.onset, ban.until, node.period)
        bound = allowed * case.world.demand_t_per_y(name, node)
        what = f"demand {name} met from {tag.name}, under source ban {key}, at {node.name}"
        ledger.at_most(what, banned, bound, case.units[demand.commodity])
