"""Which entries of a scenario a rule's lists mean: places and groups, patterns with `*`, tariff codes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cached_property

from schemas.scenario import Scenario, TariffMeasure


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

    def places(self, selection: Sequence[str]) -> frozenset[str]:
        """Places meant by names, groups or `*`; regions with a member that is meant are in it."""
        key = ("places", tuple(selection))
        if key not in self._chosen:
            chosen = set()
            for name in selection:
                chosen |= set(self.scenario.places) if name == "*" else {name} | self.groups.get(name, set())
            touched = {name for name, place in self.scenario.places.items() if chosen & place.members.keys()}
            self._chosen[key] = frozenset(chosen & self.scenario.places.keys() | touched)
        return self._chosen[key]

    def commodities(self, patterns: Sequence[str], hts: Sequence[str] = ()) -> frozenset[str]:
        """Commodities meant by name, pattern or the beginning of a tariff code."""
        key = ("commodities", (*patterns, "\n", *hts))
        if key not in self._chosen:
            named = matching(patterns, self.scenario.commodities)
            prefixes = tuple(prefix.replace(".", "") for prefix in hts)
            coded = {
                name
                for name, commodity in self.scenario.commodities.items()
                if any(code.replace(".", "").startswith(prefixes) for code in commodity.hts)
            }
            self._chosen[key] = frozenset(named | coded)
        return self._chosen[key]

    def routes(self, commodities: Iterable[str], origins: Collection[str], destinations: Collection[str]) -> list[str]:
        """Names of the routes of these commodities from and to these places."""
        routes = self.scenario.routes
        return [
            name
            for commodity in commodities
            for name in self._routes_by_commodity.get(commodity, ())
            if routes[name].origin in origins and routes[name].destination in destinations
        ]

    def routes_of_measure(self, measure: TariffMeasure) -> list[str]:
        """Names of the routes a tariff measure is meant for, exemptions taken out, whatever the date."""
        commodities = self.commodities(measure.commodities, measure.hts)
        exempt = self.commodities(measure.except_commodities, measure.except_hts)
        # A region is out only as a whole: with one member exempt the others still pay.
        origins = self.places(measure.origins) - self._wholly(measure.except_origins)
        destination = measure.destination or self.scenario.home
        return self.routes(sorted(commodities - exempt), origins, {destination})

    def _wholly(self, selection: Iterable[str]) -> frozenset[str]:
        chosen: set[str] = set()
        for name in selection:
            chosen |= set(self.scenario.places) if name == "*" else {name} | self.groups.get(name, set())
        whole = {
            name for name, place in self.scenario.places.items() if place.members and place.members.keys() <= chosen
        }
        return frozenset(chosen | whole)


def matching(patterns: Iterable[str], names: Collection[str]) -> set[str]:
    """The names that equal one of the patterns, `*` standing for any text."""
    found: set[str] = set()
    for pattern in patterns:
        if pattern == "*":
            return set(names)
        if pattern in names:
            found.add(pattern)
        if "*" in pattern:
            found |= {name for name in names if fnmatchcase(name, pattern)}
    return found
