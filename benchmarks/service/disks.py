"""Fill the disk of the database in the middle of solves, ask for more, make room again, and see what became of it all.

python -m benchmarks.service.disks [--times 10] [--lease-s 15] [--full-s 4] [--postgresql]

On a small disk in memory, made for the purpose: that needs Linux and the right to mount. The database is a SQLite file
there or, with --postgresql, all of a server (needs `initdb` and `pg_ctl`), which every other time also runs out of log,
ends itself for that, and is started again. What the workers log, and their temporary files, are on that disk too. Full
for longer than a lease, the workers give up what they solve, and it is run again.
"""

import argparse
import contextlib
import errno
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy
from sqlmodel import col, func, select

from benchmarks.service.audit import Verdict, audit
from benchmarks.service.cluster import Cluster
from benchmarks.service.crew import Crew, new_database, plain_url, report_progress
from benchmarks.service.outages import Api
from lodeplan.service import storage
from lodeplan.service.settings import Settings
from lodeplan.service.storage import OUTAGES, Job, JobEvent, JobInput, JobResult, open_session

MEMBERS, SLOTS, JOBS = 2, 2, 3
BUILD_S, SEARCH_S = 0.5, 2.5
SQLITE_MB, POSTGRESQL_MB = 16, 160
ASK_EVERY_S = 0.1
CONFIGURED = ("--wal-segsize", "1")
"""A log in small files, so that the disk may be small."""


class SmallDisk:
    """A disk in memory that can be filled to the last byte; gone afterwards."""

    def __init__(self, size_mb: int) -> None:
        self._size_mb = size_mb

    def __enter__(self) -> "SmallDisk":
        self.folder = Path(tempfile.mkdtemp(prefix="lodeplan-disk-"))
        options = f"size={self._size_mb}m,mode=755"
        try:
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(self.folder)], check=True)
        except (OSError, subprocess.CalledProcessError):
            self.folder.rmdir()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # Lazily: a process may still be about to end.
        subprocess.run(["umount", "-l", str(self.folder)], check=True)
        self.folder.rmdir()

    def fill(self) -> None:
        """Leave no room."""
        with (self.folder / "filler").open("ab", buffering=0) as file:
            for size in (2**20, 2**12, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self) -> None:
        """Make room again."""
        (self.folder / "filler").unlink(missing_ok=True)


def can_mount() -> bool:
    """Whether small disks can be made here."""
    try:
        with SmallDisk(1):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@dataclass
class Disks:
    """A disk that is full now and then, and what was said and done meanwhile."""

    crew: Crew
    api: Api
    disk: SmallDisk
    cluster: Cluster | None = None
    refused: Counter[str] = field(default_factory=Counter)
    """What the API said to those who wanted a job while the disk was full."""
    answers: Counter[str] = field(default_factory=Counter)
    """What it said to all others then."""
    times_s: list[float] = field(default_factory=list)
    """From room to the end of all jobs."""
    restarts: int = 0

    def one(self, full_s: float, *, use_up_log: bool = False) -> str:
        """Fill the disk for so long while jobs run, and ask for more; with a server its log may need a new file. The
        id of one that ran."""
        first, *_ = [self.crew.submit(BUILD_S, SEARCH_S) for _ in range(JOBS)]
        self.crew.wait_for_phase(first, "search")
        self.disk.fill()
        until = time.monotonic() + full_s
        while time.monotonic() < until:
            if use_up_log:
                self._use_up_log()
            self._ask(first)
            # What was given back by others, such as the database's own files.
            self.disk.fill()
            time.sleep(ASK_EVERY_S)
        self.disk.free()
        if self.cluster and not self._is_back():
            self.cluster.start()
            self.restarts += 1
        room_at = time.monotonic()
        self.crew.wait_until(self._has_ended)
        self.times_s.append(time.monotonic() - room_at)
        return first

    def _use_up_log(self) -> None:
        """Have the server begin a new file of its log, which it ends for when it cannot."""
        with contextlib.suppress(*OUTAGES), self.crew.database.begin() as connection:
            connection.exec_driver_sql("select pg_logical_emit_message(true, 'filler', repeat('x', 100000))")
            connection.exec_driver_sql("select pg_switch_wal()")

    def _ask(self, job_id: str) -> None:
        said, taken_in = self.api.submit(0.1, 0.2)
        self.refused[said] += 1
        if taken_in:
            self.crew.job_ids.append(taken_in)
        self.answers.update(self.api.answers(job_id))

    def _is_back(self) -> bool:
        """Whether the server lives, or comes to life by itself."""
        assert self.cluster
        while self.cluster.is_running():
            try:
                with open_session(self.crew.database) as session:
                    session.exec(select(Job.id).limit(1)).first()
                return True
            except OUTAGES:
                time.sleep(0.2)
        return False

    def _has_ended(self) -> bool:
        try:
            return all(self.crew.job(job_id).state.ended for job_id in self.crew.job_ids)
        except OUTAGES:
            return False

    def halves(self) -> list[str]:
        """Jobs that were written in part."""
        with open_session(self.crew.database) as session:
            whole = select(JobInput.job_id).join(JobEvent, col(JobEvent.job_id) == col(JobInput.job_id))
            partial = select(Job.id).where(col(Job.id).not_in(whole))
            orphaned = select(JobInput.job_id).where(col(JobInput.job_id).not_in(select(Job.id)))
            planless = select(JobResult.job_id).where(col(JobResult.job_id).not_in(select(Job.id)))
            return [str(found) for query in (partial, orphaned, planless) for found in session.exec(query)]

    def unasked(self) -> int:
        """Jobs that were taken in although the client heard no yes."""
        with open_session(self.crew.database) as session:
            return session.exec(select(func.count()).select_from(Job)).one() - len(self.crew.job_ids)

    def is_honest(self) -> bool:
        """Whether everybody was told what is true: a job is taken in or there is no room."""
        said = set(self.refused) | set(self.answers)
        return said <= {"200", "202", "503 database-unavailable", "503 not-ready"} and any(
            what.startswith("503") for what in self.refused
        )


