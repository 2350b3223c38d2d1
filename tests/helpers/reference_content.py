"""Content in the second model: every lot of material remembers its whole story, and its tags are read off that.

Nothing here knows variants or modes. A lot of a traced commodity is one way it can have come about (which offer, over
which routes, through which plants); the plan says how much comes each way.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import Any

from reference_reading import Reading, in_force, matches

from lodeplan.schemas.limits import ShareCap
from lodeplan.schemas.scenario import Demand, Facility, Stockpile, TariffMeasure

Tag = tuple[frozenset[str], str]
"""Places and a role."""
Tags = frozenset[Tag]
MOST_LOTS = 600
RAW = ("ore", "concentrate", "scrap")


class TooManyLots(Exception):
    """Beyond what brute force is good for."""


@dataclass(frozen=True)
class Lot:
    commodity: str
    place: str
    tags: Tags
    story: tuple[Any, ...]


@dataclass(frozen=True)
class Making:
    """Activity of a maker on these lots (of its inputs in order), giving those."""

    maker: str
    taken: tuple[Lot, ...]
    given: tuple[Lot, ...]


@dataclass(frozen=True)
class Shipping:
    """A lot on a route, declared to be of some tags."""

    route: str
    taken: Lot
    declared: Tags
    given: Lot


class Content:
    """Tags, traced commodities and all lots there can be."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.traced = self._traced()
        measures = reading.scenario.tariffs.values()
        self.dutiable: Tags = frozenset(tag for measure in measures if (tag := self.of_measure(measure)))
        """Tags that a duty asks for: only of these does it matter that material can be said to have them."""
        self.lots: dict[tuple[str, str], list[Lot]] = {}
        self.makings: dict[str, list[Making]] = {name: [] for name in reading.makers}
        self.shippings: dict[str, list[Shipping]] = {name: [] for name in reading.scenario.routes}
        self.recovered: dict[str, Lot] = {}
        self.released: dict[str, Lot] = {}
        self._spread()

    # Tags

    def tag(self, places: list[str], role: str, except_places: list[str] | None = None) -> Tag:
        reading = self.reading

        def chosen(name: str) -> bool:
            return reading.named(name, places) and not reading.named(name, except_places or [])

        plain = {name for name in reading.scenario.places if chosen(name)}
        regions = {
            name
            for name, place in reading.scenario.places.items()
            if any(member in plain for member in place.members) and not reading.named(name, except_places or [])
        }
        return frozenset(plain | regions), role

    def of_measure(self, measure: TariffMeasure) -> Tag | None:
        if measure.origin_role == "last_origin":
            return None
        return self.tag(measure.origins, measure.origin_role, measure.except_origins)

    def of_cap(self, cap: ShareCap) -> Tag | None:
        return None if cap.origin_role == "last_origin" else self.tag(cap.places, cap.origin_role)

    def bans(self, owner: Demand | Stockpile) -> list[Tag]:
        return [self.tag(ban.places, ban.role) for ban in owner.source_bans.values()]

    def _traced(self) -> dict[str, Tags]:
        """Tags each commodity is traced for."""
        scenario = self.reading.scenario
        first: list[tuple[Tag, str]] = []
        for demand in scenario.demands.values():
            goods = [demand.commodity, *(s.commodity for s in demand.substitutes.values() if s.commodity is not None)]
            first += product(self.bans(demand), goods)
        for pile in scenario.stockpiles.values():
            first += [(tag, pile.commodity) for tag in self.bans(pile)]
        for limit in scenario.limits.values():
            if isinstance(limit, ShareCap) and (tag := self.of_cap(limit)):
                first.append((tag, limit.commodity))
        for measure in scenario.tariffs.values():
            if tag := self.of_measure(measure):
                first += [(tag, good) for good in measured(self.reading, measure)]
        tags: dict[str, set[Tag]] = {name: set() for name in scenario.commodities}
        for tag, commodity in first:
            goods = {commodity} if tag[1] == "last_origin" else self._made_of(commodity)
            for good in goods:
                tags[good].add(tag)
        return {name: frozenset(found) for name, found in tags.items()}

    def _made_of(self, commodity: str) -> set[str]:
        return {name for name, made in self.reading.derived.items() if commodity in made}

    def _own(self, maker: Facility, commodity: str) -> Tags:
        """Tags that a producer gives what it makes, whatever it is made of."""
        found = set()
        main = self.reading.scenario.commodities[next(iter(maker.outputs))].stage
        for places, role in self.traced[commodity]:
            mined = {maker.mined_in or maker.place} if not maker.inputs else set()
            refined = {maker.place} if main not in RAW else set()
            at = {maker.place}
            if not maker.inputs:
                at |= {place for place in (maker.mined_in, maker.refined_in) if place is not None}
                if maker.refined_in is not None:
                    refined = {maker.refined_in}
            meant = {"last_origin": {maker.place}, "mined_in": mined, "refined_in": refined, "any_stage": at}[role]
            if not places.isdisjoint(meant):
                found.add((places, role))
        return frozenset(found)

    def _of_scrap(self, commodity: str, place: str) -> Tags:
        raw = self.reading.scenario.commodities[commodity].stage in RAW
        return frozenset(
            (places, role)
            for places, role in self.traced[commodity]
            if place in places and not (role == "refined_in" and raw)
        )

    # Lots

    def _lot(self, commodity: str, place: str, tags: Tags, story: tuple[Any, ...]) -> Lot:
        if not self.traced[commodity]:
            tags, story = frozenset(), ()
        lot = Lot(commodity, place, tags & self.traced[commodity], story)
        known = self.lots.setdefault((commodity, place), [])
        if lot not in known:
            known.append(lot)
            if sum(map(len, self.lots.values())) > MOST_LOTS:
                raise TooManyLots
        return lot

    def _spread(self) -> None:
        """All lots, from their sources on until nothing new comes about."""
        scenario = self.reading.scenario
        for name, recycling in scenario.recycling.items():
            place = recycling.place or scenario.home
            tags = self._of_scrap(recycling.commodity, place)
            self.recovered[name] = self._lot(recycling.commodity, place, tags, ("recycling", name))
        for name, pile in scenario.stockpiles.items():
            tags = self.traced[pile.commodity] - frozenset(self.bans(pile))
            self.released[name] = self._lot(pile.commodity, pile.place or scenario.home, tags, ("pile", name))
        before = -1
        while before != (now := sum(map(len, [*self.makings.values(), *self.shippings.values()]))):
            before = now
            for name in self.reading.makers:
                self._make(name)
            for name in scenario.routes:
                self._ship(name)

    def _make(self, name: str) -> None:
        maker = self.reading.makers[name]
        known = {making.taken for making in self.makings[name]}
        for taken in product(*(list(self.lots.get((good, maker.place), [])) for good in maker.inputs)):
            if taken in known:
                continue
            passed = _content(frozenset(tag for lot in taken for tag in lot.tags))
            for more in subsets((self._varying(name) & self.dutiable) - passed):
                story = (name, *(lot.story for lot in taken), *([more] if more else []))
                given = tuple(
                    self._lot(good, maker.place, passed | more | self._own(maker, good), story)
                    for good in maker.outputs
                )
                self.makings[name].append(Making(name, taken, given))

    def _varying(self, name: str) -> Tags:
        """Tags that what a maker makes may have or not, by what it is made of."""
        maker = self.reading.makers[name]
        before = frozenset(tag for good in maker.inputs for tag in self.traced[good])
        after = frozenset(tag for good in maker.outputs for tag in self.traced[good])
        own = frozenset(tag for good in maker.outputs for tag in self._own(maker, good))
        return _content(before & after) - own

    def _wanted(self, commodity: str, place: str) -> set[Tags]:
        """Content that is asked for at a place: by a plant, a stockpile or a surplus that is let go."""
        scenario, traced = self.reading.scenario, _content(self.traced[commodity])
        found = {traced} if scenario.commodities[commodity].disposable else set()
        for pile in scenario.stockpiles.values():
            if (pile.commodity, pile.place or scenario.home) == (commodity, place):
                found.add(traced - frozenset(self.bans(pile)))
        for name, maker in self.reading.makers.items():
            if maker.place == place and commodity in maker.inputs:
                varying = self._varying(name)
                found |= {(mode | (traced - varying)) & traced for mode in subsets(varying)}
        return found

    def _ship(self, name: str) -> None:
        route = self.reading.scenario.routes[name]
        known = {(shipping.taken, shipping.declared) for shipping in self.shippings[name]}
        lots = list(self.lots.get((route.commodity, route.origin), []))
        wanted = self._wanted(route.commodity, route.origin) & {_content(lot.tags) for lot in lots}
        here = frozenset(
            (places, role)
            for places, role in self.traced[route.commodity]
            if role == "last_origin" and route.origin in places
        )
        for lot in lots:
            content = _content(lot.tags)
            for declared in {content, *(other for other in wanted if other > content)}:
                if (lot, declared) in known or not (declared == content or (declared - content) & self.dutiable):
                    continue
                story = (name, lot.story) if declared == content else (name, lot.story, declared)
                given = self._lot(route.commodity, route.destination, declared | here, story)
                self.shippings[name].append(Shipping(name, lot, declared, given))


