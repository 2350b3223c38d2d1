"""Content tracing: a commodity whose origin matters comes in variants, and recipes pass their tags on.

What a ban, cap or tariff asks of material (`optimizer.prepare.tags`) is answered by splitting what it is about, and all
that this is made of, into variants before the model is built. A t can always be declared down, as one with more tags:
so a refinery that mixes runs on the variant with most, and no mixture needs a variable of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from lodeplan.optimizer.prepare.tags import ORIGIN, Tag, Variant, variant_name
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas.limits import ShareCap
from lodeplan.schemas.scenario import Facility, Scenario

Market = tuple[str, str, str]
"""(commodity, variant as written, place)."""
UNTRACED: Variant = frozenset()
RAW = ("ore", "concentrate", "scrap")
"""Stages before refining."""


@dataclass(frozen=True)
class Mode:
    """One way a producer runs: the variant of each input and output."""

    name: str
    """As tables write it; empty where the producer has no other."""
    inputs: Mapping[str, Variant]
    outputs: Mapping[str, Variant]


@dataclass(frozen=True)
class Content:
    """Tags for which each commodity is traced, with the consequences for producers and routes."""

    scenario: Scenario
    selections: Selections
    tags: Mapping[str, frozenset[Tag]]
    """By commodity; missing where it is not traced."""

    def written(self, commodity: str, variant: Variant) -> str:
        """A variant as tables write it: nothing for a commodity that is not traced."""
        return variant_name(variant) if commodity in self.tags else ""

    def variants(self, commodity: str) -> list[Variant]:
        """All variants of a commodity."""
        return _subsets(self.tags.get(commodity, frozenset()))

    def lowest(self, commodity: str) -> Variant:
        """The variant with all tags, as which any t can be declared."""
        return self.tags.get(commodity, frozenset())

    @cached_property
    def modes(self) -> dict[str, tuple[Mode, ...]]:
        """Of every facility and project."""
        producers = {**self.scenario.facilities, **self.scenario.projects}
        return {name: tuple(self._modes(producer)) for name, producer in producers.items()}

    def _modes(self, producer: Facility) -> Iterator[Mode]:
        own = self.own_tags(producer)
        of_inputs = self._union(producer.inputs)
        of_outputs = self._union(producer.outputs)
        varying = frozenset(tag for tag in of_inputs & of_outputs if tag.role != ORIGIN) - own
        for chosen in _subsets(varying):
            yield Mode(
                name=variant_name(chosen) if varying else "",
                inputs={name: self.lowest(name) - (varying - chosen) for name in producer.inputs},
                outputs={name: (chosen | own) & self.lowest(name) for name in producer.outputs},
            )

    def _union(self, commodities: Iterable[str]) -> frozenset[Tag]:
        return frozenset().union(*(self.lowest(name) for name in commodities))

    def own_tags(self, producer: Facility) -> frozenset[Tag]:
        """The tags that a producer's own place, or what it says of its material, gives to its output."""
        all_tags = frozenset().union(*self.tags.values()) if self.tags else frozenset()
        return frozenset(tag for tag in all_tags if self._gives(producer, tag))

    def _gives(self, producer: Facility, tag: Tag) -> bool:
        stage = self.scenario.commodities[next(iter(producer.outputs))].stage
        offer = not producer.inputs
        mined = (producer.mined_in or producer.place) if offer else None
        refined = (producer.refined_in if offer else None) or producer.place
        match tag.role:
            case "mined_in":
                return mined in tag.places
            case "refined_in":
                return stage not in RAW and refined in tag.places
            case "any_stage":
                told = (producer.mined_in, producer.refined_in) if offer else ()
                return not tag.places.isdisjoint((producer.place, *told))
            case "last_origin":
                return producer.place in tag.places

    def recovered(self, commodity: str, place: str) -> Variant:
        """The variant of what is recovered at a place: as an offer there without inputs would have it."""
        offer = Facility(place=place, outputs={commodity: 1.0})
        return self.own_tags(offer) & self.lowest(commodity)

    def arrived(self, commodity: str, variant: Variant, origin: str) -> Variant:
        """The variant as which a t arrives: its last origin is where the route begins."""
        kept = {tag for tag in variant if tag.role != ORIGIN}
        new = {tag for tag in self.lowest(commodity) if tag.role == ORIGIN and origin in tag.places}
        return frozenset(kept | new)

    def held(self, stockpile: str) -> Variant:
        """The variant a stockpile holds: all tags but those of its bans."""
        pile = self.scenario.stockpiles[stockpile]
        bans = {Tag.of(ban, self.selections) for ban in pile.source_bans.values()}
        return self.lowest(pile.commodity) - bans

    @cached_property
    def _reached(self) -> tuple[frozenset[tuple[str, Variant, str]], dict[str, tuple[Mode, ...]]]:
        return _reachable(self)

    @cached_property
    def reached(self) -> frozenset[tuple[str, Variant, str]]:
        """(commodity, variant, place) that something can bring there, at whatever time; untraced commodities too."""
        return self._reached[0]

    @cached_property
    def traced_markets(self) -> frozenset[tuple[str, Variant, str]]:
        """(commodity, variant, place) of traced commodities that something can reach; the others need no column."""
        return frozenset(market for market in self._reached[0] if market[0] in self.tags)

    @cached_property
    def possible_modes(self) -> dict[str, tuple[Mode, ...]]:
        """By producer, the modes whose inputs something can reach."""
        return self._reached[1]

    @cached_property
    def declarations(self) -> list[tuple[str, str, Variant, Variant]]:
        """(commodity, place, variant, variant with more tags) where a t can be declared down to some use."""
        used = {(k, v, producer.place) for producer, mode in self._running() for k, v in mode.inputs.items()}
        for name, pile in self.scenario.stockpiles.items():
            used.add((pile.commodity, self.held(name), pile.place or self.scenario.home))
        for k, _, place in self.traced_markets:
            if self.scenario.commodities[k].disposable:
                used.add((k, self.lowest(k), place))
        return [
            (k, place, variant, target)
            for k, target, place in sorted(used, key=lambda use: (use[0], use[2], variant_name(use[1])))
            for variant in self.variants(k)
            if variant < target and (k, variant, place) in self.traced_markets
        ]

    def _running(self) -> Iterator[tuple[Facility, Mode]]:
        for name, modes in self.possible_modes.items():
            producer = self.scenario.facilities.get(name) or self.scenario.projects[name]
            for mode in modes:
                yield producer, mode


