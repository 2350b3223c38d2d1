"""The places in a raw scenario that a path means: keys, names in quotes, `*` for any."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lodeplan.scenarios.reading.documents import Keys
from lodeplan.scenarios.reading.fields import ROOT, Spot, opened
from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.problems import join_path, split_path


class NoPlace(Exception):
    """A patch that does not fit the scenario: why, and what to do."""

    def __init__(self, code: str, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy


class TooMuchWork(Exception):
    """Paths that look at too many names."""


@dataclass
class Work:
    """Work that patches may still do."""

    allowed: int
    comparisons_left: int = 200_000
    """Names compared in search of what was meant."""

    def __post_init__(self) -> None:
        self.left = self.allowed

    def spend(self, amount: int) -> None:
        """Count work; raises `TooMuchWork` once nothing is left."""
        self.left -= amount
        if self.left < 0:
            raise TooMuchWork

    def suggestion(self, name: str, known: list[str]) -> str | None:
        """Suggest similar names, until too many were compared."""
        self.comparisons_left -= len(known)
        return did_you_mean(name, known) if self.comparisons_left >= 0 else None


@dataclass(frozen=True)
class Place:
    """A key in a mapping or list of raw data, whether or not something stands there yet."""

    around: dict[str, Any] | list[Any]
    keys: Keys
    spot: Spot | None
    by_pattern: bool
    """Whether the path has a `*`, so that places without a value are passed over."""

    @property
    def exists(self) -> bool:
        """True if there is a value here."""
        return isinstance(self.around, list) or self.keys[-1] in self.around

    def get(self) -> Any:
        """The value, text for numbers or lists opened; the default of the schema when absent, or None."""
        if isinstance(self.around, list):
            return opened(self.around[int(self.keys[-1])])
        if self.keys[-1] not in self.around:
            return self.spot.default() if self.spot else None
        value = opened(self.around[self.keys[-1]])
        if isinstance(value, str) and self.spot and self.spot.is_list:
            return [part.strip() for part in value.split(";") if part.strip()]
        return value

    def count(self) -> int:
        """Count the numbers that may be here."""
        value = self.around[int(self.keys[-1])] if isinstance(self.around, list) else self.around.get(self.keys[-1])
        return len(value) if isinstance(value, str | list | dict) else 1

    def put(self, value: Any) -> None:
        """Put a value here."""
        if isinstance(self.around, list):
            self.around[int(self.keys[-1])] = value
        else:
            self.around[self.keys[-1]] = value

    def drop(self) -> None:
        """Remove the value."""
        if isinstance(self.around, list):
            del self.around[int(self.keys[-1])]
        else:
            del self.around[self.keys[-1]]

    def below(self, by_pattern: bool, make: bool) -> _Level | None:
        """The mapping or list here, or None. With `make`, an absent section such as `onboarding` is made."""
        value = self.get()
        if value is None and make and self.spot and self.spot.is_section:
            value = {}
        if not isinstance(value, dict | list):
            return None
        self.put(value)
        return _Level(value, self.keys, self.spot, by_pattern)


@dataclass(frozen=True)
class _Level:
    """A mapping or list of raw data that a path has come to."""

    value: dict[str, Any] | list[Any]
    keys: Keys
    spot: Spot | None
    by_pattern: bool

    @property
    def names(self) -> list[str]:
        return list(self.value) if isinstance(self.value, dict) else [str(index) for index in range(len(self.value))]

    @property
    def fields(self) -> list[str]:
        return self.spot.field_names(self.value) if self.spot else []

    def looked_at(self, key: str) -> int:
        """Count the names read for a key; items of a list are compared some hundred times as fast."""
        if "*" in key:
            return len(self.value)
        return 1 + len(self.value) // 100 if isinstance(self.value, list) else 1

    def place(self, key: str) -> Place:
        spot = self.spot.child(key, self.value) if self.spot else None
        return Place(self.value, (*self.keys, key), spot, self.by_pattern)

    def places(self, key: str, may_make: bool) -> list[Place]:
        """Find what a key of the path stands for here: matching names, an item of a list, or a field not yet given."""
        if "*" in key:
            pattern = _pattern(key)
            return [self.place(name) for name in self.names if pattern.fullmatch(name)]
        if isinstance(self.value, list):
            if key.isascii() and key.isdecimal() and str(number := int(key)) == key and number < len(self.value):
                return [self.place(key)]
            return [self.place(str(self.value.index(key)))] if key in self.value else []
        if key in self.value:
            return [self.place(key)]
        is_free_name = not self.fields
        return [self.place(key)] if key in self.fields or (may_make and is_free_name) else []


def find_places(data: dict[str, Any], path: str, *, make: bool, work: Work) -> list[Place]:
    """The places a path means; raises `NoPlace` if there is none.

    The last key may be a field the schema has though it is not given. With `make` it may also be a new name
    in a mapping, and sections before it may be absent unless a `*` leads there; a name in a collection must exist.
    """
    made: list[Place] = []
    try:
        return _find(data, _keys(path), make, made, work)
    except (NoPlace, TooMuchWork) as error:
        for place in reversed(made):
            place.drop()  # what was put there only to go on below it
        pointer = _pointer(path)
        if isinstance(error, NoPlace) and pointer:
            message, remedy = (
                "the keys of a path must be joined by dots, not slashes.",
                f"Use dots: {join_path(pointer)}",
            )
            raise NoPlace("broken_path", message, remedy) from None
        raise


def _find(data: dict[str, Any], keys: list[str], make: bool, made: list[Place], work: Work) -> list[Place]:
    """The places; those that had to be given a value on the way are added to `made`."""
    levels = [_Level(data, (), ROOT, False)]
    for depth, key in enumerate(keys):
        is_last = depth == len(keys) - 1
        work.spend(sum(level.looked_at(key) for level in levels))
        found = [place for level in levels for place in level.places(key, may_make=make and is_last)]
        if not found:
            raise _nothing_matches(levels, keys[: depth + 1], work)
        if is_last:
            return found
        by_pattern = "*" in key or levels[0].by_pattern
        absent = [place for place in found if not place.exists]
        levels = [level for place in found if (level := place.below(by_pattern, make and not by_pattern))]
        made += [place for place in absent if place.exists]
        if not levels and all(place.get() is None for place in found):
            raise NoPlace("no_match", f"`{join_path(keys[: depth + 1])}` is not given.", "Use `set` to give it.")
        if not levels:
            what = join_path(found[0].keys)
            raise NoPlace(
                "path_too_long", f"`{what}` is a single value with nothing below it.", f"End the path at `{what}`."
            )
    return []


def _keys(path: str) -> list[str]:
    try:
        keys = split_path(path)
    except ValueError as error:
        raise NoPlace(
            "broken_path", f"{error}.", "Join keys by dots; put names with other characters in quotes."
        ) from None
    if not keys:
        raise NoPlace("broken_path", "the path is empty.", "Join keys by dots.")
    return keys


def _pointer(path: str) -> list[str]:
    """The keys of a path that is written as a JSON pointer, or with slashes for dots; none if it is neither."""
    keys = [key.replace("~1", "/").replace("~0", "~") for key in path.removeprefix("#").removeprefix("/").split("/")]
    is_pointer = path.startswith(("/", "#/")) or len(keys) > 1
    return keys if is_pointer and keys[0] in ROOT.field_names() and all(keys) else []


def _pattern(key: str) -> re.Pattern[str]:
    """The names that a key with `*` means. Each part is sought once: to try again would take for ever on long names."""
    first, *between, last = map(re.escape, key.split("*"))
    return re.compile(first + "".join(f"(?>.*?{part})" for part in between if part) + ".*" + last, re.DOTALL)


def _nothing_matches(levels: list[_Level], keys: list[str], work: Work) -> NoPlace:
    above, key = keys[:-1], keys[-1]
    where = f"`{join_path(above)}`" if above else "a scenario"
    work.spend(sum(len(level.value) for level in levels) // 10)
    known = list(dict.fromkeys(name for level in levels for name in [*level.names, *level.fields]))
    if not known:
        return NoPlace("no_match", f"{where} is empty.", None)
    near = work.suggestion(key.replace("*", ""), known)
    return NoPlace("no_match", f"nothing in {where} matches `{key}`.", near)
