"""Routes: bands of duty and content, landed cost, what a route can carry, and suppliers to be onboarded first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.content import Content, Market
from lodeplan.optimizer.prepare.duties import (
    IN_QUOTA,
    OVER_QUOTA,
    Duty,
    QuotaKey,
    TariffBook,
    Valuation,
    quota_volumes,
    tariff_events,
)
from lodeplan.optimizer.prepare.effects import Effects
from lodeplan.optimizer.prepare.supply import UNLIMITED, Supply, scaled
from lodeplan.optimizer.prepare.tags import Variant
from lodeplan.optimizer.prepare.tree import Tree
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas.scenario import Onboarding, Route, Scenario

BandKey = tuple[str, str]
"""(route, band as written)."""
ALL_DUTIES_HANG_ON = ("home", "horizon", "places", "commodities", "events")
"""Fields of a scenario, beside tariffs, that any duty may hang on."""
A_DUTY_HANGS_ON = ("commodity", "origin", "destination", "customs_value_kusd_per_t")
"""Fields of its own route."""
SAME_DUTY = 1e-9
"""kUSD/t within which two duties are the same."""


@dataclass(frozen=True)
class Band:
    """The part of a route's flow that pays one duty and carries one variant."""

    route: str
    duty_band: str
    content: Variant
    sent: Market
    """What it is taken from."""
    arrived: Market
    """What it becomes."""


@dataclass(frozen=True)
class Trade:
    """Every route by band and node; arrays of shape (bands, nodes) or (nodes,)."""

    routes: Mapping[str, Route]
    bands: Mapping[BandKey, Band]
    freight_kusd_per_t: Floats
    hub_markup_kusd_per_t: Floats
    calibration_kusd_per_t: Floats
    duty_kusd_per_t: Floats
    duty_by_measure: tuple[tuple[Duty, ...], ...]
    """kUSD/t by measure, for each band and node."""
    capacity_t_per_y: Mapping[str, Floats]
    """What a route can carry, events counted; `inf` where unlimited."""
    quotas: Mapping[QuotaKey, Floats]
    """Volume of each tariff-rate quota, t/y."""
    quota_routes: Mapping[QuotaKey, Mapping[str, float]]
    """By quota: the routes in it, and the share of each one's flow that counts (below 1 for a region partly meant)."""
    full_first: frozenset[tuple[QuotaKey, int]]
    """(quota, node) where the duty within is above the duty over it: the quota has to be full before."""
    onboarding: Mapping[str, Onboarding]
    """Routes that must be onboarded first."""
    minimum_t_per_y: Mapping[str, Floats]
    """Volume to be taken once onboarded, events counted."""

    def quota_bands(self, quota: QuotaKey, duty_band: str) -> list[BandKey]:
        """Bands of the routes in a quota that are within it, or over it."""
        routes = self.quota_routes[quota]
        return [key for key, band in self.bands.items() if band.route in routes and band.duty_band == duty_band]


def prepare_trade(effects: Effects, supply: Supply, content: Content, known: KnownDuties | None = None) -> Trade:
    """Bands, costs and capacities of all routes; with duties as they are `known` where nothing that they hang on has
    changed."""
    tree, scenario = effects.tree, effects.scenario
    period = np.array(tree.period)
    book = TariffBook(scenario, effects.selections)
    bands = {
        (name, band.duty_band + (f"/{band.sent[1]}" if band.sent[1] else "")): band
        for name, route in scenario.routes.items()
        for band in _bands(name, route, book, content)
    }
    duties = _duties(effects, book, bands, known)
    rates = np.array([[sum(duty.values()) for duty in row] for row in duties]).reshape(len(bands), len(tree))
    capacity = {}
    minimum = {}
    for name, route in scenario.routes.items():
        available = effects.export_availability(route)
        capacity[name] = _carrying_capacity(route, available, effects, supply)
        if route.onboarding is not None:
            offer_available = _main_offer_availability(route, effects, supply)
            minimum[name] = route.onboarding.minimum_t_per_y * available * offer_available
    quota_routes = _quota_routes(scenario, effects, book)

    def by_band(field: str) -> Floats:
        rows = [tree.calendar.mean(getattr(scenario.routes[name], field))[period] for name, _ in bands]
        return np.array(rows).reshape(len(bands), len(tree))

    return Trade(
        routes=scenario.routes,
        bands=bands,
        freight_kusd_per_t=by_band("freight_kusd_per_t"),
        hub_markup_kusd_per_t=by_band("hub_markup_kusd_per_t"),
        calibration_kusd_per_t=by_band("calibration_kusd_per_t"),
        duty_kusd_per_t=rates,
        duty_by_measure=duties,
        capacity_t_per_y=capacity,
        quotas={key: volume for key, volume in quota_volumes(scenario, tree).items() if key in quota_routes},
        quota_routes=quota_routes,
        full_first=_full_first(quota_routes, bands, rates, content),
        onboarding={name: r.onboarding for name, r in scenario.routes.items() if r.onboarding is not None},
        minimum_t_per_y=minimum,
    )


