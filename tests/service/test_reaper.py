"""What a reaper finds, and what becomes of it, on both databases and an engine without threads."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy
from job_service import DATABASES, Clock, database_of, toy, wait_until
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from lodeplan.schemas import Solution, SolverProgress
from lodeplan.schemas.jobs import FailureCode, JobOptions, JobState
from lodeplan.service import storage
from lodeplan.service.engine import Attempt, QueuePosition
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import attempts, reruns, states
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.jobs.reruns import MAX_LOST_WORKERS
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.storage import OUTAGES, Job, JobInput, WorkerRow, database_clock, leases, open_session
from lodeplan.service.workers.leases import FORGOTTEN_AFTER_S, Lease
from lodeplan.service.workers.reaper import Reaper

LEASE_S = 10.0


@dataclass
class Yard:
    """A reaper, the worker it belongs to, and another worker that may die."""

    database: sqlalchemy.Engine
    engine: InlineEngine = field(default_factory=InlineEngine)
    clock: Clock = field(default_factory=Clock)
    at_work: set[Attempt] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.lease = Lease(self.database, LEASE_S, clock=self.clock)
        self.other = Lease(self.database, LEASE_S, clock=self.clock)
        self.reaper = Reaper(self.database, self.engine, self.lease, lambda: self.at_work)
        self.lease.renew()
        self.other.renew()

    def submit(self, priority: int = 0) -> str:
        with open_session(self.database) as session:
            job = Submission(toy("solve"), JobOptions()).submit(session, self.engine)
            session.execute(update(Job).where(col(Job.id) == job.id).values(priority=priority))
            session.commit()
            return job.id

    def running(self, lease: Lease, state: JobState = JobState.RUNNING) -> Attempt:
        """A job that runs on the worker of a lease, and somebody may want to end."""
        attempt = Attempt(self.submit(), 1)
        self.begin(attempt, lease)
        with open_session(self.database) as session:
            if state is JobState.STOPPING:
                states.request_stop(session, attempt.job_id)
            if state is JobState.CANCELLING:
                states.request_cancel(session, attempt.job_id)
            session.commit()
        return attempt

    def begin(self, attempt: Attempt, lease: Lease) -> None:
        self.take(attempt, lease)
        with open_session(self.database) as session:
            assert attempts.start(session, attempt, lease.worker_id)
            session.commit()

    def take(self, attempt: Attempt, lease: Lease) -> None:
        self.engine.pending.remove(attempt)
        self.engine.in_hand[attempt] = lease.worker_id

    def job(self, attempt: Attempt) -> Job:
        with open_session(self.database) as session:
            job = session.get(Job, attempt.job_id)
            assert job is not None
            return job

    def where(self, attempt: Attempt) -> tuple[JobState, int, int]:
        job = self.job(attempt)
        return job.state, job.attempt, job.lost_workers

    def look(self) -> None:
        self.reaper.look(self.lease.renew())

    def bury(self, lease: Lease) -> None:
        """As if a lease had run out: its worker has not renewed it for so long."""
        with open_session(self.database) as session:
            ended = database_clock() - 1.0
            session.execute(update(WorkerRow).where(col(WorkerRow.id) == lease.worker_id).values(lease_until_s=ended))
            session.commit()


@pytest.fixture(params=DATABASES)
def yard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Yard]:
    with database_of(request.param, tmp_path) as database:
        yield Yard(database)


def test_a_job_whose_worker_lives_is_left_alone(yard: Yard) -> None:
    attempt = yard.running(yard.other)
    yard.look()
    assert yard.where(attempt) == (JobState.RUNNING, 1, 0)


def test_a_job_whose_worker_died_waits_for_another_as_its_next_attempt(yard: Yard) -> None:
    attempt = yard.running(yard.other)
    yard.bury(yard.other)
    yard.look()
    job = yard.job(attempt)
    assert (job.state, job.attempt, job.lost_workers) == (JobState.QUEUED, 2, 1)
    assert (job.worker_id, job.started_at) == (None, None)
    assert yard.engine.pending == [Attempt(attempt.job_id, 2)]


def test_what_the_engine_kept_of_a_lost_attempt_is_forgotten(yard: Yard) -> None:
    attempt = yard.running(yard.other)
    yard.bury(yard.other)
    yard.look()
    assert attempt not in yard.engine.in_hand


def test_a_worker_that_is_not_listed_at_all_is_dead(yard: Yard) -> None:
    attempt = yard.running(yard.other)
    yard.other.release()
    yard.look()
    assert yard.where(attempt) == (JobState.QUEUED, 2, 1)


def test_a_job_keeps_its_place_when_it_runs_again(yard: Yard) -> None:
    job_id = yard.submit(priority=7)
    yard.begin(Attempt(job_id, 1), yard.other)
    yard.bury(yard.other)
    yard.look()
    assert yard.engine.positions[Attempt(job_id, 2)] == QueuePosition("local", 7)


def test_a_job_that_loses_three_workers_fails_and_says_why(yard: Yard) -> None:
    job_id = yard.submit()
    for number in range(1, MAX_LOST_WORKERS + 1):
        worker = Lease(yard.database, LEASE_S, clock=yard.clock)
        worker.renew()
        yard.begin(Attempt(job_id, number), worker)
        yard.bury(worker)
        yard.look()
    job = yard.job(Attempt(job_id, 1))
    assert (job.state, job.attempt, job.lost_workers) == (JobState.FAILED, MAX_LOST_WORKERS, MAX_LOST_WORKERS)
    assert job.failure is not None
    assert job.failure.code is FailureCode.LOST_WORKERS
    assert "memory" in job.failure.message
    assert job.ended_at is not None
    assert yard.engine.pending == []


def test_a_job_that_was_to_be_cancelled_is_cancelled_when_its_worker_dies(yard: Yard) -> None:
    attempt = yard.running(yard.other, JobState.CANCELLING)
    yard.bury(yard.other)
    yard.look()
    job = yard.job(attempt)
    assert (job.state, job.failure, yard.engine.pending) == (JobState.CANCELLED, None, [])


def test_a_job_that_was_to_stop_is_cancelled_and_its_log_says_that_the_plan_is_lost(yard: Yard) -> None:
    attempt = yard.running(yard.other, JobState.STOPPING)
    yard.bury(yard.other)
    yard.look()
    with open_session(yard.database) as session:
        last = storage.read_events(session, yard.job(attempt))[-1]
    assert yard.job(attempt).state is JobState.CANCELLED
    assert (last.state, "plan" in last.text) == (JobState.CANCELLED, True)


def test_an_attempt_taken_by_a_dead_worker_that_had_not_begun_it_runs_again_and_counts_nobody(yard: Yard) -> None:
    attempt = Attempt(yard.submit(), 1)
    yard.take(attempt, yard.other)
    yard.look()
    assert yard.where(attempt) == (JobState.QUEUED, 1, 0)
    yard.bury(yard.other)
    yard.look()
    assert yard.where(attempt) == (JobState.QUEUED, 2, 0)
    assert yard.engine.pending == [Attempt(attempt.job_id, 2)]
    assert yard.engine.in_hand == {}


def test_a_waiting_job_that_the_engine_does_not_know_is_queued_again(yard: Yard) -> None:
    attempt = Attempt(yard.submit(), 1)
    yard.engine.pending.clear()
    yard.look()
    assert yard.where(attempt) == (JobState.QUEUED, 2, 0)
    assert yard.engine.pending == [Attempt(attempt.job_id, 2)]


def test_a_waiting_job_that_the_engine_knows_keeps_its_attempt(yard: Yard) -> None:
    attempt = Attempt(yard.submit(), 1)
    yard.look()
    assert yard.where(attempt) == (JobState.QUEUED, 1, 0)


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING])
def test_a_job_that_is_made_of_others_and_that_no_worker_runs_is_left_alone(yard: Yard, state: JobState) -> None:
    attempt = Attempt(yard.submit(), 1)
    yard.engine.pending.clear()
    with open_session(yard.database) as session:
        session.execute(delete(JobInput).where(col(JobInput.job_id) == attempt.job_id))
        session.execute(update(Job).where(col(Job.id) == attempt.job_id).values(state=state))
        session.commit()
    yard.look()
    assert yard.where(attempt) == (state, 1, 0)
    assert yard.engine.pending == []


def test_a_job_its_own_worker_has_in_hand_is_left_alone(yard: Yard) -> None:
    attempt = yard.running(yard.lease)
    yard.at_work.add(attempt)
    yard.look()
    assert yard.where(attempt) == (JobState.RUNNING, 1, 0)


def test_a_job_its_own_worker_does_not_have_in_hand_runs_again(yard: Yard) -> None:
    attempt = yard.running(yard.lease)
    yard.look()
    assert yard.where(attempt) == (JobState.QUEUED, 2, 1)


def test_an_attempt_on_its_way_to_the_handler_has_a_tick_to_arrive(yard: Yard) -> None:
    attempt = Attempt(yard.submit(), 1)
    yard.take(attempt, yard.lease)
    yard.look()
    assert yard.where(attempt) == (JobState.QUEUED, 1, 0)
    yard.look()
    assert yard.where(attempt) == (JobState.QUEUED, 2, 0)


def test_what_the_engine_keeps_of_attempts_that_ended_on_a_dead_worker_is_forgotten(yard: Yard) -> None:
    attempt = yard.running(yard.other)
    with open_session(yard.database) as session:
        attempts.finish(session, attempt, Outcome(solution=Solution.OPTIMAL, document_gzip=b"plan"))
        session.commit()
    yard.look()
    assert attempt in yard.engine.in_hand
    yard.bury(yard.other)
    yard.look()
    assert attempt not in yard.engine.in_hand
    assert yard.where(attempt) == (JobState.SUCCEEDED, 1, 0)


def test_what_the_engine_keeps_of_a_deleted_job_is_forgotten(yard: Yard) -> None:
    yard.engine.in_hand[Attempt("deleted", 1)] = "nobody"
    yard.look()
    assert yard.engine.in_hand == {}


def test_attempts_handled_to_the_end_are_purged(yard: Yard) -> None:
    yard.engine.handled.append(Attempt("done", 1))
    yard.look()
    assert yard.engine.handled == []


def test_two_reapers_that_see_the_same_loss_queue_the_job_once(yard: Yard) -> None:
    attempt = yard.running(yard.other)
    second = Reaper(yard.database, yard.engine, yard.lease, lambda: yard.at_work)
    yard.bury(yard.other)
    seen, _, _ = yard.reaper._of_lost_workers()
    assert seen == second._of_lost_workers()[0] == [attempt]
    yard.reaper._give_up(seen)
    second._give_up(seen)
    assert yard.where(attempt) == (JobState.QUEUED, 2, 1)
    assert yard.engine.pending == [Attempt(attempt.job_id, 2)]


@pytest.mark.parametrize("begins", [True, False])
def test_a_worker_that_has_its_lease_again_while_a_reaper_looks_keeps_what_it_takes(yard: Yard, begins: bool) -> None:
    """Whichever of its questions the reaper has asked by then."""
    for question in range(1, 20):
        attempt = Attempt(yard.submit(), 1)
        yard.bury(yard.other)
        answered = _in_the_middle(yard, question, partial(yard.begin if begins else yard.take, attempt, yard.other))
        assert yard.where(attempt) == (JobState.RUNNING if begins else JobState.QUEUED, 1, 0)
        if not answered:
            assert question > 4
            return
    pytest.fail("a look asks more questions than that")


def _in_the_middle(yard: Yard, question: int, act: Callable[[], None]) -> bool:
    """Have the other worker renew its lease and act directly after this question of a look; whether there was one."""
    asked = 0

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal asked
        asked += statement.startswith("SELECT") and asked < question
        if statement.startswith("SELECT") and asked == question and not acted:
            acted.append(True)
            yard.other.renew()
            act()

    acted: list[bool] = []
    renewed_s = yard.lease.renew()
    sqlalchemy.event.listen(yard.database, "after_cursor_execute", hear)
    yard.reaper.look(renewed_s)
    sqlalchemy.event.remove(yard.database, "after_cursor_execute", hear)
    if not acted:
        act()
    return bool(acted)


def test_the_late_result_of_an_attempt_that_was_given_up_changes_nothing(yard: Yard) -> None:
    attempt = yard.running(yard.other)
    yard.bury(yard.other)
    yard.look()
    with open_session(yard.database) as session:
        assert attempts.finish(session, attempt, Outcome(solution=Solution.OPTIMAL, document_gzip=b"late")) is None
        session.commit()
    job = yard.job(attempt)
    assert (job.state, job.attempt, job.result_sha256) == (JobState.QUEUED, 2, None)


def test_a_reaper_that_missed_its_own_beat_leaves_others_alone_for_one_lease(yard: Yard) -> None:
    yard.look()
    attempt = yard.running(yard.other)
    yard.bury(yard.other)
    yard.clock.now += LEASE_S * 0.6
    yard.look()
    for _ in range(4):
        yard.clock.now += LEASE_S * 0.2
        yard.look()
        assert yard.where(attempt) == (JobState.RUNNING, 1, 0)
    yard.clock.now += LEASE_S * 0.25
    yard.look()
    assert yard.where(attempt) == (JobState.QUEUED, 2, 1)


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
def test_a_reaper_leaves_others_alone_for_one_lease_after_the_databases_clock_has_jumped(
    yard: Yard, jump_s: float
) -> None:
    now_s = yard.lease.renew()
    yard.reaper.look(now_s)
    attempt = yard.running(yard.other)
    yard.bury(yard.other)
    yard.reaper.look(now_s + jump_s)
    assert yard.where(attempt) == (JobState.RUNNING, 1, 0)


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
def test_a_clock_that_jumps_while_a_reaper_looks_takes_no_job_from_a_worker_that_lives(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    attempt = yard.running(yard.other)
    now_s = yard.lease.renew()
    # Of all leases, as if the clock had been set just after the reaper's own was renewed.
    with open_session(yard.database) as session:
        session.execute(update(WorkerRow).values(lease_until_s=col(WorkerRow.lease_until_s) - jump_s))
        session.commit()
    monkeypatch.setattr(leases, "database_time_s", lambda _session: now_s + jump_s)
    yard.reaper.look(now_s)
    assert yard.where(attempt) == (JobState.RUNNING, 1, 0)


def test_a_reaper_that_missed_its_beat_still_gives_up_what_its_own_worker_dropped(yard: Yard) -> None:
    yard.look()
    attempt = yard.running(yard.lease)
    yard.clock.now += 2 * LEASE_S
    yard.look()
    assert yard.where(attempt) == (JobState.QUEUED, 2, 1)


def test_an_attempt_that_cannot_be_given_up_now_does_not_keep_the_others_from_it(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = yard.running(yard.other), yard.running(yard.other)
    yard.bury(yard.other)
    lose = reruns.lose

    def locked(session: Session, engine: InlineEngine, attempt: Attempt) -> JobState | None:
        if attempt == first:
            raise sqlalchemy.exc.OperationalError("update", {}, Exception("locked"))
        return lose(session, engine, attempt)

    monkeypatch.setattr(reruns, "lose", locked)
    yard.look()
    assert yard.where(first) == (JobState.RUNNING, 1, 0)
    assert yard.where(second) == (JobState.QUEUED, 2, 1)


@pytest.mark.slow
@pytest.mark.postgres
def test_a_process_that_froze_in_mid_transaction_does_not_keep_a_job_from_running_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lodeplan.service.storage.database.IDLE_TRANSACTION_S", 3)
    with database_of("postgres", tmp_path) as database:
        yard = Yard(database)
        attempt = yard.running(yard.other)
        yard.bury(yard.other)
        frozen = open_session(database)
        attempts.note_progress(frozen, attempt, SolverProgress(phase="search", elapsed_s=1), "half said")
        # Locked, and passed over so that the worker does not miss its beat.
        yard.look()
        assert yard.where(attempt) == (JobState.RUNNING, 1, 0)
        wait_until(lambda: yard.look() or yard.where(attempt)[0] is JobState.QUEUED)
        with pytest.raises(OUTAGES):
            frozen.commit()
        frozen.close()


def test_a_worker_that_has_been_dead_for_long_is_no_longer_listed(yard: Yard) -> None:
    with open_session(yard.database) as session:
        long_ago = database_clock() - FORGOTTEN_AFTER_S - 1
        session.execute(
            update(WorkerRow).where(col(WorkerRow.id) == yard.other.worker_id).values(lease_until_s=long_ago)
        )
        session.commit()
    yard.look()
    with open_session(yard.database) as session:
        assert session.exec(select(WorkerRow.id)).all() == [yard.lease.worker_id]


def test_more_waiting_jobs_than_are_looked_at_once_are_looked_at_in_turn(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lodeplan.service.workers.reaper.LOOKED_AT_ONCE", 2)
    attempts = [Attempt(yard.submit(), 1) for _ in range(5)]
    yard.engine.pending.clear()
    for _ in range(3):
        yard.look()
        yard.clock.now += LEASE_S * 0.4
        yard.look()
        yard.clock.now += LEASE_S * 0.4
        yard.look()
        yard.clock.now += LEASE_S * 0.4
    assert [yard.where(attempt)[:2] for attempt in attempts] == [(JobState.QUEUED, 2)] * 5
