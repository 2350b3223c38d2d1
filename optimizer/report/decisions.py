"""Projects to start, and suppliers to qualify."""

from __future__ import annotations

from typing import Any

from lodeplan.optimizer.figures import AS_PLANNED
from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.report.cells import cost, heads, number, share, words, year
from lodeplan.optimizer.report.titles import title
from lodeplan.optimizer.tables.rows import records
from lodeplan.schemas.kinds import ProjectStatus
from lodeplan.schemas.report import Section


def starts(plan: Plan) -> Section:
    """Projects started, on the planned path or in a future, or committed before; the earliest first."""
    future_of = {row["node"]: row["future"] for row in records(plan.tables["nodes"])}
    started = [row for row in records(plan.tables["projects"]) if row["status"] != ProjectStatus.NOT_STARTED]
    rows = [
        [
            words(row["title"] or row["project"]),
            words(str(row["track"]).replace("_", " ")),
            words(_path(plan, future_of.get(row["node"]))),
            year(row["start"]),
            year(row["on_line"]),
            words(row["status"]),
            number(row["capacity_t_per_y"], "t/y"),
            cost(row["capex_kusd"]),
            share(row["utilisation_share"]),
            number(row["break_even_kusd_per_t"], "kUSD/t"),
        ]
        for row in sorted(started, key=_when)
    ]
    columns = heads(
        "Project", "Track", "Path", ">Start", ">On line", "Status", ">Capacity, t/y", ">Capital cost",
        ">Use of capacity", ">Break-even price, USD/kg", details=4,
    )  # fmt: skip
    has_projects = plan.scenario is None or bool(plan.scenario.projects)
    empty = "The plan starts no project." if has_projects else "The scenario has no projects."
    return Section(
        name="projects", title="Projects to start", columns=columns, rows=rows, empty=empty, source="projects"
    )


def _path(plan: Plan, future: str | None) -> str:
    return title(plan, "futures", future) if future else AS_PLANNED


def _when(row: dict[str, Any]) -> tuple[bool, float, str]:
    """Committed ones, which have no start here, last."""
    return row["start"] != row["start"], float(row["start"]), str(row["title"])


def onboardings(plan: Plan) -> Section:
    """Suppliers the plan qualifies on the planned path."""
    rows = [
        [words(title(plan, "routes", item.name)), year(item.start), year(item.on_line)]
        for item in plan.summary.onboardings
    ]
    columns = heads("Supplier", ">Decided", ">Usable from")
    empty = "No supplier needs to be qualified."
    return Section(
        name="onboardings", title="Suppliers to qualify", columns=columns, rows=rows, empty=empty, source="onboardings"
    )
