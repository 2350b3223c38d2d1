"""Labels of columns and rows of the arrays, without the Pyomo objects behind them.

A component's members stand next to each other, so labels are kept as ranges and made one by one when they are asked
for: a large model has millions. Pyomo's data objects know their component only as long as the model lives.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from operator import eq
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt
from pyomo.core.base.set import SetProduct

from lodeplan.optimizer.solver.arrays import Range, has_all_members

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Key = tuple[Any, ...]


class Label(NamedTuple):
    """A variable or constraint, and the index of one of its members."""

    component: str
    key: Key

    @classmethod
    def of(cls, member: Any) -> Label:
        """The label of a Pyomo data object."""
        return cls(member.parent_component().local_name, _key(member.index()))


@dataclass(frozen=True)
class LabelRange:
    """A component, and which members of its index stand next to each other; shape (members,)."""

    component: str
    factors: tuple[Sequence[Key], ...]
    """The keys of the index are all combinations of these, the last one running fastest."""
    members: Ints

    def is_same(self, other: LabelRange) -> bool:
        """True if another range is written in the same way; false says nothing."""
        same = self.component == other.component and self.factors == other.factors
        return same and np.array_equal(self.members, other.members)

    def key(self, member: int) -> Key:
        """The key at a position of the index."""
        found: Key = ()
        for factor in reversed(self.factors):
            member, own = divmod(member, len(factor))
            found = factor[own] + found
        return found

    def numbers(self, number_of: Callable[[Key], float]) -> Floats:
        """A number for each member, of its key; all that differ in the last factor alone have one; shape (members,)."""
        *heads, last = self.factors
        if not heads:
            return np.array([number_of(last[member]) for member in self.members.tolist()], float)
        of_head = [number_of(sum(head, ()) + last[0]) for head in product(*heads)]
        return np.array(of_head, float)[self.members // len(last)]


class Labels(Sequence[Label]):
    """Labels of all columns, or of all rows, in their order."""

    def __init__(self, ranges: Iterable[LabelRange]) -> None:
        self.ranges = tuple(ranges)
        self._begin: list[int] = [0, *np.cumsum([len(part.members) for part in self.ranges], dtype=np.int64).tolist()]

    @classmethod
    def numbered(cls, component: str, numbers: Ints) -> Labels:
        """Labels of what is no component of the model, by a number each; shape (labels,)."""
        return cls([LabelRange(component, ([(number,) for number in numbers.tolist()],), np.arange(len(numbers)))])

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> Labels:
        """Labels of the members of Pyomo components."""
        return cls(LabelRange(part.component.local_name, _factors(part.component), part.members) for part in ranges)

    def __len__(self) -> int:
        return self._begin[-1]

    @overload
    def __getitem__(self, place: int) -> Label: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Label]: ...
    def __getitem__(self, place: int | slice) -> Label | Sequence[Label]:
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(len(self)))]
        at = range(len(self))[place]
        which = bisect_right(self._begin, at) - 1
        part = self.ranges[which]
        return Label(part.component, part.key(int(part.members[at - self._begin[which]])))

    def __iter__(self) -> Iterator[Label]:
        for part in self.ranges:
            for member in part.members.tolist():
                yield Label(part.component, part.key(member))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Labels) or len(self) != len(other):
            return False
        if len(self.ranges) == len(other.ranges) and all(map(LabelRange.is_same, self.ranges, other.ranges)):
            return True
        return all(map(eq, self, other))

    def __add__(self, other: Labels) -> Labels:
        return Labels((*self.ranges, *other.ranges))

    def begun(self) -> Iterator[tuple[int, LabelRange]]:
        """Each range and the place of its first label."""
        return zip(self._begin[:-1], self.ranges, strict=True)

    def places_of(self, *components: str) -> Ints:
        """Places of the labels of these components, in order."""
        found = [begin + np.arange(len(part.members)) for begin, part in self.begun() if part.component in components]
        return np.concatenate([np.zeros(0, np.int64), *found])

    def picked(self, places: Ints) -> Labels:
        """Those at these places, which ascend."""
        ends = np.searchsorted(places, self._begin)
        return Labels(
            LabelRange(part.component, part.factors, part.members[places[first:last] - begin])
            for (begin, part), first, last in zip(self.begun(), ends[:-1], ends[1:], strict=True)
            if first < last
        )

    def last_in(self, numbers: Mapping[Any, int]) -> Ints:
        """The number of the last part of each key, -1 where it has none; shape (labels,)."""
        found = [np.zeros(0, np.int64)]
        for part in self.ranges:
            of_factor = np.array([numbers.get(key[-1], -1) for key in part.factors[-1]], np.int64)
            found.append(of_factor[part.members % len(of_factor)])
        return np.concatenate(found)


def _factors(component: Any) -> tuple[Sequence[Key], ...]:
    """Lists of keys whose combinations are those of a component's members."""
    index = component.index_set()
    if not has_all_members(component):
        return ([_key(key) for key in component.keys()],)  # noqa: SIM118  (no mapping)
    factors = index.subsets() if isinstance(index, SetProduct) else [index]
    return tuple([_key(key) for key in factor] for factor in factors)


def _key(index: Any) -> Key:
    return index if type(index) is tuple else (index,)