@contextlib.contextmanager
def sqlite_on(disk: SmallDisk) -> Iterator[tuple[sqlalchemy.Engine, None]]:
    """A new SQLite file there."""
    with new_database("", disk.folder) as database:
        yield database, None


@contextlib.contextmanager
def server_on(disk: SmallDisk) -> Iterator[tuple[sqlalchemy.Engine, Cluster]]:
    """A new PostgreSQL server with all its files there."""
    with Cluster(disk.folder, *CONFIGURED) as cluster:
        database = storage.open_database(Settings(database_url=cluster.url).sqlalchemy_url)
        storage.migrate(database)
        yield database, cluster
        database.dispose()


@contextlib.contextmanager
def working_on(kind: str, lease_s: float, log_file: str = "") -> Iterator[Disks]:
    """A crew and an API whose database, of this kind (sqlite, postgresql), is on a disk that can be filled."""
    size_mb, database_on = (SQLITE_MB, sqlite_on) if kind == "sqlite" else (POSTGRESQL_MB, server_on)
    with (
        SmallDisk(size_mb) as disk,
        database_on(disk) as (database, cluster),
        Crew(database, lease_s, log_file or str(disk.folder / "log")) as crew,
    ):
        api = Api(plain_url(database), Path(crew.log_file))
        try:
            for _ in range(MEMBERS):
                crew.hire(slots=SLOTS, temporary=str(disk.folder))
            yield Disks(crew, api, disk, cluster)
        finally:
            disk.free()
            api.stop()


def report(disks: Disks, verdict: Verdict, halves: list[str], ended: Sequence[Job]) -> None:
    """Print the figures."""
    attempts = Counter(job.attempt for job in ended)
    print(verdict)
    print(f"{len(halves)} written in part; {disks.restarts} restarts of the server")
    took = ", ".join(f"{count} jobs {number}" for number, count in sorted(attempts.items()))
    print(f"attempts a job took: {took}; {sum(job.lost_workers for job in ended)} counted as lost")
    print(
        f"all ended after there was room: median {statistics.median(disks.times_s):.1f} s, "
        f"longest {max(disks.times_s):.1f} s"
    )
    for what, said in (("who wanted a job", disks.refused), ("who asked", disks.answers)):
        print(f"{what} was told: " + ", ".join(f"{count} times {answer}" for answer, count in said.most_common()))


def main() -> None:
    """Fill it so often, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--lease-s", type=float, default=15.0)
    parser.add_argument("--full-s", type=float, default=4.0)
    parser.add_argument("--postgresql", action="store_true", help="a server made for the purpose; SQLite when left out")
    parser.add_argument(
        "--log", default="", help="file for what the workers and the API log; on the full disk when left out"
    )
    given = parser.parse_args()
    # Asked to end it should still take away the disk and the server.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with working_on("postgresql" if given.postgresql else "sqlite", given.lease_s, given.log) as disks:
        for number in range(given.times):
            disks.one(given.full_s, use_up_log=given.postgresql and number % 2 == 1)
            report_progress(number + 1, given.times, "full disks")
        verdict, halves, unasked = audit(disks.crew.database, disks.crew.job_ids), disks.halves(), disks.unasked()
        ended = [disks.crew.job(job_id) for job_id in disks.crew.job_ids]
    print(f"{given.times} times full for {given.full_s:g} s, lease {given.lease_s:g} s; {unasked} jobs taken in unsaid")
    report(disks, verdict, halves, ended)
    raise SystemExit(0 if verdict.is_clean and disks.is_honest() and not halves else 1)


if __name__ == "__main__":
    main()
