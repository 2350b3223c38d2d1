"""The workers of a campaign, in processes of their own on one database, and the jobs they get."""

import multiprocessing
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlmodel import col, select

from benchmarks.service import member
from benchmarks.service.member import Orders
from lodeplan import scenarios
from lodeplan.schemas.jobs import JobOptions, JobState
from lodeplan.service import storage
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Job, JobEvent, WorkerRow, open_session
from lodeplan.service.workers.fork_server import FORK_NAME

PATIENCE_S = 120.0
_SHUTDOWN_S = 30.0


@contextmanager
def new_database(url: str, folder: Path) -> Iterator[sqlalchemy.Engine]:
    """A new database, gone afterwards: a file in the folder, or one beside that of a PostgreSQL URL."""
    if not url:
        database = storage.open_database(f"sqlite:///{folder / 'campaign.db'}")
        storage.migrate(database)
        yield database
        database.dispose()
        return
    given = sqlalchemy.make_url(Settings(database_url=url).sqlalchemy_url)
    name = f"lodeplan_campaign_{uuid.uuid4().hex}"
    server = sqlalchemy.create_engine(given, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sqlalchemy.text(f"create database {name}"))
    database = storage.open_database(given.set(database=name).render_as_string(hide_password=False))
    try:
        storage.migrate(database)
        yield database
    finally:
        database.dispose()
        with server.connect() as connection:
            connection.execute(sqlalchemy.text(f"drop database {name} with (force)"))


def plain_url(database: sqlalchemy.Engine) -> str:
    """Its address as a setting."""
    url = database.url
    url = url if database.dialect.name == "sqlite" else url.set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


@dataclass
class Crew:
    """Worker processes that can be killed, and what the database says about their jobs."""

    database: sqlalchemy.Engine
    lease_s: float
    log_file: str = os.devnull
    members: list[BaseProcess] = field(default_factory=list)
    job_ids: list[str] = field(default_factory=list)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __enter__(self) -> "Crew":
        self.engine = DbosEngine(self.database)
        self.engine.prepare()
        self._kind = multiprocessing.get_context("forkserver")
        # Members begin as copies of a process that has imported everything, and need no seconds for it.
        self._kind.set_forkserver_preload([member.__name__])
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.members:
            if process.pid and process.exitcode is None:
                os.kill(process.pid, signal.SIGCONT)
                process.terminate()
        for process in self.members:
            process.join(_SHUTDOWN_S)
            process.kill()
        self.engine.stop(0)

    def hire(self, **wanted: Any) -> BaseProcess:
        """Start a member with these of its `Orders`, and wait until it holds a lease."""
        url = self.database.url.render_as_string(hide_password=False)
        orders = Orders(url, self.lease_s, self.mark, log_file=self.log_file, **wanted)
        process = self._kind.Process(target=member.run, args=(orders,))
        process.start()
        self.members.append(process)
        self.wait_until(lambda: process.exitcode is not None or self.worker_id_of(process))
        return process

    def fire(self, process: BaseProcess) -> float:
        """Kill a member with no chance to say a word; the moment."""
        killed_at = time.time()
        process.kill()
        process.join()
        self.members.remove(process)
        return killed_at

    def bury(self, process: BaseProcess, patience_s: float = PATIENCE_S) -> float:
        """Wait until a member that was told to die has died; the moment."""
        process.join(patience_s)
        if process.exitcode is None:
            raise TimeoutError("a member did not come to the point at which it was to die")
        self.members.remove(process)
        return time.time()

    def submit(self, build_s: float, search_s: float) -> str:
        """A job that a stand-in passes this time with."""
        task = [{"op": "set", "path": "description", "value": f"work {build_s} {search_s}"}]
        return self.submit_scenario("golden-toy", task)

    def submit_scenario(self, name: str, patches: list[dict[str, Any]] | None = None) -> str:
        """A job that solves a scenario."""
        with open_session(self.database) as session:
            scenario = scenarios.load(name, patches or [])
            job = Submission(scenario, JobOptions()).submit(session, self.engine)
            session.commit()
        self.job_ids.append(job.id)
        return job.id

    def job(self, job_id: str) -> Job:
        """The job's row now."""
        with open_session(self.database) as session:
            return session.exec(select(Job).where(Job.id == job_id)).one()

    def worker_id_of(self, process: BaseProcess) -> str | None:
        """The id of a member's lease."""
        with open_session(self.database) as session:
            return session.exec(select(WorkerRow.id).where(WorkerRow.pid == process.pid)).first()

    def member_of(self, job_id: str) -> BaseProcess:
        """The member that runs a job."""
        with open_session(self.database) as session:
            query = select(WorkerRow.pid).join(Job, col(Job.worker_id) == col(WorkerRow.id))
            pid = session.exec(query.where(Job.id == job_id)).one()
        return next(process for process in self.members if process.pid == pid)

    def started_at(self, job_id: str, attempt: int) -> float | None:
        """When an attempt began to run, seconds since 1970."""
        with open_session(self.database) as session:
            query = select(JobEvent.at).where(JobEvent.job_id == job_id, JobEvent.state == JobState.RUNNING)
            found = session.exec(query.where(JobEvent.attempt == attempt)).first()
        return found.timestamp() if found else None

    def wait_for_phase(self, job_id: str, phase: str) -> Job:
        """Wait until a job runs and is in this phase of its solve."""

        def look() -> Job | None:
            job = self.job(job_id)
            if job.state.ended:
                raise RuntimeError(f"job {job_id} ended as {job.state} before its phase {phase}: {job.failure}")
            return job if job.progress and job.progress.phase == phase else None

        return self.wait_until(look)

    def wait_for_end(self, patience_s: float = PATIENCE_S) -> None:
        """Wait until every job has ended, or patience has."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            with open_session(self.database) as session:
                states = session.exec(select(Job.state)).all()
            if all(JobState(state).ended for state in states):
                return
            time.sleep(0.2)

    def wait_until(self, condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
        """The first true answer."""
        deadline = time.monotonic() + patience_s
        while not (answer := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError("it did not happen in time")
            time.sleep(0.02)
        return answer

    def children(self) -> list[int]:
        """Solving children of this campaign that live, by process id (Linux)."""
        return [
            pid
            for pid, name, command in self._processes()
            if "stand_in.py" in command or "lodeplan.service.workers.child" in command or name == FORK_NAME
        ]

    def servers(self) -> list[int]:
        """Fork servers of this campaign that live, by process id (Linux)."""
        return [
            pid
            for pid, name, command in self._processes()
            if ("stand_in_server.py" in command or "fork_server" in command) and name != FORK_NAME
        ]

    def _processes(self) -> Iterator[tuple[int, str, str]]:
        """Id, name and command of each process of this campaign that has not ended."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                ours = f"LODEPLAN_CAMPAIGN={self.mark}".encode() in (folder / "environ").read_bytes()
                name = (folder / "comm").read_text().strip()
                command = (folder / "cmdline").read_bytes().decode(errors="replace")
                ended = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if ours and not ended:
                yield int(folder.name), name, command


def report_progress(done: int, wanted: int, what: str) -> None:
    """One rewritten line on a terminal, and a line now and then elsewhere."""
    end = "\r" if sys.stderr.isatty() else "\n"
    if sys.stderr.isatty() or done % 10 == 0 or done == wanted:
        print(f"{done}/{wanted} {what}", end=end, file=sys.stderr, flush=True)
