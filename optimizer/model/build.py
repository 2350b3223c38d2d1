"""The model of an instance."""

from __future__ import annotations

import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC

from optimizer.model.balances import add_balances
from optimizer.model.capacity import add_capacity
from optimizer.model.demands import add_demands
from optimizer.model.index import add_index, add_variables
from optimizer.model.limits import add_limits
from optimizer.model.projects import add_projects
from optimizer.model.recycling import add_recycling
from optimizer.model.risk import add_risk
from optimizer.model.routes import add_routes
from optimizer.model.stocks import add_stocks
from optimizer.prepare.instance import Instance


def build_model(instance: Instance) -> pyo.ConcreteModel:
    """Every family of constraints over the instance's sets, in t, kUSD and years.

    The cyclic garbage collector is off meanwhile: building makes many objects and no cycles worth collecting.
    """
    m = pyo.ConcreteModel(name=instance.scenario.name)
    with PauseGC():
        add_index(m, instance)
        add_variables(m, instance)
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
