"""Declarations of constraints, bounds and variables, where they are written.

Each is one documented function. What a reader has to know of it stands in its docstring; what the rest of the program
has to know (how it is scaled, how its dual is told, what is said when it gives way, what it couples) stands in the
decorator above it. Nothing else about it is written anywhere else.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lodeplan.optimizer.model.scales import Key, Scale
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance

if TYPE_CHECKING:
    import pyomo.core as pyo

Per = Literal["t/y", "t", "kUSD or slot"]
"""A unit of what a dual is worth: of a yearly flow, of an amount, or of what a limit on money or permits is in."""
PARTS = ("unit", "dual", "kind", "source")
"""What a docstring names line by line, after the sentence and the equation."""


@dataclass(frozen=True)
class Price:
    """A dual in the table of marginal values that is a price, or follows from one."""

    per: Per
    home: str = ""
    """Letter of the place that has to be home for it to be told; none: wherever it is."""


@dataclass(frozen=True)
class Limit:
    """A dual in the table of marginal values that says what one more unit of a limit is worth."""

    word: str
    """The limit in a word that fits a column."""
    per: Per
    kinds: tuple[str, ...] = ()
    """Kinds in the table of limits of which it is the price."""
    sense: Literal["at most", "at least"] = "at most"
    """What those ask for."""


@dataclass(frozen=True)
class Untold:
    """A dual that the table of marginal values leaves out."""

    why: str


DEFINITION = Untold("a definition")
DECISIONS_ALONE = Untold("it holds yes-or-no decisions alone, which are fixed when duals are taken")
ON_A_DECISION = Untold("it hangs on a yes-or-no decision, which is fixed when duals are taken")


@dataclass(frozen=True)
class GivesWay:
    """Sentences for a constraint that cannot hold. Its letters, `amount` and `unit` may stand in the sentences."""

    sentence: str
    turn: Literal[1, 2, 3] = 1
    """Limits give way first, rules between projects next, obligations last: what they need tells more."""
    given_up: str = ""
    """What is said where giving it up would do instead of relaxing those of an earlier turn."""


class Couples(StrEnum):
    """Owners of the terms of a row, other than the row's own node and mineral."""

    NODE_BEFORE = "the node before"
    PATH = "nodes on the way there"
    FUTURES = "all futures"
    MINERAL_GROUPS = "mineral groups, which are searched apart with its rows priced"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A constraint or a bound in words, from its docstring."""

    name: str
    letters: tuple[str, ...]
    """Letters of its index, the node last."""
    sentence: str
    equation: str
    unit: str
    dual: str
    kind: str
    source: str
    module: str
    """File it is written in, below the repository, such as `optimizer/model/stocks.py`."""
    line: int
    """Where in it."""
    marginal_value: Price | Limit | Untold

    @property
    def family(self) -> str:
        """Name of the module it is written in."""
        return self.module.rpartition("/")[2].removesuffix(".py")

    @property
    def is_yearly(self) -> bool:
        """True if it limits yearly flows: its value at a node is per t, so the node's years are divided out."""
        return not isinstance(self.marginal_value, Untold) and self.marginal_value.per == "t/y"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds in the table of limits of which its dual is the price."""
        return self.marginal_value.kinds if isinstance(self.marginal_value, Limit) else ()

    @property
    def reported(self) -> str:
        """Unit of its dual in the table of marginal values, or the reason why it has none, in words."""
        told = self.marginal_value
        return f"no, {told.why}." if isinstance(told, Untold) else f"by node, per {told.per}."


@dataclass(frozen=True, kw_only=True)
class Constraint(Statement):
    """A constraint of the model."""

    rule: Callable[..., Any]
    """From the model and an index to a relation."""
    scale: Scale
    gives_way: GivesWay | None
    """None for balances and definitions, which nobody states and so nobody can relax."""
    couples: frozenset[Couples]


@dataclass(frozen=True, kw_only=True)
class Bound(Statement):
    """A limit that is a bound of a variable: always, or where the constraint of its name needs no row."""

    limit: Callable[[Instance], Floats]
    """At most so much of the variable, infinite where it does not bind; shape (index of the variable, nodes)."""
    about: Callable[[Instance, Key], Key]
    """From the index of a variable, without its node, to what the table of marginal values is to name."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable of the model."""

    name: str
    letters: tuple[str, ...]
    """Letters of its index."""
    meaning: str
    unit: str
    module: str
    line: int
    scale: Scale
    bounds: tuple[Bound, ...]
    """Limits that are its bounds, the first of those that bind alike being told."""
    make: Callable[[Any, Instance], pyo.Var]

    @property
    def symbol(self) -> str:
        """Its name and letters, such as `run[f,i,n]`."""
        return f"{self.name}[{','.join(self.letters)}]" if self.letters else self.name

    def upper(self, instance: Instance) -> Floats | float:
        """The least of its bounds; shape (index, nodes)."""
        return np.minimum.reduce([bound.limit(instance) for bound in self.bounds]) if self.bounds else np.inf


