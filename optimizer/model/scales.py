"""Sizes of one canonical unit of a row or column, in tonnes, money or whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lodeplan.optimizer.prepare.instance import Instance

Key = tuple[Any, ...]


class Sizes:
    """Units of an instance, in the model's t, kUSD and years, each by the index of a row or column."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._tonnes = instance.units.tonnes
        self._producer = {}
        for name, producer in instance.supply.producers.items():
            main, per_activity = next(iter(producer.outputs.items()))
            self._producer[name] = self._tonnes[main] / 2.0 ** round(np.log2(per_activity))

    def one(self, key: Key) -> float:
        """Of decisions."""
        return 1.0

    def money(self, key: Key) -> float:
        """Of sums of costs."""
        return self._instance.units.kusd

    def commodity(self, key: Key) -> float:
        """By a commodity."""
        return self._tonnes[key[0]]

    def producer(self, key: Key) -> float:
        """By a facility or project: its main output."""
        return float(self._producer[key[0]])

    def route(self, key: Key) -> float:
        """By a route: its commodity."""
        return self._tonnes[self._instance.trade.routes[key[0]].commodity]

    def quota(self, key: Key) -> float:
        """By a quota and an origin: the first of its routes."""
        return self.route((next(iter(self._instance.trade.quota_routes[key[:2]])),))

    def recovery(self, key: Key) -> float:
        """By a recycling rule: what it recovers."""
        return self._tonnes[self._instance.recovery.rules[key[0]].commodity]

    def stockpile(self, key: Key) -> float:
        """By a stockpile: what it holds."""
        return self._tonnes[self._instance.stocks.stockpiles[key[0]].commodity]

    def demand(self, key: Key) -> float:
        """By a demand: what it wants."""
        return self._tonnes[self._instance.demands.demands[key[0]].commodity]

    def limit(self, key: Key) -> float:
        """By a limit: what it is measured in; a service floor by the demand beside it."""
        name = key[0]
        measure = self._instance.scenario.limits[name].measured_in
        if measure == "t/y":
            of = self._instance.limits.commodity
            return self._tonnes[of[name, key[1]] if (name, key[1]) in of else of[name, ""]]
        return self._instance.units.kusd if measure == "kUSD" else 1.0


Scale = Callable[[Sizes, Key], float]
