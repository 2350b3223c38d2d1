"""Text that cannot be stored: NUL, which PostgreSQL refuses, and lone surrogates, which UTF-8 cannot encode."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lodeplan.schemas import InputProblem
from lodeplan.schemas.problems import join_path

_BAD = re.compile("[\0\ud800-\udfff]")
_NAMES = {"\0": "the character NUL (U+0000)"}


def is_unstorable(text: str) -> bool:
    """True if a text contains such a character."""
    return _BAD.search(text) is not None


def unstorable_text(data: Any) -> list[InputProblem]:
    """Return a problem for each key and text in plain data that contains such a character."""
    return [_problem(keys, text) for keys, text in _texts(data, ()) if _BAD.search(text)]


def _texts(data: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(data, str):
        yield keys, data
    elif isinstance(data, dict):
        for key, value in data.items():
            # A bad key is named by the mapping it stands in.
            yield keys, key
            yield from _texts(value, (*keys, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _texts(value, (*keys, str(index)))


def _problem(keys: tuple[str, ...], text: str) -> InputProblem:
    found = _BAD.findall(text)[0]
    return InputProblem(
        code="unstorable_text",
        path=join_path([_BAD.sub("�", key) for key in keys]) or "scenario",
        message=f"the text contains {_NAMES.get(found, f'half a character (U+{ord(found):04X})')}, which is not "
        "allowed.",
        value=_BAD.sub("�", text),
        remedy="Remove that character.",
    )
