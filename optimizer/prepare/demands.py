"""Demands: the options that meet them, and the steps of their shortage penalties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lodeplan.optimizer.prepare.calendar import TOLERANCE_Y, Floats
from lodeplan.optimizer.prepare.content import Content, Market
from lodeplan.optimizer.prepare.effects import Effects
from lodeplan.optimizer.prepare.tags import Tag, quoted
from lodeplan.optimizer.prepare.tree import Tree
from lodeplan.schemas.scenario import Demand, Scenario, Substitute

ITSELF = "itself"


@dataclass(frozen=True)
class Option:
    """One way to meet a demand; arrays of shape (nodes,)."""

    demand: str
    name: str
    """As tables write it, the variant included."""
    way: str
    """The same without the variant: what a limit is about."""
    market: Market | None
    """What it takes from; None where the need is given up or reduced."""
    takes_t_per_t: float
    """t taken per t of the demand met."""
    limit_t_per_y: Floats
    """Of the way, over all variants; `inf` where the quantity alone limits it."""
    substitution_kusd_per_t: Floats
    reduction_kusd_per_t: float
    """Worth of the need given up to the price."""


@dataclass(frozen=True)
class Demands:
    """Demands by node, their options and their shortage steps."""

    demands: Mapping[str, Demand]
    names: tuple[str, ...]
    place: tuple[str, ...]
    quantity_t_per_y: Floats
    """Shape (demands, nodes)."""
    options: Mapping[tuple[str, str], Option]
    """By (demand, option)."""
    banned: Mapping[tuple[str, str], tuple[list[str], Floats]]
    """By (demand, ban): the options it means, and what they may meet, t/y; shape (nodes,)."""
    steps: tuple[tuple[str, int], ...]
    """(demand, shortage step)."""
    step_limit_t_per_y: Floats
    """Shortage a step allows; shape (steps, nodes)."""
    penalty_kusd_per_t: Floats
    """Shape (steps, nodes)."""

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Row of each demand in `quantity_t_per_y`."""
        return {name: row for row, name in enumerate(self.names)}

    @property
    def option_limit_t_per_y(self) -> Floats:
        """Most that an option can meet, where less than the demand may be; shape (options, nodes)."""
        limits = [option.limit_t_per_y for option in self.options.values()]
        return np.array(limits).reshape(len(self.options), self.quantity_t_per_y.shape[1])

    def by_market(self) -> dict[tuple[str, str], Floats]:
        """Demand by (commodity, place), t/y; shape (nodes,) each."""
        total: dict[tuple[str, str], Floats] = {}
        for row, (name, place) in enumerate(zip(self.names, self.place, strict=True)):
            key = (self.demands[name].commodity, place)
            total[key] = total.get(key, np.zeros(self.quantity_t_per_y.shape[1])) + self.quantity_t_per_y[row]
        return total

    def most_taken_t_per_y(self, commodity: str, place: str) -> Floats:
        """Most of a commodity that demands at a place can take, as itself and as a substitute; shape (nodes,)."""
        # The variants of a commodity share one limit: any one of them stands for the way.
        ways = {
            (option.demand, option.way): option
            for option in self.options.values()
            if option.market is not None and (option.market[0], option.market[2]) == (commodity, place)
        }
        total = np.zeros(self.quantity_t_per_y.shape[1])
        for (demand, _), option in ways.items():
            quantity = self.quantity_t_per_y[self.row_of[demand]]
            total = total + option.takes_t_per_t * np.minimum(option.limit_t_per_y, quantity)
        return total


