"""Look-up of a place in the schema: its field, its default and the values allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from lodeplan.schemas.scenario import Scenario
from lodeplan.schemas.types import read_pairs

COLLECTIONS = tuple(name for name, info in Scenario.model_fields.items() if get_origin(info.annotation) in (dict, list))
"""Names of the collections of a scenario, such as `facilities`."""

LISTS = tuple(name for name in COLLECTIONS if get_origin(Scenario.model_fields[name].annotation) is list)
"""Those whose entries have no names."""

ENTRIES = tuple(name for name in COLLECTIONS if name not in LISTS)
"""Those that map names to entries."""


@dataclass(frozen=True)
class Spot:
    """A place in the schema: the type of what stands there, and the field it is, if it is one."""

    annotation: Any
    field: FieldInfo | None = None

    def child(self, key: str, value: Any = None) -> Spot | None:
        """The place under this key; `value` is what stands here now, and tells kinds of limits and events apart."""
        fitting = self._fitting(value)
        # A field goes before a name that is free: `high` of a triangle before a value with its probability.
        for option in fitting:
            if _is_model(option) and key in option.model_fields:
                return _field_spot(option, key)
        for option in fitting:
            if get_origin(option) is dict or (get_origin(option) is list and key.isdecimal()):
                return self._spots_of_items[option]
        return None

    def field_names(self, value: Any = None) -> list[str]:
        """Names of the fields that may stand here; empty if what stands here has no fixed fields."""
        return list(_names_of(tuple(filter(_is_model, self._fitting(value)))))

    def words(self, key: str) -> list[str]:
        """The words a field may hold, over all that may stand here: the kinds of limits, the changes of events."""
        models = [option for option in self._types if _is_model(option) and key in option.model_fields]
        return [word for model in models for word in get_args(model.model_fields[key].annotation)]

    def types(self, value: Any = None) -> list[Any]:
        """The types, without bounds, that what stands here now may be of."""
        return list(self._fitting(value))

    @property
    def is_section(self) -> bool:
        """True if the keys here are fields rather than names that a planner gives."""
        return bool(self.field_names())

    @property
    def is_list(self) -> bool:
        """True if a list is expected here."""
        return all(get_origin(option) is list for option in self._types)

    def default(self) -> Any:
        """The value when absent, as plain data; None if there is none."""
        if self.field is None or self.field.is_required():
            return None
        value = self.field.get_default(call_default_factory=True, validated_data={})
        return value.model_dump(mode="json", exclude_unset=True) if isinstance(value, BaseModel) else deepcopy(value)

    def allowed(self) -> str:
        """Describe the values allowed here, with the field's description and so its unit."""
        *others, last = dict.fromkeys(_in_words(option) for option in _choices(self.annotation))
        text = f"{', '.join(others)} or {last}" if others else last
        if self.field and self.field.description:
            text += f" ({self.field.description.rstrip('.')})"
        return text

    @cached_property
    def _types(self) -> tuple[Any, ...]:
        return tuple(types_at(self.annotation))

    @cached_property
    def _spots_of_items(self) -> dict[Any, Spot]:
        """The place of any value in a mapping, or item of a list, that may stand here."""
        return {option: Spot(get_args(option)[-1]) for option in self._types if get_origin(option) in (dict, list)}

    def _fitting(self, value: Any) -> tuple[Any, ...]:
        """The members of a union that `value` may be, by its words such as `kind: budget` or by its keys; all if
        none."""
        options = self._types
        if not isinstance(value, Mapping) or len(options) == 1:
            return options
        if value and any(get_origin(option) is dict for option in options):
            models = tuple(
                option for option in options if _is_model(option) and value.keys() & option.model_fields.keys()
            )
            return models or tuple(option for option in options if not _is_model(option))
        fits = tuple(option for option in options if not _is_model(option) or _words_agree(option, value))
        return fits if any(_is_model(option) for option in fits) else options


ROOT = Spot(Scenario)


def find_spot(keys: Sequence[str], data: Any, root: Spot = ROOT) -> Spot | None:
    """The place of these keys in a scenario, or another `root`, whose raw data are `data`; None if the schema has
    none."""
    spot: Spot | None = root
    for key in keys:
        if spot is None:
            return None
        spot = spot.child(key, data)
        data = value_under(data, key)
    return spot


@cache
def entry_type(collection: str) -> TypeAdapter[Any]:
    """Return the type of one entry of a collection."""
    return TypeAdapter(get_args(Scenario.model_fields[collection].annotation)[-1])


def value_under(value: Any, key: str) -> Any:
    """Return the value under a key of raw data, or None."""
    value = opened(value)
    if isinstance(value, Mapping):
        return value.get(key)
    if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
        return value[int(key)]
    return None


