"""Callers who hold connections, send halves, never end and ask for what is dear, all at once, while a solve runs and a
planner polls: is the planner answered, does the solve go on, and what are the others told?

python -m benchmarks.service.hostile [--database URL] [--seconds 30] [--handles 1024] [--same-address]

The service may open `--handles` files. Twice as many connections send half a request, again as soon as one is closed;
a hundred ask for an answer of megabytes and read nothing of it; a hundred send a body of which a byte a second comes;
sixteen ask for the dearest answers one after the other. They call from another address than the planner, or from the
same one.
"""

import asyncio
import contextlib
import json
import multiprocessing
import socket
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.service.neighbours import made_key
from benchmarks.service.serving import SERVE, Answers, Client, arguments, ask, ask_text, service
from lodeplan.schemas.access import Scope
from lodeplan.service.storage import LOCAL

MOST_S = 0.5
"""What a poll of the planner may take, 99 of 100."""
PAUSE_S = 0.05
STALLED, UPLOADS, DEAR = 100, 100, 16
ELSEWHERE = "127.0.0.2"
DEAREST = (
    "/api/v1/scenarios/us-2026",
    "/api/v1/duty?commodity=gallium/metal&from=CHN&on=2026-11-24",
    "/api/v1/jobs?limit=200",
)

Attack = Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class Target:
    """Where the callers send, and who they say they are."""

    port: int
    key: dict[str, str]
    source: str
    until: float
    """End of the attack, by the clock of all processes (seconds since 1970)."""

    async def connect(self, receive_bytes: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection from the source's address; with a small buffer for what comes, if said so."""
        sock = socket.socket()
        sock.setblocking(False)
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.bind((self.source, 0))
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        return await asyncio.open_connection(sock=sock, limit=2**16)

    def head(self, method: str, path: str, **headers: str) -> bytes:
        """The head of a request."""
        given = {**self.key, "host": "127.0.0.1", **{name.replace("_", "-"): text for name, text in headers.items()}}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in given.items()), "", ""]
        return "\r\n".join(lines).encode()

    async def half(self) -> str:
        """Send half a head, and wait for what comes of it."""
        reader, writer = await self.connect()
        with contextlib.closing(writer):
            writer.write(b"GET /api/v1/jobs HTTP/1.1\r\nhost: ")
            return await _told(reader, self.until)

    async def stalled(self) -> str:
        """Ask for an answer of megabytes, and read nothing of it."""
        reader, writer = await self.connect(receive_bytes=4096)
        with contextlib.closing(writer):
            writer.write(self.head("GET", "/api/v1/scenarios/us-2026"))
            # The stream's own buffer takes 128 KiB, and then nobody reads.
            while time.time() < self.until and not reader.at_eof() and reader.exception() is None:
                await asyncio.sleep(0.5)
            return "closed" if time.time() < self.until else "held"

    async def upload(self) -> str:
        """Send a body of which a byte a second comes."""
        reader, writer = await self.connect()
        with contextlib.closing(writer):
            writer.write(self.head("POST", "/api/v1/jobs", content_type="application/json", content_length="30000000"))
            told = asyncio.create_task(_told(reader, self.until))
            while not told.done():
                with contextlib.suppress(ConnectionError):
                    writer.write(b" ")
                    await writer.drain()
                await asyncio.wait([told], timeout=1)
            return told.result()

    async def dear(self) -> str:
        """Ask for the dear answers, one after the other."""
        async with Client(self.port) as client:
            try:
                return " ".join([str((await client.send("GET", path, headers=self.key))[0]) for path in DEAREST])
            except (asyncio.IncompleteReadError, ConnectionError):
                return "closed"


async def _told(reader: asyncio.StreamReader, until: float) -> str:
    """The status that comes, or that the connection was closed, or held until the end."""
    try:
        async with asyncio.timeout(max(0.0, until - time.time())):
            first = await reader.readline()
    except TimeoutError:
        return "held"
    except ConnectionError:
        return "closed"
    return first.split()[1].decode() if first else "closed"


