"""What a Vega-Lite specification must be, whatever it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import altair
import jsonschema_rs

HIGHEST_PIXELS = 4_000
"""No figure is higher, whatever is in it."""

_SCHEMA_FILE = Path(altair.__file__).parent / "vegalite/v6/schema/vega-lite-schema.json"
SCHEMA_VERSION = altair.SCHEMA_VERSION.removeprefix("v")


@cache
def _validator() -> Any:
    """A validator of the schema, with names of definitions that are also right in a URI."""
    schema = json.loads(_SCHEMA_FILE.read_text(encoding="utf-8"))
    names = {name: f"definition-{number}" for number, name in enumerate(schema["definitions"])}

    def renamed(part: Any) -> Any:
        if isinstance(part, list):
            return [renamed(item) for item in part]
        if not isinstance(part, dict):
            return part
        own = part.get("$ref")
        others = {key: renamed(value) for key, value in part.items() if key != "$ref"}
        return others | ({"$ref": f"#/definitions/{names[own.removeprefix('#/definitions/')]}"} if own else {})

    definitions = {names[name]: renamed(part) for name, part in schema["definitions"].items()}
    return jsonschema_rs.validator_for(renamed({**schema, "definitions": {}}) | {"definitions": definitions})


def faults(spec: dict[str, Any]) -> list[str]:
    """What is wrong with a specification, in words."""
    try:
        plain = json.loads(json.dumps(spec, allow_nan=False))
    except ValueError as error:
        return [f"it is no plain JSON: {error}"]
    found = [str(error)[:300] for error in _validator().iter_errors(plain)]
    found += [f"{where} is empty" for where in _empty(plain)]
    if not 0 < plain["height"] <= HIGHEST_PIXELS:
        found.append(f"it is {plain['height']} pixels high")
    return found


def _empty(part: Any, where: str = "") -> Iterator[str]:
    """Places with nothing in them where Vega needs something: domains, ranges, values and layers."""
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if key in ("domain", "range", "values", "layer") and value == []:
            yield f"{where}/{key}"
        yield from _empty(value, f"{where}/{key}")
