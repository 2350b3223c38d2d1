"""Stop PostgreSQL hard in mid-solve, start it again, and see what becomes of the jobs and of requests meanwhile.

python -m benchmarks.service.outages [--times 20] [--lease-s 15] [--away-s 3]

Needs `initdb` and `pg_ctl`: the server that is stopped is one made for the purpose. The API is served on a free port of
this machine. Away for longer than a lease, the workers give up what they solve, and it is run again.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from benchmarks.service.audit import audit
from benchmarks.service.cluster import Cluster
from benchmarks.service.crew import Crew, report_progress
from lodeplan.service import storage
from lodeplan.service.cli.demo import free_port
from lodeplan.service.settings import Settings

BUILD_S, SEARCH_S = 1.0, 6.0
PROBE_EVERY_S = 0.2
PATHS = ("/api/v1/jobs", "/api/v1/jobs/{job_id}", "/api/v1/jobs/{job_id}/log", "/readyz")


class Api:
    """`lodeplan serve --no-workers` on a free port."""

    def __init__(self, database_url: str, log: Path) -> None:
        port = free_port(0)
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-c", "from lodeplan.service.cli import main; main()", "serve", "--no-workers"]
        environment = {**os.environ, "LODEPLAN_DATABASE_URL": database_url}
        with log.open("ab") as file:
            self._process = subprocess.Popen([*command, "--port", str(port)], stderr=file, env=environment)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.url}/healthz", timeout=5)
                return
            except httpx.TransportError:
                time.sleep(0.1)
        raise TimeoutError("the API did not come up")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)

    def answers(self, job_id: str) -> list[str]:
        """The status and the type of problem of one request to each path."""
        return [self._ask("GET", path.format(job_id=job_id))[0] for path in PATHS]

    def submit(self, build_s: float, search_s: float) -> tuple[str, str | None]:
        """Status and type of problem of a job that a stand-in passes this time with; its id if it was taken in."""
        patches = [{"op": "set", "path": "description", "value": f"work {build_s} {search_s}"}]
        body = {"scenario": "golden-toy", "patches": patches, "reuse": False}
        said, answer = self._ask("POST", "/api/v1/jobs", json=body)
        return said, answer.json()["id"] if answer and answer.is_success else None

    def _ask(self, method: str, path: str, **more: Any) -> tuple[str, httpx.Response | None]:
        try:
            answer = httpx.request(method, self.url + path, timeout=60, **more)
        except httpx.TransportError as error:
            return type(error).__name__, None
        kind = answer.json()["type"].rpartition(":")[2] if answer.status_code >= 400 else ""
        advice = "" if answer.status_code != 503 or "retry-after" in answer.headers else " without Retry-After"
        return f"{answer.status_code} {kind}{advice}".strip(), answer


def one_outage(crew: Crew, cluster: Cluster, api: Api, away_s: float) -> tuple[Counter[str], float]:
    """Stop the database in the middle of a solve; the answers of the API meanwhile, and how long the job took after
    the database was back."""
    job_id = crew.submit(BUILD_S, SEARCH_S)
    crew.wait_for_phase(job_id, "search")
    cluster.stop_hard()
    answers: Counter[str] = Counter()
    until = time.monotonic() + away_s
    while time.monotonic() < until:
        answers.update(api.answers(job_id))
        time.sleep(PROBE_EVERY_S)
    cluster.start()
    back = time.monotonic()
    crew.wait_until(lambda: crew.job(job_id).state.ended)
    return answers, time.monotonic() - back


def main() -> None:
    """Stop it so often, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--lease-s", type=float, default=15.0)
    parser.add_argument("--away-s", type=float, default=3.0)
    parser.add_argument("--log", default="/dev/null", help="file for what the workers and the API log")
    given = parser.parse_args()
    # Asked to end it should still end the server it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    answers: Counter[str] = Counter()
    times: list[float] = []
    with Cluster() as cluster:
        database = storage.open_database(Settings(database_url=cluster.url).sqlalchemy_url)
        storage.migrate(database)
        with Crew(database, given.lease_s, given.log) as crew:
            api = Api(cluster.url, Path(given.log))
            try:
                for _ in range(2):
                    crew.hire(slots=2)
                for number in range(given.times):
                    seen, took_s = one_outage(crew, cluster, api, given.away_s)
                    answers += seen
                    times.append(took_s)
                    report_progress(number + 1, given.times, "outages")
                verdict = audit(database, crew.job_ids)
                attempts = Counter(crew.job(job_id).attempt for job_id in crew.job_ids)
            finally:
                api.stop()
        database.dispose()
    print(f"{given.times} outages of {given.away_s:g} s, lease {given.lease_s:g} s")
    print(verdict)
    print("attempts a job took: " + ", ".join(f"{count} jobs {number}" for number, count in sorted(attempts.items())))
    print(f"the job ended after the return: median {statistics.median(times):.1f} s, longest {max(times):.1f} s")
    print("the API meanwhile: " + ", ".join(f"{count} times {what}" for what, count in answers.most_common()))
    fine = all(what.startswith("503") and "without" not in what for what in answers)
    raise SystemExit(0 if verdict.is_clean and fine else 1)


if __name__ == "__main__":
    main()
