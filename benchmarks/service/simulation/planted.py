"""Faults that are planted into the service, one at a time: each stands for a kind, and runs must find it."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import sqlalchemy
from sqlmodel import Session, col, select

from lodeplan.schemas.jobs import JobState
from lodeplan.service import storage
from lodeplan.service.engine import Attempt
from lodeplan.service.jobs import attempts, batches, reruns, states
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.storage import Job, deliveries, leases, moves, quotas, upkeep
from lodeplan.service.storage.tables import JobEvent, WorkerRow
from lodeplan.service.webhooks import sending
from lodeplan.service.workers.attempt_watch import AttemptWatch
from lodeplan.service.workers.worker import Worker

OPEN = [state for state in JobState if not state.ended]


def _reaper_sets_without_comparing() -> Any:
    def rerun(session: Session, engine: Any, seen: Job, text: str, **more: Any) -> bool:
        following = Attempt(seen.id, seen.attempt + 1)
        fresh = {"attempt": following.number, "state": JobState.QUEUED, "worker_id": None} | more
        session.execute(sqlalchemy.update(Job).where(col(Job.id) == seen.id).values(**fresh))
        states.tell(session, seen.id, text, state=JobState.QUEUED)
        engine.enqueue(session, following, states.position_of(seen))
        return True

    return mock.patch.object(reruns, "_rerun", rerun)


def _end_is_not_of_the_attempt() -> Any:
    class Moves:
        """`moves`, for whatever attempt."""

        def __getattr__(self, name: str) -> Any:
            return getattr(moves, name)

        def state_on(self, session: Session, attempt: Any) -> JobState | None:
            state = session.exec(select(Job.state).where(Job.id == attempt.job_id)).first()
            return JobState(state) if state else None

        def change_attempt(self, session: Session, attempt: Any, states: Any, /, **values: Any) -> bool:
            return moves.change_job(session, attempt.job_id, states, **values)

    return mock.patch.object(attempts, "moves", Moves())


def _ended_lease_counts_as_live() -> Any:
    stack = contextlib.ExitStack()
    for module in (leases, upkeep):
        stack.enter_context(mock.patch.object(module, "is_live", return_value=col(WorkerRow.lease_until_s) > 0))
    return stack


def _cancel_forgets_the_child() -> Any:
    return mock.patch.object(AttemptWatch, "_read_wish")


def _batch_closes_before_its_last() -> Any:
    def has_open_child(session: Session, batch_id: str) -> bool:
        waits = select(Job.id).where(Job.parent_id == batch_id, Job.state == JobState.QUEUED)
        return session.exec(waits).first() is not None

    return mock.patch.object(moves, "has_open_child", has_open_child)


def _message_delivered_before_it_is_sent() -> Any:
    claim = sending._claim

    def claim_and_record(session: Session, webhook_id: str) -> Any:
        message = claim(session, webhook_id)
        if message:
            deliveries.record_try(session, message.delivery_id, message.tries, None, delivered_at=storage.now())
        return message

    return mock.patch.object(sending, "_claim", claim_and_record)


def _job_counted_again_on_rerun() -> Any:
    rerun = reruns._rerun

    def count(session: Session, engine: Any, seen: Job, text: str, **more: Any) -> bool:
        quotas.add_usage(session, seen.tenant, jobs=1)
        return rerun(session, engine, seen, text, **more)

    return mock.patch.object(reruns, "_rerun", count)


def _event_number_in_a_transaction_of_its_own() -> Any:
    def add_event(session: Session, job_id: str, text: str, state: Any, progress: Any) -> Any:
        count = sqlalchemy.update(Job).where(col(Job.id) == job_id).values(last_event=col(Job.last_event) + 1)
        job = session.execute(count.returning(*[col(getattr(Job, name)) for name in moves._TOLD])).first()
        session.commit()
        if job:
            event = JobEvent(job_id=job_id, number=job.last_event, attempt=job.attempt, at=storage.now(), text=text)
            event.state, event.progress = state, progress
            session.add(event)
            session.flush()
        return job

    return mock.patch.object(moves, "add_event", add_event)


def _drained_worker_ends_its_job() -> Any:
    def record(self: Worker, session: Session, attempt: Any, outcome: Outcome) -> Any:
        return attempts.finish(session, attempt, outcome)

    return mock.patch.object(Worker, "_record", record)


def _attempt_is_begun_by_two() -> Any:
    def start(session: Session, attempt: Any, worker_id: str) -> bool:
        if not moves.change_job(session, attempt.job_id, OPEN, state=JobState.RUNNING, worker_id=worker_id):
            return False
        states.tell(session, attempt.job_id, f"Started, attempt {attempt.number}.", state=JobState.RUNNING)
        return True

    return mock.patch.object(attempts, "start", start)


def _cancel_of_a_batch_leaves_what_runs() -> Any:
    def ask(session: Session, batch_id: str, wish: JobState) -> tuple[bool, list[Any]]:
        cancelled = moves.cancel_queued_children(session, batch_id, storage.now(), "Cancelled before it started.")
        return True, cancelled

    return mock.patch.object(batches, "_ask_members", ask)


PLANTED: dict[str, Callable[[], Any]] = {
    "the reaper queues a job again without a look at its state and attempt": _reaper_sets_without_comparing,
    "the end of an attempt does not check which attempt the job is on": _end_is_not_of_the_attempt,
    "a lease that has ended counts as live": _ended_lease_counts_as_live,
    "a cancel forgets the child that runs": _cancel_forgets_the_child,
    "a batch closes before its last job": _batch_closes_before_its_last,
    "a message is delivered before it is sent": _message_delivered_before_it_is_sent,
    "a job is counted again when it runs again": _job_counted_again_on_rerun,
    "the number of an event has a transaction of its own": _event_number_in_a_transaction_of_its_own,
    "a worker that drains ends its job": _drained_worker_ends_its_job,
    "an attempt is begun by two workers": _attempt_is_begun_by_two,
    "a cancel of a batch leaves what runs": _cancel_of_a_batch_leaves_what_runs,
}


@contextlib.contextmanager
def planted(name: str) -> Iterator[None]:
    """Have the service contain this fault."""
    with PLANTED[name]():
        yield
