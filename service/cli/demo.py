"""The demo: a solved scenario on a local page."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import webbrowser

from lodeplan import scenarios
from lodeplan.schemas import Scenario, Solution
from lodeplan.schemas.jobs import JobOptions, JobState
from lodeplan.schemas.origin import Origin
from lodeplan.service import app, storage
from lodeplan.service.cli.exits import Exit, exit_of
from lodeplan.service.cli.report import print_plan
from lodeplan.service.cli.solving import Limits, solve_with_progress
from lodeplan.service.jobs import submissions
from lodeplan.service.jobs.reuse import work_of
from lodeplan.service.settings import PREFIX, Settings

SCENARIO = "us-2026-lite"
_HOST = "127.0.0.1"
_JOBS_LOOKED_AT = 100


def run_demo(port: int, open_page: bool) -> None:
    """Solve the shipped scenario unless a plan exists already, print the URL of the run and serve it until Ctrl-C."""
    settings = Settings.from_environment()
    if PREFIX + "LOG_LEVEL" not in os.environ:
        settings = settings.model_copy(update={"log_level": "WARNING"})
    job_id = find_or_solve(scenarios.load(SCENARIO), settings, Origin(scenario=SCENARIO))
    port = free_port(port)
    url = f"http://{_HOST}:{port}/runs/{job_id}"
    threading.Thread(target=_announce, args=(url, port, open_page and _has_screen()), daemon=True).start()
    app.serve(_HOST, port, True, settings)


def find_or_solve(scenario: Scenario, settings: Settings, origin: Origin | None = None) -> str:
    """Return the id of a job that has solved exactly this scenario; solve and record it if there is none."""
    database = storage.open_database(settings.sqlalchemy_url)
    storage.migrate(database)
    with storage.open_session(database) as session:
        wanted = work_of(scenario, scenario.content_hash(), JobOptions())
        for job in storage.list_jobs(session, storage.LOCAL, limit=_JOBS_LOOKED_AT):
            if job.work_sha256 == wanted and job.state is JobState.SUCCEEDED and job.solution is Solution.OPTIMAL:
                return job.id
    print(f"Solving {scenario.title or scenario.name} ...", file=sys.stderr)
    plan = solve_with_progress(scenario, (), Limits())
    if exit_of(plan.summary) not in (Exit.OPTIMAL, Exit.LIMIT_WITH_PLAN):
        print_plan(plan)
        sys.exit(exit_of(plan.summary))
    with storage.open_session(database) as session:
        job = submissions.record_finished(session, scenario, plan.document(), origin)
        session.commit()
        return job.id


def free_port(wanted: int) -> int:
    """Return the wanted port if it is free, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            if sys.platform != "win32":
                # As the server will: a port whose last connections are still closing counts as free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no port is free on {_HOST}")


def _announce(url: str, port: int, open_page: bool) -> None:
    """Print the URL, and open it in a browser, once the server answers."""
    while True:
        try:
            socket.create_connection((_HOST, port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.05)
    print(url, flush=True)
    print("Ctrl-C ends it.", file=sys.stderr)
    if open_page:
        webbrowser.open(url)


def _has_screen() -> bool:
    """True if a browser would open beside this terminal and not within it."""
    on_desktop = sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return on_desktop and sys.stdout.isatty()
