"""Recycling: what comes back from past use, or on a path of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats, value_in
from lodeplan.optimizer.prepare.content import Content, Market
from lodeplan.optimizer.prepare.tree import Tree
from lodeplan.schemas.scenario import Recycling, Scenario


@dataclass(frozen=True)
class Recovery:
    """Limits of recovery at each node; arrays of shape (rules, nodes)."""

    rules: Mapping[str, Recycling]
    market: Mapping[str, Market]
    """What a rule's recovery joins."""
    limit_t_per_y: Floats
    """Known beforehand: the stated path, or a share of use before the horizon; `inf` where use within it counts."""
    from_use: Mapping[tuple[str, int], tuple[int, float]]
    """By (rule, node): the node whose use comes back there, and the t recovered per t used."""
    cost_kusd_per_t: Floats


def prepare_recovery(scenario: Scenario, tree: Tree, content: Content) -> Recovery:
    """Recovery by node."""
    rules = scenario.recycling
    period = np.array(tree.period)
    market = {}
    limit = np.full((len(rules), len(tree)), np.inf)
    from_use: dict[tuple[str, int], tuple[int, float]] = {}
    for row, (name, rule) in enumerate(rules.items()):
        place = rule.place or scenario.home
        market[name] = (
            rule.commodity,
            content.written(rule.commodity, content.recovered(rule.commodity, place)),
            place,
        )
        if rule.available_t_per_y is not None:
            limit[row] = tree.calendar.mean(rule.available_t_per_y)[period]
            continue
        share = tree.calendar.mean(rule.recovered_t_per_t)[period]
        for node in range(len(tree)):
            year = floor(tree.start[node] - rule.lag_years)
            if year < tree.calendar.starts[0]:
                limit[row, node] = share[node] * value_in(rule.past_use_t_per_y, year)
            else:
                used = next(above for above in tree.back(node) if tree.start[above] <= year)
                from_use[name, node] = (used, float(share[node]))
    costs = [tree.calendar.mean(rule.cost_kusd_per_t)[period] for rule in rules.values()]
    return Recovery(rules, market, limit, from_use, np.array(costs).reshape(len(rules), len(tree)))
