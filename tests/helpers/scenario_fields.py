"""Every field of a scenario, found in its schema: so that a new one cannot fall outside of the rules of reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, TypeAdapter

from lodeplan.scenarios.reading.fields import types_at
from lodeplan.schemas.scenario import Scenario


@dataclass(frozen=True)
class FieldOf:
    """A field of a model in the schema, by where it first stands: `facilities.cost_kusd_per_t`."""

    path: str
    model: type[BaseModel]
    name: str

    @property
    def annotation(self) -> Any:
        """The field's type with what it is held to."""
        info = self.model.model_fields[self.name]
        annotation: Any = info.annotation
        for item in info.metadata:
            annotation = Annotated[annotation, item]
        return annotation

    @property
    def reads(self) -> TypeAdapter[Any]:
        """What reads the field."""
        return TypeAdapter(self.annotation)


def fields() -> list[FieldOf]:
    """All fields of all models of a scenario, each once."""
    return list(_fields(Scenario, "", set()))


def _fields(model: type[BaseModel], path: str, seen: set[Any]) -> Iterator[FieldOf]:
    for name, info in model.model_fields.items():
        key = (model.__name__, name)
        if key in seen:
            continue
        seen.add(key)
        yield FieldOf(f"{path}{name}", model, name)
        for inner in models_in(info.annotation):
            yield from _fields(inner, f"{path}{name}.", seen)


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that may stand in a field, by themselves, in a list or under names."""
    found = []
    for option in types_at(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            found.append(option)
        elif get_origin(option) in (list, dict):
            found += models_in(get_args(option)[-1])
    return found


def numbered(field: FieldOf) -> str | None:
    """A key of the mapping that may stand in a field whose keys are numbers; None if none may."""
    for option in types_at(field.annotation):
        if get_origin(option) is dict:
            kinds = types_at(get_args(option)[0])
            if int in kinds:
                return "2026"
            if float in kinds:
                return "0.5"
    return None


def is_name_list(field: FieldOf) -> bool:
    """Whether a list of texts stands in a field."""
    return any(
        get_origin(option) is list and str in types_at(get_args(option)[0]) for option in types_at(field.annotation)
    )


def is_date(field: FieldOf) -> bool:
    """Whether a date stands in a field."""
    return date in types_at(field.annotation)


def is_number(field: FieldOf) -> bool:
    """Whether a number with a fraction stands in a field."""
    return float in types_at(field.annotation)


def numbers_within(field: FieldOf) -> list[Any]:
    """Mappings and lists in a field whose values are numbers with a fraction."""
    options = [option for option in types_at(field.annotation) if get_origin(option) in (dict, list)]
    return [option for option in options if float in types_at(get_args(option)[-1])]
