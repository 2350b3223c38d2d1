"""Which places, commodities and names a rule means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lodeplan.schemas.patterns import fits
from lodeplan.schemas.scenario import Commodity, Scenario, TariffMeasure


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name equals one of the patterns, `*` standing for any text."""
    return any(fits(name, pattern) for pattern in patterns)


def matches_hts(codes: Sequence[str], prefixes: Iterable[str]) -> bool:
    """Whether one of a commodity's codes starts with one of the prefixes; dots do not count."""
    bare = [code.replace(".", "") for code in codes]
    return any(code.startswith(prefix.replace(".", "")) for code in bare for prefix in prefixes)


def commodity_matches(name: str, commodity: Commodity, patterns: Sequence[str], prefixes: Sequence[str]) -> bool:
    """Whether a commodity is meant by name or by tariff code."""
    return matches(name, patterns) or matches_hts(commodity.hts, prefixes)


def commodities_named(scenario: Scenario, measure: TariffMeasure) -> frozenset[str]:
    """Commodities a tariff measure names, by name or code, with their derivatives where it says so; exempt ones too."""
    named = {
        name
        for name, commodity in scenario.commodities.items()
        if commodity_matches(name, commodity, measure.commodities, measure.hts)
    }
    return frozenset(_with_derivatives(scenario, named) if measure.includes_derivatives else named)


def commodities_meant(scenario: Scenario, measure: TariffMeasure) -> frozenset[str]:
    """Commodities a tariff measure is about: those it names, less those exempt."""
    return frozenset(
        name
        for name in commodities_named(scenario, measure)
        if not commodity_matches(name, scenario.commodities[name], measure.except_commodities, measure.except_hts)
    )


def _with_derivatives(scenario: Scenario, names: set[str]) -> set[str]:
    """These commodities and all that recipes make of them, directly or not."""
    found = set(names)
    makers = [*scenario.facilities.values(), *scenario.projects.values()]
    grown = True
    while grown:
        made = {output for maker in makers if found & maker.inputs.keys() for output in maker.outputs}
        grown = not made <= found
        found |= made
    return found


class Places:
    """Places, their groups, and the members of regions."""

    def __init__(self, scenario: Scenario) -> None:
        self.all = frozenset(scenario.places)
        self._members = {name: dict(place.members) for name, place in scenario.places.items()}
        self._groups: dict[str, set[str]] = {}
        for name, place in scenario.places.items():
            for group in place.groups:
                self._groups.setdefault(group, set()).add(name)

    def expand(self, selection: Iterable[str]) -> frozenset[str]:
        """The places a list of names, groups and `*` stands for."""
        chosen: set[str] = set()
        for name in selection:
            if name == "*":
                return self.all
            chosen |= self._groups.get(name, set())
            if name in self.all:
                chosen.add(name)
        return frozenset(chosen)

    def weight(self, place: str, chosen: frozenset[str]) -> float:
        """1 for a chosen place; for a region, the share of its chosen members."""
        if place in chosen:
            return 1.0
        return sum(share for member, share in self._members[place].items() if member in chosen)

    def parts(self, place: str) -> dict[str, float]:
        """A region's members with their shares; a plain place is its own only part."""
        return self._members[place] or {place: 1.0}
