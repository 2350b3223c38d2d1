"""Letters of the model's indices: each has one meaning, in every rule, equation and sentence.

A letter written twice is another of its kind: `pp` a second project, `vv` a second variant.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Letter:
    """Meaning of a letter."""

    meaning: str
    collection: str = ""
    """Where in a scenario such entries stand; empty for what is no entry of one."""


LETTERS: dict[str, Letter] = {
    "n": Letter("a node of the tree"),
    "a": Letter("a node before it, on its path"),
    "w": Letter("a future", "futures"),
    "k": Letter("a commodity", "commodities"),
    "v": Letter("a variant of it"),
    "q": Letter("a place; of a quota, an origin with a volume of its own, or none", "places"),
    "f": Letter("a facility or project", "facilities"),
    "i": Letter("a cost step of it"),
    "h": Letter("a mode it runs in"),
    "p": Letter("a project", "projects"),
    "t": Letter("a track of it"),
    "r": Letter("a route", "routes"),
    "b": Letter("a band of it"),
    "u": Letter("a tariff measure with a quota", "tariffs"),
    "z": Letter("a stockpile", "stockpiles"),
    "d": Letter("a demand; of a limit's slack, the demand protected, or none", "demands"),
    "o": Letter("an option to meet it"),
    "s": Letter("a step of its shortage"),
    "y": Letter("a substitute for it"),
    "e": Letter("a source ban of it"),
    "x": Letter("a recycling rule", "recycling"),
    "c": Letter("a limit", "limits"),
    "j": Letter("a tangent of a square"),
}
STANDS_FOR = {"a": "n", "p": "f", "f": "p"}
"""A letter that may stand where another is declared: a node before is a node, a project is a producer, and a producer
may be a project."""


def letter_of(name: str) -> str:
    """The letter of an index, written once or twice; raises KeyError for what is none.

    >>> letter_of("n"), letter_of("pp")
    ('n', 'p')
    """
    letter = name[0] if name in (name[0], 2 * name[0]) else name
    if letter not in LETTERS:
        raise KeyError(name)
    return letter


def is_a(name: str, declared: str) -> bool:
    """Tell whether an index may stand where a letter is declared.

    >>> is_a("a", "n"), is_a("pp", "f"), is_a("q", "p")
    (True, True, False)
    """
    letter, wanted = letter_of(name), letter_of(declared)
    return letter == wanted or STANDS_FOR.get(letter) == wanted
