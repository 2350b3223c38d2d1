"""Workers in processes of their own that are killed, frozen, replaced, cut off, short of disk or told a wrong time: no
job is lost, none is done twice.

The campaigns in `benchmarks/service` are the same at length.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from job_service import DATABASES, WAYS, database_of

from benchmarks.service.audit import audit
from benchmarks.service.clocks import Clocks
from benchmarks.service.cluster import Cluster, find_programs
from benchmarks.service.crew import Crew
from benchmarks.service.disks import can_mount, working_on
from benchmarks.service.frozen import ends_by_attempt, freeze_one
from benchmarks.service.jumps import Jumps
from benchmarks.service.kills import Campaign
from benchmarks.service.outages import Api, one_outage
from benchmarks.service.reapers import run as run_reapers
from benchmarks.service.upgrades import upgrading
from lodeplan.schemas.jobs import FailureCode, JobState
from lodeplan.service import storage
from lodeplan.service.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="sends signals")]

LEASE_S = 2.0
PATIENT_LEASE_S = 10.0
"""Where no worker may lose its lease, however busy the machine is."""


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path) as database:
        yield database


@pytest.fixture
def crew(database: sqlalchemy.Engine, tmp_path: Path) -> Iterator[Crew]:
    with Crew(database, LEASE_S, str(tmp_path / "log")) as crew:
        yield crew


def check(crew: Crew) -> None:
    crew.wait_for_end()
    verdict = audit(crew.database, crew.job_ids)
    assert verdict.is_clean, str(verdict)


@pytest.mark.parametrize("way", WAYS)
def test_twenty_kills_lose_no_job_double_none_and_leave_no_orphan(crew: Crew, way: str) -> None:
    campaign = Campaign(crew, forked=way == "forked")
    campaign.run(20)
    check(crew)
    crew.wait_until(lambda: not crew.children() and len(crew.servers()) <= len(crew.members))
    assert bool(campaign.servers_seen) == campaign.forked


@pytest.mark.parametrize("point", ["claimed", "writing"])
def test_a_job_whose_worker_died_at_this_point_runs_again_and_ends_once(crew: Crew, point: str) -> None:
    doomed = crew.hire(die_at=point)
    job_id = crew.submit(0.1, 0.3)
    crew.bury(doomed)
    crew.hire()
    check(crew)
    job = crew.job(job_id)
    assert (job.state, job.attempt, job.lost_workers) == (JobState.SUCCEEDED, 2, 1)


def test_a_job_that_was_recorded_before_its_worker_died_is_not_run_again(crew: Crew) -> None:
    doomed = crew.hire(die_at="written")
    job_id = crew.submit(0.1, 0.3)
    crew.bury(doomed)
    crew.hire()
    # The survivor looks at what the dead one held, and has no reason to run it.
    crew.wait_until(lambda: not crew.engine.taken())
    check(crew)
    job = crew.job(job_id)
    assert (job.state, job.attempt, job.lost_workers) == (JobState.SUCCEEDED, 1, 0)


@pytest.mark.parametrize("point", ["reaping", "reaped"])
def test_a_reaper_that_dies_halfway_leaves_the_rest_to_the_next(crew: Crew, point: str) -> None:
    victim = crew.hire()
    job_id = crew.submit(0.1, 3)
    crew.wait_for_phase(job_id, "search")
    doomed = crew.hire(die_at=point)
    crew.fire(victim)
    crew.bury(doomed)
    crew.hire()
    check(crew)
    # One that died after its commit may have begun the job, and counts then.
    assert crew.job(job_id).state is JobState.SUCCEEDED
    assert crew.job(job_id).lost_workers in (1, 2)


def test_a_job_that_takes_three_workers_with_it_fails_and_says_so(crew: Crew) -> None:
    job_id = crew.submit(0.1, 0.3)
    for _ in range(3):
        crew.bury(crew.hire(die_at="claimed"))
    crew.hire()
    check(crew)
    job = crew.job(job_id)
    assert job.failure is not None
    assert (job.state, job.failure.code) == (JobState.FAILED, FailureCode.LOST_WORKERS)


def test_the_late_result_of_a_frozen_worker_is_refused(crew: Crew) -> None:
    for _ in range(2):
        crew.hire()
    job_id, _ = freeze_one(crew)
    assert ends_by_attempt(crew, job_id) == [crew.job(job_id).attempt]
    assert crew.job(job_id).attempt > 1
    check(crew)


def test_workers_replaced_one_by_one_while_jobs_run_lose_nothing_and_count_no_loss(
    database: sqlalchemy.Engine, tmp_path: Path
) -> None:
    with Crew(database, PATIENT_LEASE_S, str(tmp_path / "log")) as crew:
        old = [crew.hire(slots=2) for _ in range(2)]
        for _ in range(8):
            crew.submit(0.2, 0.8)
        crew.wait_until(lambda: crew.engine.taken())
        for process in old:
            crew.hire(slots=2)
            os.kill(process.pid or 0, signal.SIGTERM)
            process.join(60)
            assert process.exitcode == 0
        check(crew)
        jobs = [crew.job(job_id) for job_id in crew.job_ids]
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}
    assert {job.lost_workers for job in jobs} == {0}


def test_workers_replaced_by_those_of_a_later_version_with_later_tables_lose_nothing(
    database: sqlalchemy.Engine, tmp_path: Path
) -> None:
    with Crew(database, PATIENT_LEASE_S, str(tmp_path / "log")) as crew, upgrading(crew, tmp_path) as upgrades:
        upgrades.one("9000")
        assert upgrades.is_of("9000")
        check(crew)
        jobs = [crew.job(job_id) for job_id in crew.job_ids]
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}
    assert {job.lost_workers for job in jobs} == {0}
    assert set(upgrades.exits) == {0}
    # The API of the old version takes in jobs and answers all the time.
    assert set(upgrades.answers) == {"200", "202"}


def test_reapers_that_look_at_the_same_instant_queue_each_job_once(database: sqlalchemy.Engine, tmp_path: Path) -> None:
    with Crew(database, PATIENT_LEASE_S, str(tmp_path / "log")) as crew:
        reapers = run_reapers(crew, 3, (10, 4))
        check(crew)
        assert {crew.job(job_id).attempt for job_id in crew.job_ids} == {2}
    assert reapers.given_up == len(crew.job_ids)


def test_clocks_that_jump_by_an_hour_strand_no_job_and_take_none_from_a_worker_that_lives(
    crew: Crew, tmp_path: Path
) -> None:
    jumps = Jumps(crew, Clocks(crew.database, tmp_path))
    for kind in jumps.clocks.kinds:
        for by_s in (3600.0, -3600.0):
            jumps.one(kind, by_s)
    check(crew)
    assert (jumps.late, jumps.needless) == (0, 0)


needs_server = pytest.mark.skipif(find_programs() is None, reason="needs initdb and pg_ctl")


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, needs_server])])
@pytest.mark.parametrize(("full_s", "lease_s", "attempts"), [(3, 20, {1}), (8, 4, {1, 2})])
def test_a_full_disk_loses_no_job_and_whoever_wants_another_is_told(
    kind: str, full_s: float, lease_s: float, attempts: set[int]
) -> None:
    """For less than a lease nothing is lost; for more, workers may have to give their jobs up, and they run again."""
    if not can_mount():
        pytest.skip("needs Linux and the right to mount")
    with working_on(kind, lease_s) as disks:
        begun = disks.one(full_s, use_up_log=kind == "postgresql")
        check(disks.crew)
        assert disks.crew.job(begun).attempt in attempts
        assert disks.halves() == []
    assert disks.is_honest()


@pytest.mark.postgres
@needs_server
@pytest.mark.parametrize(("away_s", "lease_s", "attempts"), [(3, 20, {1}), (8, 4, {2})])
def test_a_job_survives_a_database_that_is_stopped_hard_and_requests_are_told(
    tmp_path: Path, away_s: float, lease_s: float, attempts: set[int]
) -> None:
    """For less than a lease nothing is lost; for more, the worker gives the job up and it runs again."""
    with Cluster() as cluster:
        database = storage.open_database(Settings(database_url=cluster.url).sqlalchemy_url)
        storage.migrate(database)
        with Crew(database, lease_s, str(tmp_path / "log")) as crew:
            api = Api(cluster.url, tmp_path / "log")
            try:
                crew.hire()
                answers, _ = one_outage(crew, cluster, api, away_s)
                check(crew)
                assert {crew.job(job_id).attempt for job_id in crew.job_ids} == attempts
            finally:
                api.stop()
        database.dispose()
    assert answers
    assert set(answers) == {"503 database-unavailable", "503 not-ready"}
