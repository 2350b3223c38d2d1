"""The service over real HTTP, for tests of its API."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import sqlalchemy
import uvicorn
from job_service import wait_until

from lodeplan.schemas import Solution, Termination
from lodeplan.schemas.jobs import FailureCode, JobFailure
from lodeplan.schemas.plan import PLAN_VERSION
from lodeplan.service.app import create_app
from lodeplan.service.checking.checkers import Checkers
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.settings import Settings
from lodeplan.service.webhooks.sending import Deliverer
from lodeplan.service.workers.child_process import Watch, Wish, Work
from lodeplan.service.workers.child_solver import Solver
from lodeplan.service.workers.worker import Worker

PROBLEM = "application/problem+json"
SUMMARY = {"scenario": "fake", "scenario_hash": "0", "termination": "optimal", "solution": "optimal"}


def solve_at_once(work: Work, watch: Watch) -> Outcome:
    """Without a child: what the scenario's description says, as the fake child would."""
    task = json.loads(gzip.decompress(work.scenario_gzip))["description"]
    if task == "fail":
        return Outcome(failure=JobFailure(code=FailureCode.CRASHED, message="It broke."))
    if task == "hang":
        while (wish := watch.wish()) is Wish.GO_ON:
            time.sleep(0.02)
        if wish is Wish.KILL:
            return Outcome(termination=Termination.INTERRUPTED)
    document = {"plan_version": PLAN_VERSION, "summary": {**SUMMARY, "objective_kusd": 3.5}, "tables": []}
    return Outcome(Termination.OPTIMAL, Solution.OPTIMAL, 3.5, gzip.compress(json.dumps(document).encode(), mtime=0))


@contextmanager
def service_on(
    database: sqlalchemy.Engine,
    solve: Solver | None = solve_at_once,
    *,
    checkers: Checkers | None = None,
    **settings: Any,
) -> Iterator[httpx.Client]:
    """A client of a service on a free port; without a solver there is no worker, and jobs stay queued."""
    engine = DbosEngine(database)
    chosen = Settings(**settings)
    worker = Worker(database, engine, solve, deliverer=Deliverer(database, chosen)) if solve else None
    app = create_app(chosen, database=database, engine=engine, worker=worker, checkers=checkers)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        limits = httpx.Limits(max_connections=100)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, limits=limits) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def body(task: str, **more: Any) -> dict[str, Any]:
    """A request for the golden toy whose fake solver does this; solved even if it was before."""
    patches = [{"op": "set", "path": "description", "value": task}]
    return {"scenario": "golden-toy", "patches": patches, "reuse": False, **more}


def submit(api: httpx.Client, task: str, **more: Any) -> str:
    answer = api.post("/api/v1/jobs", json=body(task, **more))
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def ended(api: httpx.Client, job_id: str) -> dict[str, Any]:
    view: dict[str, Any] = api.get(f"/api/v1/jobs/{job_id}", params={"wait": 30}).json()
    assert view["state"] in ("succeeded", "failed", "cancelled", "timed_out"), view
    return view


def running(api: httpx.Client, task: str) -> str:
    job_id = submit(api, task)
    wait_until(lambda: api.get(f"/api/v1/jobs/{job_id}").json()["state"] == "running")
    return job_id


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    body: dict[str, Any] = answer.json()
    assert (body["type"], body["status"]) == (f"urn:lodeplan:problem:{kind}", status)
    return body
