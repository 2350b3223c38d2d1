"""The doctor: checks whether this machine and its database can run the service, and says how to fix problems."""

from __future__ import annotations

import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from lodeplan import scenarios
from lodeplan.schemas import SolverProgress, Termination
from lodeplan.schemas.jobs import JobOptions, JobState
from lodeplan.service import storage
from lodeplan.service.jobs.submissions import canonical_json
from lodeplan.service.packing import compress
from lodeplan.service.settings import Settings
from lodeplan.service.storage import leases, open_session, overview
from lodeplan.service.workers.child_process import Wish, Work
from lodeplan.service.workers.child_solver import ChildSolver

PACKAGES = ("lodeplan", "pyomo", "highspy", "numpy", "scipy", "sqlalchemy", "dbos", "fastapi")
TOY = "golden-toy"
TOY_OBJECTIVE_KUSD = 5172.1574
SOLVE_MIB = 1024
"""Memory that a solve of the size of us-2026-lite may need, with a margin."""

_MIB = 1024 * 1024
_DISK_FAILED_MIB, _DISK_WARNING_MIB = 200, 2000
_SKEW_WARNING_S = 2.0
_WAITS_LONG_S = 900

Status = Literal["ok", "warning", "failed"]


class Check(BaseModel):
    """One check and its result. Only failed checks keep the service from working."""

    name: str
    status: Status = "ok"
    found: str
    remedy: str | None = None


class Report(BaseModel):
    """All checks."""

    healthy: bool
    checks: list[Check]


def examine(settings: Settings) -> Report:
    """Run all checks; a check that raises an error counts as failed, and the others go on."""
    checks = [_python(), _solver(), _proc(), _memory(settings.slots), *_disks(settings), *_database(settings)]
    return Report(healthy=not any(check.status == "failed" for check in checks), checks=checks)


def _python() -> Check:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return Check(name="python", found=f"Python {platform.python_version()} on {platform.platform()}; {versions}")


@dataclass
class _Patience:
    """Lets a solve go on for a minute."""

    until: float

    def wish(self) -> Wish:
        return Wish.KILL if time.monotonic() > self.until else Wish.GO_ON

    def progress(self, progress: SolverProgress) -> None:
        pass


def _solver() -> Check:
    begun = time.monotonic()
    scenario = compress(canonical_json(scenarios.load(TOY)))
    try:
        work = Work(scenario, JobOptions(gap=0))
        outcome = ChildSolver(hard_limit_margin_s=60)(work, _Patience(begun + 60))
    except OSError as error:
        remedy = "A solve must be able to start a process and write to the temporary folder (TMPDIR)."
        return Check(name="solver", status="failed", found=f"a solve could not be started: {error}", remedy=remedy)
    seconds = time.monotonic() - begun
    objective = outcome.objective_kusd
    if outcome.termination is Termination.OPTIMAL and objective and abs(objective - TOY_OBJECTIVE_KUSD) < 0.01:
        return Check(name="solver", found=f"a child process solved {TOY} in {seconds:.1f} s, with the known objective")
    why = outcome.failure.message if outcome.failure else f"it ended with {outcome.termination}, objective {objective}"
    remedy = f"Read the output of `lodeplan solve {TOY}`; reinstall the locked versions (README.md)."
    return Check(name="solver", status="failed", found=f"{TOY} was not solved: {why}", remedy=remedy)


def _proc() -> Check:
    if Path("/proc/self/status").is_file():
        return Check(name="proc", found="/proc shows the memory of solves")
    remedy = "Mount /proc. On systems other than Linux nothing can be done."
    return Check(
        name="proc", status="warning", found="there is no /proc, so failures do not show the memory used", remedy=remedy
    )


