"""Shipped scenarios with something wrong in them: is every answer the client's fault, or none?

python benchmarks/service/fuzz.py [--database URL] [--times 2000] [--seconds 600] [--seed 1]

Bodies are checked (`validate_only`) or submitted; no worker runs. What was accepted is shown and cancelled. Ends with 1
if any answer is 5xx, or none comes.
"""

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from lodeplan import scenarios

RAW = re.compile(r'"RAW<(\d+)>"')
WORDS = [
    "NaN", "Infinity", "-Infinity", "1e999", "1e308", "-1e308", "5e-324", "-0.0", "-0", "9" * 30, "9" * 5_000, "1E400",
    '"\\ud800"', '"\\udc00\\ud800"', '"a\\u0000b"', '"\\u202e"', '"\\ufeff"', '""', '" "', "null", "true", "[]", "{}",
    "[" * 40 + "]" * 40, "[" * 60 + "]" * 60, "[" * 2_000 + "]" * 2_000, '{"a":' * 45 + "1" + "}" * 45,
    '{"a": 1, "a": 2}', '{"": {"": ""}}', '{"2026": 1e308, "2027": -1}', '{"\\ud800": 1}', "[null, [], {}, \"\"]",
]  # fmt: skip
"""What is put into JSON as it stands, so that it may be none."""
VALUES: list[Any] = [
    "*", "**", "*" * 50, ";", "=", "a=b;c=d", "2026=1e308", "2026=nan", "inf", "1_000", "٣", "9999-12-31", "0000-00-00",
    "2026-02-30", -1, 0, 1, 2**31, 2**63, 2**64, 10**300, 10**309, 1.5, True, "x" * 121, "x" * 5_000, "💎" * 30,
    "e\u0301", "__class__", "home", "us-2026", "../../etc/passwd", "[!x]", "?", {"base": "us-2026"}, [1] * 30,
]  # fmt: skip
PATHS = [
    "*", "*.*", "*.*.*", "routes.*.freight_kusd_per_t", "demands.*.quantity_t_per_y", "economics.discount_rate",
    "horizon.period_years", "horizon.period_years.0", "horizon.period_years.*", "futures", "mineral_groups", "tariffs",
    "futures.*.probability", "solve", "solve.time_limit_s", "risk.objective", "sampling", "limits", "provenance",
    "provenance.0", "places.*.groups", "commodities.*.hts.0", "name", "", ".", "'", "a..b", "''", "*a*a*a*b", "\ud800",
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One request to send."""

    body: bytes
    media_type: str
    validate_only: bool


def cases(seed: int) -> Iterator[Case]:
    """Requests without end, always the same for a seed."""
    chance = random.Random(seed)
    while True:
        text = _as_json(chance, _request(chance))
        body = _spoiled(chance, text.encode("utf-8", "surrogatepass")) if chance.random() < 0.1 else text.encode()
        yaml = len(body) < 30_000 and chance.random() < 0.1
        yield Case(body, "application/yaml" if yaml else "application/json", chance.random() < 0.5)


@cache
def _shipped() -> tuple[tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]:
    """The shipped scenarios as plain data, small ones and large ones."""
    found = [scenarios.load(item.name).model_dump(mode="json", exclude_unset=True) for item in scenarios.names()]
    small = tuple(data for data in found if len(data.get("routes", {})) < 50)
    return small, tuple(data for data in found if len(data.get("routes", {})) >= 50)


def _request(chance: random.Random) -> Any:
    small, large = _shipped()
    scenario: Any = deepcopy(chance.choice(large if chance.random() < 0.02 else small))
    if chance.random() < 0.8:
        for _ in range(chance.randint(1, 4)):
            _change(chance, scenario, scenario)
    request: dict[str, Any] = {"scenario": scenario if chance.random() < 0.9 else scenario.get("name", "golden-toy")}
    if chance.random() < 0.4:
        request["patches"] = _patches(chance)
    if chance.random() < 0.15:
        request |= {"kind": "batch", "jobs": [{"patches": _patches(chance)} for _ in range(chance.randint(0, 4))]}
    if chance.random() < 0.2:
        options = ("gap", "time_limit_s", "label", "x")
        request["options"] = {name: _hostile(chance) for name in chance.sample(options, 2)}
    if chance.random() < 0.1:
        request[chance.choice(["label", "reuse", "kind", "patches", "scenario", "jobs", "", "x"])] = _hostile(chance)
    return request


def _patches(chance: random.Random) -> list[Any]:
    return [
        {
            "op": chance.choice(["set", "add", "scale", "remove", "keep", "keep", "bend"]),
            "path": chance.choice(PATHS) if chance.random() < 0.95 else _hostile(chance),
            "value": chance.choice([["*"], 1.1, {"new": {}}]) if chance.random() < 0.5 else _hostile(chance),
        }
        for _ in range(chance.randint(0, 3))
    ]


def _hostile(chance: random.Random) -> Any:
    number = chance.randrange(len(WORDS) + len(VALUES))
    return f"RAW<{number}>" if number < len(WORDS) else deepcopy(VALUES[number - len(WORDS)])


def _change(chance: random.Random, data: Any, whole: Any) -> None:
    """Change one thing somewhere in the data; a few levels down as often as at the top."""
    around = data
    for _ in range(chance.randint(0, 5)):
        below = [item for item in _items(around) if isinstance(item, dict | list) and item]
        if not below:
            break
        around = chance.choice(below)
    if not around:
        return
    key = chance.choice(list(around)) if isinstance(around, dict) else chance.randrange(len(around))
    match chance.choice(["put", "put", "put", "remove", "rename", "within", "text", "move"]):
        case "put":
            around[key] = _hostile(chance)
        case "remove":
            del around[key]
        case "rename" if isinstance(around, dict):
            around[chance.choice(["", "*", "'", "x" * 130, "\u202e", "A", "a.b"])] = around.pop(key)
        case "within":
            around[key] = [around[key]] if chance.random() < 0.5 else {"x": around[key]}
        case "text":
            around[key] = str(around[key])
        case _:
            around[key] = deepcopy(chance.choice(list(_items(whole))))


def _items(data: Any) -> list[Any]:
    return list(data.values()) if isinstance(data, dict) else data if isinstance(data, list) else []


def _as_json(chance: random.Random, request: Any) -> str:
    text = json.dumps(request, ensure_ascii=chance.random() < 0.5 or "\\ud" in json.dumps(request))
    text = RAW.sub(lambda found: WORDS[int(found[1])], text)
    if chance.random() < 0.05:
        text = text.replace('"places"', '"places": {}, "places"', 1)
    return text


def _spoiled(chance: random.Random, body: bytes) -> bytes:
    """The body cut off, with bytes changed or put in, or written otherwise."""
    at = chance.randrange(len(body))
    match chance.randrange(4):
        case 0:
            return body[:at]
        case 1:
            return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
        case 2:
            return (
                body[:at] + chance.choice([b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"[" * 500, b'"', b"\\u"]) + body[at:]
            )
        case _:
            return body.decode("utf-8", "replace").encode(chance.choice(["utf-16", "utf-8-sig", "utf-32"]))


def send(client: httpx.Client, case: Case) -> httpx.Response:
    """The answer to a case; raises `AssertionError` if it is not one that a client may get."""
    answer = client.post(
        "/api/v1/jobs",
        content=case.body,
        headers={"content-type": case.media_type},
        params={"validate_only": str(case.validate_only).lower()},
    )
    assert answer.status_code < 500, f"{answer.status_code} {answer.text[:300]}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", answer.headers
        assert answer.json()["status"] == answer.status_code
    elif answer.status_code == 202:
        place = answer.headers["location"]
        assert client.get(place).status_code == 200, place
        assert client.post(f"{place}:cancel").status_code in (202, 409), place
    return answer


def main() -> None:
    """Send so many, and count the answers."""
    from serving import SERVE, arguments, service

    parser: argparse.ArgumentParser = arguments(__doc__)
    parser.add_argument("--times", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    statuses, wrong, slowest = Counter[int](), 0, 0.0
    with service(given.database, [*SERVE, "--no-workers"], max_queued=0) as running:
        until = time.monotonic() + given.seconds
        with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", timeout=120) as client:
            for number, case in enumerate(cases(given.seed)):
                if number == given.times or time.monotonic() > until:
                    break
                try:
                    answer = send(client, case)
                except (AssertionError, httpx.TransportError) as error:
                    wrong += 1
                    print(f"case {number}: {error!r}", flush=True)
                    continue
                statuses[answer.status_code] += 1
                slowest = max(slowest, answer.elapsed.total_seconds())
        print(
            f"{given.database.partition(':')[0]}, seed {given.seed}: {statuses.total() + wrong:,} cases, {wrong} wrong"
        )
        print("  " + ", ".join(f"{count:,} of {status}" for status, count in sorted(statuses.items())))
        print(f"  slowest {slowest:.1f} s, most memory {_peak_mib(running.pid)} MiB")
    sys.exit(1 if wrong else 0)


def _peak_mib(pid: int) -> str:
    """Most memory the process has held, or `unknown` without /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return "unknown"
    return str(int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) // 1024)


if __name__ == "__main__":
    main()
