"""How many polls a second the service answers while a solve runs, and how long the slowest take.

python benchmarks/service/polls.py [--database URL] [--seconds 30] [--clients 32] [--scenario us-2026-lite]

All clients poll the running job, first without a tag (200), then with the one they hold (304 while nothing is new).
"""

import asyncio
import time

from serving import Answers, Client, arguments, ask, service


async def poll_for(port: int, path: str, how: tuple[float, int, bool]) -> tuple[Answers, float]:
    """The answers to clients that poll one after the other, and the seconds it took."""
    seconds, clients, with_tag = how
    answers, began = Answers(), time.monotonic()

    async def poll() -> None:
        headers: dict[str, str] = {}
        async with Client(port) as client:
            while time.monotonic() < began + seconds:
                sent = time.monotonic()
                status, found, _ = await client.send("GET", path, headers=headers)
                answers.add(status, time.monotonic() - sent)
                if with_tag:
                    headers = {"if-none-match": found["etag"]}

    await asyncio.gather(*(poll() for _ in range(clients)))
    return answers, time.monotonic() - began


def main() -> None:
    """Start a solve, poll it, and say how it went."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--scenario", default="us-2026-lite")
    given = parser.parse_args()
    with service(given.database, slots=1) as running:
        port = running.port
        for with_tag in (False, True):
            # Without a gap to be content with, the search goes on.
            job = ask(port, "/api/v1/jobs", {"scenario": given.scenario, "options": {"gap": 0}, "reuse": False})
            path = job["links"]["self"]
            while ask(port, path)["state"] == "queued":
                time.sleep(0.2)
            before_s = running.processor_s()
            answers, elapsed_s = asyncio.run(poll_for(port, path, (given.seconds, given.clients, with_tag)))
            each_ms = (running.processor_s() - before_s) / answers.count() * 1000
            state = ask(port, path)["state"]
            kind = "with If-None-Match" if with_tag else "without a tag"
            print(f"{given.clients} clients {kind}, {elapsed_s:.0f} s; the job is {state} at the end")
            print("\n".join([*answers.lines(elapsed_s), *answers.all().lines(elapsed_s)]))
            print(f"  the service took {each_ms:.1f} ms of processor time for each")
            if state == "running":
                ask(port, job["links"]["cancel"], {})
                while ask(port, path)["state"] == "cancelling":
                    time.sleep(0.2)


if __name__ == "__main__":
    main()
