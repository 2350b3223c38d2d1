"""Trouble of a machine is no job's fault: the attempt goes back to the queue, and its worker takes no more until its
children start again."""

import errno
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from job_service import DATABASES, FAKE_CHILD, WAYS, database_of, fake_solver, fake_solvers, toy, wait_until
from sqlmodel import Session, select
from test_worker import Bench

from lodeplan.schemas.jobs import FailureCode, JobOptions, JobState, JobTrouble
from lodeplan.service.engine import Attempt
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import attempts, reruns
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.storage import Job, WorkerRow, open_session, overview
from lodeplan.service.workers import child_process, forks
from lodeplan.service.workers.child_process import CHILD, child_environment, probe_child
from lodeplan.service.workers.child_solver import ChildSolver
from lodeplan.service.workers.fitness import Fitness
from lodeplan.service.workers.worker import Worker


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-c", code)


def no_handles(*_: object, **__: object) -> None:
    raise OSError(errno.EMFILE, "Too many open files")


def no_processes(*_: object, **__: object) -> None:
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


def no_memory_files(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def no_threads(*_: object, **__: object) -> None:
    raise RuntimeError("can't start new thread")


@pytest.fixture(params=WAYS)
def fake(request: pytest.FixtureRequest) -> Iterator[Callable[..., ChildSolver]]:
    with fake_solvers(request.param) as make:
        yield make


def without_a_probe(bench: Bench) -> Bench:
    """The watcher must not run beside what the test looks at."""
    bench.worker.fitness.first_pause_s = 600
    return bench


def is_given_back(bench: Bench, job: Job, *, began: bool) -> None:
    assert (job.state, job.attempt, job.lost_workers, job.failure) == (JobState.QUEUED, 2, 0, None)
    assert bench.engine.pending == [Attempt(job.id, 2)]
    assert job.troubles is not None
    (trouble,) = job.troubles.attempts
    assert (trouble.attempt, trouble.worker_id, trouble.began) == (1, bench.worker.lease.worker_id, began)
    assert bench.worker.trouble() == trouble.text


@pytest.mark.parametrize(
    ("where", "refuse"),
    [
        ("subprocess.Popen", no_handles),
        ("subprocess.Popen", no_processes),
        ("os.memfd_create", no_memory_files),
        ("os.memfd_create", no_handles),
        ("threading.Thread", no_threads),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_machine_that_refuses_a_process_what_it_needs_gives_the_attempt_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, where: str, refuse: Callable[..., None]
) -> None:
    with fake_solvers(way) as fake:
        bench = without_a_probe(Bench(tmp_path, fake()))
        for module in (child_process, forks):
            monkeypatch.setattr(module, where.partition(".")[0], Refusing(where, refuse))
        is_given_back(bench, bench.solved("solve"), began=False)


class Refusing:
    """A module of which one function refuses."""

    def __init__(self, where: str, refuse: Callable[..., None]) -> None:
        module, _, self._name = where.partition(".")
        self._module, self._refuse = sys.modules[module], refuse

    def __getattr__(self, name: str) -> Any:
        return self._refuse if name == self._name else getattr(self._module, name)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (python("raise SystemExit(3)"), "exit code 3"),
        (python("import nothing_of_that_name"), "No module named 'nothing_of_that_name'"),
        (python("import os; os.kill(os.getpid(), 11)"), "SIGSEGV"),
        (("/nowhere/python",), "No such file"),
    ],
)
def test_a_child_that_ends_before_its_first_word_gives_the_attempt_back(
    tmp_path: Path, command: tuple[str, ...], says: str
) -> None:
    bench = without_a_probe(Bench(tmp_path, ChildSolver(60, command)))
    is_given_back(bench, bench.solved("solve"), began=False)
    assert says in str(bench.worker.trouble())


def test_a_child_that_says_nothing_for_long_gives_the_attempt_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "START_S", 0.2)
    bench = without_a_probe(Bench(tmp_path, ChildSolver(60, python("import time; time.sleep(60)"))))
    is_given_back(bench, bench.solved("solve"), began=False)


def test_packages_that_are_gone_in_mid_solve_give_the_attempt_back(tmp_path: Path) -> None:
    child = (
        "import sys\n"
        "from lodeplan.service import kinds\n"
        "from lodeplan.service.workers import child\n"
        "class Gone(kinds.Kind):\n"
        "    def load_run(self): import nothing_of_that_name\n"
        "kinds.KINDS['solve'] = Gone('solve', kinds.JobRequest, 'gone:gone')\n"
        "child.main()\n"
    )
    bench = without_a_probe(Bench(tmp_path, ChildSolver(60, python(child))))
    is_given_back(bench, bench.solved("solve"), began=True)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGHUP", "SIGBUS"])
