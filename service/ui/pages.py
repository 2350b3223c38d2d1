"""The pages: the list of runs, a run, its figures."""

from __future__ import annotations

import shlex
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from sqlmodel import Session

from lodeplan import scenarios
from lodeplan.optimizer import figures
from lodeplan.service import storage
from lodeplan.service.api.dependencies import SessionOf, TenantOf
from lodeplan.service.storage import Job
from lodeplan.service.ui.reading import RunReader
from lodeplan.service.ui.rendering import HEADERS, page
from lodeplan.service.ui.run_view import RunView, UnknownChoiceError

RUNS_LISTED = 100

_HERE = Path(__file__).parent
_reader = RunReader()
_static = StaticFiles(directory=_HERE / "static")
router = APIRouter(include_in_schema=False)


def _not_found(request: Request, message: str) -> Response:
    return page(request, "problem.html", {"title": "Not found", "message": message, "errors": []}, status=404)


@router.get("/static/{path:path}")
async def static_file(request: Request, path: str) -> Response:
    """A style sheet, script or picture of the pages."""
    return await _static.get_response(path, request.scope)


@router.get("/")
def list_runs(request: Request, session: SessionOf, tenant: TenantOf) -> Response:
    """Runs, newest first, and the scenarios to start one from."""
    jobs_url = f"{request.base_url}api/v1/jobs"
    context = {
        "jobs": storage.list_jobs(session, tenant, RUNS_LISTED),
        "shipped": [(entry, _curl(jobs_url, entry.name)) for entry in _shipped()],
        "runs_listed": RUNS_LISTED,
    }
    return page(request, "index.html", context)


def _shipped() -> list[scenarios.ShippedScenario]:
    """Shipped scenarios, those of a country before the textbook ones."""
    return sorted(scenarios.names(), key=lambda entry: (not entry.name.startswith("us-"), entry.name))


def _curl(url: str, scenario: str) -> str:
    body = f'{{"kind": "solve", "scenario": "{scenario}"}}'
    return f"curl -X POST {shlex.quote(url)} -H 'content-type: application/json' -d {shlex.quote(body)}"


def _find_job(session: Session, tenant: str, job_id: str) -> Job | None:
    return storage.get_job(session, tenant, job_id) if storage.is_job_id(job_id) else None


def _show_batch(request: Request, session: Session, batch: Job) -> Response:
    wanted = storage.JobFilter(parent_id=batch.id)
    context = {
        "job": batch,
        "counts": storage.count_children(session, [batch]).get(batch.id, {}),
        "members": storage.list_jobs(session, batch.tenant, RUNS_LISTED, wanted=wanted),
        "runs_listed": RUNS_LISTED,
    }
    return page(request, "run_batch.html", context)


@router.get("/runs/{job_id}")
def show_run(
    request: Request,
    session: SessionOf,
    tenant: TenantOf,
    job_id: str,
    group: str | None = None,
    year: str | None = None,
) -> Response:
    """One run: how far it is, what the plan says, or why there is none."""
    job = _find_job(session, tenant, job_id)
    if job is None:
        return _not_found(request, f"There is no run “{job_id}”.")
    if job.kind == "batch":
        return _show_batch(request, session, job)
    view = _reader.read(session, job)
    if view is None:
        return page(request, "run_without_plan.html", {"job": job, "now": storage.now()})
    if not view.has_plan:
        return page(request, "run_infeasible.html", {"job": job, "view": view})
    try:
        chosen_group = view.choose_group(group)
        chosen = {"group": chosen_group, "year": view.choose_year(year, chosen_group)}
    except UnknownChoiceError as unknown:
        return _not_found(request, str(unknown))
    return page(request, "run_plan.html", {"job": job, "view": view, **chosen})


@router.get("/runs/{job_id}/figures/{name}.json")
def show_figure(
    session: SessionOf, tenant: TenantOf, job_id: str, name: str, group: str | None = None, year: str | None = None
) -> Response:
    """The Vega-Lite specification of a figure."""
    job = _find_job(session, tenant, job_id)
    view = _reader.read(session, job) if job else None
    if view is None or not view.has_plan:
        raise HTTPException(404, f"The run {job_id} has no plan to draw.")
    try:
        return JSONResponse(_figure(view, name, group, year), headers=HEADERS)
    except UnknownChoiceError as unknown:
        raise HTTPException(404, str(unknown)) from None


def _figure(view: RunView, name: str, group: str | None, year: str | None) -> figures.Spec:
    try:
        figure = figures.FigureName(name)
    except ValueError:
        known = ", ".join(sorted(figures.FigureName))
        raise UnknownChoiceError(f"There is no figure “{name}”. There are: {known}.") from None
    chosen_group = view.choose_group(group)
    return figures.draw(figure, view.plan, chosen_group, view.choose_year(year, chosen_group))
