"""The service with a solver that solves nothing: `python benchmarks/service/stub_service.py --port N`.

For measuring everything around a solve. A scenario whose description is `fail` fails.
"""

import argparse
import gzip
import json

import uvicorn

from lodeplan.schemas import Solution, Termination
from lodeplan.schemas.jobs import FailureCode, JobFailure
from lodeplan.service import storage
from lodeplan.service.app import create_app
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.settings import Settings
from lodeplan.service.telemetry import logs
from lodeplan.service.workers.child_process import Watch, Work
from lodeplan.service.workers.worker import Worker

_PLAN = {
    "summary": {"scenario": "stub", "scenario_hash": "", "termination": "optimal", "solution": "optimal"},
    "tables": [],
}
_PLAN_GZIP = gzip.compress(json.dumps(_PLAN).encode(), mtime=0)


def solve(work: Work, _watch: Watch) -> Outcome:
    """Fail if the scenario says so, or succeed."""
    if json.loads(gzip.decompress(work.scenario_gzip))["description"] == "fail":
        return Outcome(failure=JobFailure(code=FailureCode.CRASHED, message="It was asked to fail."))
    return Outcome(Termination.OPTIMAL, Solution.OPTIMAL, 1.0, _PLAN_GZIP)


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    settings = Settings.from_environment()
    logs.configure(settings.log_level)
    database = storage.open_database(settings.sqlalchemy_url)
    engine = DbosEngine(database)
    app = create_app(settings, database=database, engine=engine, worker=Worker(database, engine, solve))
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