def _memory(slots: int) -> Check:
    free_mib = free_memory_mib()
    if free_mib is None:
        remedy = f"Make sure that {slots * SOLVE_MIB} MiB are free for {slots} solves at a time."
        return Check(
            name="memory", status="warning", found="this system does not report its free memory", remedy=remedy
        )
    found = f"{free_mib:.0f} MiB free for {slots} solves at a time"
    if free_mib >= slots * SOLVE_MIB:
        return Check(name="memory", found=found)
    fits = max(1, int(free_mib // SOLVE_MIB))
    remedy = f"A solve of the size of us-2026-lite may need {SOLVE_MIB} MiB: set LODEPLAN_SLOTS={fits}, or add memory."
    return Check(name="memory", status="warning", found=found, remedy=remedy)


def free_memory_mib() -> float | None:
    """Memory that processes can still use, MiB: of the machine, or of the container if that is less."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    machine = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("MemAvailable:"))
    limit, used = (_number(Path("/sys/fs/cgroup") / name) for name in ("memory.max", "memory.current"))
    if limit is None or used is None:
        return machine
    return min(machine, (limit - used) / _MIB)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _disks(settings: Settings) -> Iterator[Check]:
    file = _sqlite_file(settings)
    folders = {"temporary folder": Path(tempfile.gettempdir())}
    if file:
        folders["data folder"] = file.parent
    for name, folder in folders.items():
        present = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free_mib = shutil.disk_usage(present).free / _MIB
        found = f"{free_mib:.0f} MiB free for the {name} {folder}"
        remedy = "Free some space, set LODEPLAN_KEEP_DAYS, or move the folder (LODEPLAN_DATA_DIR, TMPDIR)."
        status: Status = "failed" if free_mib < _DISK_FAILED_MIB else "warning"
        if free_mib >= _DISK_WARNING_MIB:
            yield Check(name="disk", found=found)
        else:
            yield Check(name="disk", status=status, found=found, remedy=remedy)


def _sqlite_file(settings: Settings) -> Path | None:
    if not settings.database_url:
        return settings.data_dir / "lodeplan.db"
    return storage.sqlite_file_of(settings.database_url)


def _database(settings: Settings) -> Iterator[Check]:
    file = _sqlite_file(settings)
    if file and not file.exists():
        remedy = "lodeplan migrate creates it; so do lodeplan serve and lodeplan worker when they start."
        yield Check(name="database", status="warning", found=f"the database {file} does not exist yet", remedy=remedy)
        return
    database = storage.open_database(settings.sqlalchemy_url)
    place = database.url.render_as_string(hide_password=True)
    try:
        with open_session(database) as session:
            begun = time.monotonic()
            revision = storage.revision_of(session.connection())
            answered_ms = (time.monotonic() - begun) * 1000
            yield _current(revision, f"{place} answered in {answered_ms:.0f} ms")
            if revision != storage.newest_revision():
                return
            yield _writable(session)
            yield _clock(session)
            yield from _work(session)
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or error).strip()
        remedy = "Start the database, or correct LODEPLAN_DATABASE_URL."
        yield Check(name="database", status="failed", found=f"{place} does not answer: {why}", remedy=remedy)
    finally:
        database.dispose()


def _current(revision: str | None, answered: str) -> Check:
    newest = storage.newest_revision()
    if revision == newest:
        return Check(name="database", found=f"{answered}; its tables have version {newest}")
    found = f"{answered}; its tables have version {revision or 'none'}, not {newest}"
    remedy = "Run lodeplan migrate."
    if revision is not None and revision not in storage.revisions():
        remedy = "A newer version of Lodeplan created them: use that version."
    return Check(name="database", status="failed", found=found, remedy=remedy)


def _writable(session: Session) -> Check:
    try:
        overview.try_to_write(session)
        session.rollback()
    except SQLAlchemyError as error:
        session.rollback()
        remedy = "Give the user of this process write permission; for a SQLite file also on its folder."
        found = f"writing to the database fails: {str(getattr(error, 'orig', error)).strip()}"
        return Check(name="writing", status="failed", found=found, remedy=remedy)
    return Check(name="writing", found="the database is writable")


def _clock(session: Session) -> Check:
    before = time.time()
    skew_s = leases.database_time_s(session) - (before + time.time()) / 2
    found = f"the clock of the database is {abs(skew_s):.2f} s {'ahead' if skew_s > 0 else 'behind'}"
    if abs(skew_s) < _SKEW_WARNING_S:
        return Check(name="clock", found=found)
    remedy = (
        "Run a time service (NTP) on both machines. Leases use only the database's clock; times in logs and jobs "
        "do not."
    )
    return Check(name="clock", status="warning", found=found, remedy=remedy)


def _work(session: Session) -> Iterator[Check]:
    workers = leases.live_workers(session)
    slots = sum(count for _, _, count in workers)
    if workers:
        names = ", ".join(sorted({host for host, _, _ in workers}))
        yield Check(name="workers", found=f"{len(workers)} alive with {slots} slots, on {names}")
    else:
        remedy = "Start lodeplan serve or lodeplan worker."
        yield Check(name="workers", status="warning", found="no worker is alive", remedy=remedy)
    yield from _stuck(session, slots)


def _stuck(session: Session, slots: int) -> Iterator[Check]:
    stranded = overview.jobs_of_lost_workers(session, 5)
    if stranded:
        remedy = "A live worker will take them over within the time of a lease. If it does not, its log says why."
        found = f"jobs whose worker was lost: {', '.join(stranded)}"
        yield Check(name="jobs", status="failed" if slots else "warning", found=found, remedy=remedy)
    waiting, oldest = overview.count_states(session).get(JobState.QUEUED, 0), overview.oldest_queued(session)
    running = overview.count_begun(session)
    waits_s = (storage.now() - oldest).total_seconds() if oldest else 0
    found = f"{waiting} queued, {running} running"
    if waits_s > _WAITS_LONG_S and running < slots:
        remedy = (
            "Slots are free, but the job is not taken: restart the workers. A quota of its tenant may hold it back."
        )
        found += f"; the first has waited for {waits_s / 60:.0f} minutes"
        yield Check(name="queue", status="warning", found=found, remedy=remedy)
    else:
        yield Check(name="queue", found=found)
