"""Vocabulary shared by Lodeplan's parts and its users: scenario, patch, plan, job, problem. It holds Pydantic models
and the way texts in them are written (dates, tariff codes, patterns, paths), and imports no other part of Lodeplan.
The rules of a scenario are in `scenarios.rules`.
"""

from typing import Any

from lodeplan.schemas.patches import Patch, PatchOp
from lodeplan.schemas.plan import (
    Column,
    PlanDocument,
    Solution,
    SolverProgress,
    Summary,
    Table,
    Termination,
    Verdict,
)
from lodeplan.schemas.problems import InputProblem, InvalidInput
from lodeplan.schemas.scenario import Scenario

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
    "scenario_json_schema",
]


def scenario_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario, descriptions and units included."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Scenario.model_json_schema()}
