"""How real processes end when they are told to: no job is lost, and none that could finish is begun anew."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import sqlalchemy
from job_service import DATABASES, database_of, toy, wait_until
from running import answers, free_port, lodeplan

from lodeplan.schemas.jobs import JobOptions, JobState
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.storage import Job, open_session
from lodeplan.service.workers.shutdown import Shutdown


@dataclass
class House:
    """A database, and processes over it."""

    database: sqlalchemy.Engine
    folder: Path
    port: int = field(default_factory=free_port)

    def environment(self, **more: str) -> dict[str, str]:
        url = self.database.url.render_as_string(hide_password=False).replace("+psycopg", "")
        return {"LODEPLAN_DATABASE_URL": url, "LODEPLAN_SLOTS": "1", **more}

    def submit(self, task: str) -> str:
        engine = DbosEngine(self.database)
        engine.prepare()
        with open_session(self.database) as session:
            job = Submission(toy(task), JobOptions()).submit(session, engine)
            session.commit()
        engine.close()
        return job.id

    def job(self, job_id: str) -> Job:
        with open_session(self.database) as session:
            job = session.get(Job, job_id)
            assert job
            return job

    def running(self, task: str) -> str:
        job_id = self.submit(task)
        wait_until(lambda: self.job(job_id).progress, patience_s=60)
        return job_id


@pytest.fixture(params=DATABASES)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with database_of(request.param, tmp_path) as database:
        yield House(database, tmp_path)


@pytest.mark.slow
def test_a_server_told_to_end_finishes_what_runs_takes_nothing_new_and_says_so(house: House) -> None:
    url = f"http://127.0.0.1:{house.port}"
    environment = house.environment(LODEPLAN_DRAIN_S="60")
    with lodeplan("serve", "--port", str(house.port), log=house.folder / "log", **environment) as process:
        wait_until(lambda: answers(f"{url}/readyz"), patience_s=60)
        runs = house.running("solve-after 4")
        waits = house.submit("solve")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(f"{url}/readyz").status_code == 503)
        assert "shutting down" in httpx.get(f"{url}/readyz").json()["detail"]
        assert httpx.get(f"{url}/api/v1/jobs/{runs}").json()["state"] == "running"
        assert "lodeplan_draining 1.0" in httpx.get(f"{url}/metrics").text
        late = httpx.post(f"{url}/api/v1/jobs", json={"scenario": "golden-toy"})
        assert late.status_code == 202
        assert process.wait(timeout=60) == 0
    assert (house.job(runs).state, house.job(runs).attempt) == (JobState.SUCCEEDED, 1)
    for job_id in (waits, late.json()["id"]):
        assert (house.job(job_id).state, house.job(job_id).attempt) == (JobState.QUEUED, 1)


@pytest.mark.slow
def test_a_worker_gives_back_what_outlasts_the_drain_and_another_solves_it(house: House) -> None:
    environment = house.environment(LODEPLAN_DRAIN_S="1")
    with lodeplan("worker", log=house.folder / "log", **environment) as process:
        job_id = house.running("hang")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    job = house.job(job_id)
    assert (job.state, job.attempt, job.lost_workers) == (JobState.QUEUED, 2, 0)
    with lodeplan("worker", log=house.folder / "log", **environment):
        wait_until(lambda: house.job(job_id).state is JobState.RUNNING, patience_s=60)


@pytest.mark.slow
def test_a_second_signal_ends_the_wait(house: House) -> None:
    with lodeplan("worker", log=house.folder / "log", **house.environment(LODEPLAN_DRAIN_S="3600")) as process:
        job_id = house.running("hang")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: "draining" in (house.folder / "log").read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert (house.job(job_id).state, house.job(job_id).attempt) == (JobState.QUEUED, 2)


@pytest.mark.slow
def test_a_worker_answers_for_its_metrics_where_it_is_told_to(house: House) -> None:
    environment = house.environment(LODEPLAN_METRICS_PORT=str(house.port))
    with lodeplan("worker", log=house.folder / "log", **environment):
        job_id = house.running("hang")
        text = httpx.get(f"http://127.0.0.1:{house.port}/metrics").text
    assert "lodeplan_worker_slots_busy 1.0" in text
    assert job_id not in text


def test_each_signal_takes_the_next_step() -> None:
    steps: list[str] = []
    shutdown = Shutdown(lambda: steps.append("begin"), lambda: steps.append("hurry"))
    shutdown(15, None)
    wait_until(lambda: steps == ["begin"])
    shutdown(2, None)
    wait_until(lambda: steps == ["begin", "hurry"])


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_a_signal_that_the_system_gives_to_another_thread_is_heard() -> None:
    """Python handles it in the main thread alone, which may be waiting."""
    program = """
import signal, threading, time
from lodeplan.service.workers.shutdown import Shutdown

shutdown = Shutdown(lambda: print("told"), lambda: None)
shutdown.listen()
other = threading.Thread(target=time.sleep, args=(3600,), daemon=True)
other.start()
threading.Timer(0.5, lambda: signal.pthread_kill(other.ident, signal.SIGTERM)).start()
shutdown.wait()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "told\n"


def test_the_handler_of_a_signal_waits_for_no_lock() -> None:
    """It runs in the thread that it interrupts, which may hold the same."""
    lock, steps = threading.Lock(), list[str]()

    def begin() -> None:
        with lock:
            steps.append("begin")

    shutdown = Shutdown(begin, lambda: None)
    with lock:
        handler = threading.Thread(target=shutdown, args=(15, None), daemon=True)
        handler.start()
        handler.join(10)
        assert not handler.is_alive()
    wait_until(lambda: steps == ["begin"])
