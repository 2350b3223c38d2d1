"""A plan: the result of a solve, in Python and as a document. Reading plans needs no solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lodeplan.optimizer.tables.renames import with_old_names, without_old_names
from lodeplan.optimizer.tables.specs import SPECS
from lodeplan.schemas.plan import PlanDocument, Summary, Table
from lodeplan.schemas.scenario import Scenario


class PlanError(RuntimeError):
    """The independent check refuses a plan; such a plan must never be shown as an answer."""


@dataclass(frozen=True)
class Plan:
    """The answer to a scenario. Tables are empty where there is no solution."""

    summary: Summary
    tables: Mapping[str, pd.DataFrame]
    """By name; `specs` describes the columns."""
    scenario: Scenario | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    """By table: a note on data that the version that made the plan did not store."""

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

    def _repr_markdown_(self) -> str:
        """The report of the plan, as notebooks show it."""
        # Here, as the report is made of plans.
        from lodeplan.optimizer.report.markdown import markdown
        from lodeplan.optimizer.report.plan import report_of

        return markdown(report_of(self))

    @classmethod
    def from_document(cls, document: PlanDocument, scenario: Scenario | None = None) -> Plan:
        """The inverse of `document`."""
        known = [without_old_names(table) for table in document.tables]
        tables = {table.name: _frame_of(table) for table in known}
        return cls(document.summary, tables, scenario, {table.name: table.note for table in known if table.note})


def _frame_of(table: Table) -> pd.DataFrame:
    """Read the rows of a table; numbers that an older version did not store are NaN."""
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
