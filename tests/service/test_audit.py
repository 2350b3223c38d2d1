"""The audit of a campaign finds what it is there to find."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy
from job_service import new_database, toy
from sqlalchemy import delete, update
from sqlmodel import Session, col

from benchmarks.service.audit import audit
from lodeplan.schemas import Solution
from lodeplan.schemas.jobs import FailureCode, JobFailure, JobOptions, JobState
from lodeplan.service.engine import Attempt
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import attempts, reruns, states
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.storage import Job, JobEvent, JobResult, open_session


@pytest.fixture
def database(tmp_path: Path) -> sqlalchemy.Engine:
    return new_database(tmp_path)


def run_one(database: sqlalchemy.Engine, harm: Callable[[Session, Attempt], object] | None = None) -> str:
    """A job that was run again once and succeeded, and what `harm` does to it."""
    engine = InlineEngine()
    with open_session(database) as session:
        job = Submission(toy("solve"), JobOptions()).submit(session, engine)
        first, second = Attempt(job.id, 1), Attempt(job.id, 2)
        attempts.start(session, first, "one")
        reruns.lose(session, engine, first)
        attempts.start(session, second, "two")
        attempts.finish(session, second, Outcome(solution=Solution.OPTIMAL, document_gzip=b"plan"))
        if harm:
            harm(session, second)
        session.commit()
        return job.id


def test_a_job_that_was_run_again_and_ended_once_is_clean(database: sqlalchemy.Engine) -> None:
    verdict = audit(database, [run_one(database)])
    assert verdict.is_clean, str(verdict)


def test_a_job_that_is_missing_failed_or_has_no_result_is_lost(database: sqlalchemy.Engine) -> None:
    def fail(session: Session, attempt: Attempt) -> None:
        failure = JobFailure(code=FailureCode.LOST_WORKERS, message="too early")
        session.execute(update(Job).where(col(Job.id) == attempt.job_id).values(state=JobState.FAILED, failure=failure))

    def drop(session: Session, attempt: Attempt) -> None:
        session.execute(delete(JobResult).where(col(JobResult.job_id) == attempt.job_id))

    ids = ["missing", run_one(database, fail), run_one(database, drop), run_one(database)]
    assert audit(database, ids).lost == ids[:3]


def test_a_job_that_ended_or_began_an_attempt_twice_is_doubled(database: sqlalchemy.Engine) -> None:
    def end_again(session: Session, attempt: Attempt) -> None:
        states.tell(session, attempt.job_id, "Succeeded.", state=JobState.SUCCEEDED)

    def begin_again(session: Session, attempt: Attempt) -> None:
        states.tell(session, attempt.job_id, "Started.", state=JobState.RUNNING)

    ids = [run_one(database, end_again), run_one(database, begin_again), run_one(database)]
    assert audit(database, ids).doubled == ids[:2]


def test_a_job_that_has_not_ended_is_stranded(database: sqlalchemy.Engine) -> None:
    def wait(session: Session, attempt: Attempt) -> None:
        session.execute(update(Job).where(col(Job.id) == attempt.job_id).values(state=JobState.QUEUED))

    ids = [run_one(database, wait), run_one(database)]
    assert audit(database, ids).stranded == ids[:1]


def test_events_that_skip_a_number_or_a_state_are_out_of_order(database: sqlalchemy.Engine) -> None:
    def skip(session: Session, attempt: Attempt) -> None:
        session.execute(delete(JobEvent).where(col(JobEvent.job_id) == attempt.job_id, col(JobEvent.number) == 2))

    def go_back(session: Session, attempt: Attempt) -> None:
        late = update(JobEvent).where(col(JobEvent.job_id) == attempt.job_id, col(JobEvent.number) == 5)
        session.execute(late.values(attempt=1))

    skipped, gone_back = run_one(database, skip), run_one(database, go_back)
    disorder = audit(database, [skipped, gone_back, run_one(database)]).disorder
    assert {fault.partition(":")[0] for fault in disorder} == {skipped, gone_back}
    assert any("without gaps" in fault for fault in disorder)
    assert any("go back" in fault for fault in disorder)