def prepare_demands(scenario: Scenario, effects: Effects, content: Content) -> Demands:
    """Quantities with demand events, options, and shortage steps as widths."""
    tree = effects.tree
    period = np.array(tree.period)
    names = tuple(scenario.demands)
    quantity = np.array(
        [
            tree.calendar.mean(demand.quantity_t_per_y)[period] * effects.demand_factor(demand)
            for demand in scenario.demands.values()
        ]
    )
    index, limits, penalties = [], [], []
    options: dict[tuple[str, str], Option] = {}
    banned: dict[tuple[str, str], tuple[list[str], Floats]] = {}
    for row, (name, demand) in enumerate(scenario.demands.items()):
        for number, (width_share, penalty) in enumerate(penalty_steps(demand)):
            index.append((name, number))
            limits.append(width_share * quantity[row])
            penalties.append(np.full(len(tree), penalty))
        options |= {(name, option.name): option for option in _options(name, quantity[row], tree, content)}
        for key, ban in demand.source_bans.items():
            tag = Tag.of(ban, content.selections)
            free = 1.0 - tree.calendar.fraction(ban.onset, ban.until)[period]
            meant = [o for d, o in options if d == name and _has(options[d, o], tag, content)]
            banned[name, key] = (meant, free * quantity[row])
    return Demands(
        demands=scenario.demands,
        names=names,
        place=tuple(demand.place or scenario.home for demand in scenario.demands.values()),
        quantity_t_per_y=quantity,
        options=options,
        banned=banned,
        steps=tuple(index),
        step_limit_t_per_y=np.array(limits),
        penalty_kusd_per_t=np.array(penalties),
    )


def _options(name: str, quantity_t_per_y: Floats, tree: Tree, content: Content) -> Iterator[Option]:
    demand = content.scenario.demands[name]
    place = demand.place or content.scenario.home
    nothing = np.zeros(len(tree))
    unlimited = np.full(len(tree), np.inf)
    for market, written in _variants(content, demand.commodity, place):
        yield Option(name, ITSELF + written, ITSELF, market, 1.0, unlimited, nothing, 0.0)
    for substitute, rule in demand.substitutes.items():
        key = _as_option(substitute)
        limit = _limit_share(rule, tree) * quantity_t_per_y
        cost = tree.calendar.mean(rule.cost_kusd_per_t)[np.array(tree.period)]
        if rule.commodity is None:
            yield Option(name, key, key, None, 0.0, limit, cost, 0.0)
            continue
        for market, written in _variants(content, rule.commodity, place):
            yield Option(name, key + written, key, market, rule.ratio_t_per_t, limit, cost, 0.0)
    for number, (width_share, worth) in enumerate(reduction_steps(demand)):
        step = f"given up {number}"
        yield Option(name, step, step, None, 0.0, width_share * quantity_t_per_y, nothing, worth)


def _as_option(substitute: str) -> str:
    """A substitute's name, in quotes where it might be read as another option."""
    return quoted(substitute) if "/" in substitute or "'" in substitute else substitute


def _variants(content: Content, commodity: str, place: str) -> Iterator[tuple[Market, str]]:
    """Markets of the variants that can reach a place, each with how an option writes it."""
    for variant in content.variants(commodity):
        if commodity not in content.tags or (commodity, variant, place) in content.traced_markets:
            written = content.written(commodity, variant)
            yield (commodity, written, place), f"/{written}" if written else ""


def _has(option: Option, tag: Tag, content: Content) -> bool:
    if option.market is None:
        return False
    commodity, written, _ = option.market
    return any(
        tag in variant and content.written(commodity, variant) == written for variant in content.variants(commodity)
    )


def _limit_share(rule: Substitute, tree: Tree) -> Floats:
    """Share of the demand that a substitute can meet at each node; 0 before it can be used."""
    share = tree.calendar.mean(rule.limit_share)[np.array(tree.period)]
    opened = np.zeros(len(tree), bool)
    for node, year in enumerate(tree.start):
        since = tree.departed(node) if rule.after_departure else tree.calendar.starts[0]
        opened[node] = since is not None and year >= since + rule.delay_years - TOLERANCE_Y
    return np.where(opened, share, 0.0)


def reduction_steps(demand: Demand) -> list[tuple[float, float]]:
    """(width as a share of the demand, worth in kUSD/t) of each step that is given up to the price."""
    curve = demand.elastic
    if curve is None:
        return []
    width = (1.0 - curve.down_to_share) / curve.steps
    return [
        (width, curve.price_kusd_per_t * (1.0 + (number + 0.5) * width / curve.elasticity))
        for number in range(curve.steps)
    ]


def penalty_steps(demand: Demand) -> list[tuple[float, float]]:
    """(width as a share of the demand, penalty in kUSD/t) of each shortage step."""
    stated = demand.shortage_penalty_kusd_per_t
    if not isinstance(stated, dict):
        return [(1.0, stated)]
    reached = 0.0
    steps = []
    for share, penalty in sorted(stated.items()):
        steps.append((share - reached, penalty))
        reached = share
    return steps
