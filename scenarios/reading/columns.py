"""The columns of a table: which field each is, and what may have been meant by one that is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, get_args, get_origin

from lodeplan.scenarios.reading.cells import as_name
from lodeplan.scenarios.reading.fields import LISTS, Spot, find_spot, types_at
from lodeplan.schemas.closest import closest, did_you_mean

_YEAR = re.compile(r"[0-9]{4}(?:\.0)?")
_FIELD_AND_YEAR = re.compile(r"(.+?)[_.]*([0-9]{4})")


def known_columns(collection: str) -> list[str]:
    """The names that columns of a table may begin with."""
    spot = find_spot((collection, "0"), {})
    return ["name", *(spot.field_names() if spot else [])]


def holds_numbers(collection: str, keys: Sequence[str]) -> bool:
    """True if cells of a column are numbers, lists of numbers or mappings to numbers."""
    spot = find_spot((collection, "0", *keys), {})
    return spot is not None and any(_is_number(option) for option in types_at(spot.annotation))


def _is_number(option: Any) -> bool:
    if get_origin(option) in (list, dict):
        return any(_is_number(item) for item in types_at(get_args(option)[-1]))
    return option is float


def year_columns(collection: str, names: Sequence[str]) -> tuple[str, str] | None:
    """Describe columns that are named by a year alone, all together."""
    years = [name.removesuffix(".0") for name in names if is_year(name)]
    if not years:
        return None
    are = "columns " + ", ".join(years[:3]) + (" and so on are years" if len(years) > 3 else " are years")
    are = f"column {years[0]} is a year" if len(years) == 1 else are
    fields = _fields_by_year(collection)
    message = f"the {are} and say{'s' if len(years) == 1 else ''} not of which number."
    if not fields:
        return message, "No field of this table has values by year."
    written = [f"`{field}.{years[0]}`" for field in fields[:3]]
    return message, f"Write {' or '.join(written)}."


def is_year(name: str) -> bool:
    """True if a column is named by a year alone."""
    return bool(_YEAR.fullmatch(name))


def _fields_by_year(collection: str) -> list[str]:
    """Fields that are numbers by year, those that must be given first."""
    around = find_spot((collection, "0"), {})
    spots = {name: around.child(name) for name in around.field_names()} if around else {}
    by_year = {name: spot for name, spot in spots.items() if spot and _goes_by_year(spot)}
    return sorted(by_year, key=lambda name: not _must_be_given(by_year[name]))


def _must_be_given(spot: Spot) -> bool:
    return spot.field is not None and spot.field.is_required()


def _goes_by_year(spot: Spot) -> bool:
    mappings = [get_args(option) for option in types_at(spot.annotation) if get_origin(option) is dict]
    return any(int in types_at(key) for key, _ in mappings)


def what_is_wrong(
    collection: str, names: Sequence[str], index: int, *, has_cells: bool
) -> tuple[str, str, str | None] | None:
    """Code, message and remedy of a column that is no field of its table, or a field given by another one too."""
    name = names[index]
    if not name:
        if not has_cells:
            return None
        message = f"column {index + 1} has cells but no name."
        return "unnamed_column", message, "Name it after a field, or remove it."
    if names.count(name) > 1:
        return "duplicate_column", f"the column `{name}` is given twice.", "Keep one of them."
    if any(other.startswith(f"{name}.") for other in names):
        return "duplicate_column", f"the column `{name}` and columns below it are both given.", "Keep one way."
    if (name == "name" and collection not in LISTS) or is_year(name):
        return None
    spot: Spot | None = find_spot((collection, "0"), {})
    for key in name.split("."):
        known = spot.field_names() if spot else []
        spot = spot.child(key) if spot else None
        if spot is None:
            message = f"the column `{name}` is not a field of {collection}."
            return "unknown_field", message, _meant(collection, name) or did_you_mean(key, known)
    return None


def respelled_columns(collection: str, names: Sequence[str]) -> dict[str, str]:
    """The field that each column means, where several differ from fields only in how they are written."""
    known = {*known_columns(collection), *(["name"] if collection not in LISTS else [])}
    meant = {}
    for name in names:
        field, dot, rest = name.partition(".")
        if as_name(field) != field and as_name(field) in known:
            meant[name] = f"{as_name(field)}{dot}{rest}"
    return meant if len(meant) > 1 else {}


def quoted(names: Iterable[str]) -> str:
    """Names in a sentence."""
    return ", ".join(f"`{name}`" for name in names)


def _meant(collection: str, name: str) -> str | None:
    """The field that a name means if written as fields are, or with its year after a dot."""
    plain = as_name(name)
    if plain in known_columns(collection) and plain != name:
        return f"Did you mean `{plain}`?"
    parts = _FIELD_AND_YEAR.fullmatch(plain)
    if parts and parts[1].strip("_") in _fields_by_year(collection):
        return f"Did you mean `{parts[1].strip('_')}.{parts[2]}`?"
    return None


def fields_meant(collection: str, name: str) -> list[str]:
    """The fields that a column that is left out may have been meant for."""
    if is_year(name):
        return _fields_by_year(collection)
    known = known_columns(collection)
    plain = as_name(name.split(".")[0])
    parts = _FIELD_AND_YEAR.fullmatch(plain)
    return [field for field in (plain, parts[1].strip("_") if parts else "") if field in known] or closest(plain, known)
