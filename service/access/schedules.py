"""Changes of schedules, each written to the audit log."""

from __future__ import annotations

from sqlmodel import Session

from lodeplan.service.access import audit
from lodeplan.service.access.callers import Caller
from lodeplan.service.cron import next_time
from lodeplan.service.storage import Schedule, now
from lodeplan.service.storage import schedules as stored


def act(session: Session, schedule: Schedule, action: str, *, by: Caller | None = None) -> None:
    """Do `pause`, `resume` or `delete` to a schedule, in the session's transaction. What is resumed goes on with the
    next time from now: times that passed meanwhile are not made up for."""
    if action == "delete":
        stored.delete_schedule(session, schedule)
    else:
        goes_on = action == "resume" and schedule.paused
        due_at_s = next_time(schedule.cron, schedule.zone, now()).timestamp() if goes_on else schedule.due_at_s
        stored.set_paused(session, schedule, action == "pause", due_at_s)
    audit.record(session, f"schedule.{action}", schedule.id, schedule.name, by=by)
