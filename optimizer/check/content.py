"""The variants commodities come in by their content, and the modes producers run in (conventions, "Content")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from lodeplan.optimizer.check.availability import makers
from lodeplan.optimizer.check.tags import Tag, Tags
from lodeplan.schemas import Scenario
from lodeplan.schemas.scenario import Facility

Variant = frozenset[Tag]
"""The tags that material carries."""
CLEAN: Variant = frozenset()
UNREFINED = frozenset({"ore", "concentrate", "scrap"})


@dataclass(frozen=True)
class _Making:
    """Where something is made; `mined_in` is None of what is made from something else."""

    place: str
    stage: str
    mined_in: str | None
    refined_in: str


class Content:
    """Consequences of the tags of a scenario; none of them depends on time."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._makers = makers(scenario)
        self.tags = Tags(scenario)
        self.variants: Mapping[str, Mapping[str, Variant]] = {
            commodity: _subsets(tags) if tags else {"": CLEAN} for commodity, tags in self.tags.traced.items()
        }
        """Of each commodity, by what is written for them; that of an untraced commodity as nothing."""
        self._varying = {name: self._may_vary(maker) for name, maker in self._makers.items()}
        self.modes: Mapping[str, Mapping[str, Variant]] = {
            name: _subsets(tags) if tags else {"": CLEAN} for name, tags in self._varying.items()
        }
        """Of each facility and project, by what is written for them."""

    def written(self, commodity: str, variant: Variant) -> str:
        """Written form of a variant of a commodity."""
        return _written(variant) if self.tags.traced[commodity] else ""

    def taken(self, maker: str, mode: str, commodity: str) -> Variant:
        """The variant of an input: the mode's tags, and those of its tags that cannot vary here."""
        varying, chosen = self._varying[maker], self.modes[maker][mode]
        return frozenset(tag for tag in self.tags.traced[commodity] if tag in chosen or tag not in varying)

    def made(self, maker: str, mode: str, commodity: str) -> Variant:
        """The variant of an output: the mode's tags and the producer's own."""
        own = self._own(self._making(self._makers[maker]), commodity)
        return own | (self.modes[maker][mode] & self.tags.traced[commodity])

    def arriving(self, route: str, variant: Variant) -> Variant:
        """A variant at its destination: its last origin is that of the route."""
        entry = self._scenario.routes[route]
        last = {tag for tag in self.tags.traced[entry.commodity] if tag.role == "last_origin"}
        return (variant - last) | {tag for tag in last if entry.origin in tag.places}

    def recovered(self, recycling: str) -> Variant:
        """The tags that its place gives an offer of its stage without inputs."""
        entry = self._scenario.recycling[recycling]
        place = entry.place or self._scenario.home
        making = _Making(place, self._scenario.commodities[entry.commodity].stage, place, place)
        return self._own(making, entry.commodity)

    def stored(self, stockpile: str) -> Variant:
        """All tags but those of its bans."""
        entry = self._scenario.stockpiles[stockpile]
        return self.tags.traced[entry.commodity] - {self.tags.of_ban(ban) for ban in entry.source_bans.values()}

    def _making(self, maker: Facility) -> _Making:
        stage = self._scenario.commodities[next(iter(maker.outputs))].stage
        if maker.inputs:
            return _Making(maker.place, stage, None, maker.place)
        return _Making(maker.place, stage, maker.mined_in or maker.place, maker.refined_in or maker.place)

    def _own(self, making: _Making, commodity: str) -> Variant:
        return frozenset(tag for tag in self.tags.traced[commodity] if _gives(making, tag))

    def _may_vary(self, maker: Facility) -> frozenset[Tag]:
        """Tags of one of its outputs and one of its inputs, but for last origins and its own."""
        into = {tag for commodity in maker.inputs for tag in self.tags.traced[commodity]}
        out = {tag for commodity in maker.outputs for tag in self.tags.traced[commodity]}
        making = self._making(maker)
        return frozenset(tag for tag in into & out if tag.role != "last_origin" and not _gives(making, tag))


def _gives(making: _Making, tag: Tag) -> bool:
    """Whether what is made so carries the tag by itself."""
    if tag.role == "last_origin":
        return making.place in tag.places
    if tag.role == "mined_in":
        return making.mined_in in tag.places
    if tag.role == "refined_in":
        return making.refined_in in tag.places and making.stage not in UNREFINED
    return not tag.places.isdisjoint({making.place, making.mined_in, making.refined_in})


def _subsets(tags: frozenset[Tag]) -> dict[str, Variant]:
    ordered = sorted(tags, key=lambda tag: tag.name)
    chosen = [combination for size in range(len(ordered) + 1) for combination in combinations(ordered, size)]
    return {_written(frozenset(combination)): frozenset(combination) for combination in chosen}


def _written(variant: Variant) -> str:
    return " + ".join(sorted(tag.name for tag in variant)) or "clean"
