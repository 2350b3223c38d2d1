"""From a solver's answer to a plan."""

from __future__ import annotations

from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.results.duals import marginal_values
from lodeplan.optimizer.results.limit_findings import limit_findings
from lodeplan.optimizer.results.limits import limits_table
from lodeplan.optimizer.results.projects import projects_table
from lodeplan.optimizer.results.reports import report_tables
from lodeplan.optimizer.results.solution_tables import frame, solution_tables
from lodeplan.optimizer.results.summary import size_of, summarise
from lodeplan.optimizer.results.values import Values
from lodeplan.optimizer.solver import Answer, Form
from lodeplan.schemas.plan import Solution, Summary


def make_plan(instance: Instance, form: Form, answer: Answer) -> Plan:
    """Turn a solver's answer into a plan, unchecked."""
    if answer.x is None:
        summary = Summary(
            scenario=instance.scenario.name,
            scenario_hash=instance.scenario.content_hash(),
            termination=answer.termination,
            solution=Solution.NONE,
            size=size_of(instance, form),
        )
        return Plan(summary, {}, instance.scenario)
    values = Values.of(instance, form, answer.x)
    do_nothing = None if answer.do_nothing_x is None else Values.of(instance, form, answer.do_nothing_x)
    prices = marginal_values(instance, form, answer)
    tables = {
        **solution_tables(values),
        **report_tables(values, do_nothing),
        "projects": projects_table(values),
        "branches": frame("branches", [(b.start, b.cost_kusd, b.bound_kusd, b.gap) for b in answer.branches]),
        "limits": limits_table(values, prices),
        "marginal_values": prices,
    }
    summary = summarise(instance, answer, values, do_nothing)
    told = {
        "size": size_of(instance, form),
        "findings": [*summary.findings, *limit_findings(values, tables["limits"])],
    }
    return Plan(summary.model_copy(update=told), tables, instance.scenario)
