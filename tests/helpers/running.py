"""Servers and processes that tests start, and end."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI
from folders import ROOT
from job_service import FAKE_CHILD, FAKE_FORK_SERVER, wait_until


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of the app, served in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def lodeplan(*arguments: str, log: Path, fake: bool = True, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running command in a session of its own, whose solves are fake ones if so asked; killed at the end."""
    code = "from lodeplan.service.cli import main; main()"
    if fake:
        children = f"worker.ChildSolver = functools.partial(worker.ChildSolver, command={FAKE_CHILD!r})"
        forks = f"worker.ForkServer = functools.partial(worker.ForkServer, command={FAKE_FORK_SERVER!r})"
        code = f"import functools; from lodeplan.service.workers import worker; {children}; {forks}; {code}"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env={**os.environ, "LODEPLAN_SLOTS": "2", **environment},
            cwd=ROOT,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
