"""Bodies that are attacks: each is refused as the client's fault, in bounded memory, and the service goes on."""

import gzip
import io
import json
import os
import re
import socket
import subprocess
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from access_service import bearer, made_key, served
from campaigns import drawn
from fastapi import FastAPI
from folders import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from job_service import DATABASES, database_of, new_database, wait_until

from benchmarks.service.fuzz import cases, send
from lodeplan import scenarios
from lodeplan.scenarios.patching.apply import MAX_WORK, count_values
from lodeplan.scenarios.patching.keeping import work_of_keeping
from lodeplan.scenarios.reading.fields import COLLECTIONS
from lodeplan.scenarios.reading.screening import MAX_ENTRIES, MAX_PAIRS
from lodeplan.schemas import InvalidInput
from lodeplan.schemas.access import Scope
from lodeplan.schemas.jobs import BatchRequest
from lodeplan.service.api.bodies import BodyLimit, Uploads
from lodeplan.service.app import create_app
from lodeplan.service.checking.loading import MAX_BATCH_VALUES, load_batch
from lodeplan.service.checking.reading import MAX_VALUES
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.http.errors import ApiError
from lodeplan.service.settings import Settings

JSON, YAML = "application/json", "application/yaml"
REFUSED = {400, 413, 415, 422}
MEMORY_MIB = 700
"""What the server may hold over its rest, whatever comes, while bodies may have 32 MB."""


@cache
def toy_as_json() -> str:
    return json.dumps(scenarios.load("golden-toy").model_dump(mode="json", exclude_unset=True))


def toy() -> dict[str, Any]:
    """The golden toy, which the caller may change."""
    data: dict[str, Any] = json.loads(toy_as_json())
    return data


def toy_with(**changes: Any) -> bytes:
    return json.dumps({"scenario": {**toy(), **changes}}).encode()


def patched(path: str, value: Any, count: int = 1) -> bytes:
    return json.dumps(
        {"scenario": "us-2026", "patches": [{"op": "set", "path": path, "value": value}] * count}
    ).encode()


