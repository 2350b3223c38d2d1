"""A worker's attempts: how each way to end is recorded, and what happens to those given up."""

import contextlib
import errno
import gzip
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from job_service import WAYS, fake_solver, fake_solvers, new_database, toy, wait_until
from sqlmodel import Session, select

from lodeplan import scenarios
from lodeplan.schemas import Solution, SolverProgress
from lodeplan.schemas.jobs import FailureCode, JobOptions, JobState
from lodeplan.service import storage
from lodeplan.service.engine import Attempt
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import attempts, reruns, states, submissions
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.jobs.states import SOURCES
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.packing import compress
from lodeplan.service.storage import Job, WorkerRow, open_session
from lodeplan.service.workers.child import ORPHANED_EXIT_CODE
from lodeplan.service.workers.child_process import CHILD, Watch, Wish, Work
from lodeplan.service.workers.child_solver import ChildSolver, Solver
from lodeplan.service.workers.leases import Lease
from lodeplan.service.workers.worker import Worker


class Bench:
    """A worker over a database of its own, with an engine that runs attempts in this thread."""

    def __init__(self, folder: Path, solver: Solver) -> None:
        self.database = new_database(folder)
        self.engine = InlineEngine()
        self.worker = Worker(self.database, self.engine, solver)
        self.worker.start(slots=1)

    def submit(self, task: str, options: JobOptions | None = None) -> str:
        with open_session(self.database) as session:
            job = Submission(toy(task), options or JobOptions()).submit(session, self.engine)
            session.commit()
            return job.id

    def job(self, job_id: str) -> Job:
        with open_session(self.database) as session:
            job = session.get(Job, job_id)
            assert job is not None
            return job

    def solved(self, task: str, options: JobOptions | None = None) -> Job:
        job_id = self.submit(task, options)
        self.engine.run_pending()
        return self.job(job_id)

    def ask(self, wish: str, job_id: str) -> bool:
        with open_session(self.database) as session:
            asked = (states.request_stop if wish == "stop" else states.request_cancel)(session, job_id)
            session.commit()
            return asked

    def in_background(self) -> threading.Thread:
        thread = threading.Thread(target=self.engine.run_pending)
        thread.start()
        return thread


def end(thread: threading.Thread) -> None:
    """Wait for what runs in the background; a child that nobody ends would end by itself, but later than that."""
    thread.join(40)
    assert not thread.is_alive(), "it was not ended"


@pytest.fixture(params=WAYS)
def fake(request: pytest.FixtureRequest) -> Iterator[Callable[..., ChildSolver]]:
    with fake_solvers(request.param) as make:
        yield make


@pytest.fixture
def bench(tmp_path: Path, fake: Callable[..., ChildSolver]) -> Bench:
    return Bench(tmp_path, fake())


def test_a_worker_whose_lease_ran_out_leaves_the_queue_to_the_others(bench: Bench) -> None:
    lease = bench.worker.lease
    lease.clock = lambda: math.inf
    job_id = bench.submit("solve")
    bench.engine.run_pending()
    assert (bench.job(job_id).state, bench.engine.pending) == (JobState.QUEUED, [Attempt(job_id, 1)])
    lease.clock = time.monotonic
    bench.worker.beat()
    bench.engine.run_pending()
    job = bench.job(job_id)
    assert (job.state, job.attempt, job.lost_workers) == (JobState.SUCCEEDED, 1, 0)


def test_a_solved_job_has_its_plan_its_times_and_a_log(bench: Bench) -> None:
    job = bench.solved("solve")
    assert (job.state, job.termination, job.objective_kusd) == (JobState.SUCCEEDED, "optimal", 3.5)
    assert job.started_at is not None
    assert job.ended_at is not None
    assert job.created_at <= job.started_at <= job.ended_at
    with open_session(bench.database) as session:
        document = storage.read_document(session, job)
        log = [line.text for line in storage.read_events(session, job)]
    assert document is not None
    made_up = next(table for table in document.tables if table.name == "made_up")
    assert made_up.rows == [["ore, raw", 1.5], ['say "metal"', None]]
    assert log[:2] == ["Queued.", "Started, attempt 1."]
    assert "gap 25.000%" in log[2]
    assert log[-1] == "Succeeded."


