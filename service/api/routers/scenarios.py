"""The shipped scenarios and the schema of scenarios."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from lodeplan import scenarios
from lodeplan.schemas import InvalidInput, Scenario, scenario_json_schema
from lodeplan.schemas.jobs import ScenarioEntry, ScenarioList
from lodeplan.service.api.loading import SEE_SCENARIOS
from lodeplan.service.http.problems import ApiError
from lodeplan.service.http.views import API

router = APIRouter(tags=["scenarios"])


@router.get("/scenarios")
def list_scenarios() -> ScenarioList:
    """List the shipped scenarios."""
    return ScenarioList(
        scenarios=[
            ScenarioEntry(name=entry.name, title=entry.title, path=f"{API}/scenarios/{entry.name}")
            for entry in scenarios.names()
        ]
    )


@router.get("/scenarios/{name}")
def show_scenario(name: str) -> Scenario:
    """Return a shipped scenario in full, to be changed and sent back as a job."""
    try:
        return scenarios.load(scenarios.find_shipped(name))
    except InvalidInput as error:
        near = error.problems[0].remedy
        detail = f"No shipped scenario has the name {name}.{f' {near}' if near else ''} {SEE_SCENARIOS}"
        raise ApiError(404, "scenario-not-found", detail) from None


@router.get("/schema")
def show_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario."""
    return scenario_json_schema()
