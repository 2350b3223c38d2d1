"""A tenant whose webhooks lead to hosts that hang: how long does another tenant's message take?

python -m benchmarks.service.hooks [--database URL] [--hosts 20] [--jobs 10]

A has a webhook to each of the hosts, which take every connection and answer nothing, and so many jobs end; then one of
B's ends, whose host answers. All of them listen on addresses of this machine.
"""

import contextlib
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.service.neighbours import made_key
from benchmarks.service.serving import SERVE, arguments, ask, service
from lodeplan.schemas.access import Scope

MOST_S = 5.0
"""What B's message may take."""
PATIENCE_S = 120.0


class _Receiver(http.server.BaseHTTPRequestHandler):
    """Answers every message, and notes when it came."""

    came_at: list[float]

    def do_POST(self) -> None:
        """Take a message."""
        self.rfile.read(int(self.headers["content-length"]))
        self.came_at.append(time.time())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def receiver() -> Iterator[tuple[str, list[float]]]:
    """A host that answers: its address, and when messages came."""
    came_at: list[float] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Receiver", (_Receiver,), {"came_at": came_at}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", came_at
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def hosts_that_hang(count: int) -> Iterator[list[str]]:
    """Addresses where every connection is taken, and nothing is answered."""
    with contextlib.ExitStack() as stack:
        listening = [
            stack.enter_context(socket.create_server((f"127.0.1.{number + 1}", 0), backlog=512))
            for number in range(count)
        ]
        yield ["http://{}:{}/".format(*listener.getsockname()) for listener in listening]


def run_jobs(port: int, key: dict[str, str], count: int) -> None:
    """Submit so many jobs, and wait until all have ended."""
    body = {"scenario": "golden-toy", "reuse": False}
    waiting = [ask(port, "/api/v1/jobs", body, **key)["links"]["self"] for _ in range(count)]
    until = time.monotonic() + PATIENCE_S
    while waiting := [path for path in waiting if "ended_at" not in ask(port, path, **key)]:
        if time.monotonic() > until:
            raise TimeoutError("the jobs did not end in time")
        time.sleep(0.2)


def main() -> None:
    """Measure how long B waits."""
    parser = arguments(__doc__)
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=10)
    given = parser.parse_args()
    with (
        receiver() as (answering, came_at),
        hosts_that_hang(given.hosts) as hanging,
        service(given.database, SERVE, slots=2, webhook_private_targets="true") as running,
    ):
        one, other = (made_key(running.database_url, tenant, Scope.ADMIN) for tenant in ("A", "B"))
        for url in hanging:
            ask(running.port, "/api/v1/webhooks", {"url": url}, **one)
        ask(running.port, "/api/v1/webhooks", {"url": answering}, **other)
        run_jobs(running.port, one, given.jobs)
        run_jobs(running.port, other, 1)
        ended_at = time.time()
        while not came_at and time.time() < ended_at + PATIENCE_S:
            time.sleep(0.05)
    waited = max(0.0, came_at[0] - ended_at) if came_at else None
    print(f"A had {given.hosts * given.jobs} messages to {given.hosts} hosts that hang")
    print(
        "B's message did not come"
        if waited is None
        else f"B's message came {waited:.2f} s after its job was seen to end"
    )
    fine = waited is not None and waited <= MOST_S
    print(json.dumps({"fine": fine}))
    raise SystemExit(not fine)


if __name__ == "__main__":
    main()