@pytest.mark.parametrize(
    ("termination", "solution", "state"),
    [
        ("infeasible", "none", JobState.SUCCEEDED),
        ("time_limit", "feasible", JobState.SUCCEEDED),
        ("time_limit", "none", JobState.TIMED_OUT),
        ("memory_limit", "feasible", JobState.SUCCEEDED),
        ("memory_limit", "none", JobState.FAILED),
        ("unbounded", "none", JobState.SUCCEEDED),
        ("error", "none", JobState.FAILED),
    ],
)
def test_how_the_solver_stopped_decides_the_state(
    bench: Bench, termination: str, solution: str, state: JobState
) -> None:
    job = bench.solved(f"end {termination} {solution}")
    assert (job.state, job.termination, job.solution) == (state, termination, solution)
    assert (job.failure is not None) == (state is JobState.FAILED)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no files in memory")
def test_a_solve_needs_no_room_on_any_disk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert bench.solved("solve").state is JobState.SUCCEEDED


def test_a_child_that_crashes_fails_with_the_signal_by_name(bench: Bench) -> None:
    job = bench.solved("die SIGABRT")
    assert job.failure is not None
    assert job.failure.code is FailureCode.CRASHED
    assert "SIGABRT" in job.failure.message


def test_a_child_that_ends_without_a_word_fails_with_its_exit_code(bench: Bench) -> None:
    job = bench.solved("exit 7")
    assert job.failure is not None
    assert "exit code 7" in job.failure.message


def test_a_failure_tells_the_planner_the_message_and_never_the_trace(bench: Bench) -> None:
    job = bench.solved("fail")
    with open_session(bench.database) as session:
        log = "\n".join(line.text for line in storage.read_events(session, job))
    assert job.failure is not None
    assert job.failure.message == "It broke."
    assert "Traceback" not in log + job.failure.message


def test_words_on_the_output_that_are_no_protocol_do_not_hurt(bench: Bench) -> None:
    assert bench.solved("babble").state is JobState.SUCCEEDED


def test_a_stop_keeps_the_best_plan(bench: Bench) -> None:
    job_id = bench.submit("wait-for-stop feasible")
    thread = bench.in_background()
    wait_until(lambda: bench.job(job_id).progress)
    assert bench.ask("stop", job_id)
    end(thread)
    job = bench.job(job_id)
    assert (job.state, job.termination, job.solution) == (JobState.SUCCEEDED, "interrupted", "feasible")


def test_a_stop_before_there_is_a_plan_cancels(bench: Bench) -> None:
    job_id = bench.submit("wait-for-stop none")
    thread = bench.in_background()
    wait_until(lambda: bench.job(job_id).state is JobState.RUNNING)
    bench.ask("stop", job_id)
    end(thread)
    assert bench.job(job_id).state is JobState.CANCELLED


def test_a_cancel_ends_a_child_that_does_not_listen(bench: Bench) -> None:
    job_id = bench.submit("hang")
    thread = bench.in_background()
    wait_until(lambda: bench.job(job_id).state is JobState.RUNNING)
    assert bench.ask("cancel", job_id)
    end(thread)
    job = bench.job(job_id)
    assert (job.state, job.failure) == (JobState.CANCELLED, None)


def test_a_job_cancelled_in_the_queue_is_never_started(bench: Bench) -> None:
    job_id = bench.submit("solve")
    bench.ask("cancel", job_id)
    bench.engine.run_pending()
    job = bench.job(job_id)
    assert (job.state, job.started_at) == (JobState.CANCELLED, None)


def test_an_ended_job_cannot_be_stopped_or_cancelled(bench: Bench) -> None:
    job = bench.solved("solve")
    assert not bench.ask("stop", job.id)
    assert not bench.ask("cancel", job.id)
    assert bench.job(job.id).state is JobState.SUCCEEDED


def test_a_solve_that_outlives_its_limit_and_margin_is_killed_and_timed_out(
    tmp_path: Path, fake: Callable[..., ChildSolver]
) -> None:
    job = Bench(tmp_path, fake(margin_s=0.3)).solved("hang", JobOptions(time_limit_s=0.1))
    assert (job.state, job.termination) == (JobState.TIMED_OUT, "time_limit")


@pytest.mark.parametrize(("own", "asked"), [(0.1, None), (None, None), (9e14, None), (None, 9e14)])
def test_so_is_one_whose_limit_stands_in_its_scenario_or_that_asks_for_more_than_any_solve_may_take(
    tmp_path: Path, fake: Callable[..., ChildSolver], own: float | None, asked: float | None
) -> None:
    bench = Bench(tmp_path, replace(fake(margin_s=0.3), longest_s=0.2))
    patches = [{"op": "set", "path": "solve.time_limit_s", "value": own}] if own else []
    with open_session(bench.database) as session:
        submission = Submission(scenarios.load(toy("hang"), patches), JobOptions(time_limit_s=asked))
        job_id = submission.submit(session, bench.engine).id
        session.commit()
    bench.engine.run_pending()
    assert (bench.job(job_id).state, bench.job(job_id).termination) == (JobState.TIMED_OUT, "time_limit")


