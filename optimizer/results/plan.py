"""A plan: what a solve returns, in Python and as a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.results.duals import marginal_values
from lodeplan.optimizer.results.limit_findings import limit_findings
from lodeplan.optimizer.results.limits import limits_table
from lodeplan.optimizer.results.projects import projects_table
from lodeplan.optimizer.results.renames import with_old_names, without_old_names
from lodeplan.optimizer.results.reports import report_tables
from lodeplan.optimizer.results.solution_tables import frame, solution_tables
from lodeplan.optimizer.results.specs import SPECS
from lodeplan.optimizer.results.summary import size_of, summarise
from lodeplan.optimizer.results.values import Values
from lodeplan.optimizer.solver.form import Form
from lodeplan.optimizer.solver.search import Answer
from lodeplan.schemas.plan import PlanDocument, Solution, Summary, Table
from lodeplan.schemas.scenario import Scenario


class PlanError(RuntimeError):
    """A plan that the independent check refuses: never to be shown as an answer."""


@dataclass(frozen=True)
class Plan:
    """The answer to a scenario. Tables are empty where there is no solution."""

    summary: Summary
    tables: Mapping[str, pd.DataFrame]
    """By name; `specs` says what the columns are."""
    scenario: Scenario | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    """By table, what the version that made the plan does not tell in it."""

    @property
    def specs(self) -> Mapping[str, Table]:
        """Titles, columns and units of the tables, without rows."""
        return {name: SPECS[name] for name in self.tables if name in SPECS}

    def document(self) -> PlanDocument:
        """The whole plan as one document; absent numbers become null, and a renamed column has its old name too."""
        tables = [
            with_old_names(SPECS[name].model_copy(update={"rows": _plain_rows(table), "note": self.notes.get(name)}))
            for name, table in self.tables.items()
            if name in SPECS
        ]
        return PlanDocument(summary=self.summary, tables=tables)

    @classmethod
    def from_document(cls, document: PlanDocument, scenario: Scenario | None = None) -> Plan:
        """The inverse of `document`."""
        known = [without_old_names(table) for table in document.tables]
        tables = {table.name: _frame_of(table) for table in known}
        return cls(document.summary, tables, scenario, {table.name: table.note for table in known if table.note})


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


def _frame_of(table: Table) -> pd.DataFrame:
    """The rows of a table; numbers that an older version did not tell are NaN."""
    frame = pd.DataFrame(table.rows, columns=[column.name for column in table.columns])
    if table.note is None:
        return frame
    untold = [column.name for column in table.columns if column.unit and frame[column.name].isna().all()]
    return frame.astype(dict.fromkeys(untold, float))


def _plain_rows(table: pd.DataFrame) -> list[list[Any]]:
    """Rows as plain Python values, None for what is absent."""
    plain = table.astype(object).where(table.notna(), None)
    rows: list[list[Any]] = plain.to_numpy().tolist()
    return rows
