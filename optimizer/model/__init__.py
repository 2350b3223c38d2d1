"""Instance to Pyomo: one module a constraint family, every rule written so that it can be a template.

What constraints say of themselves is read without Pyomo, which is imported where a model is built.
"""

from typing import TYPE_CHECKING

from lodeplan.optimizer.model.build import build_model

if TYPE_CHECKING:
    from pyomo.core import ConcreteModel as ConcreteModel

__all__ = ["build_model"]