def test_a_solve_that_holds_more_memory_than_it_may_is_ended_and_says_how_much_it_held(
    tmp_path: Path, fake: Callable[..., ChildSolver]
) -> None:
    job = Bench(tmp_path, fake(memory_mb=100)).solved("hoard 200")
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code is FailureCode.OUT_OF_MEMORY
    assert job.failure.peak_memory_mib is not None
    assert job.failure.peak_memory_mib > 100e6 / 2**20
    assert "95 MiB" in job.failure.message


def test_a_solve_within_its_memory_is_not_touched(tmp_path: Path, fake: Callable[..., ChildSolver]) -> None:
    assert Bench(tmp_path, fake(memory_mb=2000)).solved("solve").state is JobState.SUCCEEDED


def test_nothing_of_a_solve_is_left_in_the_folder_for_temporary_files(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    job_id = bench.submit("wait-for-stop feasible")
    thread = bench.in_background()
    wait_until(lambda: bench.job(job_id).progress)
    # Also while it runs, or a worker that is killed would leave it there.
    assert list(folder.iterdir()) == []
    bench.ask("stop", job_id)
    thread.join()
    assert bench.job(job_id).state is JobState.SUCCEEDED


def test_a_worker_that_stops_gives_its_job_back_as_the_next_attempt(bench: Bench) -> None:
    job_id = bench.submit("hang")
    thread = bench.in_background()
    wait_until(lambda: bench.job(job_id).state is JobState.RUNNING)
    bench.worker.stop()
    thread.join()
    job = bench.job(job_id)
    assert (job.state, job.attempt, job.started_at) == (JobState.QUEUED, 2, None)
    assert bench.engine.pending == [Attempt(job_id, 2)]


@dataclass
class Script:
    """A solver that runs a piece of test within an attempt."""

    act: object = None
    outcome: Outcome | None = None

    def __call__(self, work: Work, watch: Watch) -> Outcome:
        if callable(self.act):
            self.act(watch)
        return self.outcome or Outcome()


def test_a_late_result_of_a_lost_attempt_is_dropped(tmp_path: Path) -> None:
    script = Script(outcome=Outcome(solution=Solution.OPTIMAL, document_gzip=gzip.compress(b"{}")))
    bench = Bench(tmp_path, script)
    job_id = bench.submit("solve")

    def give_up(_watch: Watch) -> None:
        with open_session(bench.database) as session:
            assert reruns.requeue(session, bench.engine, Attempt(job_id, 1))
            session.commit()
        bench.worker.engine = InlineEngine()

    script.act = give_up
    bench.worker.handle(Attempt(job_id, 1))
    job = bench.job(job_id)
    assert (job.state, job.attempt, job.result_sha256) == (JobState.QUEUED, 2, None)


def test_a_lost_attempt_is_told_to_end_and_its_progress_is_not_recorded(tmp_path: Path) -> None:
    script = Script()
    bench = Bench(tmp_path, script)
    job_id = bench.submit("solve")
    wishes: list[Wish] = []

    def lose(watch: Watch) -> None:
        with open_session(bench.database) as session:
            reruns.requeue(session, bench.engine, Attempt(job_id, 1))
            session.commit()
        watch.progress(SolverProgress(phase="search", elapsed_s=1))
        wait_until(lambda: watch.wish() is Wish.KILL)
        wishes.append(watch.wish())

    script.act = lose
    bench.worker.handle(Attempt(job_id, 1))
    assert wishes == [Wish.KILL]
    assert bench.job(job_id).progress is None


def run_out(lease: Lease) -> None:
    """As if the lease had not been renewed for long."""
    lease._held_until = time.monotonic()


def test_when_the_lease_runs_out_the_solve_is_to_end_and_its_result_is_dropped(tmp_path: Path) -> None:
    script = Script(outcome=Outcome(solution=Solution.OPTIMAL, document_gzip=gzip.compress(b"{}")))
    bench = Bench(tmp_path, script)
    wishes: list[Wish] = []

    def lose(watch: Watch) -> None:
        wishes.append(watch.wish())
        run_out(bench.worker.lease)
        wishes.append(watch.wish())
        # Too late for what was begun before.
        bench.worker.lease.renew()
        wishes.append(watch.wish())

    script.act = lose
    job = bench.solved("solve")
    assert wishes == [Wish.GO_ON, Wish.KILL, Wish.KILL]
    assert (job.state, job.result_sha256) == (JobState.RUNNING, None)
    bench.worker.beat()
    assert (bench.job(job.id).state, bench.job(job.id).attempt) == (JobState.QUEUED, 2)


def test_an_attempt_that_comes_while_the_lease_has_run_out_is_not_begun_but_queued_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script())
    job_id = bench.submit("solve")
    run_out(bench.worker.lease)
    bench.worker.handle(bench.engine.pending.pop())
    assert (bench.job(job_id).state, bench.job(job_id).attempt) == (JobState.QUEUED, 1)
    bench.worker.beat()
    assert (bench.job(job_id).state, bench.job(job_id).attempt) == (JobState.QUEUED, 2)


