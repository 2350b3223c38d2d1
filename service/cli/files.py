"""A plan as files: one document, and a CSV for each table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer import Plan


def write_plan(plan: Plan, folder: Path) -> list[Path]:
    """Write `plan.json`, `tables.json` (titles, columns and units) and a CSV for each table to a folder that exists.

    Files of the same names are replaced, others in the folder stay. Returns what was written.
    """
    document = folder / "plan.json"
    document.write_text(plan.document().model_dump_json(indent=1) + "\n", encoding="utf-8")
    written = [document]
    for name, table in plan.tables.items():
        path = folder / f"{name}.csv"
        table.to_csv(path, index=False, lineterminator="\n")
        written.append(path)
    described = {name: table.model_dump(mode="json", exclude={"rows"}) for name, table in plan.specs.items()}
    units = folder / "tables.json"
    units.write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return [*written, units]
