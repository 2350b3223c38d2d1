"""A plan: the result of a solve, in Python and as a document. Reading plans needs no solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lodeplan.optimizer.tables.renames import with_old_names, without_old_names
from lodeplan.optimizer.tables.specs import SPECS
from lodeplan.schemas.plan import PlanDocument, Summary, Table
from lodeplan.schemas.problems import InputProblem, InvalidInput
from lodeplan.schemas.scenario import Scenario

if TYPE_CHECKING:
    from lodeplan.scenarios import Source


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

    def save(self, path: str | Path) -> None:
        """Write the plan to a file, as `lodeplan solve --out` writes `plan.json`; `read_plan` reads it.

        The scenario is no part of it.
        """
        Path(path).write_text(self.document().model_dump_json(indent=1, exclude_none=True) + "\n", encoding="utf-8")

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


def read_plan(path: str | Path, scenario: Source | None = None) -> Plan:
    """Read a plan that `Plan.save` or `lodeplan solve --out` wrote, of this version or an earlier one.

    Give the scenario to have reports and figures of it with titles. Raises `schemas.InvalidInput` for a file that holds
    no plan, or one of a later version, for a bad scenario, and for one that is not the plan's by its hash.
    """
    # Here, as a plan that was just made needs neither.
    from lodeplan import scenarios
    from lodeplan.optimizer.tables import stored

    try:
        document = stored.read_document(Path(path).read_bytes())
    except InvalidInput:
        raise
    except (ValueError, KeyError, TypeError, AttributeError):
        message = "this file holds no plan."
        remedy = "A plan is what `Plan.save` writes, and `plan.json` in the folder of `lodeplan solve --out`."
        problem = InputProblem(code="not_a_plan", path="plan", message=message, file=str(path), remedy=remedy)
        raise InvalidInput([problem]) from None
    read = None if scenario is None else scenarios.load(scenario)
    if read is not None and (found := read.content_hash()) != (asked := document.summary.scenario_hash):
        problem = InputProblem(
            code="another_scenario",
            path="scenario",
            message=f"this is not the scenario of the plan, {document.summary.scenario!r}: its hash is another.",
            value=found,
            allowed=asked,
            remedy="Give the scenario that was asked for, with the same changes and of the same version, or none. A "
            "plan's own `scenario` has its drawn futures written out, and is another one.",
        )
        raise InvalidInput([problem])
    return Plan.from_document(document, read)


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
