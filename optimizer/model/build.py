"""The model of an instance."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from lodeplan.optimizer.model.balances import add_balances
from lodeplan.optimizer.model.capacity import add_capacity
from lodeplan.optimizer.model.data import ONE_AT_A_TIME, add_variables, templates
from lodeplan.optimizer.model.demands import add_demands
from lodeplan.optimizer.model.index import add_index
from lodeplan.optimizer.model.limits import add_limits
from lodeplan.optimizer.model.projects import add_projects
from lodeplan.optimizer.model.recycling import add_recycling
from lodeplan.optimizer.model.risk import add_risk
from lodeplan.optimizer.model.routes import add_routes
from lodeplan.optimizer.model.stocks import add_stocks
from lodeplan.optimizer.model.variables import VARIABLES
from lodeplan.optimizer.prepare.instance import Instance

if TYPE_CHECKING:
    import pyomo.core as pyo


def build_model(instance: Instance, *, as_arrays: bool = False) -> pyo.ConcreteModel:
    """Every family of constraints over the instance's sets, in t, kUSD and years.

    With `as_arrays` constraints are templates, and Params and bounds over the nodes arrays: such a model can be handed
    off and nothing else.

    The cyclic garbage collector is off meanwhile: building makes many objects and no cycles worth collecting.
    """
    import pyomo.core as pyo
    from pyomo.common.gc_manager import PauseGC

    import lodeplan.optimizer.model.lean  # noqa: F401  (before anything imports SciPy)

    m = pyo.ConcreteModel(name=instance.scenario.name)
    m.as_arrays = as_arrays
    with ONE_AT_A_TIME, PauseGC(), templates() if as_arrays else nullcontext():
        add_index(m, instance)
        add_variables(m, instance, VARIABLES)
        add_balances(m, instance)
        add_capacity(m, instance)
        add_projects(m, instance)
        add_routes(m, instance)
        add_stocks(m, instance)
        add_demands(m, instance)
        add_recycling(m, instance)
        add_limits(m, instance)
        add_risk(m, instance)
    return m
