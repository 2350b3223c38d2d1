"""Findings of the checks, and the parts of a scenario that they cannot see because its shape is broken."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lodeplan.scenarios.selections import Selections
from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.problems import MAX_PROBLEMS, InputProblem, at_most, join_path
from lodeplan.schemas.scenario import Scenario

_COMPARISONS = 500_000
"""Names compared in search of what was meant, in all; after that, problems come without a suggestion."""


@dataclass(frozen=True)
class Gaps:
    """Parts of a scenario left out of the checks because they could not be read."""

    names: dict[str, set[str]] = field(default_factory=dict)
    """Names of broken entries by collection; other entries may still refer to them."""
    whole: set[str] = field(default_factory=set)
    """Sections and collections that could not be read at all."""


class Findings:
    """A scenario under check and the problems found so far."""

    def __init__(self, scenario: Scenario, gaps: Gaps) -> None:
        self.scenario = scenario
        self.selections = Selections(scenario)
        self.problems: list[InputProblem] = []
        self.doubtful: set[tuple[str, ...]] = set()
        """Keys of entries that refer to something unknown."""
        self.several: set[tuple[tuple[str, ...], str]] = set()
        """Items of lists that are several names in one, with the keys of the list: nothing else is said of them."""
        self._left = 0
        self._comparisons_left = _COMPARISONS
        self._gaps = gaps
        self._known: dict[str, Collection[str]] = {}

    def note(self, code: str, keys: Sequence[str], message: str, **more: Any) -> None:
        """Add a problem at these keys; beyond `MAX_PROBLEMS` they are only counted."""
        if len(self.problems) >= MAX_PROBLEMS:
            self._left += 1
            return
        self.problems.append(InputProblem(code=code, path=join_path(keys), message=message, **more))

    def all(self) -> list[InputProblem]:
        """The problems noted, and how many more there are."""
        return at_most(self.problems, self._left)

    def can_read(self, *parts: str) -> bool:
        """True if these sections and collections are complete and refer only to known entries."""
        return self.can_read_shapes(*parts) and not any(keys[0] in parts for keys in self.doubtful)

    def can_read_shapes(self, *parts: str) -> bool:
        """True if every entry of these collections could be read."""
        return not any(part in self._gaps.whole or part in self._gaps.names for part in parts)

    def knows(self, section: str) -> bool:
        """True if a section could be read."""
        return section not in self._gaps.whole

    @cached_property
    def places_or_groups(self) -> Collection[str]:
        """Names that a rule may use for places."""
        return {*self.names("places"), *self.selections.groups}

    @cached_property
    def places_or_clubs(self) -> Collection[str]:
        """Names that a tariff measure may use for places."""
        return {*self.places_or_groups, *self.selections.clubs}

    def names(self, collection: str) -> Collection[str]:
        """Names in a collection, those of broken entries too."""
        if collection not in self._known:
            entries: Collection[str] = getattr(self.scenario, collection)
            broken = self._gaps.names.get(collection)
            self._known[collection] = {*entries, *broken} if broken else entries
        return self._known[collection]

    def check_name(self, collection: str, name: str, keys: Sequence[str]) -> None:
        """Note a problem if a collection has no entry of this name."""
        if collection not in self._gaps.whole and name not in self.names(collection):
            self.unknown(collection, name, keys, self.names(collection))

    def unknown(
        self, collection: str, name: str, keys: Sequence[str], known: Collection[str], remedy: str | None = None
    ) -> None:
        """Note that a name means nothing, and what may have been meant, unless a remedy is given."""
        self.doubtful.add(tuple(keys[:2]))
        if (tuple(keys), name) in self.several:
            return
        word = _ONE[collection]
        code = "unknown_" + word.removeprefix("tariff ").split(" ", 1)[0]
        if remedy is None and len(self.problems) < MAX_PROBLEMS and len(known) <= self._comparisons_left:
            self._comparisons_left -= len(known)
            remedy = did_you_mean(name, known)
        self.note(code, keys, f"no {word} has this name.", value=name, remedy=remedy)


_ONE = {
    "commodities": "commodity",
    "places": "place",
    "places or groups": "place or group",
    "facilities": "facility",
    "facilities or projects": "facility or project",
    "projects": "project",
    "routes": "route",
    "tariffs": "tariff measure",
    "measures or programmes": "measure or programme",
    "programmes": "programme",
    "events": "event",
    "futures": "future",
    "tracks": "track",
}
