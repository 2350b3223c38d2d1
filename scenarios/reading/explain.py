"""Pydantic's complaints about a raw scenario, in a planner's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from pydantic import ValidationError

from lodeplan.scenarios.reading.documents import Document, Keys
from lodeplan.scenarios.reading.fields import (
    COLLECTIONS,
    ROOT,
    Spot,
    as_number,
    entry_type,
    find_spot,
    opened,
    value_under,
)
from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.problems import MAX_PROBLEMS
from lodeplan.schemas.scenario import Scenario

_MAX_ERRORS = 20 * MAX_PROBLEMS
"""Errors of pydantic that are taken out of it at once."""

_WORDS = {
    "greater_than_equal": "it must be at least {ge:g}.",
    "greater_than": "it must be above {gt:g}.",
    "less_than_equal": "it must be at most {le:g}.",
    "less_than": "it must be below {lt:g}.",
    "finite_number": "it must be a finite number.",
    "float_parsing": "this is not a number.",
    "float_type": "this is not a number.",
    "int_parsing": "this is not a whole number.",
    "int_type": "this is not a whole number.",
    "int_from_float": "this is not a whole number.",
    "int_parsing_size": "this number is too large.",
    "string_type": "this is not text.",
    "bool_parsing": "this is neither true nor false.",
    "bool_type": "this is neither true nor false.",
    "literal_error": "this word is not allowed here.",
    "enum": "this word is not allowed here.",
    "list_type": "this is not a list.",
    "dict_type": "this is not a mapping.",
    "model_type": "this is not a mapping of fields.",
    "too_short": "at least {min_length} must be given.",
    "too_long": "at most {max_length} can be given.",
    "string_too_short": "this text is empty.",
    "string_too_long": "this text is longer than {max_length} characters.",
    "string_pattern_mismatch": "it does not match the pattern {pattern}.",
    "union_tag_invalid": "this word is not allowed here.",
}


def note_problems(document: Document, error: ValidationError) -> tuple[list[Keys], int]:
    """Add what pydantic found to the document's problems.

    Returns the places, as keys, and how many problems beyond `MAX_PROBLEMS` were left out, about.
    """
    total = error.error_count()
    shorten = total > _MAX_ERRORS and document.model is None
    items = (_first_errors(document.data, error) if shorten else error).errors(include_url=False)
    meant = [item for item in items if not _is_other_branch(item)] or items
    places = []
    for item in meant[:MAX_PROBLEMS]:
        keys = _keys(item, document.data)
        places.append(keys)
        _note(document, item, keys)
    left = len(meant) if total <= _MAX_ERRORS else total
    return places, max(0, left - MAX_PROBLEMS)


def _first_errors(data: Mapping[str, Any], error: ValidationError) -> ValidationError:
    """The errors of only so many entries that there are enough: each of a million would take a kilobyte."""
    room = _MAX_ERRORS
    shorter = dict(data)
    for section in filter(data.__contains__, COLLECTIONS):
        kept = _shortened(section, data[section], room)
        shorter[section], room = kept
    try:
        Scenario.model_validate(shorter)
    except ValidationError as found:
        return found
    return error


def _shortened(section: str, entries: Any, room: int) -> tuple[Any, int]:
    """The first entries of a collection, one at least, that hold as many errors; and the room left after them."""
    if not isinstance(entries, list | dict):
        return entries, room
    kept = 0
    for entry in entries.values() if isinstance(entries, dict) else entries:
        if room <= 0 and kept:
            break
        kept += 1
        try:
            entry_type(section).validate_python(entry)
        except ValidationError as error:
            room -= error.error_count()
    return (dict(islice(entries.items(), kept)) if isinstance(entries, dict) else entries[:kept]), room


def _is_other_branch(item: Mapping[str, Any]) -> bool:
    """Whether this is only the complaint of the union member that was not meant.

    Numbers by year are a union of a number and a mapping: given a mapping with a bad number, pydantic
    also says that the mapping is not a number.
    """
    is_mapping = isinstance(item["input"], Mapping)
    in_union = str((*item["loc"], "")[-2]).startswith(("dict[", "function-wrap[", "float"))
    return in_union and (
        (item["type"] == "float_type" and is_mapping) or (item["type"] == "dict_type" and not is_mapping)
    )


def _keys(item: Mapping[str, Any], data: Any) -> tuple[str, ...]:
    """The place as keys of the raw data; pydantic's own words for union members are left out."""
    keys: list[str] = []
    parts = [str(part) for part in item["loc"] if part != "[key]"]
    for index, part in enumerate(parts):
        value = opened(data)
        is_list_index = isinstance(value, list) and part.isdecimal()
        if is_list_index or (isinstance(value, Mapping) and part in value):
            keys.append(part)
            data = value_under(data, part)
        elif item["type"] == "missing" and index == len(parts) - 1:
            keys.append(part)
    return tuple(keys)


def _spot(document: Document, keys: tuple[str, ...]) -> Spot | None:
    return find_spot(keys, document.data, Spot(document.model) if document.model else ROOT)


