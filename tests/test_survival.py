"""Workers in processes of their own that are killed, frozen, replaced or cut off: no job is lost, none is done twice.

The campaigns in `benchmarks/service` are the same at length.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from job_service import DATABASES, database_of

from benchmarks.service.audit import audit
from benchmarks.service.cluster import Cluster, find_programs
from benchmarks.service.crew import Crew
from benchmarks.service.frozen import ends_by_attempt, freeze_one
from benchmarks.service.kills import Campaign
from benchmarks.service.outages import Api, one_outage
from schemas.jobs import FailureCode, JobState
from service import storage
from service.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="sends signals")]

LEASE_S = 2.0


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


def test_twenty_kills_lose_no_job_double_none_and_leave_no_orphan(crew: Crew) -> None:
    campaign = Campaign(crew)
    campaign.run(20)
    check(crew)
    crew.wait_until(lambda: not crew.children())


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


def test_workers_replaced_one_by_one_while_jobs_run_lose_nothing_and_count_no_loss(crew: Crew) -> None:
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


needs_server = pytest.mark.skipif(find_programs() is None, reason="needs initdb and pg_ctl")


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
