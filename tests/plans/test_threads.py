"""Several problems in several threads."""

from concurrent.futures import ThreadPoolExecutor

import pyomo.environ as pyo

import lodeplan
from lodeplan.optimizer.model.data import ONE_AT_A_TIME, templates

THREADS, SOLVES = 6, 12
OPTIMUM_KUSD = 5172.157434


def test_problems_are_solved_in_several_threads_at_once() -> None:
    """While one is built of templates, the others go through sets of their own."""
    with ThreadPoolExecutor(THREADS) as threads:
        plans = list(threads.map(lambda _: lodeplan.solve("golden-toy"), range(SOLVES)))
    assert {round(plan.summary.objective_kusd or 0, 6) for plan in plans} == {OPTIMUM_KUSD}


def test_a_set_has_its_members_in_other_threads_while_templates_are_made() -> None:
    model = pyo.ConcreteModel()
    model.members = pyo.Set(initialize=["a", "b"])
    model.others = pyo.Set(initialize=[1])
    seen: list[list[str]] = []

    def rule(m: pyo.ConcreteModel, _: int) -> pyo.Expression:
        with ThreadPoolExecutor(1) as thread:
            seen.append(thread.submit(lambda: list(m.members)).result())
        return sum(m.x[each] for each in m.members) <= 1

    model.x = pyo.Var(model.members)
    with ONE_AT_A_TIME, templates():
        model.row = pyo.Constraint(model.others, rule=rule)
    assert seen == [["a", "b"]]
