"""A plan as files: one document, its report, and a CSV for each table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from lodeplan.optimizer.report.markdown import markdown
from lodeplan.optimizer.report.plan import report_of
from lodeplan.service.http.csv_text import csv_rows

if TYPE_CHECKING:
    from lodeplan.optimizer import Plan

PLAN, CERTIFICATE = "plan.json", "certificate.gz"
"""Names of the files in a plan's folder."""


def write_plan(plan: Plan, folder: Path, *, bom: bool = False) -> list[Path]:
    """Write a plan to a folder that exists: `plan.json`, `report.md`, `tables.json` (titles, columns and units), and a
    CSV for each table.

    A CSV is the same as over HTTP: no spreadsheet runs text in it as a formula, and `bom` is for Excel.
    Files of the same names are replaced, others in the folder stay. Returns the files written.
    """
    document = plan.document()
    whole = folder / PLAN
    whole.write_text(document.model_dump_json(indent=1, exclude_none=True) + "\n", encoding="utf-8")
    report = folder / "report.md"
    report.write_text(markdown(report_of(plan)), encoding="utf-8")
    written = [whole, report]
    for table in document.tables:
        path = folder / f"{table.name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(csv_rows(table, bom=bom, line_end="\n"))
        written.append(path)
    described = {
        table.name: table.model_dump(mode="json", exclude={"rows"}, exclude_none=True) for table in document.tables
    }
    units = folder / "tables.json"
    units.write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return [*written, units]