def trace(scenario: Scenario, selections: Selections) -> Content:
    """Find what must be traced, from what is asked upwards through recipes."""
    tags: dict[str, set[Tag]] = {}
    asked = list(_asked(scenario, selections))
    known: dict[Tag, Tag] = {}  # so that a tag has one name, though two lists of places may mean the same
    for _, tag in sorted(asked, key=lambda of: of[1].name):
        known.setdefault(tag, tag)
    for name, tag in asked:
        tags.setdefault(name, set()).add(known[tag])
    makers = [*scenario.facilities.values(), *scenario.projects.values()]
    grown = True
    while grown:
        grown = False
        for maker in makers:
            passed = {tag for name in maker.outputs for tag in tags.get(name, ()) if tag.role != ORIGIN}
            for name in maker.inputs:
                if passed - tags.get(name, set()):
                    tags.setdefault(name, set()).update(passed)
                    grown = True
    return Content(scenario, selections, {name: frozenset(of_it) for name, of_it in tags.items() if of_it})


def _asked(scenario: Scenario, selections: Selections) -> Iterator[tuple[str, Tag]]:
    """Commodities about whose content something is asked, and what."""
    for demand in scenario.demands.values():
        wanted = [demand.commodity, *(option.commodity for option in demand.substitutes.values() if option.commodity)]
        for ban in demand.source_bans.values():
            for name in wanted:
                yield name, Tag.of(ban, selections)
    for pile in scenario.stockpiles.values():
        for ban in pile.source_bans.values():
            yield pile.commodity, Tag.of(ban, selections)
    for limit in scenario.limits.values():
        if isinstance(limit, ShareCap) and limit.origin_role != ORIGIN:
            yield limit.commodity, Tag.of(limit, selections)
    for measure in scenario.tariffs.values():
        if measure.origin_role != ORIGIN:
            for name in sorted(selections.commodities_meant(measure)):
                yield name, Tag.of(measure, selections)


def _reachable(content: Content) -> tuple[frozenset[tuple[str, Variant, str]], dict[str, tuple[Mode, ...]]]:
    """Markets that something can reach, and the modes that can run: a fixed point over producers and routes."""
    scenario = content.scenario
    home = scenario.home
    reached: set[tuple[str, Variant, str]] = set()
    for name, pile in scenario.stockpiles.items():
        reached.add((pile.commodity, content.held(name), pile.place or home))
    for rule in scenario.recycling.values():
        place = rule.place or home
        reached.add((rule.commodity, content.recovered(rule.commodity, place), place))
    producers = {**scenario.facilities, **scenario.projects}
    possible: dict[str, dict[str, Mode]] = {name: {} for name in producers}

    def can_have(commodity: str, target: Variant, place: str) -> bool:
        return any(
            variant <= target and (commodity, variant, place) in reached for variant in content.variants(commodity)
        )

    before = -1
    while before != len(reached) + sum(map(len, possible.values())):
        before = len(reached) + sum(map(len, possible.values()))
        for name, producer in producers.items():
            for mode in content.modes[name]:
                if mode.name in possible[name]:
                    continue
                if all(can_have(k, variant, producer.place) for k, variant in mode.inputs.items()):
                    possible[name][mode.name] = mode
                    reached |= {(k, variant, producer.place) for k, variant in mode.inputs.items()}
                    reached |= {(k, variant, producer.place) for k, variant in mode.outputs.items()}
        for route in scenario.routes.values():
            for variant in content.variants(route.commodity):
                if (route.commodity, variant, route.origin) in reached:
                    arrived = content.arrived(route.commodity, variant, route.origin)
                    reached.add((route.commodity, arrived, route.destination))
    return frozenset(reached), {name: tuple(modes.values()) for name, modes in possible.items()}


def _subsets(tags: frozenset[Tag]) -> list[Variant]:
    """All subsets, the empty one first."""
    ordered = sorted(tags, key=lambda tag: tag.name)
    return [frozenset(some) for size in range(len(ordered) + 1) for some in combinations(ordered, size)]
