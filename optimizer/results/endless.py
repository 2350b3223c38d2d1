"""Unlimited gains in words, with the limits that would end them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.results.values import Values
from lodeplan.optimizer.solver import Answer, Form, find_rays
from lodeplan.optimizer.words.numbers import listed

SMALL = 1e-6
"""Share of the largest flow of a direction below which a flow is not told."""
UNNAMED = "The cost falls without limit, but no single activity explains it: check for negative prices and values."


def gains_without_end(instance: Instance, form: Form, answer: Answer) -> list[str]:
    """Return a sentence for each way to gain without limit."""
    found = [_sentence(Values.of(instance, form, ray)) for ray in answer.rays or find_rays(form)]
    return list(dict.fromkeys(found)) or [UNNAMED]


def _sentence(ray: Values) -> str:
    costs = {term: cost for term, cost in ray.node_costs().items() if ray.instance.costs.counts(term)}
    stock = ray.flows["stock"]
    if stock.size and stock.max() > 0:
        return _of_stock(ray, costs)
    tonnes = max((float(flow.max(initial=0.0)) for flow in ray.flows.values()), default=0.0)
    paid = sum(float(cost[cost > 0].sum()) for cost in costs.values())
    gains = {term: -float(cost[cost < 0].sum()) for term, cost in costs.items() if (cost < 0).any()}
    named = list(_acts(ray))
    if not named or not tonnes:
        return UNNAMED
    terms = listed([term.replace("_", " ") for term in gains])
    cost, gain = paid / tonnes, sum(gains.values()) / tonnes
    return (
        f"Nothing limits the gain of {listed(named)} in {_when(ray)}: each t costs {cost:,.4g} kUSD and earns "
        f"{gain:,.4g} kUSD ({terms}). Limit one of them, or change what it earns."
    )


def _of_stock(ray: Values, costs: dict[str, Floats]) -> str:
    """Describe a gain from buying material only to hold it."""
    instance = ray.instance
    stock = ray.flows["stock"]
    row = int(stock.max(axis=1).argmax())
    name = instance.stocks.names[row]
    leaves = list(instance.tree.leaves)
    held = float(stock[row, leaves].max()) or float(stock[row].max())
    worth = -float(costs["end_value_stock"].min()) / held
    paid = sum(float(cost.sum()) for term, cost in costs.items() if term != "end_value_stock") / held
    means = f", by {listed(acts)}" if (acts := list(_acts(ray))) else ""
    return (
        f"Nothing limits the gain of {_called('stockpile', name)}: buying at {paid:,.4g} kUSD/t in {_when(ray)} to "
        f"hold {worth:,.4g} kUSD/t at the end{means}. Give it a capacity or a fill limit, or "
        "value what is left at no more than it costs."
    )


def _acts(ray: Values) -> Iterator[str]:
    """Producers and routes of a direction."""
    instance = ray.instance
    largest = max(float(flow.max(initial=0.0)) for flow in ray.flows.values())

    def names(variable: str, keys: list[str]) -> list[str]:
        used = ray.flows[variable].max(axis=1, initial=0.0) > SMALL * largest
        return list(dict.fromkeys(key for key, moves in zip(keys, used.tolist(), strict=True) if moves))

    for producer in names("run", [name for name, _ in instance.supply.steps]):
        yield _called("project" if producer in instance.programme.projects else "offer", producer)
    yield from (_called("route", route) for route in names("ship", [name for name, _ in instance.trade.bands]))
    yield from (_called("recycling", rule) for rule in names("recover", list(instance.recovery.rules)))


def _called(word: str, name: str) -> str:
    """A name with the word for what it is, unless it begins with that word itself."""
    return name if name.lower().split()[:1] == [word] else f"{word} {name}"


def _when(ray: Values) -> str:
    """The first node in which something is made, bought or shipped."""
    moving = [flow.max(axis=0) for name, flow in ray.flows.items() if flow.size and name in ("run", "ship", "recover")]
    first = int(np.flatnonzero(np.max(moving, axis=0) > 0)[0]) if moving and np.max(moving) > 0 else 0
    return ray.instance.tree.names[first]
