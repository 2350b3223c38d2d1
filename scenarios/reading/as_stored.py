"""A scenario as an earlier version stored it, also if a rule that came since refuses it: to be shown, not solved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from lodeplan.scenarios.reading.fields import Spot
from lodeplan.schemas.scenario import Scenario


def read_as_stored(text: bytes) -> Scenario:
    """The scenario in a stored JSON text, held against no rules if it does not keep today's."""
    try:
        return Scenario.model_validate_json(text)
    except ValidationError:
        return constructed(json.loads(text))


def constructed(data: Mapping[str, Any]) -> Scenario:
    """The scenario that was dumped as these data, without a look at whether it is valid.

    Fields that there are no more are left out; those that came since have their defaults.
    """
    scenario: Scenario = _made(Scenario, data)
    return scenario


def _made(annotation: Any, value: Any) -> Any:
    """A value of plain data as the type that stands in the schema there."""
    if value is None:
        return None
    options = Spot(annotation).types(value)
    for option in options:
        if isinstance(option, type) and issubclass(option, BaseModel) and isinstance(value, Mapping):
            return _model(option, value)
        if get_origin(option) is dict and isinstance(value, Mapping):
            key, item = get_args(option)
            return {_key(key, name): _made(item, one) for name, one in value.items()}
        if get_origin(option) is list and isinstance(value, list):
            return [_made(get_args(option)[0], one) for one in value]
        if option is date and isinstance(value, str):
            return date.fromisoformat(value)
        if option is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
    return value


def _model(model: type[BaseModel], value: Mapping[str, Any]) -> BaseModel:
    fields = model.model_fields
    given = {name: _made(fields[name].annotation, one) for name, one in value.items() if name in fields}
    return model.model_construct(**given)


def _key(annotation: Any, name: str) -> Any:
    """A key as the schema has it: a year, a share, or a name."""
    (kind,) = Spot(annotation).types()
    return kind(name) if kind in (int, float) else name