async def again_and_again(target: Target, attack: Attack, told: Counter[str]) -> None:
    """Attack, and again once it was ended."""
    while time.time() < target.until:
        try:
            told[await attack()] += 1
        except OSError:
            told["not connected"] += 1
            await asyncio.sleep(1)


def attack(target: Target, halves: int, answers: Any) -> None:
    """Attack in every way at once; puts what was told, by way."""

    async def all_ways() -> dict[str, Counter[str]]:
        ways = ((target.half, halves), (target.stalled, STALLED), (target.upload, UPLOADS), (target.dear, DEAR))
        told: dict[str, Counter[str]] = {way.__name__: Counter() for way, _ in ways}
        await asyncio.gather(
            *(again_and_again(target, way, told[way.__name__]) for way, count in ways for _ in range(count))
        )
        return told

    answers.put(asyncio.run(all_ways()))


async def poll(port: int, path: str, key: dict[str, str], until: float) -> Answers:
    """The answers to a planner who polls, on a new connection where the last one was ended."""
    answers = Answers()
    while time.time() < until:
        try:
            async with Client(port) as client:
                while time.time() < until:
                    sent = time.monotonic()
                    status, _, _ = await client.send("GET", path, headers=key)
                    answers.add(status, time.monotonic() - sent)
                    await asyncio.sleep(PAUSE_S)
        except (asyncio.IncompleteReadError, ConnectionError):
            answers.add(0, time.monotonic() - sent)
            await asyncio.sleep(PAUSE_S)
    return answers


def ended_by_reason(port: int, operator: dict[str, str]) -> dict[str, int]:
    """Connections that the service ended, as its metrics tell."""
    name = "lodeplan_http_connections_ended_total{"
    lines = [line for line in ask_text(port, "/metrics", **operator).splitlines() if line.startswith(name)]
    return {line.split('"')[1]: int(float(line.split()[-1])) for line in lines}


def main() -> None:
    """Attack a service, and say how it fared."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--handles", type=int, default=1024)
    parser.add_argument("--same-address", action="store_true")
    given = parser.parse_args()
    limited = ["sh", "-c", f'ulimit -n {given.handles}; exec "$@"', "sh", *SERVE]
    with service(given.database, limited, slots=1) as running:
        hostile, planner = made_key(running.database_url, "hostile"), made_key(running.database_url, "planner")
        asked = {"scenario": "us-2026-lite", "options": {"gap": 0}, "reuse": False}
        job = ask(running.port, "/api/v1/jobs", asked, **planner)
        path = job["links"]["self"]
        while ask(running.port, path, **planner)["state"] != "running":
            time.sleep(0.1)
        source = "127.0.0.1" if given.same_address else ELSEWHERE
        target = Target(running.port, hostile, source, time.time() + given.seconds)
        answers: Any = multiprocessing.get_context("spawn").SimpleQueue()
        attackers = multiprocessing.get_context("spawn").Process(
            target=attack, args=(target, 2 * given.handles, answers)
        )
        attackers.start()
        polls = asyncio.run(poll(running.port, path, planner, target.until))
        told = answers.get()
        attackers.join()
        held = ask(running.port, path, **planner)
        ended = ended_by_reason(running.port, made_key(running.database_url, LOCAL, Scope.ADMIN))
        ask(running.port, job["links"]["cancel"], {}, **planner)
    for way, counted in told.items():
        print(f"{way}: " + ", ".join(f"{count} times {what}" for what, count in counted.most_common(6)))
    print(f"connections ended by the service, by reason: {ended}")
    print("\n".join(["the planner's polls", *polls.lines(given.seconds)]))
    longest = sorted(polls.all().seconds[0])[int(0.99 * (polls.count() - 1))]
    print(f"p99 {longest:.3f} s; the solve is {held['state']}, attempt {held['attempt']}")
    fine = set(polls.seconds) == {200} and longest <= MOST_S and (held["state"], held["attempt"]) == ("running", 1)
    print(json.dumps({"fine": fine}))
    sys.exit(not fine)


if __name__ == "__main__":
    main()