def _bands(name: str, route: Route, book: TariffBook, content: Content) -> list[Band]:
    """A route's bands: duty bands, times the variants that can reach its origin."""
    k = route.commodity
    found = []
    for variant in content.variants(k):
        if k in content.tags and (k, variant, route.origin) not in content.traced_markets:
            continue
        sent = (k, content.written(k, variant), route.origin)
        arrived = (k, content.written(k, content.arrived(k, variant, route.origin)), route.destination)
        found += [Band(name, duty_band, variant, sent, arrived) for duty_band in book.bands(route)]
    return found


def _quota_routes(scenario: Scenario, effects: Effects, book: TariffBook) -> dict[QuotaKey, dict[str, float]]:
    found: dict[QuotaKey, dict[str, float]] = {}
    for name, route in scenario.routes.items():
        key = book.quota_of(route)
        if key is not None:
            parts = effects.selections.parts(route.origin).items()
            share = sum(part for origin, part in parts if key[0] in book.matching(route, origin))
            found.setdefault(key, {})[name] = share
    return found


def _full_first(
    quota_routes: Mapping[QuotaKey, Mapping[str, float]], bands: Mapping[BandKey, Band], rates: Floats, content: Content
) -> frozenset[tuple[QuotaKey, int]]:
    """(quota, node) where the duty within is above that over it on a route that something can feed."""
    within: dict[tuple[str, Variant], Floats] = {}
    over: dict[tuple[str, Variant], Floats] = {}
    for band, rate in zip(bands.values(), rates, strict=True):
        commodity, _, origin = band.sent
        if band.duty_band in (IN_QUOTA, OVER_QUOTA) and (commodity, band.content, origin) in content.reached:
            (within if band.duty_band == IN_QUOTA else over)[band.route, band.content] = rate
    return frozenset(
        (quota, node)
        for quota, routes in quota_routes.items()
        for key, rate in within.items()
        if key[0] in routes
        for node in np.flatnonzero(rate > over[key] + SAME_DUTY).tolist()
    )


def is_alike(one: Scenario | Route, other: Scenario | Route, names: Iterable[str]) -> bool:
    """True if two are the same in these fields."""
    return all(getattr(one, name) == getattr(other, name) for name in names)


class KnownDuties:
    """Duties of a scenario, for one that was made from it by a change."""

    def __init__(self, scenario: Scenario, tree: Tree, trade: Trade) -> None:
        self._scenario, self._tree, self._trade = scenario, tree, trade
        self._row = {key: row for row, key in enumerate(trade.bands)}

    def of_bands(
        self, effects: Effects, book: TariffBook, bands: Mapping[BandKey, Band]
    ) -> dict[BandKey, tuple[Duty, ...]]:
        """Rows of the bands whose duties can only be what they were: of a route with the same value that no measure
        means which is another one now. None where what all duties hang on has changed."""
        now, was = effects.scenario, self._scenario
        if not is_alike(now, was, ALL_DUTIES_HANG_ON):
            return {}
        if _days_and_events(effects.tree) != _days_and_events(self._tree):
            return {}
        old_book = TariffBook(was, Selections(was))
        changed = [name for name in {**was.tariffs, **now.tariffs} if was.tariffs.get(name) != now.tariffs.get(name)]
        found = {}
        for key, band in bands.items():
            if band != self._trade.bands.get(key) or not is_alike(
                now.routes[key[0]], was.routes[key[0]], A_DUTY_HANGS_ON
            ):
                continue
            if not any(
                each.means(name, now.routes[key[0]], band.content) for each in (book, old_book) for name in changed
            ):
                found[key] = self._trade.duty_by_measure[self._row[key]]
        return found


