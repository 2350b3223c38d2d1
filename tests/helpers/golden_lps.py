"""Rows of the model as text, one file a constraint: `tests/golden/<constraint>.lp`, from the scenario beside it.

`python tests/helpers/golden_lps.py [CONSTRAINT ...]` writes them again. Each file was derived by hand from the
constraint's equation, as the comment in its scenario shows: a file that changes has to be read and derived again, not
accepted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp
from folders import TESTS

from lodeplan import scenarios
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.solver import Form, standard_form

FOLDER = TESTS / "golden"


def lp_text(constraint: str) -> str:
    """The rows of a constraint in the model of its scenario, in t, kUSD and years, as the solver gets them.

    A row is its name and a colon, then a line for each term, then its sense and right-hand side; rows and terms are
    in the order of their names.
    """
    instance = prepare(scenarios.load(FOLDER / f"{constraint}.yaml"))
    form = standard_form(build_model(instance), instance)
    return "\n".join(sorted(_row_text(form, row) for row in form.rows_of(constraint).tolist()))


def _row_text(form: Form, row: int) -> str:
    coefficients = sp.csr_array(form.matrix)[[row]].tocoo()
    unit = form.row_unit[row]
    terms = sorted(
        (_name(*form.columns[column]), value)
        for column, value in zip(
            coefficients.col, coefficients.data * unit / form.column_unit[coefficients.col], strict=True
        )
    )
    lines = [f"{_name(*form.rows[row])}:", *(f"  {value:+.10g} {variable}" for variable, value in terms)]
    lower, upper = form.row_lower[row] * unit, form.row_upper[row] * unit
    sense = "=" if lower == upper else "<=" if np.isinf(lower) else ">="
    lines.append(f"  {sense} {(upper if np.isinf(lower) else lower) + 0.0:.10g}")
    return "\n".join(lines) + "\n"


def _name(component: str, key: Iterable[object]) -> str:
    parts = ",".join(str(part) for part in key if part is not None)
    return f"{component}[{parts}]" if parts else component


def main() -> None:
    """Write the files of these constraints, or of all that have a scenario."""
    for constraint in sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.yaml")):
        (FOLDER / f"{constraint}.lp").write_text(lp_text(constraint), encoding="utf-8")
        print(f"tests/golden/{constraint}.lp")


if __name__ == "__main__":
    main()
