"""The same steps on the simulated database and queue, on SQLite with DBOS and on PostgreSQL with DBOS: equal answers.

So what `benchmarks.service.lives` shows of the one can be said of the others, as far as one step follows another.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from job_service import DATABASES, database_of, toy
from sqlmodel import Session, col, select

from benchmarks.service.reapers import NOBODY
from benchmarks.service.simulation.engine import SimulatedEngine
from benchmarks.service.simulation.scheduler import Process, Simulator
from benchmarks.service.simulation.world import the_database
from lodeplan.schemas import Solution, SolverProgress, Termination
from lodeplan.schemas.jobs import JobOptions, JobState, JobTrouble
from lodeplan.service import storage
from lodeplan.service.api.idempotency import KeyedRequest, answer_once
from lodeplan.service.engine import Attempt, JobEngine
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.http.errors import ApiError
from lodeplan.service.http.views import job_view
from lodeplan.service.jobs import attempts, batches, reruns, states
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.jobs.prepared import BatchSubmission, PreparedSubmission, Submission
from lodeplan.service.kinds import BATCH
from lodeplan.service.storage import Delivery, Job, JobEvent, Webhook, deliveries, leases, open_session, quotas
from lodeplan.service.workers.leases import Lease

OPTIMAL = Outcome(Termination.OPTIMAL, Solution.OPTIMAL, 1.0, b"a plan")
PREPARED = Submission(toy("solve"), JobOptions()).prepared().job


@dataclass
class Desk:
    """A database with a queue, and the jobs of the script by name."""

    database: sqlalchemy.Engine
    engine: JobEngine
    set_status: Callable[[Attempt, str], None]
    jobs: dict[str, str] = field(default_factory=dict)

    def submit(self, name: str) -> None:
        wanted = PreparedSubmission(PREPARED)
        self.jobs[name] = self.do(lambda session: wanted.submit(session, self.engine).id)

    def do(self, act: Callable[[Session], Any]) -> Any:
        with open_session(self.database) as session:
            answer = act(session)
            session.commit()
            return answer

    def of(self, name: str, number: int = 1) -> Attempt:
        return Attempt(self.jobs[name], number)

    def job(self, name: str) -> Job:
        return self.do(lambda session: session.get(Job, self.jobs[name]))

    def now(self, name: str) -> tuple[Any, ...]:
        job = self.job(name)
        return job.state.value, job.attempt, job.lost_workers, job.failure.code.value if job.failure else None

    def start(self, name: str, number: int = 1, worker: str = NOBODY) -> bool:
        return bool(self.do(lambda session: attempts.start(session, self.of(name, number), worker)))

    def finish(self, name: str, number: int = 1) -> Any:
        return self.do(lambda session: attempts.finish(session, self.of(name, number), OPTIMAL))

    def lose(self, name: str, number: int) -> Any:
        return self.do(lambda session: reruns.lose(session, self.engine, self.of(name, number)))

    def known(self, name: str, *numbers: int) -> list[int]:
        return sorted(attempt.number for attempt in self.engine.known([self.of(name, number) for number in numbers]))

    def log(self, name: str) -> list[tuple[int, int, str | None]]:
        query = select(JobEvent).where(JobEvent.job_id == self.jobs[name]).order_by(col(JobEvent.number))
        events = self.do(lambda session: list(session.exec(query)))
        return [(event.number, event.attempt, event.state.value if event.state else None) for event in events]


def submit_and_roll_back(desk: Desk) -> Any:
    with open_session(desk.database) as session:
        job = PreparedSubmission(PREPARED).submit(session, desk.engine)
        session.rollback()
    return len(desk.engine.known([Attempt(job.id, 1)])), desk.engine.depth()


def submit_with_key(desk: Desk) -> Any:
    def ask(body: str) -> str:
        once = KeyedRequest("local", "key", body, timedelta(hours=1))
        with open_session(desk.database) as session:
            return answer_once(
                session, once, lambda: job_view(session, PreparedSubmission(PREPARED).submit(session, desk.engine))
            )

    first, second = ask("a"), ask("a")
    with pytest.raises(ApiError) as refused:
        ask("b")
    return first == second, refused.value.status_code, desk.engine.depth()


def take(desk: Desk) -> Any:
    desk.set_status(desk.of("one"), "taken")
    return desk.engine.taken() == {desk.of("one"): NOBODY}, desk.engine.depth()


def note_progress(desk: Desk) -> Any:
    def note(number: int, phase: str) -> None:
        progress = SolverProgress(phase=phase, elapsed_s=1.0)
        desk.do(lambda session: attempts.note_progress(session, desk.of("one", number), progress, phase))

    note(1, "build")
    note(2, "search")
    progress = desk.job("one").progress
    return progress.phase if progress else None


def ask_to_stop(desk: Desk) -> Any:
    asked = [desk.do(lambda session: states.request_stop(session, desk.jobs["one"])) for _ in range(2)]
    return asked, desk.now("one")


def settle_queue(desk: Desk) -> Any:
    desk.set_status(desk.of("one"), "handled")
    return desk.known("one", 1), desk.engine.purge(), desk.engine.purge()


def give_back(desk: Desk) -> Any:
    desk.start("two", 4)
    trouble = JobTrouble(attempt=4, began=True, text="no handles", worker_id=NOBODY)
    desk.do(lambda session: reruns.give_back(session, desk.engine, desk.of("two", 4), trouble))
    return desk.now("two"), desk.known("two", 3, 4, 5)


def requeue(desk: Desk) -> Any:
    desk.start("two", 3)
    done = [desk.do(lambda session: reruns.requeue(session, desk.engine, desk.of("two", 3))) for _ in range(2)]
    return done, desk.now("two")


def lose_until_it_fails(desk: Desk) -> Any:
    found = []
    for number in (5, 6):
        desk.start("two", number)
        found.append(desk.lose("two", number))
    return found, desk.now("two"), desk.finish("two", 6)


def cancel_in_the_queue(desk: Desk) -> Any:
    desk.submit("three")
    accepted = desk.do(lambda session: states.request_cancel(session, desk.jobs["three"]))
    desk.engine.forget([desk.of("three")])
    again = desk.do(lambda session: states.request_cancel(session, desk.jobs["three"]))
    return accepted, again, desk.now("three"), desk.known("three", 1), desk.start("three")


def submit_batch(name: str) -> Callable[[Desk], Any]:
    def submit(desk: Desk) -> Any:
        wanted = BatchSubmission(replace(PREPARED, kind=BATCH), [PREPARED, PREPARED])

        def add(session: Session) -> None:
            desk.jobs[name] = batches.submit(session, desk.engine, wanted).id
            members = session.exec(select(Job.id).where(Job.parent_id == desk.jobs[name]).order_by(col(Job.id)))
            desk.jobs |= {f"{name} {number}": member for number, member in enumerate(members)}

        desk.do(add)
        return [desk.now(each) for each in (name, f"{name} 0", f"{name} 1")]

    return submit


def run_batch(desk: Desk) -> Any:
    found = []
    for name in ("batch 0", "batch 1"):
        desk.start(name)
        found.append(desk.now("batch")[0])
        desk.finish(name)
        found.append(desk.now("batch")[0])
    return found, desk.log("batch")


def cancel_batch(desk: Desk) -> Any:
    desk.start("other 0")
    batch = desk.job("other")
    accepted, unstarted = desk.do(lambda session: batches.ask(session, batch, JobState.CANCELLING))
    between = [desk.now(name)[0] for name in ("other", "other 0", "other 1")]
    return accepted, unstarted == [desk.of("other 1")], between, desk.finish("other 0"), desk.log("other")


def count_use(desk: Desk) -> Any:
    for jobs, cpu_s in ((2, 0.5), (1, 1.25)):
        desk.do(lambda session, jobs=jobs, cpu_s=cpu_s: quotas.add_usage(session, "local", jobs=jobs, cpu_s=cpu_s))
    counts = (quotas.used_in_a_day, quotas.count_waiting, quotas.count_results)
    return [desk.do(lambda session, count=count: count(session, "local")) for count in counts]


def send_message(desk: Desk) -> Any:
    def add(session: Session) -> None:
        url = "https://example.com/"
        session.add(Webhook(id="hook", tenant="local", url=url, secret="", created_at=storage.now()))

    desk.do(add)
    desk.submit("told")
    desk.start("told")
    desk.finish("told")
    with open_session(desk.database) as session:
        seen = deliveries.next_due(session, "hook")
    assert seen is not None
    claims = [desk.do(lambda session: deliveries.claim_delivery(session, seen, 60)) for _ in range(2)]
    due = [len(desk.do(deliveries.webhooks_with_due))]
    for tries in (0, 1):
        desk.do(lambda session, tries=tries: deliveries.record_try(session, seen.id, tries, None, status=204 + tries))
        row = desk.do(lambda session: session.exec(select(Delivery)).one())
        due.append((row.tries, row.status, row.due_at_s is None))
    return claims, seen.kind, due


def hold_leases(desk: Desk) -> Any:
    lease, ended = Lease(desk.database, 60.0, worker_id="live"), Lease(desk.database, 60.0, worker_id="ended")
    before = desk.do(lambda session: leases.prolong_lease(session, "live", 60))
    lease.renew()
    ended.renew()
    desk.do(lambda session: leases.prolong_lease(session, "ended", -1))
    live = desk.do(leases.live_worker_ids)
    desk.do(lambda session: leases.prolong_lease(session, "live", 60))
    lease.release()
    return before, live, desk.do(leases.live_worker_ids)


def delete(desk: Desk) -> Any:
    batch = desk.job("other")
    last = desk.do(lambda session: storage.attempts_of(session, batch))
    desk.do(lambda session: storage.delete_job(session, batch))
    desk.engine.forget([Attempt(job_id, number) for job_id, number in last])
    return len(last), desk.job("other 0"), desk.log("other 0"), desk.known("other 0", 1)


SCRIPT: list[tuple[str, Callable[[Desk], Any], Any]] = [
    ("a submission that is rolled back leaves nothing", submit_and_roll_back, (0, 0)),
    ("a job waits", lambda desk: (desk.submit("one"), desk.now("one"))[1], ("queued", 1, 0, None)),
    ("its attempt is in the queue", lambda desk: (desk.known("one", 1, 2), desk.engine.depth()), ([1], 1)),
    ("a worker takes it", take, (True, 0)),
    ("one worker begins it", lambda desk: [desk.start("one"), desk.start("one"), desk.start("one", 1, "b")], [1, 1, 0]),
    ("no worker begins another attempt", lambda desk: desk.start("one", 2), False),
    ("progress is noted, of its attempt alone", note_progress, "build"),
    ("it is asked to stop", ask_to_stop, ([True, True], ("stopping", 1, 0, None))),
    ("another attempt cannot end it", lambda desk: desk.finish("one", 2), None),
    ("it ends once", lambda desk: [desk.finish("one"), desk.finish("one")], [JobState.SUCCEEDED, None]),
    (
        "its log has no gap",
        lambda desk: desk.log("one"),
        [(1, 1, "queued"), (2, 1, "running"), (3, 1, None), (4, 1, "stopping"), (5, 1, "succeeded")],
    ),
    ("what was handled is purged", settle_queue, ([], 1, 0)),
    ("a key makes one job", submit_with_key, (True, 422, 1)),
    ("a job is lost before it began", lambda desk: (desk.submit("two"), desk.lose("two", 1))[1], JobState.QUEUED),
    ("that counts no worker", lambda desk: desk.now("two"), ("queued", 2, 0, None)),
    ("the reaper alone forgets what was lost", lambda desk: desk.known("two", 1, 2, 3), [1, 2]),
    ("it is lost in mid-run", lambda desk: (desk.start("two", 2), desk.lose("two", 2)), (True, JobState.QUEUED)),
    ("it is lost once", lambda desk: (desk.lose("two", 2), desk.now("two")), (None, ("queued", 3, 1, None))),
    ("a worker drains", requeue, ([True, False], ("queued", 4, 1, None))),
    ("a machine has trouble", give_back, (("queued", 5, 1, None), [3, 4, 5])),
    (
        "the third lost worker is the last",
        lose_until_it_fails,
        ([JobState.QUEUED, JobState.FAILED], ("failed", 6, 3, "lost_workers"), None),
    ),
    ("a job is cancelled in the queue", cancel_in_the_queue, (True, False, ("cancelled", 1, 0, None), [], False)),
    ("a batch waits", submit_batch("batch"), [("queued", 1, 0, None)] * 3),
    (
        "it runs and ends with its jobs",
        run_batch,
        (
            ["running", "running", "running", "succeeded"],
            [(1, 1, "queued"), (2, 1, "running"), (3, 1, None), (4, 1, None), (5, 1, "succeeded")],
        ),
    ),
    ("another batch waits", submit_batch("other"), [("queued", 1, 0, None)] * 3),
    (
        "it is cancelled with its jobs",
        cancel_batch,
        (
            True,
            True,
            ["cancelling", "cancelling", "cancelled"],
            JobState.CANCELLED,
            [(1, 1, "queued"), (2, 1, "running"), (3, 1, "cancelling"), (4, 1, None), (5, 1, "cancelled")],
        ),
    ),
    ("use is counted, and what is held", count_use, [(3, 1.75), 1, 4]),
    (
        "a message is claimed once and recorded once",
        send_message,
        ([True, False], "job.succeeded", [0, (1, None, False), (1, 205, True)]),
    ),
    ("a lease that has ended is none", hold_leases, (None, {"live"}, set())),
    ("what is deleted is gone", delete, (3, None, [], [])),
]


@contextmanager
def simulated_desk() -> Iterator[Desk]:
    database, simulator = the_database(), Simulator("conformance")
    database.begin(simulator)
    engine = SimulatedEngine(database.engine, simulator, Process("one"))

    def set_status(attempt: Attempt, status: str) -> None:
        statement = "update simulated_queue set status = ?, worker = ? where job_id = ? and number = ?"
        with database.raw:
            database.raw.execute(statement, [status, NOBODY, attempt.job_id, attempt.number])

    yield Desk(database.engine, engine, set_status)


@contextmanager
def real_desk(kind: str, folder: Path) -> Iterator[Desk]:
    with database_of(kind, folder) as database:
        engine = DbosEngine(database)
        engine.prepare()
        schema = "dbos" if database.dialect.name == "postgresql" else None
        table = sqlalchemy.Table("workflow_status", sqlalchemy.MetaData(), schema=schema, autoload_with=database)

        def set_status(attempt: Attempt, status: str) -> None:
            values = {"status": {"taken": "PENDING", "handled": "SUCCESS"}[status], "executor_id": NOBODY}
            mine = table.c.workflow_uuid == f"{attempt.job_id}.{attempt.number}"
            with database.begin() as connection:
                assert connection.execute(sqlalchemy.update(table).where(mine).values(**values)).rowcount == 1

        yield Desk(database, engine, set_status)
        engine.close()


@pytest.mark.parametrize("kind", ["simulated", *DATABASES])
def test_each_step_has_the_same_answer(kind: str, tmp_path: Path) -> None:
    with simulated_desk() if kind == "simulated" else real_desk(kind, tmp_path) as desk:
        answers = [(step, act(desk)) for step, act, _ in SCRIPT]
    assert answers == [(step, answer) for step, _, answer in SCRIPT]
