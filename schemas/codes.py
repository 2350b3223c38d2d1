"""Tariff codes: two, four, six, eight or ten digits, with or without dots between pairs of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

_CODE = re.compile(r"[0-9]{2}(?:\.?[0-9]{2}){0,4}")
_SPLIT = re.compile(r"[^0-9]+")

ALLOWED = "2, 4, 6, 8 or 10 digits such as 8112.92.10, dots between pairs of them"


def is_code(text: str) -> bool:
    """True if a text is one tariff code."""
    return _CODE.fullmatch(text) is not None


def digits(code: str) -> str:
    """A code without its dots."""
    return code.replace(".", "")


def guesses(text: str) -> list[str]:
    """Tariff codes that a broken text may have been before a spreadsheet or a number parser changed it."""
    return list(dict.fromkeys(_written(found) for found in _candidates(text.strip()) if is_code(found)))


def _candidates(text: str) -> Iterator[str]:
    if "e" in text.lower():
        try:
            yield str(int(Decimal(text)))
        except (InvalidOperation, ValueError, OverflowError):
            return
        return
    groups = [group for group in _SPLIT.split(text.rstrip("0").rstrip(".") if text.endswith(".0") else text) if group]
    joined = "".join(groups)
    if len(joined) > 10 or not groups:
        return
    if len(joined) % 2 == 0:
        yield joined
    elif len(groups) > 1 and len(groups[0]) % 2 == 0:
        yield joined + "0"
    elif len(groups) > 1:
        yield "0" + joined
    else:
        yield from ("0" + joined, joined + "0")


def _written(code: str) -> str:
    """A code as it is usually written: 8112.92.10."""
    return ".".join(filter(None, (code[:4], code[4:6], code[6:8], code[8:])))
