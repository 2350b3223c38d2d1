"""The shipped scenarios and the schema of scenarios."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fastapi import APIRouter, Request, Response

from lodeplan import scenarios
from lodeplan.schemas import InvalidInput, Scenario, scenario_json_schema
from lodeplan.schemas.jobs import ScenarioEntry, ScenarioList
from lodeplan.service.api.shipped import ShippedScenarios
from lodeplan.service.api.streaming import not_modified, stored_json
from lodeplan.service.checking.loading import SEE_SCENARIOS
from lodeplan.service.http.errors import ApiError
from lodeplan.service.http.views import API, tagged
from lodeplan.service.packing import tag_of

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


@router.get("/scenarios/{name}", response_model=Scenario)
async def show_scenario(request: Request, name: str) -> Response:
    """Return a shipped scenario in full, to be changed and sent back as a job."""
    shipped: ShippedScenarios = request.app.state.shipped
    try:
        ready = await shipped.find(name)
    except InvalidInput as error:
        near = error.problems[0].remedy
        detail = f"No shipped scenario has the name {name}.{f' {near}' if near else ''} {SEE_SCENARIOS}"
        raise ApiError(404, "scenario-not-found", detail) from None
    return not_modified(request, ready.tag) or stored_json(request, ready.gzip, ready.tag)


@router.get("/schema", response_model=dict[str, Any])
def show_schema(request: Request) -> Response:
    """Return the JSON Schema of a scenario."""
    text = _schema()
    return tagged(request, text, "application/json", tag_of(text))


@cache
def _schema() -> str:
    return json.dumps(scenario_json_schema(), separators=(",", ":"), ensure_ascii=False)
