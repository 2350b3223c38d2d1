"""How many jobs a second the service takes in: scenarios of 20 KB, each a little different, from several clients.

python benchmarks/service/submits.py [--database URL] [--seconds 60] [--clients 8]

Without a worker, so that no solve takes the processors: that is what one process with the API can do.
"""

import asyncio
import json
import time

from serving import SERVE, Answers, Client, arguments, ask, scenario_of_20_kb, service


async def submit_for(port: int, seconds: float, clients: int) -> tuple[Answers, float]:
    """The answers to so many clients that submit one job after the other, and the seconds it took."""
    scenario, answers, began = scenario_of_20_kb(), Answers(), time.monotonic()

    async def submit(name: int) -> None:
        async with Client(port) as client:
            number = 0
            while time.monotonic() < began + seconds:
                number += 1
                body = json.dumps({"scenario": {**scenario, "name": f"client-{name}-{number}"}}).encode()
                sent = time.monotonic()
                status, _, _ = await client.send("POST", "/api/v1/jobs", body)
                answers.add(status, time.monotonic() - sent)

    await asyncio.gather(*(submit(name) for name in range(clients)))
    return answers, time.monotonic() - began


def main() -> None:
    """Submit, and say how it went."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=8)
    given = parser.parse_args()
    with service(given.database, [*SERVE, "--no-workers"], max_queued=0) as running:
        before_s = running.processor_s()
        answers, elapsed_s = asyncio.run(submit_for(running.port, given.seconds, given.clients))
        each_ms = (running.processor_s() - before_s) / answers.count() * 1000
        print(f"{given.clients} clients, {elapsed_s:.0f} s, {given.database.partition(':')[0]}; by status:")
        print("\n".join(answers.lines(elapsed_s)))
        print(f"  the service took {each_ms:.1f} ms of processor time for each")
        listed = 0
        path: str | None = "/api/v1/jobs?limit=200"
        while path:
            page = ask(running.port, path)
            listed, path = listed + len(page["jobs"]), page.get("next")
        print(f"  {listed:,} jobs in the list; {len(answers.seconds.get(202, [])):,} were promised")


if __name__ == "__main__":
    main()