def opened(value: Any) -> Any:
    """The mapping or number that a text stands for: `2026=5; 2030=8`, `12.5`; other values as they are."""
    if not isinstance(value, str):
        return value
    found = _opened_text(value)
    return dict(found) if isinstance(found, dict) else found


@lru_cache(maxsize=64)
def _opened_text(value: str) -> Any:
    if "=" in value:
        written = read_pairs(value)
        pairs = {key: as_number(text) for key, text in written}
        # A key that is given twice is for the field to refuse.
        is_mapping = len(pairs) == len(written) and "" not in pairs and None not in pairs.values()
        return pairs if is_mapping else value
    number = as_number(value)
    return value if number is None else number


def as_number(value: Any) -> float | int | None:
    """The number this is, or the number this text says; None if it is none that a field could hold."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isinstance(value, str) else value


@cache
def _is_model(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)


def _with_metadata(info: FieldInfo) -> Any:
    annotation: Any = info.annotation
    for item in info.metadata:
        annotation = Annotated[annotation, item]
    return annotation


def _choices(annotation: Any) -> Iterator[Any]:
    """The members of a union, each with its own bounds."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        for choice in _choices(inner):
            wrapped = choice
            for item in metadata:
                wrapped = Annotated[wrapped, item]
            yield wrapped
    elif get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            yield from _choices(member)
    elif annotation is not NoneType:
        yield annotation


def types_at(annotation: Any) -> list[Any]:
    """The members of a union without bounds."""
    return [_bare(choice) for choice in _choices(annotation)]


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _words_agree(model: type[BaseModel], value: Mapping[str, Any]) -> bool:
    """Whether the words that tell the model from others, such as its `kind`, are those of the value, or absent."""
    return all(value.get(name, word) == word for name, word in _words_of(model))


@cache
def _words_of(model: type[BaseModel]) -> tuple[tuple[str, Any], ...]:
    """(field, word) of each field that must be given and has one allowed word."""
    literals = {
        name: get_args(info.annotation)
        for name, info in model.model_fields.items()
        if info.is_required() and get_origin(info.annotation) is Literal
    }
    return tuple((name, words[0]) for name, words in literals.items() if len(words) == 1)


@cache
def _names_of(models: tuple[type[BaseModel], ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for model in models for name in model.model_fields))


@cache
def _field_spot(model: type[BaseModel], name: str) -> Spot:
    info = model.model_fields[name]
    return Spot(_with_metadata(info), info)


def _in_words(annotation: Any) -> str:
    """One type in words: `a number at least 0`, `one of ore, concentrate`, `a list of texts`."""
    bare = _bare(annotation)
    origin = get_origin(bare)
    if origin is Literal:
        return "one of " + ", ".join(str(word) for word in get_args(bare))
    if origin is list:
        item = next(_choices(get_args(bare)[0]))
        return f"a list, each {_in_words(item)}"
    if origin is dict:
        return _mapping_in_words(*get_args(bare))
    if _is_model(bare):
        return "a mapping with the fields " + ", ".join(bare.model_fields)
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return "one of " + ", ".join(bare)
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    if bare is date:
        return "a day such as 2027-03-01, or a year"
    return words.get(bare, "a value") + _bounds_in_words(annotation)


def _mapping_in_words(key: Any, value: Any) -> str:
    if value is Any:
        return "a mapping"
    plain = next(_choices(value))
    if _bare(key) is int:
        return f"numbers by year such as `2026=5; 2030=8`, each{_bounds_in_words(plain) or ' a number'}"
    if _bare(key) is float:
        is_of_shares = "at most" in _bounds_in_words(key)
        return (
            "steps such as `0.1=50; 1=400`" if is_of_shares else ("values with probabilities such as `0=0.5; 0.4=0.5`")
        )
    if _is_model(_bare(plain)):
        return "a mapping from names to entries"
    return f"a mapping such as `NAME=1; OTHER=2`, each{_bounds_in_words(plain) or ' a number'}"


def _bounds_in_words(annotation: Any) -> str:
    if get_origin(annotation) is not Annotated:
        return ""
    bare, *metadata = get_args(annotation)
    if bare is str:
        return ""
    bounds = [bound for item in metadata for bound in (getattr(item, "metadata", None) or [item])]
    words = []
    for bound in bounds:
        if isinstance(bound, Ge):
            words.append(f"at least {bound.ge:g}")
        elif isinstance(bound, Gt):
            words.append(f"above {bound.gt:g}")
        elif isinstance(bound, Le):
            words.append(f"at most {bound.le:g}")
        elif isinstance(bound, Lt):
            words.append(f"below {bound.lt:g}")
    return " " + " and ".join(words) if words else ""