def _note(document: Document, item: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    kind = item["type"]
    around = _spot(document, keys[:-1])
    spot = _spot(document, keys)
    if kind == "extra_forbidden":
        known = around.field_names(_value_at(document.data, keys[:-1])) if around else []
        remedy = did_you_mean(keys[-1], known)
        document.problem("unknown_field", keys, f"`{keys[-1]}` is not a field here.", remedy=remedy)
    elif kind == "missing" and len(keys) == 3 and (keys[0], keys[2]) in document.misnamed:
        return
    elif kind == "missing":
        allowed = spot.allowed() if spot else None
        document.problem("missing_field", keys, f"`{keys[-1]}` is missing.", allowed=allowed)
    elif kind == "union_tag_not_found":
        word = item["ctx"]["discriminator"].strip("'")
        allowed = "one of " + ", ".join(spot.words(word)) if spot else None
        document.problem("missing_field", (*keys, word), f"`{word}` is missing.", allowed=allowed)
    elif kind == "union_tag_invalid":
        word = item["ctx"]["discriminator"].strip("'")
        _note_value(document, (*keys, word), item, item["ctx"]["tag"])
    else:
        _note_value(document, keys, item, item["input"])


def _note_value(document: Document, keys: tuple[str, ...], item: Mapping[str, Any], value: Any) -> None:
    kind, context = item["type"], item.get("ctx", {})
    message = _WORDS[kind].format(**context) if kind in _WORDS else f"{item['msg'].replace('Input', 'it')}."
    spot = _spot(document, keys)
    allowed = spot.allowed() if spot else None
    remedy = _way_out(spot, kind, value)
    if "message" in context:  # of our own types
        message = context["message"]
        allowed, remedy = context["allowed"] or allowed, context["remedy"] or remedy
    elif kind in ("literal_error", "enum", "union_tag_invalid"):
        listed = context["expected_tags"] if kind == "union_tag_invalid" else context["expected"]
        words = _listed(listed)
        allowed, remedy = "one of " + ", ".join(words), did_you_mean(str(value), words)
    elif kind in ("string_type", "list_type") and isinstance(value, int | float) and "text" in str(allowed):
        remedy = "Put it in quotes."
    elif kind in ("float_parsing", "int_parsing") and isinstance(value, str):
        day = re.fullmatch(r"([0-9]{4})-[0-9]{2}-[0-9]{2}", value) if kind == "int_parsing" else None
        remedy = f"Write the year, {day[1]}." if day else _number_meant(value) or remedy
    else:
        remedy = _share_meant(item, value) or remedy
    document.problem(_code(kind), keys, message, value=value, allowed=allowed, remedy=remedy)


def in_words(item: Mapping[str, Any]) -> tuple[str, str, str | None, str | None]:
    """Code, message, what is allowed and a remedy for one error of pydantic, of something that is no scenario."""
    kind, context = item["type"], item.get("ctx", {})
    if kind == "missing":
        return "missing_field", f"`{item['loc'][-1]}` is missing.", None, None
    if "message" in context:  # of our own types
        return kind, context["message"], context["allowed"] or None, context["remedy"] or None
    message = _WORDS[kind].format(**context) if kind in _WORDS else f"{item['msg'].replace('Input', 'it')}."
    if kind not in ("literal_error", "enum"):
        return _code(kind), message, None, _share_meant(item, item.get("input"))
    words = _listed(context["expected"])
    return _code(kind), message, "one of " + ", ".join(words), did_you_mean(str(item.get("input")), words)


def _listed(words: str) -> list[str]:
    """The words in pydantic's `'a', 'b' or 'c'`."""
    return [word.strip(" '") for word in words.replace(" or ", ",").split(",")]


def _way_out(spot: Spot | None, kind: str, value: Any) -> str | None:
    """A number without end means that there is no limit, which is said by saying nothing."""
    if spot is None or spot.field is None or spot.field.is_required() or spot.field.default is not None:
        return None
    is_endless = kind == "finite_number" or (kind == "magnitude" and abs(as_number(value) or 0) > 1)
    return "Leave it out for no limit." if is_endless else None


def _number_meant(text: str) -> str | None:
    """What to write for a number as people write it: `10,5`, `1,234.5`, `25%`, `2026=5, 2030=8`."""
    if "=" in text and "," in text:
        return "Separate pairs by `;`."
    if re.fullmatch(r"[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", text):
        whole = text.replace(",", "")
        is_one = text.count(",") == 1 and "." not in text
        return f"Write {whole}" + (f", or {text.replace(',', '.')}, whichever is meant." if is_one else ".")
    if re.fullmatch(r"[-+]?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+", text):
        return f"Write {text.replace('.', '').replace(',', '.')}."
    if re.fullmatch(r"[-+]?[0-9]*,[0-9]+", text):
        return f"Write {text.replace(',', '.')}."
    percent = re.fullmatch(r"([-+]?[0-9]{1,15}([.,][0-9]{1,15})?) ?%", text)
    if percent:
        return f"Write a fraction: {float(percent[1].replace(',', '.')) / 100:.10g}."
    return None


def _share_meant(item: Mapping[str, Any], value: Any) -> str | None:
    """The fraction to write where per cent are given for what is at most 1, such as 25 for a quarter."""
    context, number = item.get("ctx", {}), as_number(value)
    is_above_one = item["type"] in ("less_than_equal", "less_than") and 1 in (context.get("le"), context.get("lt"))
    return f"Did you mean {number / 100:.10g}?" if is_above_one and number and 1 <= number <= 100 else None


def _code(kind: str) -> str:
    if kind in ("greater_than_equal", "greater_than", "less_than_equal", "less_than"):
        return "out_of_bounds"
    if kind == "finite_number":
        return "not_finite"
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        return "unknown_word"
    return "wrong_type" if kind.endswith(("_type", "_parsing", "_from_float")) else kind


def _value_at(data: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        data = value_under(data, key)
    return data
