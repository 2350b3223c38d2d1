"""Members of Pyomo sets as arrays of codes, and the positions of index tuples in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pyomo.core.base.set import SetProduct

Codes = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]
MOST_CELLS = 2**16
"""Of a table that is looked up directly, or so many for each member; a larger one is searched."""
CELLS_A_MEMBER = 16


class Positions:
    """Codes of the members of sets, and where they stand; each set is read once."""

    def __init__(self) -> None:
        self._code_of: dict[Any, int] = {}
        self._codes: dict[int, Codes] = {}
        self._finders: dict[int, _Finder | _OfProduct] = {}
        self._kept: list[Any] = []  # an id stays one's own as long as its object lives

    def code(self, member: Any) -> int:
        """The code of a part of an index."""
        return self._code_of.setdefault(member, len(self._code_of))

    def name(self, code: int) -> Any:
        """The part of an index that has this code."""
        return next(part for part, own in self._code_of.items() if own == code)

    def codes_of(self, members: Iterable[Any], parts: int) -> Codes:
        """Codes of members with so many parts; shape (members, parts)."""
        known = self._code_of
        flat = [
            known.setdefault(part, len(known))
            for member in members
            for part in (member if type(member) is tuple else (member,))
        ]
        return np.array(flat, np.int32).reshape(-1, parts)

    def members(self, index: Any) -> Codes:
        """Codes of the members of a set, in its order; shape (members, parts)."""
        if id(index) not in self._codes:
            self._kept.append(index)
            self._codes[id(index)] = self._product(index) if isinstance(index, SetProduct) else self._listed(index)
        return self._codes[id(index)]

    def _listed(self, index: Any) -> Codes:
        members = list(index)
        first = members[0] if members else None
        parts = len(first) if type(first) is tuple else 1
        if not members and isinstance(index.dimen, int):
            parts = max(1, index.dimen)
        return self.codes_of(members, parts)

    def _product(self, index: SetProduct) -> Codes:
        factors = [self.members(factor) for factor in index.subsets()]
        count = int(np.prod([len(factor) for factor in factors]))
        found, before, after = [], 1, count
        for factor in factors:
            after //= max(1, len(factor))
            found.append(np.tile(np.repeat(factor, after, axis=0), (before, 1)))
            before *= len(factor)
        return np.concatenate(found, axis=1)

    def find(self, index: Any, parts: Sequence[Any]) -> Any:
        """Positions of index tuples, given as codes of each part (arrays or one for all); -1 for no member."""
        if id(index) not in self._finders:
            self._kept.append(index)
            if isinstance(index, SetProduct):
                factors = list(index.subsets())
                self._finders[id(index)] = _OfProduct(self, factors)
            else:
                self._finders[id(index)] = _Finder(self.members(index))
        return self._finders[id(index)].find(parts)


class _OfProduct:
    """Positions in a product of sets."""

    def __init__(self, positions: Positions, factors: Sequence[Any]) -> None:
        self._positions, self._factors = positions, factors
        self._parts = [positions.members(factor).shape[1] for factor in factors]
        self._sizes = [len(positions.members(factor)) for factor in factors]

    def find(self, parts: Sequence[Any]) -> Any:
        found: Any = 0
        missing: Any = len(parts) != sum(self._parts)
        taken = 0
        for factor, width, size in zip(self._factors, self._parts, self._sizes, strict=True):
            position = self._positions.find(factor, parts[taken : taken + width])
            missing = missing | (np.asarray(position) < 0)
            found = found * size + position
            taken += width
        return np.where(missing, -1, found)


class _Finder:
    """Positions in a set that is listed."""

    def __init__(self, members: Codes) -> None:
        self._ranks: list[Places] = []
        self._sizes: list[int] = []
        key: Places = np.zeros(len(members), np.int64)
        for column in members.T:
            known = np.unique(column)
            rank = np.full(int(known[-1]) + 2 if len(known) else 1, -1, np.int64)  # the last stands for all beyond
            rank[known] = np.arange(len(known))
            key = key * len(known) + rank[column]
            self._ranks.append(rank)
            self._sizes.append(len(known))
        cells = int(np.prod([float(size) for size in self._sizes]))
        self._table: Codes | None = None
        if cells <= max(MOST_CELLS, CELLS_A_MEMBER * len(members)):
            self._table = np.full(cells + 1, -1, np.int32)
            self._table[key] = np.arange(len(members))
        self._order = np.argsort(key, kind="stable")
        self._sorted = key[self._order]

    def find(self, parts: Sequence[Any]) -> Any:
        if len(parts) != len(self._ranks) or not len(self._sorted):
            return np.full(np.broadcast_shapes(*(np.shape(part) for part in parts)), -1)
        key: Any = 0
        missing: Any = False
        for part, rank, size in zip(parts, self._ranks, self._sizes, strict=True):
            own = rank[np.minimum(part, len(rank) - 1)]
            missing = missing | (own < 0)
            key = key * size + own
        key = np.where(missing, 0, key)
        if self._table is not None:
            return np.where(missing, -1, self._table[key])
        at = np.minimum(np.searchsorted(self._sorted, key), len(self._sorted) - 1)
        return np.where(missing | (self._sorted[at] != key), -1, self._order[at])