def test_a_child_that_somebody_else_ends_gives_the_attempt_back(
    tmp_path: Path, fake: Callable[..., ChildSolver], name: str
) -> None:
    bench = without_a_probe(Bench(tmp_path, fake()))
    is_given_back(bench, bench.solved(f"die {name}"), began=True)


def test_its_next_attempt_succeeds(tmp_path: Path, fake: Callable[..., ChildSolver]) -> None:
    bench = Bench(tmp_path, fake())
    bench.worker.fitness.first_pause_s = 0.01
    job = bench.solved(f"die-once SIGKILL {tmp_path / 'mark'}")
    wait_until(lambda: bench.worker.trouble() is None)
    bench.engine.run_pending()
    assert (bench.job(job.id).state, bench.job(job.id).attempt) == (JobState.SUCCEEDED, 2)


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGFPE"])
def test_a_crash_of_the_solver_is_the_jobs_own_end(tmp_path: Path, fake: Callable[..., ChildSolver], name: str) -> None:
    bench = Bench(tmp_path, fake())
    job = bench.solved(f"die {name}")
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code is FailureCode.CRASHED
    assert bench.worker.trouble() is None


def test_a_solve_beyond_its_own_memory_is_the_jobs_own_end(tmp_path: Path, fake: Callable[..., ChildSolver]) -> None:
    bench = Bench(tmp_path, fake(memory_mb=100))
    job = bench.solved("hoard 200")
    assert job.failure is not None
    assert job.failure.code is FailureCode.OUT_OF_MEMORY
    assert bench.worker.trouble() is None


def give_back(bench: Bench, job_id: str, worker_id: str, *, began: bool) -> JobState | None:
    with open_session(bench.database) as session:
        attempt = Attempt(job_id, bench.job(job_id).attempt)
        assert attempts.start(session, attempt, worker_id)
        trouble = JobTrouble(attempt=attempt.number, worker_id=worker_id, began=began, text="It was killed.")
        state = reruns.give_back(session, bench.engine, attempt, trouble)
        session.commit()
        return state


@pytest.mark.parametrize(
    ("workers", "began", "most"),
    [(["a", "b", "c"], True, 3), (["a"] * 9, True, 5), (["a", "b", "c", "d"] * 9, False, 20)],
)
def test_a_job_that_never_gets_through_on_any_machine_ends_one_day(
    tmp_path: Path, workers: list[str], began: bool, most: int
) -> None:
    bench = Bench(tmp_path, fake_solver())
    job_id = bench.submit("solve")
    for number, worker in enumerate(workers[:most], start=1):
        expected = JobState.FAILED if number == most else JobState.QUEUED
        assert give_back(bench, job_id, worker, began=began) is expected
    job = bench.job(job_id)
    assert job.failure is not None
    assert job.failure.code is FailureCode.MACHINE_TROUBLE
    assert "It was killed." in job.failure.message


def test_a_job_that_was_to_be_cancelled_is_cancelled_by_trouble(tmp_path: Path) -> None:
    bench = without_a_probe(Bench(tmp_path, ChildSolver(60, python("import time; time.sleep(1)"))))
    job_id = bench.submit("solve")
    thread = bench.in_background()
    wait_until(lambda: bench.job(job_id).state is JobState.RUNNING)
    bench.ask("cancel", job_id)
    thread.join(40)
    assert bench.job(job_id).state is JobState.CANCELLED
    assert bench.engine.pending == []


class Probe:
    """A probe that fails as long as it is told to."""

    def __init__(self) -> None:
        self.count, self.broken = 0, True

    def __call__(self) -> None:
        self.count += 1
        if self.broken:
            raise OSError("still broken")


def test_a_worker_in_trouble_takes_no_more_jobs_until_a_probe_succeeds(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ChildSolver(60, python("raise SystemExit(3)")))
    probe = Probe()
    bench.worker.fitness.probe, bench.worker.fitness.first_pause_s = probe, 0.01
    waiting = [bench.submit("solve") for _ in range(5)]
    bench.engine.run_pending()
    wait_until(lambda: probe.count >= 3)
    assert [bench.job(job_id).attempt for job_id in waiting] == [2, 1, 1, 1, 1]
    bench.worker.solve = fake_solver()
    probe.broken = False
    wait_until(lambda: bench.worker.trouble() is None)
    bench.engine.run_pending()
    assert {bench.job(job_id).state for job_id in waiting} == {JobState.SUCCEEDED}


