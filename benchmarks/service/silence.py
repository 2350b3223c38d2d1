"""A PostgreSQL server that takes what it is told and says nothing, then is cut: what notices, and how soon?

python -m benchmarks.service.silence --database postgresql://USER@HOST/NAME [--silent 120]
"""

import os
import signal
import time
import urllib.error
from collections import Counter
from collections.abc import Callable
from typing import Any

import sqlalchemy

from benchmarks.service.serving import Service, arguments, ask, service
from benchmarks.service.silent_proxy import SilentProxy

PATIENCE_S = 300.0
LOOK_EVERY_S = 0.5


def status_of(port: int, path: str, body: Any = None) -> int:
    """The status of the answer to one request."""
    try:
        ask(port, path, body)
    except urllib.error.HTTPError as answer:
        return answer.code
    return 200


def seconds_until(condition: Callable[[], bool]) -> float:
    """Wait for something, and say how long it took; ends the program if it takes too long."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE_S:
            raise SystemExit(f"nothing within {PATIENCE_S:g} s")
        time.sleep(0.1)
    return time.monotonic() - began


def running(port: int, scenario: str) -> str:
    """Submit a job, and wait until it is solved."""
    job: str = ask(port, "/api/v1/jobs", {"scenario": scenario, "reuse": False})["id"]
    seconds_until(lambda: state_of(port, job) == "running")
    return job


def state_of(port: int, job: str) -> str:
    """The state of a job."""
    return str(ask(port, f"/api/v1/jobs/{job}")["state"])


def watch_silence(port: int, silent_s: float) -> None:
    """Ask for life and readiness through a silence, and print what was answered."""
    began, alive, slowest_s, not_ready_after_s = time.monotonic(), Counter[int](), 0.0, None
    while time.monotonic() < began + silent_s:
        asked = time.monotonic()
        alive[status_of(port, "/healthz")] += 1
        slowest_s = max(slowest_s, time.monotonic() - asked)
        if status_of(port, "/readyz") == 503 and not_ready_after_s is None:
            not_ready_after_s = time.monotonic() - began
        time.sleep(LOOK_EVERY_S)
    print(f"silent for {silent_s:g} s: /healthz {dict(alive)}, slowest {slowest_s * 1000:.0f} ms")
    print(f"/readyz first 503 after {not_ready_after_s or float('nan'):.1f} s")


def main() -> None:
    """Fall silent under a solve, cut, cancel a solve, fall silent again, and end the service."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--silent", type=float, default=120.0, help="seconds of the first silence")
    given = parser.parse_args()
    url = sqlalchemy.make_url(given.database)
    with SilentProxy(url.host or "127.0.0.1", url.port or 5432) as proxy:
        through = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        with service(through, slots=1, log_level="ERROR") as served:
            solve_through_silence(served, proxy, given.silent)
            end_in_silence(served, proxy)


def solve_through_silence(served: Service, proxy: SilentProxy, silent_s: float) -> None:
    """One job is solved through a silence, another is cancelled after it."""
    job = running(served.port, "us-2026-lite")
    proxy.fall_silent()
    watch_silence(served.port, silent_s)
    proxy.cut()
    ready_s = seconds_until(lambda: status_of(served.port, "/readyz") == 200)
    seconds_until(lambda: state_of(served.port, job) == "succeeded")
    attempt = ask(served.port, f"/api/v1/jobs/{job}")["attempt"]
    print(f"cut: ready after {ready_s:.1f} s, job succeeded as attempt {attempt}")
    job = running(served.port, "us-2026")
    ask(served.port, f"/api/v1/jobs/{job}:cancel", {})
    print(f"cancelled after {seconds_until(lambda: state_of(served.port, job) == 'cancelled'):.1f} s")


def end_in_silence(served: Service, proxy: SilentProxy) -> None:
    """The service is told to end while it solves and its database says nothing."""
    running(served.port, "us-2026")
    proxy.fall_silent()
    time.sleep(5)
    os.kill(served.pid, signal.SIGTERM)
    print(f"ended {seconds_until(lambda: is_gone(served.pid)):.1f} s after SIGTERM in a silence of 5 s")
    proxy.cut()


def is_gone(pid: int) -> bool:
    """True if a child of ours has ended."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


if __name__ == "__main__":
    main()
