"""Instance to Pyomo: one module a constraint family, every rule written so that it can be a template."""

from pyomo.core import ConcreteModel

import lodeplan.optimizer.model.lean  # noqa: F401  (before anything imports SciPy)
from lodeplan.optimizer.model.build import build_model

__all__ = ["ConcreteModel", "build_model"]
