"""Write a certificate: the model as it was handed to the solver, a plan, and multipliers that prove a bound."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from lodeplan.optimizer.certificate.implied import ImpliedBounds
from lodeplan.optimizer.certificate.multipliers import find_multipliers
from lodeplan.optimizer.certificate.verify import FORMAT, Proven, prove
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver import Block, Form, Label

NO_GROUP = "(no group)"
"""Name of what belongs to no mineral group: costs of nodes, budgets, the tail."""


@dataclass(frozen=True)
class Certificate:
    """A model, a plan and multipliers; all canonical."""

    form: Form
    x: Floats
    """Value of each column, shape (columns,)."""
    y: Floats
    """Multiplier of each row, shape (rows,)."""
    blocks: Sequence[Block]
    """Columns and rows of each mineral group."""
    bounds: ImpliedBounds

    @classmethod
    def of(cls, form: Form, x: Floats, blocks: Sequence[Block]) -> Certificate:
        """The certificate of a point (canonical); the relaxation is solved for it."""
        bounds = ImpliedBounds(form)
        y = find_multipliers(form, bounds)
        whole = np.where(form.integer, np.round(x), x) + 0.0
        return cls(form, whole, np.zeros(len(form.rows)) if y is None else y, blocks, bounds)

    def write(self, path: Path, about: Mapping[str, Any]) -> Proven:
        """Write it to a file, compressed where its name ends in `.gz`, with what it is about; returns what it proves.

        Raises `verify.Refused` where the plan does not keep a row in exact arithmetic, and OSError.
        """
        body = list(self._body())
        proven = prove(body)
        unit = Fraction(self.form.money_unit)
        claims = {
            **about,
            "money_unit_kusd": self.form.money_unit,
            "objective_kusd": float(proven.objective * unit),
            "bound_kusd": None if proven.bound is None else _rounded_down(proven.bound * unit),
        }
        body.append(f"claims {json.dumps(claims)}")
        digest = hashlib.sha256("".join(f"{line}\n" for line in body).encode()).hexdigest()
        text = "".join(f"{line}\n" for line in [*body, f"sha256 {digest}"]).encode()
        path.write_bytes(gzip.compress(text, 6, mtime=0) if path.suffix == ".gz" else text)
        return proven

    def _body(self) -> Iterator[str]:
        group_of_column, group_of_row = (np.full(count, len(self.blocks)) for count in reversed(self.form.matrix.shape))
        for number, block in enumerate(self.blocks):
            group_of_column[block.columns] = group_of_row[block.rows] = number
        yield FORMAT
        yield "\t".join([repr(self.form.offset), *(block.name for block in self.blocks), NO_GROUP])
        yield from self._columns(group_of_column.tolist())
        for bound in self.bounds.in_order(self.bounds.needed(self.y)):
            yield f"b {bound.column} {'upper' if bound.is_upper else 'lower'} {bound.value!r} {bound.row}"
        yield from self._rows(group_of_row.tolist())

    def _columns(self, groups: Iterable[int]) -> Iterator[str]:
        form = self.form
        numbers = (form.cost.tolist(), form.column_lower.tolist(), form.column_upper.tolist(), self.x.tolist())
        rest = zip(form.integer.tolist(), groups, form.columns, strict=True)
        for (cost, lower, upper, x), (whole, group, label) in zip(zip(*numbers, strict=True), rest, strict=True):
            kind = "yes/no" if whole else "number"
            yield f"c {cost!r} {lower!r} {upper!r} {kind} {group} {x!r} {_name(label)}"

    def _rows(self, groups: Iterable[int]) -> Iterator[str]:
        form, matrix = self.form, self.bounds.by_row
        ends, index, data = (array.tolist() for array in (matrix.indptr, matrix.indices, matrix.data))
        numbers = zip(form.row_lower.tolist(), form.row_upper.tolist(), self.y.tolist(), strict=True)
        for row, ((lower, upper, y), group) in enumerate(zip(numbers, groups, strict=True)):
            of_row = slice(ends[row], ends[row + 1])
            terms = [f"{j} {a!r}" for j, a in zip(index[of_row], data[of_row], strict=True)]
            head = f"r {lower!r} {upper!r} {group} {y!r} {len(terms)}"
            yield " ".join([head, *terms, _name(form.rows[row])])


def _name(label: Label) -> str:
    return f"{label.component}[{','.join(map(str, label.key))}]".replace("\n", " ").replace("\r", " ")


def _rounded_down(value: Fraction) -> float:
    """The largest double that is not above a value."""
    near = float(value)
    return near if Fraction(near) <= value else math.nextafter(near, -math.inf)
