"""A service to measure, in a process of its own over a new database, and clients that cost little themselves."""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy

from lodeplan import scenarios
from lodeplan.service.settings import Settings

SERVE = [sys.executable, "-c", "from lodeplan.service.cli import main; main()", "serve"]
STUB = [sys.executable, str(Path(__file__).with_name("stub_service.py"))]
START_TAKES_AT_MOST_S = 120


@dataclass(frozen=True)
class Service:
    """A running service."""

    port: int
    pid: int
    database_url: str

    def processor_s(self) -> float:
        """Processor time it has taken until now, its threads together, without its children; 0 without /proc."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return 0.0
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with what all measurements ask for."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument(
        "--database",
        default="sqlite",
        help="sqlite, or postgresql://USER@HOST/NAME; a new database is made beside NAME, and deleted",
    )
    return parser


@contextlib.contextmanager
def service(database: str, command: Sequence[str] = SERVE, **settings: Any) -> Iterator[Service]:
    """A service on 127.0.0.1; `settings` become its environment."""
    with tempfile.TemporaryDirectory(prefix="lodeplan-measured-") as folder, _new_database(database, folder) as url:
        environment = {f"LODEPLAN_{name.upper()}": str(value) for name, value in settings.items()}
        environment = {**os.environ, "LODEPLAN_DATABASE_URL": url, "LODEPLAN_LOG_LEVEL": "WARNING", **environment}
        port = _free_port()
        process = subprocess.Popen([*command, "--port", str(port)], env=environment, stdout=subprocess.DEVNULL)
        try:
            _wait_for(process, port)
            yield Service(port, process.pid, url)
        finally:
            process.terminate()
            process.wait(60)


@dataclass
class Answers:
    """What clients were answered: how long each took, by status."""

    seconds: dict[int, list[float]] = field(default_factory=dict)

    def add(self, status: int, seconds: float) -> None:
        """Count one answer."""
        self.seconds.setdefault(status, []).append(seconds)

    def lines(self, elapsed_s: float) -> list[str]:
        """A line a status: how many, how many a second, median and 99th percentile."""
        return [
            f"  {status}: {len(taken):7,} answers, {len(taken) / elapsed_s:7.1f} a second, "
            f"median {_quantile(taken, 0.5) * 1000:6.1f} ms, p99 {_quantile(taken, 0.99) * 1000:6.1f} ms"
            for status, taken in sorted(self.seconds.items())
        ]

    def count(self) -> int:
        """How many there were."""
        return sum(map(len, self.seconds.values()))

    def all(self) -> "Answers":
        """The same whatever the status, as status 0."""
        return Answers({0: [second for taken in self.seconds.values() for second in taken]})


class Client:
    """One connection that is kept; HTTP/1.1 as far as the service speaks it."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> "Client":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer."""
        head = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
        given = {**({"content-type": "application/json"} if body else {}), **(headers or {})}
        head += [f"{name}: {value}" for name, value in given.items()]
        self._writer.write("\r\n".join([*head, "", ""]).encode() + body)
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        found = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines) if name}
        if found.get("transfer-encoding") == "chunked":
            return int(first.split()[1]), found, b"".join([piece async for piece in self._pieces()])
        return int(first.split()[1]), found, await self._reader.readexactly(int(found.get("content-length", 0)))

    async def _pieces(self) -> AsyncIterator[bytes]:
        """The pieces of a body that does not say how long it is."""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            yield await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)


def ask(port: int, path: str, body: Any = None, **headers: str) -> Any:
    """The JSON answer to one request."""
    return json.loads(ask_text(port, path, body, **headers))


def ask_text(port: int, path: str, body: Any = None, **headers: str) -> str:
    """The answer to one request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"content-type": "application/json"})
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    with urllib.request.urlopen(request, timeout=600) as answer:
        text: str = answer.read().decode()
        return text


def scenario_of_20_kb() -> dict[str, Any]:
    """The golden toy with more users of its metal, until it is as large as 20,000 characters of JSON."""
    data = scenarios.load("golden-toy").model_dump(mode="json", exclude_unset=True)
    name, demand = next(iter(data["demands"].items()))
    number = 0
    while len(json.dumps(data)) < 20_000:
        number += 1
        data["demands"][f"{name} {number}"] = demand
    return data


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_TAKES_AT_MOST_S
    while True:
        try:
            ask(port, "/readyz")
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                sys.exit("the service did not start")
            time.sleep(0.1)


@contextlib.contextmanager
def _new_database(database: str, folder: str) -> Iterator[str]:
    if database == "sqlite":
        yield f"sqlite:///{folder}/measured.db"
        return
    name = f"lodeplan_measured_{uuid.uuid4().hex}"
    url = sqlalchemy.make_url(Settings(database_url=database).sqlalchemy_url)
    server = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with server.connect() as connection:
        connection.execute(sqlalchemy.text(f"create database {name}"))
    try:
        plain = url.set(database=name, drivername="postgresql")
        yield plain.render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(sqlalchemy.text(f"drop database {name} with (force)"))
