"""A solve uses no more threads than its slot has, whatever its scenario asks for."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy
from child_here import run_child_here
from job_service import WAYS, fake_solver, fake_solvers, new_database, toy
from sqlmodel import select
from test_worker import Bench

from lodeplan import scenarios
from lodeplan.schemas import SolverProgress
from lodeplan.schemas.jobs import JobOptions, JobState
from lodeplan.service.children import ONE_THREAD, environment_of_child
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import submissions
from lodeplan.service.kinds import Answer, Task
from lodeplan.service.packing import compress
from lodeplan.service.settings import Settings
from lodeplan.service.storage import JobEvent, open_session
from lodeplan.service.workers import child_solver, runs
from lodeplan.service.workers.child_process import Watch, Wish, Work
from lodeplan.service.workers.child_solver import ChildSolver
from lodeplan.service.workers.worker import make_worker


class Patience(Watch):
    def wish(self) -> Wish:
        return Wish.GO_ON

    def progress(self, progress: SolverProgress) -> None:
        pass


@pytest.fixture(params=WAYS)
def fake(request: pytest.FixtureRequest) -> Iterator[Callable[..., ChildSolver]]:
    with fake_solvers(request.param) as make:
        yield make


def asking(threads: int | None) -> list[dict[str, object]]:
    return [{"op": "set", "path": "solve.threads", "value": threads}] if threads else []


def work_asking(threads: int | None) -> Work:
    scenario = scenarios.load("golden-toy", asking(threads))
    return Work(compress(submissions.canonical_json(scenario)), JobOptions())


@pytest.mark.parametrize(("asked", "slot", "used"), [(None, 4, None), (1, 4, 1), (4, 4, 4), (8, 4, 4), (256, 1, 1)])
def test_a_solve_uses_what_it_asks_for_up_to_what_its_slot_has(
    asked: int | None, slot: int, used: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int | None] = []
    solve = runs.solve

    def watched(task: Task) -> Answer:
        seen.append(task.scenario.solve.threads)
        return solve(task)

    monkeypatch.setattr(runs, "solve", watched)
    monkeypatch.setattr(child_solver, "run_child", lambda *arguments: run_child_here(*arguments[:4]))
    outcome = ChildSolver(60, threads=slot)(work_asking(asked), Patience())
    assert seen == [used]
    assert outcome.objective_kusd == pytest.approx(5172.157434)
    # It answers the question that was asked.
    asked_hash = scenarios.load("golden-toy", asking(asked)).content_hash()
    assert outcome.scenario_hash == asked_hash
    assert json.loads(gzip.decompress(outcome.document_gzip or b""))["summary"]["scenario_hash"] == asked_hash


def test_threads_are_no_part_of_the_question() -> None:
    plain = scenarios.load("golden-toy")
    assert scenarios.load("golden-toy", asking(8)).content_hash() == plain.content_hash()


def test_a_child_is_told_its_threads_and_its_libraries_start_none(
    fake: Callable[..., ChildSolver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    solver = fake()
    solver.threads = 3
    work = Work(compress(submissions.canonical_json(toy("tell"))), JobOptions())
    failure = solver(work, Patience()).failure
    assert failure is not None
    told = json.loads(failure.message)
    assert told["arguments"][-2:] == ["--threads", "3"]
    assert {name: told["environment"].get(name) for name in ONE_THREAD} == ONE_THREAD


def test_so_do_those_of_every_other_child() -> None:
    given = {
        "OMP_NUM_THREADS": "8",
        "HOME": "/",
        "LODEPLAN_DATABASE_URL": "postgresql://me:secret@here/x",
        "PGPASSWORD": "x",
    }
    assert environment_of_child(given) == {"HOME": "/", **ONE_THREAD}


def lines_of(bench: Bench, job_id: str) -> list[str]:
    with open_session(bench.database) as session:
        return [str(event.text) for event in session.exec(select(JobEvent).where(JobEvent.job_id == job_id))]


@pytest.mark.parametrize(("asked", "is_told"), [(None, False), (1, False), (2, False), (8, True)])
def test_the_log_of_a_job_names_both_numbers_where_it_asks_for_more(
    tmp_path: Path, asked: int | None, is_told: bool
) -> None:
    solver = fake_solver()
    solver.threads = 2
    bench = Bench(tmp_path, solver)
    with open_session(bench.database) as session:
        scenario = scenarios.load(toy("solve"), asking(asked))
        job = submissions.Submission(scenario, JobOptions()).submit(session, bench.engine)
        session.commit()
        job_id = job.id
    bench.engine.run_pending()
    assert bench.job(job_id).state is JobState.SUCCEEDED
    lines = lines_of(bench, job_id)
    found = [line for line in lines if "LODEPLAN_SLOT_THREADS" in line]
    assert len(found) == is_told
    if is_told:
        assert "asks for 8 threads" in found[0]
        assert "a slot here has 2" in found[0]
        assert lines.index("Started, attempt 1.") < lines.index(found[0]) < len(lines) - 1


def test_the_setting_reaches_the_solves(tmp_path: Path) -> None:
    database: sqlalchemy.Engine = new_database(tmp_path)
    for settings in (Settings(), Settings(slot_threads=5)):
        solver = make_worker(database, InlineEngine(), settings).solve
        assert isinstance(solver, ChildSolver)
        assert solver.threads == settings.slot_threads
        solver.close()
    assert Settings().slot_threads == 1
