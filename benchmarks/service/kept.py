"""How long a poll and a submit take on one connection that is kept.

python benchmarks/service/kept.py [--database URL] [--times 200]
"""

import asyncio
import json
import time

from serving import SERVE, Answers, Client, arguments, ask, service


async def ask_again_and_again(port: int, path: str, times: int) -> tuple[Answers, Answers]:
    """The answers to polls of a job, and to submits, one after the other."""
    polls, submits = Answers(), Answers()
    async with Client(port) as client:
        for _ in range(times):
            sent = time.monotonic()
            status, _, _ = await client.send("GET", path)
            polls.add(status, time.monotonic() - sent)
        for number in range(times):
            body = json.dumps({"scenario": "golden-toy", "label": f"kept {number}", "reuse": False}).encode()
            sent = time.monotonic()
            status, _, _ = await client.send("POST", "/api/v1/jobs", body)
            submits.add(status, time.monotonic() - sent)
    return polls, submits


def main() -> None:
    """Ask a service that solves nothing, and say how long it took."""
    parser = arguments(__doc__)
    parser.add_argument("--times", type=int, default=200)
    given = parser.parse_args()
    with service(given.database, [*SERVE, "--no-workers"]) as running:
        job = ask(running.port, "/api/v1/jobs", {"scenario": "golden-toy", "reuse": False})
        polls, submits = asyncio.run(ask_again_and_again(running.port, job["links"]["self"], given.times))
    for what, answers in (("polls", polls), ("submits", submits)):
        print(f"{given.times} {what} on one connection")
        print("\n".join(answers.lines(sum(answers.all().seconds[0]))))


if __name__ == "__main__":
    main()
