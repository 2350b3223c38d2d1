"""The plan: the result of a solve."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, Field

from lodeplan.schemas.problems import InputProblem
from lodeplan.schemas.types import Strict
from lodeplan.schemas.validation import AcknowledgedWarnings

PLAN_VERSION = 2
"""Version of the documents that plans are written as; `optimizer.tables.stored` reads those of every version."""


class Termination(StrEnum):
    """Reason why the solver stopped."""

    OPTIMAL = "optimal"
    TIME_LIMIT = "time_limit"
    INTERRUPTED = "interrupted"
    MEMORY_LIMIT = "memory_limit"
    SEARCH_LIMIT = "search_limit"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    ERROR = "error"


class Solution(StrEnum):
    """Quality of the solution found."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    NONE = "none"


class Column(Strict):
    """A column of a table."""

    name: str
    unit: str = Field(default="", description="Empty for names and counts.")
    description: str = ""
    renamed_to: str | None = Field(
        default=None,
        description="New name of this column. This one is a copy that the next release removes.",
    )


class Table(Strict):
    """A tidy table: one observation per row, one unit per column."""

    name: str
    title: str
    columns: list[Column]
    rows: list[list[Any]] = []
    note: str | None = Field(default=None, description="Note on data that a plan of an earlier version does not have.")


class FutureCost(Strict):
    """Discounted cost of one future."""

    name: str
    probability: float
    cost_kusd: float


class ProjectStart(Strict):
    """A start, or an onboarding, on the planned path."""

    name: str
    track: str
    start: int = Field(description="Year of the start on the planned path.")
    on_line: float = Field(description="Year of first output.")


class Import(Strict):
    """Imports of a commodity into home from one place in one period, on the planned path."""

    commodity: str
    place: str
    period: int
    quantity_t: float = Field(description="t over the whole period.")


class StockLevel(Strict):
    """Stock at the end of a period, on the planned path."""

    name: str
    period: int
    stock_t: float


class Verdict(Strict):
    """Result of the independent check."""

    max_violation: float = Field(
        description="Largest violation of a constraint, relative to its size (at least 1 unit of the commodity)."
    )
    cost_difference_rel: float = Field(
        description="Relative difference between the recomputed and the reported objective."
    )
    worst: list[str] = Field(default=[], description="The largest violations in words, at most ten.")
    branches: list[str] = Field(
        default=[],
        description="For each branch that has no weight in the objective: by how much it could still be cheaper.",
    )


class Size(Strict):
    """Size of the model handed to the solver."""

    columns: int
    rows: int
    nonzeros: int
    binaries: int
    nodes: int


class LostShare(Strict):
    """Expected share of the interrupted supply that is lost: the mean over the years in which the hazard may begin."""

    drawn: float = Field(description="Over all draws.")
    kept: float = Field(description="Over the futures kept, by weight.")


class SamplingReport(Strict):
    """Report on sampling: draws made, futures kept, and the distance between them."""

    seed: int = Field(description="Seed of the draw.")
    draws: int = Field(description="Futures drawn.")
    distinct_draws: int = Field(
        description="Draws that still differ when losses are rounded to 1/365 of a period's supply."
    )
    futures: int = Field(description="Futures kept.")
    probability: float = Field(description="Probability that the listed futures leave to the drawn ones.")
    distance_y: float = Field(
        description="Kantorovich distance of the futures kept from those drawn: years of a hazard's full loss by "
        "which a draw differs on average from the future that stands for it, summed over hazards."
    )
    relative_distance: float = Field(
        description="That distance divided by the distance to the best single future: 0 is exact, 1 is no better than "
        "a single future."
    )
    lost_share: dict[str, LostShare] = Field(description="By hazard: expected loss before and after the reduction.")


