"""A tenant that sends the longest bodies it may, and leaves or stays: how long does another tenant wait?

python -m benchmarks.service.neighbours [--database URL] [--bodies 20] [--seconds 20] [--mb 32]
"""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice

from benchmarks.service.serving import SERVE, Answers, Client, Service, arguments, ask, service
from lodeplan.schemas.access import KeyRequest, Scope
from lodeplan.service import storage
from lodeplan.service.access import keys
from lodeplan.service.settings import Settings

MOST_S = 1.0
"""What a submit of the other tenant may take."""
ARRIVE_S = 1.0
"""Time in which the long bodies arrive before the other tenant begins."""
PAUSE_S = 0.1


def longest_bodies(mb: float) -> Iterator[tuple[bytes, str]]:
    """Bodies that take long to check, each of its kind, with their media types: patches that mean most places, a batch
    of many large scenarios, as much YAML as is read, and as much JSON."""
    patches = [{"op": "set", "path": "*.*.title", "value": "x"}] * 100
    yield json.dumps({"scenario": "us-2026", "patches": patches}).encode(), "application/json"
    jobs = [{"label": str(number), "patches": [{"op": "set", "path": "title", "value": "x"}]} for number in range(500)]
    yield json.dumps({"kind": "batch", "scenario": "us-2026", "jobs": jobs}).encode(), "application/json"
    yield b"scenario: {routes: [" + b"{a: b}, " * 49_000 + b"]}", "application/yaml"
    text = "x" * int(mb * 1_000_000 - 8_100_000)
    yield json.dumps({"scenario": {"name": text, "x": [[]] * 900_000}}).encode(), "application/json"


def made_key(database_url: str, tenant: str, scope: Scope = Scope.SUBMIT) -> dict[str, str]:
    """The header of a new key of a tenant."""
    database = storage.open_database(Settings(database_url=database_url).sqlalchemy_url)
    with storage.open_session(database) as session:
        _, shown = keys.create_key(session, tenant, KeyRequest(name="measured", scope=scope))
        session.commit()
    database.dispose()
    return {"authorization": f"Bearer {shown}"}


async def send_long(port: int, body: bytes, media_type: str, key: dict[str, str], abandon_after_s: float) -> int:
    """Send one long body; the status, or 0 where the client left before it was answered."""
    async with Client(port) as client:
        headers = {**key, "content-type": media_type}
        try:
            async with asyncio.timeout(abandon_after_s or None):
                status, _, _ = await client.send("POST", "/api/v1/jobs", body, headers)
                return status
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            return 0


async def ask_for(port: int, seconds: float, key: dict[str, str], path: str, submits: bool) -> Answers:
    """The answers to a client that submits, or polls, again and again on one connection."""
    answers, began, number = Answers(), time.monotonic(), 0
    async with Client(port) as client:
        while time.monotonic() < began + seconds:
            number += 1
            body = json.dumps({"scenario": "golden-toy", "label": str(number), "reuse": False}).encode()
            sent = time.monotonic()
            status, _, _ = await client.send("POST" if submits else "GET", path, body if submits else b"", key)
            answers.add(status, time.monotonic() - sent)
            await asyncio.sleep(PAUSE_S)
    return answers


async def beside(running: Service, bodies: list[tuple[bytes, str]], leave: bool, seconds: float) -> bool:
    """Have A send its bodies and B submit and poll; whether B was served in time."""
    one, other = made_key(running.database_url, "A"), made_key(running.database_url, "B")
    job = ask(running.port, "/api/v1/jobs", {"scenario": "golden-toy", "reuse": False}, **other)
    long = [asyncio.create_task(send_long(running.port, *body, one, 2.0 if leave else 0.0)) for body in bodies]
    await asyncio.sleep(ARRIVE_S)
    submits, polls = await asyncio.gather(
        ask_for(running.port, seconds, other, "/api/v1/jobs", submits=True),
        ask_for(running.port, seconds, other, job["links"]["self"], submits=False),
    )
    answered = Counter(task.result() for task in long if task.done() and not task.cancelled())
    for task in long:
        task.cancel()
    await asyncio.gather(*long, return_exceptions=True)
    longest_s = max(submits.all().seconds[0])
    how = "left" if leave else "stayed"
    print(f"A sent {len(bodies)} bodies and {how}; answered so far, by status: {dict(answered)}")
    print("\n".join([" B's submits", *submits.lines(seconds), " B's polls", *polls.lines(seconds)]))
    print(f" B's longest submit took {longest_s:.2f} s")
    return longest_s <= MOST_S and set(submits.seconds) == {202} and set(polls.seconds) == {200}


def main() -> None:
    """Measure with a neighbour that stays and one that leaves."""
    parser = arguments(__doc__)
    parser.add_argument("--bodies", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--mb", type=float, default=32)
    given = parser.parse_args()
    bodies = list(islice(cycle(longest_bodies(given.mb)), given.bodies))
    in_time = True
    for leave in (True, False):
        with service(given.database, [*SERVE, "--no-workers"]) as running, contextlib.suppress(KeyboardInterrupt):
            in_time &= asyncio.run(beside(running, bodies, leave, given.seconds))
    raise SystemExit(not in_time)


if __name__ == "__main__":
    main()
