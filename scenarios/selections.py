"""Selections: the entries that the lists of a rule stand for, by places and groups, patterns with `*`, and tariff
codes.

Rules and the optimizer read lists here; the check of a plan has a reading of its own, `optimizer/check/selections.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from functools import cached_property

from lodeplan.schemas.codes import digits
from lodeplan.schemas.limits import Survival
from lodeplan.schemas.patterns import fits
from lodeplan.schemas.scenario import Scenario, TariffMeasure


class Selections:
    """Answers, remembered, of what the lists in a scenario select."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._chosen: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}
        self._routes_by_commodity: dict[str, list[str]] = {}
        for name, route in scenario.routes.items():
            self._routes_by_commodity.setdefault(route.commodity, []).append(name)

    @cached_property
    def groups(self) -> dict[str, set[str]]:
        """The places of each group."""
        found: dict[str, set[str]] = {}
        for name, place in self.scenario.places.items():
            for group in place.groups:
                found.setdefault(group, set()).add(name)
        return found

    @cached_property
    def clubs(self) -> dict[str, set[str]]:
        """The places of each group that counts by date, those that belong to it at some time."""
        return self._clubs(always=False)

    def named_places(self, selection: Sequence[str]) -> frozenset[str]:
        """Places that names, groups or `*` stand for."""
        key = ("named", tuple(selection))
        if key not in self._chosen:
            self._chosen[key] = frozenset(self._named(selection, self.groups))
        return self._chosen[key]

    def places(self, selection: Sequence[str]) -> frozenset[str]:
        """Places meant by names, groups or `*`; regions with a member that is meant are in it."""
        key = ("places", tuple(selection))
        if key not in self._chosen:
            self._chosen[key] = self.with_regions(self.named_places(selection))
        return self._chosen[key]

    def with_regions(self, places: Set[str]) -> frozenset[str]:
        """These places, and regions with one of them as a member."""
        regions = {name for name, place in self.scenario.places.items() if places & place.members.keys()}
        return frozenset(places | regions)

    def parts(self, place: str) -> Mapping[str, float]:
        """A region's members with their shares; a plain place is its own only part."""
        return self.scenario.places[place].members or {place: 1.0}

    def weight(self, place: str, selection: Sequence[str]) -> float:
        """Share of a place that is meant: 1 or 0, and of a region not meant itself that of its members that are."""
        chosen, members = self.named_places(selection), self.scenario.places[place].members
        if place in chosen or not members:
            return float(place in chosen)
        return sum(share for member, share in members.items() if member in chosen)

    def commodities(self, patterns: Sequence[str], hts: Sequence[str] = ()) -> frozenset[str]:
        """Commodities meant by name, pattern or the beginning of a tariff code."""
        key = ("commodities", (*patterns, "\n", *hts))
        if key not in self._chosen:
            named = matching(patterns, self.scenario.commodities)
            prefixes = tuple(map(digits, hts))
            coded = {
                name
                for name, commodity in self.scenario.commodities.items()
                if any(digits(code).startswith(prefixes) for code in commodity.hts)
            }
            self._chosen[key] = frozenset(named | coded)
        return self._chosen[key]

    def broader(self, code: str) -> dict[str, str]:
        """Commodities with a code that this one begins with and adds to, each with that code."""
        wanted = digits(code)
        return {
            name: self._by_digits[wanted[:end]][1]
            for end in range(2, len(wanted), 2)
            for name in self._by_digits.get(wanted[:end], ([], ""))[0]
        }

    @cached_property
    def _by_digits(self) -> dict[str, tuple[list[str], str]]:
        """The commodities of each tariff code without its dots, and the code as one of them writes it."""
        found: dict[str, tuple[list[str], str]] = {}
        for name, commodity in self.scenario.commodities.items():
            for code in commodity.hts:
                found.setdefault(digits(code), ([], code))[0].append(name)
        return found

    def routes(self, commodities: Iterable[str], origins: Collection[str], destinations: Collection[str]) -> list[str]:
        """Names of the routes of these commodities from and to these places."""
        routes = self.scenario.routes
        return [
            name
            for commodity in commodities
            for name in self._routes_by_commodity.get(commodity, ())
            if routes[name].origin in origins and routes[name].destination in destinations
        ]

    def commodities_named(self, measure: TariffMeasure) -> frozenset[str]:
        """Commodities a tariff measure names, with their derivatives where it says so; exempt ones are among them."""
        named = self.commodities(measure.commodities, measure.hts)
        return self._with_derivatives(named) if measure.includes_derivatives else named

    def commodities_meant(self, measure: TariffMeasure) -> frozenset[str]:
        """Commodities a tariff measure is about: those it names, less those exempt."""
        return self.commodities_named(measure) - self.commodities(measure.except_commodities, measure.except_hts)

    def routes_of_measure(self, measure: TariffMeasure) -> list[str]:
        """Names of the routes a tariff measure is meant for, exemptions taken out, whatever the date.

        What asks where material was mined or refined may meet it on any route.
        """
        by_origin = measure.origin_role == "last_origin"
        origins = self.origins_of_measure(measure) if by_origin else self.scenario.places.keys()
        destination = measure.destination or self.scenario.home
        return self.routes(sorted(self.commodities_meant(measure)), origins, {destination})

    def origins_of_measure(self, measure: TariffMeasure) -> frozenset[str]:
        """Places that are among a measure's origins on some day, whatever its own dates."""
        origins = self.with_regions(self._named(measure.origins, self.groups, self.clubs))
        # A region is out only as a whole: with one member exempt the others still pay. A club, only if joined for good.
        exempt = self._named(measure.except_origins, self.groups, self._clubs(always=True))
        whole = {
            name for name, place in self.scenario.places.items() if place.members and place.members.keys() <= exempt
        }
        return origins - exempt - whole

    @cached_property
    def _can_be_lost(self) -> list[str]:
        """Plain places abroad from which something is shipped, at which something is made or that a region has."""
        scenario = self.scenario
        plants = [*scenario.facilities.values(), *scenario.projects.values()]
        used = {route.origin for route in scenario.routes.values()} | {plant.place for plant in plants}
        used.update(*(place.members for place in scenario.places.values()))
        return [
            name
            for name, place in scenario.places.items()
            if name in used and not place.members and name != scenario.home
        ]

    def lost_places(self, limit: Survival) -> list[str]:
        """The places whose loss a survival limit means, one at a time, in the order of `places`."""
        chosen = self._named(limit.places, self.groups)
        return [name for name in self._can_be_lost if name in chosen]

    @cached_property
    def survival_futures(self) -> dict[str, tuple[str, str]]:
        """The stress futures that survival limits stand for: by name, the limit and the place lost."""
        meant = [
            (name, place)
            for name, limit in self.scenario.limits.items()
            if isinstance(limit, Survival)
            for place in self.lost_places(limit)
        ]
        limits_of = Counter(place for _, place in meant)
        return {
            f"without {place}" + (f" ({name})" if limits_of[place] > 1 else ""): (name, place) for name, place in meant
        }

    def _named(self, selection: Iterable[str], *groups: Mapping[str, set[str]]) -> set[str]:
        """Places of these names, those in groups of these names, or all."""
        chosen: set[str] = set()
        for name in selection:
            if name == "*":
                return set(self.scenario.places)
            if name in self.scenario.places:
                chosen.add(name)
            chosen.update(*(group.get(name, ()) for group in groups))
        return chosen

    def _with_derivatives(self, commodities: frozenset[str]) -> frozenset[str]:
        """These commodities and all that recipes make of them, directly or not."""
        key = ("derivatives", tuple(sorted(commodities)))
        if key not in self._chosen:
            found, waiting, seen = set(commodities), list(commodities), set()
            while waiting:
                for number, outputs in self._made_of.get(waiting.pop(), ()):
                    if number not in seen:
                        seen.add(number)
                        waiting += set(outputs) - found
                        found.update(outputs)
            self._chosen[key] = frozenset(found)
        return self._chosen[key]

    @cached_property
    def _made_of(self) -> dict[str, list[tuple[int, Collection[str]]]]:
        """By commodity, the plants it goes into: their number, and what they make."""
        found: dict[str, list[tuple[int, Collection[str]]]] = {}
        for number, plant in enumerate([*self.scenario.facilities.values(), *self.scenario.projects.values()]):
            for commodity in plant.inputs:
                found.setdefault(commodity, []).append((number, plant.outputs))
        return found

    def _clubs(self, *, always: bool) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name, place in self.scenario.places.items():
            for club, membership in place.memberships.items():
                if not always or (membership.onset is None and membership.until is None):
                    found.setdefault(club, set()).add(name)
        return found


def matching(patterns: Iterable[str], names: Collection[str]) -> set[str]:
    """The names that equal one of the patterns, `*` standing for any text."""
    found: set[str] = set()
    for pattern in patterns:
        if pattern == "*":
            return set(names)
        if pattern in names:
            found.add(pattern)
        if "*" in pattern:
            found |= {name for name in names if fits(name, pattern)}
    return found
