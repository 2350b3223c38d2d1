"""What each constraint says of itself, read once from its docstring.

A constraint is a function named as its component. Its docstring holds a sentence, the equation, then `Unit:`, `Dual:`,
`Reported:` (whether the table of marginal values has its dual, and per what), `Kind:` (hard or soft) and `Source:`.
Limits that are bounds of a variable are no constraints of the model; `bounds` says the same of them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from lodeplan.optimizer.model import balances, capacity, demands, limits, projects, recycling, risk, routes, stocks

FAMILIES: tuple[ModuleType, ...] = (balances, capacity, projects, routes, stocks, demands, recycling, limits, risk)
FIELDS = ("unit", "dual", "reported", "kind", "source")


@dataclass(frozen=True)
class Entry:
    """A constraint in words."""

    name: str
    family: str
    sentence: str
    equation: str
    unit: str
    dual: str
    reported: str
    kind: str
    source: str
    module: str
    """File it is written in, below the repository, such as `optimizer/model/stocks.py`."""
    line: int
    """Where in it."""

    @property
    def is_reported(self) -> bool:
        """Whether the table of marginal values has its dual."""
        return self.reported.startswith("by node")

    @property
    def is_yearly(self) -> bool:
        """Whether it is on yearly flows: its value at a node is per t, so the node's years are divided out."""
        return self.is_reported and "per t/y" in self.reported


@cache
def registry() -> dict[str, Entry]:
    """Every constraint by name, in the order of the families.

    Raises ValueError for a docstring that lacks a part.
    """
    return {rule.__name__: _entry(rule, family) for family in FAMILIES for rule in family.CONSTRAINTS}


def _entry(rule: Callable[..., Any], family: ModuleType) -> Entry:
    name, text = rule.__name__, inspect.getdoc(rule) or ""
    parts = dict(re.findall(r"^(\w+): (.+(?:\n(?!\w+: ).+)*)", text, flags=re.MULTILINE))
    found = {field: " ".join(parts.get(field.capitalize(), "").split()) for field in FIELDS}
    blocks = [block.strip() for block in text.split("\n\n")]
    missing = [field for field, value in found.items() if not value]
    if len(blocks) < 3 or missing:
        raise ValueError(f"the docstring of constraint {name} lacks {missing or 'its sentence or equation'}")
    module = family.__name__.removeprefix("lodeplan.").replace(".", "/") + ".py"
    line = rule.__code__.co_firstlineno
    return Entry(name, family.__name__.rpartition(".")[2], blocks[0], blocks[1], **found, module=module, line=line)