class Outage:
    """Has the database be away for the next so many sessions of the worker."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        monkeypatch.setattr("lodeplan.service.workers.worker.open_session", self.open)
        monkeypatch.setattr("lodeplan.service.workers.worker._FIRST_PAUSE_S", 0.001)

    def open(self, database: sqlalchemy.Engine) -> Session:
        if self.left:
            self.left -= 1
            raise sqlalchemy.exc.OperationalError("select", {}, Exception("connection refused"))
        return open_session(database)


def test_a_result_is_recorded_once_a_database_that_was_away_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage(monkeypatch)
    script = Script(outcome=Outcome(solution=Solution.OPTIMAL, document_gzip=gzip.compress(b"{}")))

    def go_away(_watch: Watch) -> None:
        outage.left = 4

    script.act = go_away
    job = Bench(tmp_path, script).solved("solve")
    assert outage.left == 0
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1)


def test_a_result_is_recorded_once_a_full_disk_has_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lodeplan.service.workers.worker._FIRST_PAUSE_S", 0.001)
    script = Script(outcome=Outcome(solution=Solution.OPTIMAL, document_gzip=gzip.compress(os.urandom(1_000_000))))
    bench = Bench(tmp_path, script)
    job_id = bench.submit("solve")
    pages, told = [0], []

    @sqlalchemy.event.listens_for(bench.database, "checkout")
    def hold_to(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages[0] or 2**30}")

    def fill_up(_watch: Watch) -> None:
        with bench.database.connect() as connection:
            pages[0] = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def make_room(*_: object, **words: object) -> None:
        told.append(str(words["error"]))
        pages[0] = 0 if len(told) == 3 else pages[0]

    script.act = fill_up
    monkeypatch.setattr("lodeplan.service.workers.worker.log.warning", make_room)
    bench.engine.run_pending()
    assert len(told) == 3
    assert all("full" in error for error in told)
    assert (bench.job(job_id).state, bench.job(job_id).attempt) == (JobState.SUCCEEDED, 1)


def test_an_attempt_is_begun_once_a_database_that_was_away_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage(monkeypatch)
    bench = Bench(tmp_path, fake_solver())
    job_id = bench.submit("solve")
    outage.left = 4
    bench.engine.run_pending()
    assert (bench.job(job_id).state, bench.job(job_id).attempt) == (JobState.SUCCEEDED, 1)


def test_while_the_database_is_away_a_solve_goes_on_as_was_wanted_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage(monkeypatch)
    wishes: list[Wish] = []

    def ask(watch: Watch) -> None:
        wishes.append(watch.wish())
        outage.left = 2
        watch.progress(SolverProgress(phase="search", elapsed_s=1))
        wishes.append(watch.wish())

    job = Bench(tmp_path, Script(act=ask)).solved("solve")
    assert wishes == [Wish.GO_ON, Wish.GO_ON]
    # What could not be written then was written later.
    assert job.progress == SolverProgress(phase="search", elapsed_s=1)


def test_a_claim_that_was_committed_unheard_is_the_workers_own(bench: Bench) -> None:
    attempt = Attempt(bench.submit("solve"), 1)
    with open_session(bench.database) as session:
        assert attempts.start(session, attempt, "one")
        session.commit()
        assert attempts.start(session, attempt, "one")
        assert not attempts.start(session, attempt, "another")


def test_a_beat_that_breaks_off_does_not_end_the_worker(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(_now_s: float) -> None:
        raise RuntimeError("not foreseen")

    monkeypatch.setattr(bench.worker.reaper, "look", break_down)
    bench.worker.beat()
    assert bench.worker.lease.holds(bench.worker.lease.term)


def test_a_worker_that_stops_is_no_longer_listed(bench: Bench) -> None:
    with open_session(bench.database) as session:
        assert session.exec(select(WorkerRow.id)).all() == [bench.worker.lease.worker_id]
        bench.worker.stop()
        assert session.exec(select(WorkerRow.id)).all() == []


def test_progress_that_tells_less_keeps_the_numbers_told_before(tmp_path: Path) -> None:
    def tell(watch: Watch) -> None:
        watch.progress(SolverProgress(phase="search", elapsed_s=1, gap=0.25))
        watch.progress(SolverProgress(phase="check", elapsed_s=2))

    progress = Bench(tmp_path, Script(act=tell)).solved("solve").progress
    assert progress == SolverProgress(phase="check", elapsed_s=2, gap=0.25)


def test_an_error_in_the_worker_itself_fails_the_job(tmp_path: Path) -> None:
    def break_down(_watch: Watch) -> None:
        raise ValueError("not foreseen")

    job = Bench(tmp_path, Script(act=break_down)).solved("solve")
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code is FailureCode.INTERNAL_ERROR


def test_no_state_can_be_reached_from_one_that_has_ended() -> None:
    assert set(SOURCES) == set(JobState)
    assert not any(source.ended for sources in SOURCES.values() for source in sources)


def test_a_plan_solved_elsewhere_appears_as_a_finished_job(bench: Bench) -> None:
    solved = bench.solved("solve")
    with open_session(bench.database) as session:
        document = storage.read_document(session, solved)
        assert document is not None
        job = submissions.record_finished(session, toy("elsewhere"), document)
        session.commit()
        assert storage.read_document(session, job) == document
        assert storage.read_scenario(session, job) == toy("elsewhere")
    assert bench.job(job.id).state is JobState.SUCCEEDED
    assert bench.engine.pending == []


@pytest.mark.slow
def test_a_child_whose_worker_dies_ends_in_the_middle_of_its_solve(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.json"
    scenario.write_text(submissions.canonical_json(scenarios.load("us-2026-lite")))
    options = ["--kind", "solve", "--options", JobOptions(gap=0).model_dump_json()]
    command = [*CHILD, str(scenario), str(tmp_path / "result.json.gz"), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert b"started" in child.stdout.readline()
        assert b"progress" in child.stdout.readline()
        child.stdin.close()
        assert child.wait(timeout=20) == ORPHANED_EXIT_CODE


WORKER = """
import sys
from pathlib import Path
from lodeplan.schemas.jobs import JobOptions
from lodeplan.service.workers import child_process
from lodeplan.service.workers.child_process import HardLimits, Wish, Work
from lodeplan.service.workers.forks import ForkServer