def constraint(
    *,
    scale: Scale,
    marginal_value: Price | Limit | Untold,
    gives_way: str | GivesWay | None = None,
    couples: Iterable[Couples] = (),
) -> Callable[[Callable[..., Any]], Constraint]:
    """Declare a constraint: the function below is its rule, named as the component, with the node's letter last.

    Raises ValueError for a docstring that lacks a part.
    """

    def declared(rule: Callable[..., Any]) -> Constraint:
        return Constraint(
            **_words(rule),
            letters=tuple(inspect.signature(rule).parameters)[1:],
            marginal_value=marginal_value,
            rule=rule,
            scale=scale,
            gives_way=GivesWay(gives_way) if isinstance(gives_way, str) else gives_way,
            couples=frozenset(couples),
        )

    return declared


def bound(letters: str, *, marginal_value: Price | Limit | Untold) -> Callable[[Callable[[Instance], Floats]], Bound]:
    """Declare a limit that is always a bound of a variable with these letters: the function below is what it is.

    Raises ValueError for a docstring that lacks a part.
    """

    def declared(limit: Callable[[Instance], Floats]) -> Bound:
        index = tuple(letters.split(","))
        return Bound(
            **_words(limit), letters=index, marginal_value=marginal_value, limit=limit, about=lambda _, key: key
        )

    return declared


def bound_of(row: Constraint, about: Callable[[Instance, Key], Key]) -> Callable[[Callable[[Instance], Floats]], Bound]:
    """Declare a bound that says what a constraint says where it has no row: told under the constraint's name."""

    def declared(limit: Callable[[Instance], Floats]) -> Bound:
        shared = {name: getattr(row, name) for name in Statement.__dataclass_fields__}
        return Bound(**shared, limit=limit, about=about)

    return declared


def variable(
    letters: str, *, unit: str, scale: Scale, bounds: tuple[Bound, ...] = ()
) -> Callable[[Callable[[Any, Instance], Any]], Variable]:
    """Declare a variable: the function below makes it, named as the component; its docstring is its meaning."""

    def declared(make: Callable[[Any, Instance], Any]) -> Variable:
        return Variable(
            **_place(make),
            letters=tuple(letters.split(",")) if letters else (),
            meaning=" ".join((inspect.getdoc(make) or "").split()),
            unit=unit,
            scale=scale,
            bounds=bounds,
            make=make,
        )

    return declared


def _words(function: Callable[..., Any]) -> dict[str, Any]:
    """Sentence, equation and parts of a docstring, and where it stands."""
    text = inspect.getdoc(function) or ""
    parts = dict(re.findall(r"^(\w+): (.+(?:\n(?!\w+: ).+)*)", text, flags=re.MULTILINE))
    found = {part: " ".join(parts.get(part.capitalize(), "").split()) for part in PARTS}
    blocks = [block.strip() for block in text.split("\n\n")]
    missing = [part for part, value in found.items() if not value]
    if len(blocks) < 3 or missing:
        raise ValueError(f"the docstring of {function.__name__} has no {missing or 'sentence or equation'}")
    return {**_place(function), "sentence": blocks[0], "equation": blocks[1], **found}


def _place(function: Callable[..., Any]) -> dict[str, Any]:
    module = function.__module__.removeprefix("lodeplan.").replace(".", "/") + ".py"
    return {"name": function.__name__, "module": module, "line": function.__code__.co_firstlineno}
