"""Verify a certificate in exact arithmetic, with Python's standard library alone.

`docs/reference/certificate.md` has the lines of the file. Each number is the double nearest to its text, and a double
is a whole number of 2**-1074, so all sums are sums of whole numbers.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

FORMAT = "lodeplan-certificate 1"
TOLERANCE = Fraction(1, 10**6)
"""Part of what stands in a row, or of a unit where that is less, by which it may be broken: solvers round."""
SAME = Fraction(1, 10**12)  # two costs that differ by less, relative, are one
_BITS = 1074
_ONE = 1 << _BITS


class Refused(Exception):
    """What a certificate claims does not follow from what it holds."""


@dataclass
class Proven:
    """What follows from a certificate, whatever it claims; costs in the model's unit of money."""

    objective: Fraction = Fraction(0)
    bound: Fraction | None = None  # no plan costs less; None where the multipliers prove nothing
    bound_by_group: dict[str, Fraction] = field(default_factory=dict)
    worst: tuple[Fraction, str] = (Fraction(0), "")  # largest violation, relative, and where
    rows: int = 0
    columns: int = 0
    decisions: int = 0


@dataclass
class _Column:
    cost: int
    lower: int | None
    upper: int | None
    group: int
    x: int
    name: str
    reduced: int  # cost less what the rows' multipliers take for it, in units of 2**-2148


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a file, compressed or not."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8") as text:
        yield from (line.rstrip("\n") for line in text)


def verify(lines: Iterable[str]) -> tuple[dict[str, Any], Proven]:
    """What a certificate claims, and what follows from it. Raises `Refused` where a claim does not follow."""
    *body, said = list(lines) or [""]
    digest = hashlib.sha256("".join(line + "\n" for line in body).encode())
    if body[:1] != [FORMAT] or not body[-1].startswith("claims "):
        raise Refused(f"This is no certificate: it does not begin with {FORMAT!r}, or ends without claims.")
    if f"sha256 {digest.hexdigest()}" != said:
        raise Refused("The text is not the one that was written: its SHA-256 differs from the one at its end.")
    try:
        claims = json.loads(body.pop()[7:])
        proven = prove(body)
        _hold_claims(claims, proven)
    except (ValueError, LookupError, TypeError, ArithmeticError, StopIteration) as error:
        raise Refused(f"The certificate cannot be read: {type(error).__name__}, {error}.") from None
    return claims, proven


def _hold_claims(claims: dict[str, Any], proven: Proven) -> None:
    """Hold what is claimed against what is proven; raises `Refused`."""
    unit, claimed = Fraction(claims["money_unit_kusd"]), Fraction(claims["objective_kusd"])
    size, objective = max(Fraction(1), abs(claimed)), proven.objective * unit
    if abs(objective - claimed) > SAME * size:
        raise Refused(f"The plan costs {float(objective)!r} thousand USD, not {float(claimed)!r}, as is claimed.")
    bounds = {name: Fraction(claims[name]) for name in ("bound_kusd", "solver_bound_kusd") if claims[name] is not None}
    if any(bound > claimed + TOLERANCE * size for bound in bounds.values()):
        raise Refused("A bound is claimed that lies above what the plan costs.")
    if "bound_kusd" in bounds and (proven.bound is None or bounds["bound_kusd"] > proven.bound * unit):
        bound = "none" if proven.bound is None else f"{float(proven.bound * unit)!r} thousand USD"
        raise Refused(f"The multipliers prove a bound of {bound}, not {float(bounds['bound_kusd'])!r}, as is claimed.")