def _days_and_events(tree: Tree) -> list[tuple[int, tuple[str, ...]]]:
    return [(period, tuple(tree.events_at(node))) for node, period in enumerate(tree.period)]


def _duties(
    effects: Effects, book: TariffBook, bands: Mapping[BandKey, Band], known: KnownDuties | None
) -> tuple[tuple[Duty, ...], ...]:
    """Duty by measure of each band at each node."""
    tree, scenario = effects.tree, effects.scenario
    events = tariff_events(scenario, tree)
    rows = []
    kept = {} if known is None else known.of_bands(effects, book, bands)
    for key, band in bands.items():
        if key in kept:
            rows.append(kept[key])
            continue
        route = scenario.routes[band.route]
        commodity = scenario.commodities[route.commodity]
        factor = effects.price_factor(route.origin, [route.commodity])
        customs = _by_period(route.customs_value_kusd_per_t, effects)
        reference = _by_period(commodity.reference_price_kusd_per_t, effects)
        row = []
        for node, period in enumerate(tree.period):
            value = Valuation(
                customs_value=None if customs is None else float(customs[period] * factor[node]),
                reference_price=None if reference is None else float(reference[period]),
                contained_share=commodity.contained_share,
            )
            duty = book.over_period(route, band.duty_band, period, events[node], value, content=band.content)
            row.append(duty)
        rows.append(tuple(row))
    return tuple(rows)


def _by_period(profile: float | Mapping[int, float] | None, effects: Effects) -> Floats | None:
    return None if profile is None else effects.tree.calendar.mean(profile)


def _carrying_capacity(route: Route, available: Floats, effects: Effects, supply: Supply) -> Floats:
    """Own capacity times availability; without one, an interrupted route is held to that part of its offers.

    From a hub, where no facility offers anything, it is unlimited while it is open.
    """
    if route.capacity_t_per_y is not None:
        capacity: Floats = effects.tree.calendar.mean(route.capacity_t_per_y)[np.array(effects.tree.period)]
        return capacity * available
    feed = _offered(route, supply)
    if not feed.any():
        feed = np.full(len(feed), UNLIMITED)
    return np.where(available >= 1, UNLIMITED, scaled(feed, available))


def _offered(route: Route, supply: Supply) -> Floats:
    """Most that running facilities at the origin can feed into a route, without events, t/y; shape (nodes,)."""
    feeds = [
        supply.producers[name].outputs[route.commodity] * supply.offered_t_per_y[name]
        for name in supply.made_at(route.commodity, route.origin)
        if not hasattr(supply.producers[name], "tracks")
    ]
    return np.sum(feeds, axis=0) if feeds else np.zeros(supply.width_t_per_y.shape[1])


def _main_offer_availability(route: Route, effects: Effects, supply: Supply) -> Floats:
    """Availability of the largest offer that feeds a route; 1 where there is none."""
    feeds = [
        name for name in supply.made_at(route.commodity, route.origin) if not hasattr(supply.producers[name], "tracks")
    ]
    if not feeds:
        return np.ones(supply.width_t_per_y.shape[1])
    planned = np.array([supply.planned_capacity_t_per_y[name] for name in feeds])
    left = np.array([effects.output_availability(name, supply.producers[name]) for name in feeds])
    available: Floats = left[planned.argmax(axis=0), np.arange(planned.shape[1])]
    return available
