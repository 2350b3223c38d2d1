"""Tags: what places were to material, and the commodities that are traced for it (conventions, "Content")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lodeplan.optimizer.check.availability import makers
from lodeplan.optimizer.check.scope import commodities_of
from lodeplan.optimizer.check.selections import members, names_place
from lodeplan.schemas import Scenario
from lodeplan.schemas.content import Role, SourceBan
from lodeplan.schemas.limits import ShareCap


@dataclass(frozen=True)
class Tag:
    """Plain places and regions, and what they were to the material."""

    name: str
    places: frozenset[str]
    role: Role


class Tags:
    """All tags of a scenario; equal places with equal roles are one tag, by the first of its names."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._names: dict[tuple[frozenset[str], Role], str] = {}
        for _ in range(2):  # first for the names alone, of which each tag takes the first
            about = self._about()
        self.traced: Mapping[str, frozenset[Tag]] = _traced(scenario, about)
        """Those each commodity is traced for."""

    def _about(self) -> list[tuple[Tag, str]]:
        """Tags, each with a commodity that something asks them of."""
        self.of_caps: dict[str, Tag] = {}
        """Of share caps that are not by last origin."""
        self.of_measures: dict[str, Tag] = {}
        """Of tariff measures that are not by last origin."""
        return [*self._from_demands(), *self._from_stockpiles(), *self._from_caps(), *self._from_measures()]

    def of_ban(self, ban: SourceBan) -> Tag:
        """Of a source ban."""
        return self._tag(self._selected(ban.places), ban.role, _words(ban.places))

    def _tag(self, places: frozenset[str], role: Role, words: str) -> Tag:
        name = words if role == "any_stage" else f"{words} {role}"
        name = min(name, self._names.get((places, role), name))
        self._names[places, role] = name
        return Tag(name, places, role)

    def _selected(self, selected: list[str], excepted: Sequence[str] = ()) -> frozenset[str]:
        """Places that are named, by themselves or a group, and not excepted, and regions with a member that is."""
        places = self._scenario.places
        out = {place for place in places if names_place(excepted, place, places)}
        named = {place for place in places if names_place(selected, place, places)} - out
        return frozenset(
            place
            for place in places
            if place in named or (place not in out and not named.isdisjoint(members(place, places)))
        )

    def _from_demands(self) -> list[tuple[Tag, str]]:
        found = []
        for demand in self._scenario.demands.values():
            wanted = [demand.commodity, *(other.commodity for other in demand.substitutes.values() if other.commodity)]
            found += [(self.of_ban(ban), commodity) for ban in demand.source_bans.values() for commodity in wanted]
        return found

    def _from_stockpiles(self) -> list[tuple[Tag, str]]:
        return [
            (self.of_ban(ban), stockpile.commodity)
            for stockpile in self._scenario.stockpiles.values()
            for ban in stockpile.source_bans.values()
        ]

    def _from_caps(self) -> list[tuple[Tag, str]]:
        found = []
        for name, limit in self._scenario.limits.items():
            if isinstance(limit, ShareCap) and limit.origin_role != "last_origin":
                tag = self.of_caps[name] = self._tag(
                    self._selected(limit.places), limit.origin_role, _words(limit.places)
                )
                found.append((tag, limit.commodity))
        return found

    def _from_measures(self) -> list[tuple[Tag, str]]:
        found = []
        for name, measure in self._scenario.tariffs.items():
            if measure.origin_role != "last_origin":
                places = self._selected(measure.origins, measure.except_origins)
                words = _words(measure.origins, measure.except_origins)
                tag = self.of_measures[name] = self._tag(places, measure.origin_role, words)
                found += [(tag, commodity) for commodity in commodities_of(self._scenario, measure)]
        return found


def _words(selected: Iterable[str], excepted: Sequence[str] = ()) -> str:
    """Places in alphabetical order, those left out named after them."""
    listed = [
        ", ".join(in_quotes_if(name, _misleads(name)) for name in sorted(names)) for names in (selected, excepted)
    ]
    return " without ".join(filter(None, listed))


def _misleads(name: str) -> bool:
    """Whether a place or group is called as something else that stands in a tag's or variant's name."""
    words = {"without", "last_origin", "mined_in", "refined_in"}
    return (
        name == "clean"
        or name != name.strip()
        or any(letter in name for letter in ("'", ",", "+"))
        or any(word in words for word in name.split())
    )


def in_quotes_if(name: str, misleads: bool) -> str:
    """The name, in single quotes (those in it doubled) if it would mislead."""
    return f"""'{name.replace("'", "''")}'""" if misleads else name


def _traced(scenario: Scenario, about: list[tuple[Tag, str]]) -> dict[str, frozenset[Tag]]:
    """Tags of each commodity: what they are about and, but for last origins, all that it is made of."""
    traced: dict[str, set[Tag]] = {name: set() for name in scenario.commodities}
    recipes = makers(scenario).values()
    waiting = list(about)
    while waiting:
        tag, commodity = waiting.pop()
        if tag in traced[commodity]:
            continue
        traced[commodity].add(tag)
        if tag.role != "last_origin":
            waiting += [(tag, item) for maker in recipes if commodity in maker.outputs for item in maker.inputs]
    return {name: frozenset(tags) for name, tags in traced.items()}
