"""A batch of many small solves: are all gathered, in order, though some fail?

python benchmarks/service/batch.py [--database URL] [--jobs 2000] [--fail-every 100] [--real]

Solves nothing, to measure what a batch costs around its solves; with --real each job is the golden toy in a child
process of its own, which takes some seconds of a processor.
"""

import json
import time
from collections import Counter

from serving import SERVE, STUB, arguments, ask, ask_text, service

from lodeplan.schemas.jobs import JobState

FAILING = [
    {"op": "set", "path": "description", "value": "fail"},
]


def request(jobs: int, fail_every: int) -> dict:
    """The body: each job has a discount rate of its own; some fail."""
    items = []
    for number in range(jobs):
        patches = [{"op": "set", "path": "economics.discount_rate", "value": 0.01 + number / jobs / 10}]
        if fail_every and number % fail_every == fail_every - 1:
            patches += FAILING
        items.append({"label": str(number), "patches": patches})
    return {"kind": "batch", "scenario": "golden-toy", "jobs": items, "reuse": False}


def main() -> None:
    """Run the batch, gather its results, and check them."""
    parser = arguments(__doc__)
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--fail-every", type=int, default=100)
    parser.add_argument("--real", action="store_true")
    given = parser.parse_args()
    with service(given.database, SERVE if given.real else STUB, slots=16) as running:
        port = running.port
        began = time.monotonic()
        body = request(given.jobs, given.fail_every)
        batch = ask(port, "/api/v1/jobs", body)
        submitted_s = time.monotonic() - began
        print(f"{given.jobs:,} jobs submitted in {submitted_s:.1f} s with {len(json.dumps(body)) / 1000:,.0f} KB")
        while not JobState((batch := ask(port, f"{batch['links']['self']}?wait=20"))["state"]).ended:
            print(f"  {time.monotonic() - began:6.0f} s  {batch['counts']}")
        print(f"{batch['state']} after {time.monotonic() - began:.1f} s: {batch['counts']}")
        asked = time.monotonic()
        lines = [json.loads(line) for line in ask_text(port, batch["links"]["results"]).splitlines()]
        states = dict(Counter(line["state"] for line in lines))
        in_order = [line["label"] for line in lines] == [str(number) for number in range(given.jobs)]
        gathered_s = time.monotonic() - asked
        print(f"{len(lines):,} results gathered in {gathered_s:.1f} s, in order: {in_order}, by state: {states}")


if __name__ == "__main__":
    main()
