"""Sources of material: the commodities that can exist at each place at any time (conventions, "Duty", 5)."""

from __future__ import annotations

from collections.abc import Iterator

from lodeplan.optimizer.check.availability import makers
from lodeplan.optimizer.check.content import Content, Variant
from lodeplan.schemas import Scenario

Stop = tuple[str, str, Variant]
"""Commodity, place, and what it carries."""


class Sources:
    """Material that stockpiles, recovery, makers and routes can bring to a place."""

    def __init__(self, scenario: Scenario, content: Content) -> None:
        self._scenario = scenario
        self._content = content
        self._found: set[Stop] = set(self._from_nothing())
        before = -1
        while before < len(self._found):
            before = len(self._found)
            self._found |= {*self._made(), *self._arrived()}

    def feeds(self, route: str, variant: Variant) -> bool:
        """True if a variant can exist at the origin of a route."""
        entry = self._scenario.routes[route]
        return (entry.commodity, entry.origin, variant) in self._found

    def _from_nothing(self) -> Iterator[Stop]:
        home = self._scenario.home
        for name, stockpile in self._scenario.stockpiles.items():
            yield stockpile.commodity, stockpile.place or home, self._content.stored(name)
        for name, recycling in self._scenario.recycling.items():
            yield recycling.commodity, recycling.place or home, self._content.recovered(name)

    def _made(self) -> Iterator[Stop]:
        """Outputs, in each mode whose inputs can be had; and those inputs, as which other material is declared."""
        for name, maker in makers(self._scenario).items():
            for mode in self._content.modes[name]:
                taken = [(item, maker.place, self._content.taken(name, mode, item)) for item in maker.inputs]
                if all(map(self._can_be_had, taken)):
                    yield from taken
                    for item in maker.outputs:
                        yield item, maker.place, self._content.made(name, mode, item)

    def _can_be_had(self, stop: Stop) -> bool:
        """As it is, or declared down from a variant with fewer tags."""
        commodity, place, variant = stop
        return any(
            (commodity, place, other) in self._found
            for other in self._content.variants[commodity].values()
            if other <= variant
        )

    def _arrived(self) -> Iterator[Stop]:
        for name, route in self._scenario.routes.items():
            for variant in self._content.variants[route.commodity].values():
                if (route.commodity, route.origin, variant) in self._found:
                    yield route.commodity, route.destination, self._content.arriving(name, variant)
