"""Big-M values, each computed from the data."""

from __future__ import annotations

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.schemas.problems import InputProblem, InvalidInput, join_path
from lodeplan.schemas.scenario import Route


def flow_limit_t_per_y(instance: Instance, name: str) -> Floats:
    """Most that can ever flow on a route at each node: what it carries, what its origin makes, what its end takes.

    Shape (nodes,). Raises `InvalidInput` where nothing bounds it: such a route needs a capacity.
    """
    route = instance.trade.routes[name]
    limit = np.minimum(instance.trade.capacity_t_per_y[name], _made(instance, route))
    limit = np.minimum(limit, _taken(instance, route))
    if not np.isfinite(limit).all():
        raise InvalidInput(
            [
                InputProblem(
                    code="no_flow_limit",
                    path=join_path(["routes", name, "capacity_t_per_y"]),
                    message="a yes/no decision hangs on this route, but nothing limits what it could carry.",
                    allowed="a capacity on the route, on the offers that feed it, or on what its destination takes",
                    remedy="Give the route a capacity that it will not exceed.",
                )
            ]
        )
    return limit


def _made(instance: Instance, route: Route) -> Floats:
    """Output of all producers at the origin; no limit where other routes, stock or recycling bring more there."""
    nodes = len(instance.tree)
    here = (route.commodity, route.origin)
    fed_otherwise = any((other.commodity, other.destination) == here for other in instance.trade.routes.values())
    held = [*instance.held.values(), *instance.recovery.market.values()]
    if fed_otherwise or any((k, q) == here for k, _, q in held):
        return np.full(nodes, np.inf)
    made = np.zeros(nodes)
    for producer in instance.supply.made_at(route.commodity, route.origin):
        made = made + instance.supply.producers[producer].outputs[route.commodity] * np.where(
            instance.supply.capacity_t_per_y[producer] > 0, instance.supply.capacity_t_per_y[producer], 0.0
        )
    return made


def _taken(instance: Instance, route: Route) -> Floats:
    """Demand, inputs and stock purchases at the destination; no limit where it is shipped on or let go."""
    market = (route.commodity, route.destination)
    ships_on = any((other.commodity, other.origin) == market for other in instance.trade.routes.values())
    if ships_on or market in instance.disposals:
        return np.full(len(instance.tree), np.inf)
    taken = instance.demands.most_taken_t_per_y(*market)
    for name, producer in instance.supply.producers.items():
        if producer.place == route.destination and route.commodity in producer.inputs:
            taken = taken + producer.inputs[route.commodity] * instance.supply.capacity_t_per_y[name]
    stocks = instance.stocks
    for row, (name, place) in enumerate(zip(stocks.names, stocks.place, strict=True)):
        if (stocks.stockpiles[name].commodity, place) == market:
            room = stocks.stock_limit_t[row] / instance.tree.length
            taken = taken + np.minimum(stocks.buy_limit_t_per_y[row], room)
    return taken
