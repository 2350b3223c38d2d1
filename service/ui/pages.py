"""The pages: the list of runs, a run, its figures."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from sqlmodel import Session

from lodeplan import scenarios
from lodeplan.optimizer import figures
from lodeplan.optimizer.report.tables import whole_table
from lodeplan.optimizer.studies.compare import compare
from lodeplan.optimizer.words.states import status
from lodeplan.schemas.jobs import JobState
from lodeplan.service import storage
from lodeplan.service.api.dependencies import SessionOf, TenantOf
from lodeplan.service.kinds import PLAN, SOLVE, kind_named
from lodeplan.service.storage import Job
from lodeplan.service.ui import duty_page
from lodeplan.service.ui.reading import RunReader
from lodeplan.service.ui.rendering import HEADERS, page
from lodeplan.service.ui.run_view import RunView, UnknownChoiceError

RUNS_LISTED = 100

_HERE = Path(__file__).parent
_reader = RunReader()
_static = StaticFiles(directory=_HERE / "static")
router = APIRouter(include_in_schema=False)
router.include_router(duty_page.router)


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
        "kind_named": kind_named,
    }
    return page(request, "index.html", context)


def _shipped() -> list[scenarios.ShippedScenario]:
    """Shipped scenarios, those of a country before the textbook ones."""
    return sorted(scenarios.names(), key=lambda entry: (not entry.name.startswith("us-"), entry.name))


def _curl(url: str, scenario: str) -> str:
    body = f'{{"kind": "{SOLVE.name}", "scenario": "{scenario}"}}'
    return f"curl -X POST {shlex.quote(url)} -H 'content-type: application/json' -d {shlex.quote(body)}"


@router.get("/compare")
def show_comparison(
    request: Request, session: SessionOf, tenant: TenantOf, run: Annotated[list[str] | None, Query()] = None
) -> Response:
    """Two runs that have results side by side."""
    if run is None or len(run) != 2:
        asks = "Choose two runs to compare: /compare?run=A&run=B."
        return page(request, "problem.html", {"title": "Not two runs", "message": asks, "errors": []}, 422)
    jobs = [_find_job(session, tenant, job_id) for job_id in run]
    first, second = jobs
    if first is None or second is None:
        return _not_found(request, f"There is no run “{run[jobs.index(None)]}”.")
    views = [_reader.read(session, job) for job in (first, second)]
    old, new = views
    if old is None or new is None:
        return _not_found(request, f"The run “{run[views.index(None)]}” has no result to compare.")
    found = compare(old.plan, new.plan)
    without_plan = [
        f"The {word} run has no plan. {status(view.summary)}"
        for view, word in ((old, "first"), (new, "second"))
        if not view.has_plan
    ]
    context = {"first": first, "second": second, "comparison": found, "without_plan": without_plan}
    return page(request, "compare.html", context)


def _others(session: Session, job: Job) -> list[Job]:
    """Runs of the tenant that a run can be compared with, the latest first."""
    done = storage.list_jobs(session, job.tenant, RUNS_LISTED, wanted=storage.JobFilter(state=JobState.SUCCEEDED))
    return [other for other in done if other.id != job.id and kind_named(other.kind).result is PLAN]


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


def _show_tables(request: Request, session: Session, job: Job) -> Response:
    document = storage.read_document(session, job)
    if document is None:
        return _not_found(request, f"The run “{job.id}” was deleted a moment ago.")
    context = {"job": job, "tables": [whole_table(table) for table in document.tables]}
    return page(request, "run_tables.html", context)


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
    kind = kind_named(job.kind)
    if kind.has_members:
        return _show_batch(request, session, job)
    if kind.result is not PLAN and job.result_sha256:
        return _show_tables(request, session, job)
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
    return page(request, "run_plan.html", {"job": job, "view": view, "others": _others(session, job), **chosen})


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
