"""A model as a file that other solvers read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyomo.core as pyo

from lodeplan.optimizer.solver.labels import Label
from lodeplan.schemas.problems import InputProblem, InvalidInput

FORMATS = {".lp": "cpxlp", ".mps": "mps"}
"""Pyomo's name of a format, by the ending of a file in lower case."""


def write_model(model: pyo.ConcreteModel, bounds: Mapping[Label, tuple[float, float]], path: Path) -> None:
    """Write a model, in t, kUSD and years, with further bounds of some variables; they stay with the model.

    Names are those of the model, with `_` for signs that the format does not allow.
    Raises `schemas.InvalidInput` where the path ends in neither `.lp` nor `.mps`, in any case.
    """
    if (suffix := path.suffix.lower()) not in FORMATS:
        raise InvalidInput(
            [
                InputProblem(
                    code="unknown_format",
                    path="path",
                    message="a model is written in the format that the name of the file ends in.",
                    value=str(path),
                    allowed="`.lp` or `.mps`",
                )
            ]
        )
    import pyomo.environ  # noqa: F401  (its plugins are what writes)
    from pyomo.opt import ProblemFormat

    for (component, key), (lower, upper) in bounds.items():
        member = getattr(model, component)[key[0] if len(key) == 1 else key]
        least, most = member.bounds
        member.setlb(lower if least is None else max(lower, least))
        member.setub(upper if most is None else min(upper, most))
    model.write(str(path), format=ProblemFormat(FORMATS[suffix]), io_options={"symbolic_solver_labels": True})
