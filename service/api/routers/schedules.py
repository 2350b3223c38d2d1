"""Schedules of the caller's tenant: create, show, pause, resume, delete."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import sqlalchemy
from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session

from lodeplan.schemas.jobs import BatchRequest, JobRequest
from lodeplan.schemas.schedules import ScheduleList, ScheduleRequest, ScheduleView
from lodeplan.service import storage
from lodeplan.service.access import audit
from lodeplan.service.access.quotas import check_schedules
from lodeplan.service.access.schedules import act
from lodeplan.service.api.bodies import read_ask
from lodeplan.service.api.dependencies import (
    CallerOf,
    DatabaseOf,
    IntakeOf,
    SessionOf,
    SettingsOf,
    TenantOf,
    get_intake,
)
from lodeplan.service.api.leaving import ClientGone
from lodeplan.service.api.openapi import body_of
from lodeplan.service.api.query_parameters import body_checked_by
from lodeplan.service.api.streaming import not_modified, stored_json
from lodeplan.service.checking.checks import PreparedSchedule, prepare_schedule
from lodeplan.service.cron import next_time
from lodeplan.service.http.errors import ApiError
from lodeplan.service.http.views import API, json_text
from lodeplan.service.packing import tag_of
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Schedule
from lodeplan.service.storage import schedules as stored
from lodeplan.service.telemetry.requests import CANCELLED

router = APIRouter(prefix="/schedules", tags=["schedules"])


def find_schedule(session: SessionOf, tenant: TenantOf, schedule_id: str) -> Schedule:
    """Return the tenant's schedule of this id; raises `ApiError` (404), also for one of another tenant."""
    found = stored.get_schedule(session, tenant, schedule_id) if storage.is_id(schedule_id) else None
    if found is None:
        raise ApiError(404, "schedule-not-found", f"No schedule has the id {schedule_id}. It may have been deleted.")
    return found


ScheduleOf = Annotated[Schedule, Depends(find_schedule)]


@router.post("", status_code=201, response_model=ScheduleView, openapi_extra=body_of(ScheduleRequest))
@body_checked_by(lambda request: get_intake(request).errors_in(request, prepare_schedule))
async def create_schedule(
    request: Request, database: DatabaseOf, intake: IntakeOf, settings: SettingsOf, caller: CallerOf
) -> Response:
    """Submit a request again and again, at the times of a cron expression. The request is checked now, and anew each
    time, with the shipped scenarios of that day."""
    try:
        prepared = await intake.prepare_schedule(request, await read_ask(request, caller.tenant))
    except ClientGone:
        return Response(status_code=CANCELLED)
    view = await asyncio.to_thread(_add, database, settings, caller.tenant, caller.actor, prepared)
    return Response(json_text(view), 201, {"location": f"{API}/schedules/{view.id}"}, "application/json")


@router.get("", response_model_exclude_none=True)
def list_schedules(session: SessionOf, tenant: TenantOf) -> ScheduleList:
    """List the schedules, newest first."""
    return ScheduleList(schedules=[_view(schedule) for schedule in stored.list_schedules(session, tenant)])


@router.get("/{schedule_id}", response_model_exclude_none=True)
def show_schedule(schedule: ScheduleOf) -> ScheduleView:
    """Show a schedule: its next time, its last job, and why the last time came to none."""
    return _view(schedule)


@router.get("/{schedule_id}/request", response_model=JobRequest | BatchRequest)
def show_request(request: Request, schedule: ScheduleOf) -> Response:
    """Return the request that the schedule submits."""
    tag = tag_of(f"{schedule.id} request")  # It never changes.
    return not_modified(request, tag) or stored_json(request, schedule.request_gzip, tag)


@router.post("/{schedule_id}:pause", response_model_exclude_none=True)
def pause_schedule(session: SessionOf, schedule: ScheduleOf) -> ScheduleView:
    """Submit nothing until the schedule is resumed."""
    return _changed(session, schedule, "pause")


@router.post("/{schedule_id}:resume", response_model_exclude_none=True)
def resume_schedule(session: SessionOf, schedule: ScheduleOf) -> ScheduleView:
    """Go on with the next time. Times that passed meanwhile are not made up for."""
    return _changed(session, schedule, "resume")


@router.delete("/{schedule_id}", status_code=204)
def delete_schedule(session: SessionOf, schedule: ScheduleOf) -> None:
    """Delete a schedule. Its jobs stay."""
    act(session, schedule, "delete")
    session.commit()


def _add(
    database: sqlalchemy.Engine, settings: Settings, tenant: str, actor: str, prepared: PreparedSchedule
) -> ScheduleView:
    """Store a schedule; raises `ApiError` (409, 429) if the tenant has too many, or keeps too much."""
    now = storage.now()
    schedule = Schedule(
        id=storage.new_id(),
        tenant=tenant,
        name=prepared.name,
        cron=prepared.cron,
        zone=prepared.zone,
        request_gzip=prepared.request_gzip,
        created_at=now,
        created_by=actor,
        due_at_s=next_time(prepared.cron, prepared.zone, now).timestamp(),
    )
    with storage.open_session(database) as session:
        session.add(schedule)
        session.flush()
        check_schedules(session, tenant, settings)
        audit.record(session, "schedule.create", schedule.id, f"{schedule.cron} {schedule.zone} {schedule.name}")
        session.commit()
        session.refresh(schedule)
        return _view(schedule)


def _changed(session: Session, schedule: Schedule, action: str) -> ScheduleView:
    act(session, schedule, action)
    session.commit()
    session.refresh(schedule)
    return _view(schedule)


def _view(schedule: Schedule) -> ScheduleView:
    path = f"{API}/schedules/{schedule.id}"
    fields = schedule.model_dump(include=set(ScheduleView.model_fields))
    return ScheduleView(
        **fields,
        next_at=None if schedule.paused else datetime.fromtimestamp(schedule.due_at_s, UTC),
        request=f"{path}/request",
        jobs=f"{API}/jobs?schedule={schedule.id}",
    )