def subsets(tags: Tags) -> list[Tags]:
    ordered = sorted(tags, key=lambda tag: (sorted(tag[0]), tag[1]))
    return [frozenset(some) for count in range(len(ordered) + 1) for some in combinations(ordered, count)]


def _content(tags: Tags) -> Tags:
    return frozenset(tag for tag in tags if tag[1] != "last_origin")


def measured(reading: Reading, measure: TariffMeasure) -> set[str]:
    """Commodities a measure is about."""

    def coded(name: str, codes: list[str]) -> bool:
        own = [code.replace(".", "") for code in reading.scenario.commodities[name].hts]
        return any(code.startswith(prefix.replace(".", "")) for code in own for prefix in codes)

    def chosen(patterns: list[str], codes: list[str]) -> set[str]:
        return {name for name in reading.scenario.commodities if matches(patterns, name) or coded(name, codes)}

    found = chosen(measure.commodities, measure.hts)
    if measure.includes_derivatives:
        found = {made for name in found for made in reading.derived[name]}
    return found - chosen(measure.except_commodities, measure.except_hts)


def share_of_days(ban: Any, days: tuple[int, int]) -> float:
    """Share of the days from the first to the last on which a ban is in force."""
    first, end = days
    edges = sorted({first, end, *(d.toordinal() for d in (ban.onset, ban.until) if d and first < d.toordinal() < end)})
    on = sum(b - a for a, b in pairwise(edges) if in_force(ban.onset, ban.until, a))
    return on / (end - first)
