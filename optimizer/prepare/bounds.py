"""Big-M values, each computed from the data."""

from __future__ import annotations

import numpy as np

from optimizer.prepare.calendar import Floats
from optimizer.prepare.instance import Instance
from schemas.problems import InputProblem, InvalidInput, join_path
from schemas.scenario import Route


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
                    message="the route needs onboarding, but nothing limits what it could carry.",
                    allowed="a capacity on the route, on the offers that feed it, or on what its destination takes",
                    remedy="Give the route a capacity that it will not exceed.",
                )
            ]
        )
    return limit


def _made(instance: Instance, route: Route) -> Floats:
    """Output of all producers at the origin, and what other routes and stock may bring there: no limit then."""
    nodes = len(instance.tree)
    fed_otherwise = any(
        other.commodity == route.commodity and other.destination == route.origin
        for other in instance.trade.routes.values()
    ) or any(
        instance.stocks.stockpiles[stock].commodity == route.commodity and place == route.origin
        for stock, place in zip(instance.stocks.names, instance.stocks.place, strict=True)
    )
    if fed_otherwise:
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
    taken = instance.demands.by_market().get(market, np.zeros(len(instance.tree)))
    for name, producer in instance.supply.producers.items():
        if producer.place == route.destination and route.commodity in producer.inputs:
            taken = taken + producer.inputs[route.commodity] * instance.supply.capacity_t_per_y[name]
    stocks = instance.stocks
    for row, (name, place) in enumerate(zip(stocks.names, stocks.place, strict=True)):
        if (stocks.stockpiles[name].commodity, place) == market:
            room = stocks.stock_limit_t[row] / instance.tree.length
            taken = taken + np.minimum(stocks.buy_limit_t_per_y[row], room)
    return taken
