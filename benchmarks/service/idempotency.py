"""Equal submits with one Idempotency-Key at once: is there one job, and are the answers equal?

python benchmarks/service/idempotency.py [--database URL] [--rounds 20] [--at-once 50]
"""

import asyncio
import json
import time
import uuid

from serving import SERVE, Client, arguments, ask, scenario_of_20_kb, service


async def send_at_once(port: int, body: bytes, at_once: int) -> list[tuple[int, bytes]]:
    """Status and body of each answer to the same request over many connections."""
    headers = {"idempotency-key": str(uuid.uuid4())}
    ready, answers = asyncio.Barrier(at_once), []

    async def send() -> None:
        async with Client(port) as client:
            await ready.wait()
            status, _, answer = await client.send("POST", "/api/v1/jobs", body, headers)
            answers.append((status, answer))

    await asyncio.gather(*(send() for _ in range(at_once)))
    return answers


def main() -> None:
    """Send some rounds, and count what does not hold."""
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=50)
    given = parser.parse_args()
    body = json.dumps({"scenario": scenario_of_20_kb()}).encode()
    with service(given.database, [*SERVE, "--no-workers"], max_queued=0) as running:
        port = running.port
        began, different, refused = time.monotonic(), 0, 0
        for _ in range(given.rounds):
            answers = asyncio.run(send_at_once(port, body, given.at_once))
            refused += sum(status != 202 for status, _ in answers)
            different += len(set(answers)) - 1
        jobs = len(ask(port, "/api/v1/jobs?limit=200")["jobs"])
        print(
            f"{given.rounds} rounds of {given.at_once} at once in {time.monotonic() - began:.1f} s: {jobs} jobs, "
            f"{refused} answers other than 202, {different} that differ within a round"
        )


if __name__ == "__main__":
    main()
