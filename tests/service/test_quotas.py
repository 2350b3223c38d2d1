"""Quotas count what a tenant used, and hold whatever it deletes, queues or has running."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from access_service import bearer, made_key, served
from http_service import problem, solve_at_once
from job_service import DATABASES, database_of
from sqlmodel import select, update

from lodeplan.schemas.access import Scope
from lodeplan.schemas.jobs import FailureCode, JobState
from lodeplan.service import storage
from lodeplan.service.app import create_app
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs.allowances import Allowance
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Job, quotas
from lodeplan.service.storage.tables import Usage
from lodeplan.service.storage.upkeep import delete_old_usage
from lodeplan.service.workers.worker import Worker

JOB = {"scenario": "golden-toy", "reuse": False}
OURS, THEIRS = "ours", "theirs"
Serve = Callable[..., AbstractContextManager[httpx.Client]]


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path) as database:
        yield database


@pytest.fixture
def engine() -> InlineEngine:
    return InlineEngine()


@pytest.fixture
def serve(database: sqlalchemy.Engine, engine: InlineEngine) -> Serve:
    return lambda **settings: served(create_app(Settings(**settings), database=database, engine=engine))


def submit(api: httpx.Client, **more: Any) -> str:
    answer = api.post("/api/v1/jobs", json={**JOB, **more})
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def refused(api: httpx.Client, **more: Any) -> str:
    answer = api.post("/api/v1/jobs", json={**JOB, **more})
    assert int(answer.headers["retry-after"]) > 0
    detail: str = problem(answer, 429, "quota-reached")["detail"]
    return detail


def worker_on(database: sqlalchemy.Engine, engine: InlineEngine, cpu_s: float, allowance: Allowance) -> Worker:
    """A worker whose solves take no time, and say that they took this."""
    solve = lambda work, watch: replace(solve_at_once(work, watch), cpu_s=cpu_s)  # noqa: E731
    worker = Worker(database, engine, solve, allowance=allowance)
    worker.start(slots=1)
    return worker


def job_of(database: sqlalchemy.Engine, job_id: str) -> Job:
    with storage.open_session(database) as session:
        return session.exec(select(Job).where(Job.id == job_id)).one()


def test_a_job_that_was_deleted_still_counts(serve: Serve) -> None:
    with serve(tenant_jobs_per_day=2) as api:
        for _ in range(2):
            job_id = submit(api)
            api.post(f"/api/v1/jobs/{job_id}:cancel")
            assert api.delete(f"/api/v1/jobs/{job_id}").status_code == 204
        assert "deleted" in refused(api)


def test_results_under_way_count_as_results(serve: Serve) -> None:
    with serve(tenant_max_results=1) as api:
        first = submit(api)
        assert "not ended" in refused(api)
        api.post(f"/api/v1/jobs/{first}:cancel")
        submit(api)


def test_the_jobs_of_a_batch_count_each(serve: Serve, database: sqlalchemy.Engine) -> None:
    batch = {"kind": "batch", "jobs": [{}, {}, {}]}
    with serve(tenant_jobs_per_day=4) as api:
        submit(api, **batch)
        refused(api, **batch)
        submit(api)
        refused(api)
    with storage.open_session(database) as session:
        assert quotas.used_in_a_day(session, storage.LOCAL) == (4, 0)


def test_a_request_that_is_sent_again_or_refused_counts_nothing(serve: Serve, database: sqlalchemy.Engine) -> None:
    with serve(tenant_jobs_per_day=1) as api:
        for _ in range(3):
            assert api.post("/api/v1/jobs", json=JOB, headers={"idempotency-key": "k"}).status_code == 202
            api.post("/api/v1/jobs", json={"scenario": "none such"})
            refused(api)
    with storage.open_session(database) as session:
        assert quotas.used_in_a_day(session, storage.LOCAL) == (1, 0)


def test_a_day_is_over_after_a_day_and_a_tenant_counts_for_itself(serve: Serve, database: sqlalchemy.Engine) -> None:
    ours, theirs = made_key(database, OURS, Scope.SUBMIT), made_key(database, THEIRS, Scope.SUBMIT)
    with serve(tenant_jobs_per_day=1) as api:
        api.headers.update(bearer(theirs))
        submit(api)
        api.headers.update(bearer(ours))
        submit(api)
        for hours, is_over in ((23, False), (26, True)):
            with storage.open_session(database) as session:
                moment = quotas._hour_of(storage.now() - timedelta(hours=hours))
                session.execute(update(Usage).where(Usage.tenant == OURS).values(hour=moment))
                session.commit()
            submit(api) if is_over else refused(api)


def test_processor_time_counts_when_an_attempt_ends_whatever_comes_of_it(
    serve: Serve, database: sqlalchemy.Engine, engine: InlineEngine
) -> None:
    worker_on(database, engine, cpu_s=40, allowance=Allowance())
    with serve(tenant_cpu_s_per_day=100) as api:
        for task in ("solve", "fail", "solve"):
            job_id = submit(api, patches=[{"op": "set", "path": "description", "value": task}])
            engine.run_pending()
            assert api.delete(f"/api/v1/jobs/{job_id}").status_code == 204
        assert "120 s were used" in refused(api)


def test_jobs_queued_before_the_processor_time_was_used_up_do_not_start(
    serve: Serve, database: sqlalchemy.Engine, engine: InlineEngine
) -> None:
    with serve() as api:
        jobs = [submit(api) for _ in range(5)]
    worker_on(database, engine, cpu_s=40, allowance=Allowance(cpu_s_per_day=100))
    engine.run_pending()
    ended = [job_of(database, job_id) for job_id in jobs]
    assert [job.state for job in ended] == [JobState.SUCCEEDED] * 3 + [JobState.FAILED] * 2
    failure = ended[-1].failure
    assert failure is not None
    assert failure.code is FailureCode.QUOTA_REACHED
    assert "120 s" in failure.message


def test_a_result_without_room_is_not_kept_and_says_so(
    serve: Serve, database: sqlalchemy.Engine, engine: InlineEngine
) -> None:
    with serve() as api:
        first, second = submit(api), submit(api)
    with storage.open_session(database) as session:
        scenarios = quotas.stored_bytes(session, storage.LOCAL)
    worker_on(database, engine, cpu_s=0, allowance=Allowance(stored_mb=(scenarios + 200) / 1e6))
    engine.run_pending()
    assert job_of(database, first).state is JobState.SUCCEEDED
    failure = job_of(database, second).failure
    assert failure is not None
    assert failure.code is FailureCode.QUOTA_REACHED
    with serve(tenant_max_stored_mb=scenarios / 1e6) as api:
        assert "Delete some jobs" in refused(api)
        for job_id in (first, second):
            api.delete(f"/api/v1/jobs/{job_id}")
        submit(api)


def test_use_is_deleted_when_no_quota_looks_at_it_any_more(database: sqlalchemy.Engine) -> None:
    with storage.open_session(database) as session:
        quotas.add_usage(session, OURS, jobs=1)
        quotas.add_usage(session, OURS, jobs=2, cpu_s=1.5)
        assert delete_old_usage(session, storage.now() - timedelta(days=2), 10) == 0
        assert quotas.used_in_a_day(session, OURS) == (3, 1.5)
        assert delete_old_usage(session, storage.now(), 10) == 1