def zipped(unpacked_mb: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("scenario.json", "w") as part:
        for _ in range(unpacked_mb):
            part.write(b"0" * 1_000_000)
    return content.getvalue()


def laughs() -> bytes:
    """YAML whose nine lines stand for a billion words."""
    lines = ['a0: &a0 ["lol"]'] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join([*lines, "scenario: *a9"]).encode()


def rules(count: int, kind: Callable[[int], dict[str, Any]]) -> bytes:
    """A valid scenario of many places and many limits that each select among them."""
    data = toy()
    route, plant = next(iter(data["routes"].values())), next(iter(data["facilities"].values()))
    data["places"] |= {f"p{n}": {} for n in range(count)}
    data["routes"] |= {f"r{n}": {**route, "origin": f"p{n}"} for n in range(count)}
    data["facilities"] |= {f"f{n}": {**plant, "place": f"p{n}"} for n in range(count)}
    data["limits"] = {f"l{n}": kind(n) for n in range(count)}
    return json.dumps({"scenario": data}).encode()


def survival(_: int) -> dict[str, Any]:
    return {"kind": "survival", "tiers": ["military"], "served_share": 0.1, "places": ["*"], "onset": 2}


def share_cap(number: int) -> dict[str, Any]:
    commodity = next(iter(toy()["commodities"]))
    return {"kind": "share_cap", "commodity": commodity, "places": [f"p{number}", "p0"], "cap_share": 0.5}


def number(text: str) -> bytes:
    """A valid scenario with this in the place of a number."""
    return json.dumps({"scenario": {**toy(), "economics": {"discount_rate": "HERE"}}}).replace('"HERE"', text).encode()


BODIES: dict[str, Callable[[], tuple[bytes, str]]] = {
    "nothing": lambda: (b"", JSON),
    "NaN": lambda: (number("NaN"), JSON),
    "minus infinity": lambda: (number("-Infinity"), JSON),
    "a number over the largest": lambda: (number("1e999"), JSON),
    "1e308": lambda: (number("1e308"), JSON),
    "an integer of a hundred thousand digits": lambda: (number("9" * 100_000), JSON),
    "an integer of four thousand digits": lambda: (number("9" * 4_000), JSON),
    "a YAML integer of a hundred thousand digits": lambda: (b"scenario: " + b"9" * 100_000, YAML),
    "YAML infinity": lambda: (b"scenario: golden-toy\noptions: {gap: .inf}", YAML),
    "a hundred thousand brackets": lambda: (b"[" * 100_000, JSON),
    "a million brackets": lambda: (b"[" * 1_000_000, JSON),
    "objects a thousand deep": lambda: (b'{"scenario":' * 1_000 + b"1" + b"}" * 1_000, JSON),
    "objects sixty deep": lambda: (b'{"scenario":' * 60 + b"1" + b"}" * 60, JSON),
    "a hundred thousand YAML brackets": lambda: (b"[" * 90_000, YAML),
    "YAML lists in one another": lambda: (b"- " * 500_000, YAML),
    "YAML keys in one another": lambda: (b"? " * 500_000, YAML),
    "YAML aliases that multiply": lambda: (laughs(), YAML),
    "a YAML anchor on itself": lambda: (b"scenario: &a [*a]", YAML),
    "a YAML tag": lambda: (b"scenario: !!python/object/apply:os.system ['true']", YAML),
    "a YAML merge": lambda: (b"a: {b: 1}\n<<: {scenario: golden-toy}", YAML),
    "as much YAML as is read": lambda: (b"scenario: [" + b"a," * 99_000 + b"a]", YAML),
    "YAML of many values": lambda: (b"scenario: [" + b"a," * 900_000 + b"a]", YAML),
    "a key twice": lambda: (b'{"scenario": "golden-toy", "scenario": "us-2026"}', JSON),
    "two of a million keys the same": lambda: (
        b'{"scenario": {' + b",".join(b'"%d":1' % n for n in range(1_000_000)) + b',"999999":2}}',
        JSON,
    ),
    "half a character": lambda: (b'{"scenario": "\\ud800"}', JSON),
    "half a character as a key": lambda: (b'{"\\udfff": 1, "scenario": "golden-toy"}', JSON),
    "half a character deep within": lambda: (toy_with(places={"a\ud800": {"title": "\udc00"}}), JSON),
    "NUL": lambda: (b'{"scenario": "\\u0000"}', JSON),
    "NUL in bytes": lambda: (b'{"scenario": "\x00"}', JSON),
    "bytes that are no text": lambda: (bytes(range(256)) * 1_000, JSON),
    "UTF-16": lambda: ('{"scenario": "golden-toy"}'.encode("utf-16"), JSON),
    "a million rows": lambda: (toy_with(provenance=[{"table": "routes"}] * 1_000_000), JSON),
    "half a million entries": lambda: (toy_with(routes={f"r{n}": {} for n in range(500_000)}), JSON),
    "fifteen million numbers": lambda: (b'{"scenario": [' + b"1," * 15_000_000 + b"1]}", JSON),
    "ten million lists": lambda: (b'{"scenario": [' + b"[]," * 10_000_000 + b"[]]}", JSON),
    "as many lists as are read": lambda: (b'{"scenario": [' + b"[]," * 990_000 + b"[]]}", JSON),
    "thirty megabytes of text": lambda: (b'{"scenario": "' + b"x" * 30_000_000 + b'"}', JSON),
    "a kind that is a text without end": lambda: (b'{"kind": "' + b"x" * 5_000_000 + b'"}', JSON),
    "more than may come": lambda: (b" " * 40_000_000, JSON),
    "a list put in every place": lambda: (patched("*.*.note", list(range(9_000)), 50), JSON),
    "stars without end": lambda: (patched("*.*.note", "x", 10_000), JSON),
    "a star in a long name": lambda: (patched("routes." + "*a" * 5_000, 1), JSON),
    "more patches than are read": lambda: (patched("economics.discount_rate", 0.1, 10_001), JSON),
    "limits that stand for many futures": lambda: (rules(1_000, survival), JSON),
    "limits that meet many places": lambda: (rules(6_000, share_cap), JSON),
    "a zip bomb": lambda: (zipped(300), "application/zip"),
    "a workbook that is a bomb": lambda: (
        zipped(300),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    "a zip bomb that says it is JSON": lambda: (zipped(300), JSON),
}

ENCODED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip, written large": ("GZIP", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "twice": ("gzip, gzip", lambda body: gzip.compress(gzip.compress(body))),
    "br": ("br", lambda body: body),
    "zstd": ("zstd", lambda body: body),
    "unknown": ("x-secret", lambda body: body),
}


@contextmanager
def running(folder: Path, *flags: str, url: str = "", **settings: Any) -> Iterator[tuple[httpx.Client, int]]:
    """`lodeplan serve`, and its process id."""
    environment = {**os.environ, "LODEPLAN_DATA_DIR": str(folder), "LODEPLAN_DATABASE_URL": url}
    environment |= {f"LODEPLAN_{name.upper()}": str(value) for name, value in settings.items()}
    log = folder / "log"
    with log.open("wb") as output:
        command = [sys.executable, "-c", "from lodeplan.service.cli import main; main()"]
        process = subprocess.Popen([*command, "serve", *flags, "--port", "0"], env=environment, cwd=ROOT, stderr=output)
    try:
        url = wait_until(lambda: re.search(r'"url": "(http[^"]+)"', log.read_text()), 120)[1]
        with httpx.Client(base_url=url, timeout=300) as client:
            wait_until(lambda: is_live(client), 60)
            yield client, process.pid
    finally:
        process.terminate()
        process.wait(60)


def is_live(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def peak_mib(pid: int) -> float:
    """Most memory the process has held, MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


def check(answer: httpx.Response, name: str) -> None:
    assert answer.status_code in REFUSED, (name, answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/problem+json", name
    assert len(answer.content) < 1_000_000, (name, len(answer.content))
    json.loads(answer.content.decode("utf-8"), parse_constant=lambda name: pytest.fail(f"{name} in an answer"))


@pytest.mark.slow(about_s=60)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_whatever_comes_is_refused_and_a_real_server_stays_small(tmp_path: Path) -> None:
    with running(tmp_path, "--no-workers") as (client, pid):
        assert client.post("/api/v1/jobs?validate_only=true", json={"scenario": "us-2026"}).status_code == 200
        at_rest = peak_mib(pid)
        peaks = []
        for name, make in BODIES.items():
            body, media_type = make()
            answer = client.post("/api/v1/jobs", content=body, headers={"content-type": media_type})
            check(answer, name)
            peaks.append((round(peak_mib(pid) - at_rest), name, answer.status_code, answer.elapsed.total_seconds()))
        for name, (encoding, encode) in ENCODED.items():
            headers = {"content-type": JSON, "content-encoding": encoding}
            answer = client.post("/api/v1/jobs", content=encode(b" " * 30_000_000), headers=headers)
            assert answer.status_code == 415, name
            assert answer.headers["accept-encoding"] == "identity"
        assert client.get("/api/v1/jobs").json() == {"jobs": []}
        for peak in peaks:
            print("{:5} MiB  {}  {}  {:.1f} s".format(*peak[:1], *peak[1:]))
        assert peak_mib(pid) - at_rest < MEMORY_MIB, peaks


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    database = new_database(tmp_path_factory.mktemp("fuzz"))
    with served(create_app(Settings(), database=database, engine=InlineEngine())) as client:
        yield client


QUICK = [
    name
    for name in BODIES
    if not re.search("million|megabytes|bomb|as much|as many|without end|many|may come|every place", name)
]


@pytest.mark.parametrize("name", QUICK)
def test_a_small_body_that_is_an_attack_is_refused(api: httpx.Client, name: str) -> None:
    body, media_type = BODIES[name]()
    check(api.post("/api/v1/jobs", content=body, headers={"content-type": media_type}), name)


@pytest.mark.parametrize("name", ENCODED)
def test_a_body_that_must_be_unpacked_is_refused(api: httpx.Client, name: str) -> None:
    encoding, encode = ENCODED[name]
    content = encode(b'{"scenario": "golden-toy"}')
    for path in ("/api/v1/jobs", "/api/v1/keys", "/sign-in"):
        answer = api.post(path, content=content, headers={"content-type": JSON, "content-encoding": encoding})
        assert answer.status_code == 415, (name, path)
    plain = {"content-type": JSON, "content-encoding": "identity"}
    assert api.post("/api/v1/jobs", content=b'{"scenario": "golden-toy"}', headers=plain).status_code == 202


def limit_of(app: FastAPI) -> BodyLimit:
    """The middleware of an app that has been asked something."""
    found: Any = app.middleware_stack
    while not isinstance(found, BodyLimit):
        found = found.app
    return found


@pytest.mark.slow
def test_no_more_large_bodies_are_taken_at_once_than_memory_is_meant_for(tmp_path: Path) -> None:
    app = create_app(Settings(max_body_mb=2), database=new_database(tmp_path), engine=InlineEngine())
    with (
        served(app) as client,
        httpx.Client(base_url=client.base_url) as other,
        httpx.Client(base_url=client.base_url) as third,
    ):

        def slowly(inner: Callable[[], None]) -> Iterator[bytes]:
            yield b" " * 1_800_000
            inner()
            yield b"{}"

        def send(by: httpx.Client, then: Callable[[], None]) -> int:
            return by.post("/api/v1/jobs", content=slowly(then), headers={"content-type": JSON}).status_code

        found: dict[str, Any] = {}

        def while_two_are_in_work() -> None:
            wait_until(lambda: limit_of(app).uploads.bytes_of["local"] == 3_600_000)
            answer = third.post("/api/v1/jobs", content=b" " * 1_900_000, headers={"content-type": JSON})
            found["third"] = (answer.status_code, answer.json()["type"], "retry-after" in answer.headers)
            found["small"] = third.post("/api/v1/jobs", json={"scenario": "golden-toy"}).status_code

        def second() -> None:
            found["second"] = send(other, while_two_are_in_work)

        found["first"] = send(client, second)
        assert found["third"] == (429, "urn:lodeplan:problem:too-many-requests", True)
        assert (found["small"], found["first"], found["second"]) == (202, 422, 422)
        again = client.post("/api/v1/jobs", content=b" " * 1_900_000 + b"{}", headers={"content-type": JSON})
        assert again.status_code == 422


def test_large_bodies_are_counted_by_tenant_when_they_are_announced() -> None:
    uploads = Uploads(1_000)
    for tenant in "AB":
        uploads.add(tenant, 1_500)
    for tenant, count, status in (("A", 600, 429), ("C", 1_100, 503)):
        with pytest.raises(ApiError) as refused:
            uploads.add(tenant, count)
        assert refused.value.status_code == status
    uploads.forget("A", 1_500)
    uploads.add("C", 1_100)
    assert uploads.bytes_of == {"B": 1_500, "C": 1_100}


def test_a_body_that_is_announced_and_never_comes_holds_room_of_its_tenant_only(tmp_path: Path) -> None:
    app = create_app(
        Settings(max_body_mb=1, require_login=True), database=new_database(tmp_path), engine=InlineEngine()
    )
    database = app.state.database
    one, other = (made_key(database, tenant, Scope.SUBMIT) for tenant in "AB")
    with served(app) as client:
        held = [socket.create_connection((str(client.base_url.host), client.base_url.port)) for _ in range(2)]
        head = f"POST /api/v1/jobs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {one}\r\n"
        for connection in held:
            connection.sendall(f"{head}content-type: {JSON}\r\ncontent-length: 900000\r\n\r\n{{".encode())
        client.get("/healthz")
        wait_until(lambda: limit_of(app).uploads.bytes_of["A"] == 1_800_000)
        large = {
            "scenario": "golden-toy",
            "label": "x",
            "patches": [{"op": "set", "path": "note", "value": "x" * 300_000}],
        }
        statuses = {}
        for tenant, key in (("A", one), ("B", other)):
            statuses[tenant] = client.post("/api/v1/jobs", json=large, headers=bearer(key)).status_code
        assert statuses == {"A": 429, "B": 422}
        for connection in held:
            connection.close()
        wait_until(lambda: not limit_of(app).uploads.bytes_of)


def test_who_is_not_known_may_send_little(tmp_path: Path) -> None:
    app = create_app(Settings(require_login=True), database=new_database(tmp_path), engine=InlineEngine())
    with served(app) as client:
        answer = client.post("/sign-in", content=b"x" * 200_000, headers={"content-type": JSON})
        assert answer.status_code == 413
        assert not limit_of(app).uploads.bytes_of


# Scenarios with something wrong in them

HOSTILE = st.sampled_from(
    [
        None, True, "", " ", "*", "**", ";", "=", "a=b;c=d", "9999-12-31", "0000-00-00", "2026-02-30", -1, 0, 1e308,
        -1e308, 5e-324, 2**31, 2**63, 2**64, 10**300, 10**400, float("nan"), float("inf"), "\ud800", "a\0b", "\u202e",
        "x" * 5_000, "💎", [], {}, [[]], {"": {}}, [None], {"a": {"b": {"c": {}}}}, [1] * 50, "__class__", "home",
        {"base": "us-2026"}, "us-2026", "../../etc/passwd", {str(year): 1e308 for year in range(2026, 2040)},
    ]
)  # fmt: skip


def places_of(data: Any, keys: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [keys] if keys else []
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            found += places_of(value, (*keys, key))
    return found


@st.composite
def mutants(draw: st.DrawFn) -> dict[str, Any]:
    """The toy with one to four of its parts replaced, removed, renamed or put elsewhere."""
    data = toy()
    for _ in range(draw(st.integers(1, 4))):
        keys = draw(st.sampled_from(places_of(data)))
        around = data
        for key in keys[:-1]:
            around = around[key]
        match draw(st.sampled_from(["replace", "replace", "remove", "rename", "move"])):
            case "replace":
                # A copy: what is changed within it must not be there the next time.
                around[keys[-1]] = deepcopy(draw(HOSTILE))
            case "remove":
                del around[keys[-1]]
            case "rename" if isinstance(around, dict):
                around[draw(st.text(max_size=5))] = around.pop(keys[-1])
            case _:
                around[keys[-1]] = json.loads(json.dumps(data))
        if not data:
            break
    return data


@st.composite
def patch_lists(draw: st.DrawFn) -> list[Any]:
    words = st.sampled_from(["routes", "*", "economics", "discount_rate", "futures", "'metal CHN'", "0", "..", "'", ""])
    patch = st.fixed_dictionaries(
        {
            "op": st.sampled_from(["set", "add", "scale", "remove", "keep", "bend"]),
            "path": st.lists(words, max_size=4).map(".".join) | st.text(max_size=10),
        },
        optional={"value": HOSTILE},
    )
    return draw(st.lists(patch | HOSTILE, max_size=4))


def try_to_submit(api: httpx.Client, request: dict[str, Any]) -> None:
    answer = api.post("/api/v1/jobs", content=json.dumps(request).encode(), headers={"content-type": JSON})
    if answer.status_code == 202:
        # What was accepted can be shown.
        assert api.get(answer.headers["location"]).status_code == 200
        return
    check(answer, str(request)[:200])


def fuzz(api: httpx.Client, examples: int) -> None:
    quiet = settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))

    @quiet
    @given(mutants())
    def scenarios_are_refused_or_taken(data: dict[str, Any]) -> None:
        try_to_submit(api, {"scenario": data})

    @quiet
    @given(patch_lists(), st.just({}) | st.dictionaries(st.sampled_from(["gap", "time_limit_s", "x"]), HOSTILE))
    def patches_are_refused_or_taken(patches: list[Any], options: dict[str, Any]) -> None:
        try_to_submit(api, {"scenario": "golden-toy", "patches": patches, "options": options})

    scenarios_are_refused_or_taken()
    patches_are_refused_or_taken()


def test_a_scenario_with_something_wrong_in_it_never_is_our_fault(api: httpx.Client) -> None:
    fuzz(api, 25)


@pytest.mark.slow
def test_many_scenarios_with_something_wrong_in_them_never_are_our_fault(api: httpx.Client) -> None:
    fuzz(api, drawn(ci=75, full=1_000))


@pytest.mark.slow
@pytest.mark.parametrize("kind", DATABASES)
def test_shipped_scenarios_with_something_wrong_in_them_are_refused_or_taken(kind: str, tmp_path: Path) -> None:
    with (
        database_of(kind, tmp_path) as database,
        served(create_app(Settings(), database=database, engine=InlineEngine())) as client,
    ):
        for case in islice(cases(seed=7), drawn(ci=30, full=300)):
            send(client, case)


# Solves without end


def ended(client: httpx.Client, job_id: str) -> dict[str, Any]:
    def view() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(f"/api/v1/jobs/{job_id}", params={"wait": 30}).json()
        return found if found["state"] in ("succeeded", "failed", "cancelled", "timed_out") else None

    return dict(wait_until(view, 240))


def solve_bomb(**options: Any) -> dict[str, Any]:
    """A valid scenario of many futures in many periods, all its own."""
    patches = [
        {"op": "set", "path": "horizon.period_years", "value": [1] * 100},
        {"op": "set", "path": "sampling", "value": {"futures": 2_000, "draws": 100_000, "seed": 1}},
    ]
    return {"scenario": "us-2026-deep", "patches": patches, "options": options, "reuse": False}


@pytest.mark.slow
@pytest.mark.parametrize("kind", DATABASES)
def test_a_solve_that_would_never_end_ends_at_its_limits_and_the_next_is_solved(kind: str, tmp_path: Path) -> None:
    with database_of(kind, tmp_path) as database:
        url = database.url.set(drivername=kind.replace("postgres", "postgresql")).render_as_string(hide_password=False)
        limits = {"memory_mb": 900, "hard_limit_margin_s": 3, "slots": 1}
        with running(tmp_path, url=url, **limits) as (client, _):
            bombs = [solve_bomb(), solve_bomb(time_limit_s=2)]
            answers = [client.post("/api/v1/jobs", json=bomb) for bomb in [*bombs, {"scenario": "golden-toy"}]]
            assert [answer.status_code for answer in answers] == [202] * 3, [answer.text for answer in answers]
            large, long, toy_job = (ended(client, answer.json()["id"]) for answer in answers)
            assert (large["state"], large["failure"]["code"]) == ("failed", "out_of_memory")
            assert long["state"] == "timed_out"
            assert toy_job["state"] == "succeeded"


# What would be compared, made or put without end

LARGE = 2_000


def with_many(collection: str, count: int = LARGE, **more: Any) -> dict[str, Any]:
    """The toy with so many more entries like its first of a collection."""
    data = toy()
    entry = next(iter(data.get(collection, {}).values()), {})
    return {**data, collection: {**data.get(collection, {}), **{f"x{n}": {**entry, **more} for n in range(count)}}}


def measure(**more: Any) -> dict[str, Any]:
    return {"programme": "x", "origins": ["*"], "commodities": ["*"], "rate_share": 0.1, **more}


def refusal(data: Any, patches: Any = ()) -> tuple[str, str]:
    """Code and place of the first thing wrong."""
    with pytest.raises(InvalidInput) as refused:
        scenarios.load(data, patches)
    return refused.value.problems[0].code, refused.value.problems[0].path


def test_what_would_be_compared_without_end_is_one_problem() -> None:
    data = json.loads(rules(1_000, survival))["scenario"]
    assert refusal(data) == ("too_many", "limits")
    scenarios.load(json.loads(rules(100, survival))["scenario"])
    many_rules = {**with_many("places", 5_000), "tariffs": {f"t{n}": measure() for n in range(1_000)}}
    assert refusal(many_rules) == ("too_many", "scenario")
    many_patterns = {
        **with_many("commodities"),
        "tariffs": {f"t{n}": measure(commodities=[f"c{n}*{k}" for k in range(30)]) for n in range(1_000)},
    }
    assert refusal(many_patterns) == ("too_many", "scenario")


@pytest.mark.slow
def test_every_shipped_scenario_is_far_from_what_is_refused() -> None:
    for shipped in scenarios.names():
        data = scenarios.read(shipped.name)
        count = {name: len(data.get(name, ())) for name in COLLECTIONS}
        ruling = sum(count[name] for name in ("tariffs", "limits", "events", "hazards"))
        selected = sum(count[name] for name in ("commodities", "places", "facilities", "projects", "routes"))
        assert 10 * ruling * selected < MAX_PAIRS
        assert 10 * sum(count.values()) < MAX_ENTRIES
        assert 5 * count_values(data) < MAX_VALUES["json"]
        assert 100 * count_values(data) < MAX_BATCH_VALUES
        assert 10 * work_of_keeping(data) < MAX_WORK


def test_a_star_in_a_path_is_sought_once_in_each_name() -> None:
    data = {**toy(), "places": {**toy()["places"], "a" * 120: {}}}
    hits = {"op": "set", "path": "places." + "*a" * 30 + "*", "value": {"title": "found"}}
    assert scenarios.load(data, [hits]).places["a" * 120].title == "found"
    assert refusal(data, [{**hits, "path": "places." + "*a" * 30 + "*b"}]) == ("no_match", "places." + "*a" * 30 + "*b")


def test_patches_that_together_look_at_too_much_are_refused_at_the_first_that_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep = {"op": "keep", "path": "mineral_groups", "value": ["*"]}
    with monkeypatch.context() as less:
        less.setattr("lodeplan.scenarios.patching.apply.MAX_WORK", MAX_WORK // 10)
        assert refusal("us-2026", [keep] * 1_000)[0] == "too_many"
        by_year = {**toy(), "economics": {"x": {str(year): 1 for year in range(9_000)}}}
        assert refusal(by_year, [{"op": "scale", "path": "economics.x", "value": 1.0}] * 1_000)[0] == "too_many"
    missed = [{"op": "set", "path": f"routes.missed{n}.note", "value": "x"} for n in range(100)]
    codes = Counter(problem.code for problem in problems_of(with_many("routes", 4_000), missed))
    assert codes == {"no_match": 100}, "suggestions end before the problems do"


def problems_of(data: Any, patches: Any = ()) -> list[Any]:
    with pytest.raises(InvalidInput) as refused:
        scenarios.load(data, patches)
    return refused.value.problems


@pytest.mark.parametrize("data", [{"commodities": []}, {"routes": {"r": 1}}, {"routes": {"r": {}}}, {"futures": 7}])
def test_keep_over_what_is_no_scenario_is_the_clients_fault(data: dict[str, Any]) -> None:
    codes = {problem.code for problem in problems_of(data, [{"op": "keep", "path": "mineral_groups", "value": ["*"]}])}
    assert codes - {"missing_field"}


def test_a_batch_of_too_many_large_scenarios_says_how_many_it_may_have(api: httpx.Client) -> None:
    jobs = [{"label": str(number)} for number in range(5_000)]
    answer = api.post("/api/v1/jobs", json={"kind": "batch", "scenario": "us-2026", "jobs": jobs})
    check(answer, "a batch")
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:lodeplan:problem:body-too-large")
    assert re.search(r"batches of \d+ jobs", answer.json()["detail"])


def test_the_patches_of_a_batch_share_what_they_may_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lodeplan.service.checking.loading.MAX_BATCH_WORK", 100)
    jobs = [{"patches": [{"op": "set", "path": "*.*.note", "value": "x"}]} for _ in range(50)]
    wanted = BatchRequest.model_validate({"kind": "batch", "scenario": "golden-toy", "jobs": jobs})
    with pytest.raises(ApiError) as refused:
        load_batch(wanted, "somebody")
    assert {error.code for error in refused.value.problem.errors} == {"too_many"}


HUNDRED = 100
"""Bodies sent at once; a hundred of these would take some GB if all were read."""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_many_bodies_at_once_are_read_within_memory(tmp_path: Path) -> None:
    body = json.dumps({"scenario": {"x": [[] for _ in range(240_000)]}}).encode()

    def send_one(client: httpx.Client) -> int:
        return client.post("/api/v1/jobs", content=body, headers={"content-type": JSON}).status_code

    with running(tmp_path, "--no-workers") as (client, pid), ThreadPoolExecutor(HUNDRED) as threads:
        at_rest = peak_mib(pid)
        statuses = Counter(threads.map(send_one, [client] * HUNDRED))
        assert statuses.keys() <= {422, 429, 503}, statuses
        assert statuses[422] > 0
        assert peak_mib(pid) - at_rest < MEMORY_MIB
        assert client.post("/api/v1/jobs", json={"scenario": "golden-toy"}).status_code == 202