def prove(body: Iterable[str]) -> Proven:
    """What follows from the lines before the claims; raises `Refused` where the plan or a bound does not hold."""
    lines = iter(body)
    _, (offset, *groups), proven = next(lines), next(lines).split("\t"), Proven()
    if len(set(groups)) != len(groups):
        raise Refused("Two groups have one name.")
    columns: dict[int, _Column] = {}
    implied: list[tuple[int, bool, int, int]] = []
    kept: dict[int, tuple[int | None, int | None, list[tuple[int, int]], str]] = {}  # rows that imply bounds
    by_group = dict.fromkeys(range(len(groups)), 0)  # in units of 2**-3222
    for line in lines:
        kind, rest = line[:2], line[2:]
        if kind == "c ":
            columns[len(columns)] = _column(rest, proven)
        elif kind == "b ":
            column, side, value, row = rest.split(" ")
            implied.append((int(column), side == "upper", _exact(value), int(row)))
            kept[int(row)] = (None, None, [], f"{row}, which is not there,")
        elif kind == "r ":
            lower, upper, group, y, count, rest = rest.split(" ", 5)
            *texts, name = rest.split(" ", 2 * int(count))
            terms = zip(texts[::2], texts[1::2], range(int(count)), strict=True)
            entries = [(int(j), _exact(a)) for j, a, _ in terms]
            sides, held = (_side(lower), _side(upper)), [a * columns[j].x for j, a in entries]
            sizes = [abs(part) for part in (0, *held, *((side or 0) << _BITS for side in sides))]
            _hold(proven, sum(held), sides, max(sizes), name)
            if multiplier := _exact(y):
                taken = sides[0] if multiplier > 0 else sides[1]
                if taken is None:
                    raise Refused(f"Row {name} has a multiplier for a side that it does not have.")
                by_group[int(group)] += (multiplier * taken) << _BITS
                for j, a in entries:
                    columns[j].reduced -= multiplier * a
            if proven.rows in kept:
                kept[proven.rows] = (*sides, entries, name)
            proven.rows += 1
        else:
            raise Refused(f"This line means nothing: {line[:60]!r}.")
    _take_implied(columns, implied, kept)
    proven.columns = len(columns)
    cost = sum(column.cost * column.x for column in columns.values())
    proven.objective = Fraction(offset) + Fraction(cost, _ONE**2)
    if _take_least(columns, by_group):
        proven.bound_by_group = {name: Fraction(by_group[k], _ONE**3) for k, name in enumerate(groups)}
        proven.bound = Fraction(offset) + sum(proven.bound_by_group.values())
    return proven


def _column(text: str, proven: Proven) -> _Column:
    cost, lower, upper, kind, group, value, name = text.split(" ", 6)
    sides, x = (_side(lower), _side(upper)), _exact(value)
    is_decision = {"number": False, "yes/no": True}[kind]
    proven.decisions += is_decision
    if is_decision and x not in (0, _ONE):
        raise Refused(f"The decision {name} is {value}, neither 0 nor 1.")
    _hold(proven, x << _BITS, sides, abs(x) << _BITS, name)
    return _Column(_exact(cost), *sides, int(group), x, name, _exact(cost) << _BITS)


def _hold(proven: Proven, value: int, sides: tuple[int | None, int | None], size: int, name: str) -> None:
    """Hold a value, in units of 2**-2148, against its sides; raises `Refused` where it breaks one."""
    lower, upper = sides
    under = 0 if lower is None else (lower << _BITS) - value
    over = 0 if upper is None else value - (upper << _BITS)
    if (broken := max(under, over)) > 0:
        share = Fraction(broken, max(size, _ONE**2))
        if share > TOLERANCE:
            raise Refused(f"The plan breaks {name} by {float(share):.3g} of its size.")
        proven.worst = max(proven.worst, (share, name), key=lambda held: held[0])


def _take_implied(columns: dict[int, _Column], implied: list[tuple[int, bool, int, int]], kept: dict[int, Any]) -> None:
    """Give columns the bounds that a row implies with the bounds of its other columns, each after those it needs."""
    for j, is_upper, value, row in implied:
        lower, upper, entries, name = kept[row]
        own = sum(a for k, a in entries if k == j)
        # An upper bound of a column with a positive factor, or a lower one with a negative, comes from the row's upper.
        from_upper = is_upper == (own > 0)
        side = upper if from_upper else lower
        ends = [(a, columns[k].lower if (a > 0) == from_upper else columns[k].upper) for k, a in entries if k != j]
        if not own or side is None or any(end is None for _, end in ends):
            raise Refused(f"Row {name} implies no bound of {columns[j].name}.")
        beyond = value * own - (side << _BITS) + sum(a * end for a, end in ends if end is not None)
        if (beyond if from_upper else -beyond) < 0:
            raise Refused(f"Row {name} does not imply the bound of {columns[j].name} that is said to follow from it.")
        bound = "upper" if is_upper else "lower"
        if getattr(columns[j], bound) is None:
            setattr(columns[j], bound, value)


def _take_least(columns: dict[int, _Column], by_group: dict[int, int]) -> bool:
    """Add to each group the least that its columns can cost; false where one of them costs less without end."""
    for column in columns.values():
        end = column.lower if column.reduced > 0 else column.upper
        if column.reduced and end is None:
            return False
        by_group[column.group] += column.reduced * (end or 0)
    return True


def _exact(text: str) -> int:
    """The double nearest to a text, in units of 2**-1074."""
    numerator, denominator = float(text).as_integer_ratio()
    return numerator << (_BITS + 1 - denominator.bit_length())


def _side(text: str) -> int | None:
    return None if text in ("inf", "-inf") else _exact(text)