class Summary(Strict):
    """The plan in one object; what `lodeplan solve --json` prints."""

    scenario: str
    scenario_hash: str
    termination: Termination
    solution: Solution
    nothing_found: bool = Field(
        default=False,
        description="True if the search found no plan. The plan shown then keeps all limits, such as by doing "
        "nothing, but is not a recommendation.",
    )
    objective_kusd: float | None = None
    bound_kusd: float | None = None
    gap: float | None = Field(default=None, description="(objective - bound) / |objective|, a fraction.")
    gap_of: Literal["cost", "worth"] = Field(
        default="cost", description="What the gap asked for was a fraction of: `gap`, or `gap_of_worth`."
    )
    gap_of_worth: float | None = Field(default=None, description="(objective - bound) / (do-nothing - objective).")
    gap_by_group: dict[str, float] = Field(
        default={},
        description="What a better plan of each mineral group would save at most, a fraction of the group's cost; "
        "`shared_budgets`: what the use of limits that groups share leaves to save, a fraction of the objective.",
    )
    open_groups: list[str] = Field(
        default=[],
        description="Names in `gap_by_group` of those further from the optimum than 1 % of their cost and 10 million "
        "USD. While there is one, the plan does not count as optimal.",
    )
    expected_cost_kusd: float | None = None
    cvar_kusd: float | None = None
    spend_kusd: float | None = Field(
        default=None, description="Expected money paid, without penalties and calibration."
    )
    duty_kusd: float | None = None
    cost_terms_kusd: dict[str, float] = {}
    refundable_duty_kusd: float | None = Field(
        default=None, description="Part of the duty that may come back (measures marked refundable)."
    )
    max_regret_kusd: float | None = Field(
        default=None, description="Largest extra cost of a future over its own best plan, where this is minimised."
    )
    do_nothing_kusd: float | None = Field(
        default=None, description="Objective with no start, no onboarding and no stock bought."
    )
    futures: list[FutureCost] = []
    projects: list[ProjectStart] = []
    onboardings: list[ProjectStart] = []
    imports: list[Import] = []
    stocks: list[StockLevel] = []
    shortage_t: dict[str, float] = Field(default={}, description="Expected shortage over the horizon by tier, t.")
    sampling: SamplingReport | None = Field(default=None, description="Report on the futures drawn from hazards.")
    warnings: list[InputProblem] = Field(
        default=[], description="Warnings about the scenario, as `lodeplan validate` gives them."
    )
    acknowledged: list[AcknowledgedWarnings] = Field(default=[], description="Warnings that the scenario acknowledges.")
    check: Verdict | None = None
    size: Size | None = None
    timings_s: dict[str, float] = {}
    peak_memory_mib: float | None = None
    versions: dict[str, str] = {}
    findings: list[str] = Field(default=[], description="The plan in sentences.")
    conflict: list[str] = Field(
        default=[],
        description="If infeasible: the limits that conflict. If unbounded: the activity that earns money "
        "without limit.",
    )


class PlanDocument(Strict):
    """A whole result as one document, as a solve writes it and the service stores it."""

    # First, so that the beginning of a stored document says its version. Absent in those of version 1.
    plan_version: int = Field(default=PLAN_VERSION, description="Version of this document's format.")
    summary: Summary
    tables: list[Table]


class TablesDocument(Strict):
    """A result that is no plan, as one document: a set of tables, and what they come to."""

    kind: str = Field(description="Kind of the job that it answers.")
    scenario_hash: str | None = Field(default=None, description="SHA-256 of the scenario, patches applied.")
    summary: dict[str, Any] = Field(default={}, description="Main numbers, by name.")
    tables: list[Table]


def plan_version_of(start: bytes) -> int:
    """Read the version of a plan document from its beginning; the first 100 bytes are enough."""
    found = _VERSION.match(start)
    return int(found[1]) if found else 1


_VERSION = re.compile(rb'\s*\{\s*"plan_version"\s*:\s*(\d{1,9})\s*,')


class SolverProgress(BaseModel):
    """One line of a running solve."""

    phase: str
    elapsed_s: float
    objective_kusd: float | None = None
    bound_kusd: float | None = None
    gap: float | None = None
    memory_mib: float | None = None