def test_pauses_grow_also_where_probes_succeed_and_are_short_again_after_a_success() -> None:
    fitness = Fitness(lambda: None, first_pause_s=0.001)
    pauses = []
    for _ in range(4):
        fitness.note_trouble("killed")
        pauses.append(fitness._pause_s)
        wait_until(lambda: fitness.trouble is None)
    fitness.note_success()
    fitness.note_trouble("killed")
    assert pauses == pytest.approx([0.001, 0.002, 0.004, 0.008])
    assert fitness._pause_s == pytest.approx(0.001)


def test_others_learn_of_the_trouble_from_the_database(tmp_path: Path) -> None:
    bench = without_a_probe(Bench(tmp_path, ChildSolver(60, python("raise SystemExit(3)"))))
    bench.solved("solve")
    bench.worker.beat()
    with open_session(bench.database) as session:
        assert overview.count_troubled_workers(session) == 1
        assert session.exec(select(WorkerRow.trouble)).one() == bench.worker.trouble()


def test_a_probe_starts_a_child_and_tells_when_it_does_not() -> None:
    probe_child(FAKE_CHILD)
    with pytest.raises(OSError, match="exit code 3"):
        probe_child(python("raise SystemExit(3)"))


@pytest.mark.parametrize("paths", ["", ":", ".:", "relative"])
def test_a_child_takes_no_module_from_the_folder_the_worker_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: str
) -> None:
    for name in ("lodeplan", "schemas", "numpy", "json"):
        for folder in (tmp_path, tmp_path / "relative"):
            (folder / name).mkdir(parents=True)
            (folder / name / "__init__.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", paths)
    command = [*CHILD[:-2], "-c", "import json, numpy, lodeplan.schemas; print(lodeplan.__file__)"]
    ran = subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=True)
    assert str(tmp_path) not in ran.stdout


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    with database_of(request.param, tmp_path) as database:
        yield database


def test_an_engine_takes_nothing_from_the_queue_while_it_may_not(database: Any) -> None:
    engine, got, may_take = DbosEngine(database), [], threading.Event()
    engine.prepare()
    may_take.set()
    engine.start_worker(lambda attempt: got.append(attempt), 2, "worker", may_take.is_set)
    try:
        may_take.clear()
        # One poll may be under way.
        threading.Event().wait(0.6)
        with open_session(database) as session:
            engine.enqueue(session, Attempt("later", 1))
            session.commit()
        threading.Event().wait(1)
        assert got == []
        may_take.set()
        wait_until(lambda: got == [Attempt("later", 1)])
    finally:
        engine.stop(5)
        engine.close()


def test_of_many_jobs_beside_a_broken_worker_all_succeed(database: Any) -> None:
    """The broken worker stands for another process: it takes what comes first, and then no more."""
    healthy, broken = DbosEngine(database), InlineEngine()
    healthy.prepare()
    troubled = Worker(database, broken, ChildSolver(60, python("raise SystemExit(3)")))
    troubled.start(slots=1)
    with open_session(database) as session:
        ids = [Submission(toy("solve"), JobOptions()).submit(session, healthy).id for _ in range(12)]
        session.commit()
    broken.pending = [Attempt(job_id, 1) for job_id in ids[:3]]
    troubled.engine = Both(broken, healthy)
    broken.run_pending()
    assert troubled.trouble() is not None
    assert len(broken.pending) == 2
    worker = Worker(database, healthy, fake_solver())
    worker.start(slots=2)
    try:
        wait_until(lambda: all(state is JobState.SUCCEEDED for state in states_of(database)), patience_s=60)
    finally:
        worker.stop()
        healthy.close()
        troubled.fitness.stop()


class Both:
    """The engine of the broken worker, which gives back to the queue of all."""

    def __init__(self, own: InlineEngine, shared: DbosEngine) -> None:
        self._own, self._shared = own, shared

    def enqueue(self, session: Session, attempt: Attempt, *position: Any) -> None:
        self._shared.enqueue(session, attempt, *position)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


def states_of(database: Any) -> list[JobState]:
    with open_session(database) as session:
        return [JobState(state) for state in session.exec(select(Job.state)).all()]
