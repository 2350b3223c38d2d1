"""What Lodeplan's parts, and its users, say to each other: scenario, patch, plan, job, problem.

Pydantic models only. This package imports nothing of ours.
"""

from schemas.patches import Patch, PatchOp
from schemas.plan import (
    Column,
    PlanDocument,
    Solution,
    SolverProgress,
    Summary,
    Table,
    Termination,
    Verdict,
)
from schemas.problems import InputProblem, InvalidInput
from schemas.scenario import Scenario

__all__ = [
    "Column",
    "InputProblem",
    "InvalidInput",
    "Patch",
    "PatchOp",
    "PlanDocument",
    "Scenario",
    "Solution",
    "SolverProgress",
    "Summary",
    "Table",
    "Termination",
    "Verdict",
]
