"""Plans of shipped scenarios as test data: writes `tests/data/plans/NAME.json.xz`.

`python -m tools.stored_plans [NAME ...]` solves the scenarios named, or all four: `us-2026-lite` and
`us-2026-china-stops` in seconds, `us-2026` in some minutes, `us-2026-deep` in ten and with 8 GiB of memory. A file
holds the plan as a document, whose summary names the hash of its scenario. That of `us-2026-deep` has only the rows
that figures and pages read, and of its other tables the columns, so that it stays small.
"""

from __future__ import annotations

import argparse
import lzma
from pathlib import Path

from lodeplan import optimizer, scenarios
from lodeplan.schemas import PlanDocument, Scenario

FOLDER = Path(__file__).parent.parent / "tests" / "data" / "plans"
QUICK = ("us-2026-lite", "us-2026-china-stops")
NAMES = (*QUICK, "us-2026", "us-2026-deep")
WITHOUT_DETAILS = ("us-2026-deep",)
DETAILS = frozenset({"run", "activity", "ship", "declare", "recover", "dispose", "serve", "shortage", "node_costs",
                     "marginal_values", "duties"})  # fmt: skip
"""Tables that no figure and no page shows."""

WORDS = (
    ("supply", "source_kind"),
    ("uses", "use_kind"),
    ("projects", "status"),
    ("cost_terms", "term"),
    ("shortages", "tier"),
)
"""Columns that hold words of a fixed set."""


def file_of(name: str) -> Path:
    """Where the plan of a scenario is kept."""
    return FOLDER / f"{name}.json.xz"


def made(name: str) -> PlanDocument:
    """The plan of a scenario, solved now."""
    document = optimizer.solve(name).document()
    # So that a file changes only if its plan does.
    summary = document.summary.model_copy(update={"timings_s": {}, "peak_memory_mib": None})
    document = document.model_copy(update={"summary": summary})
    if name not in WITHOUT_DETAILS:
        return document
    tables = [table.model_copy(update={"rows": []}) if table.name in DETAILS else table for table in document.tables]
    return document.model_copy(update={"tables": tables})


def stored(name: str) -> tuple[PlanDocument, Scenario]:
    """The plan that is kept of a scenario, and the scenario as it is shipped now.

    Raises FileNotFoundError where none is kept.
    """
    return optimizer.read_document(lzma.decompress(file_of(name).read_bytes())), scenarios.load(name)


def outline(document: PlanDocument) -> dict[str, object]:
    """What must not change unseen: the scenario's hash, the columns of every table, the words that stand in it."""
    columns = {table.name: [column.name for column in table.columns] for table in document.tables}
    words = {
        f"{name}.{column}": sorted({row[columns[name].index(column)] for row in table.rows})
        for table in document.tables
        for name, column in WORDS
        if table.name == name
    }
    return {"scenario_hash": document.summary.scenario_hash, "columns": columns, "words": words}


def main() -> None:
    """Write the plans of the scenarios on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="*", default=NAMES, help="scenarios; all four if none is named")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in parser.parse_args().name:
        document = made(name)
        text = document.model_dump_json().encode()
        file_of(name).write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
        print(f"{name}: {document.summary.solution}, {file_of(name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