class Watch:
    def wish(self): return Wish.GO_ON
    def progress(self, progress): print(progress.phase, flush=True)

start = child_process.subprocess.Popen.__init__
def tell(self, *arguments, **options):
    start(self, *arguments, **options)
    print(self.pid, flush=True)
child_process.subprocess.Popen.__init__ = tell
work = Work(Path(sys.argv[1]).read_bytes(), JobOptions(gap=0))
if sys.argv[2] == "forked":
    child_process.run_child(("/nowhere",), work, Watch(), HardLimits(), ForkServer())
else:
    child_process.run_child(child_process.CHILD, work, Watch(), HardLimits())
"""


def children_of(pid: int) -> list[int]:
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            _, parent, *_ = stat.read_text().rpartition(")")[2].split()
            children += [int(stat.parent.name)] if int(parent) == pid else []
    return children


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("phase", ["at once", "search"])
def test_a_child_is_gone_soon_after_its_worker_is_killed_also_while_it_imports(
    tmp_path: Path, phase: str, way: str
) -> None:
    """Where it is forked, so is the process that it came from."""
    scenario = tmp_path / "scenario.json.gz"
    scenario.write_bytes(compress(submissions.canonical_json(scenarios.load("us-2026-lite"))))
    with subprocess.Popen([sys.executable, "-c", WORKER, str(scenario), way], stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        child = int(worker.stdout.readline())
        if phase != "at once":
            assert any(line.strip().decode() == phase for line in worker.stdout)
        family = [child, *children_of(child)]
        assert len(family) == (2 if (phase, way) == ("search", "forked") else 1)
        assert not any(map(is_gone, family))
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    wait_until(lambda: all(map(is_gone, family)))
