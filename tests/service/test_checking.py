"""Requests are checked in processes of their own, in turns by tenant, within limits, and only while somebody waits."""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import checks_for_tests as slow
import httpx
import pytest
from fastapi import FastAPI
from http_service import problem
from job_service import new_database, wait_until
from running import served

from lodeplan import scenarios
from lodeplan.schemas import Scenario
from lodeplan.service.access.rates import Buckets
from lodeplan.service.app import create_app
from lodeplan.service.checking import checkers, origins, turns
from lodeplan.service.checking.checkers import Checkers
from lodeplan.service.checking.checks import Ask, prepare
from lodeplan.service.checking.turns import Turns
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.http.errors import ApiError
from lodeplan.service.jobs.prepared import PreparedSubmission
from lodeplan.service.settings import Settings

COMMAND = (sys.executable, str(Path(slow.__file__)))
"""A process that also knows the functions of `checks_for_tests`."""


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    waiting = checkers._idle[COMMAND]
    while waiting:
        waiting.pop().end()


def run(work: Any) -> Any:
    return asyncio.run(asyncio.wait_for(work, 120))


def refusal(work: Any) -> ApiError:
    with pytest.raises(ApiError) as refused:
        run(work)
    return refused.value


def test_a_check_returns_what_its_function_returns_and_its_process_is_used_again() -> None:
    async def twice() -> list[int]:
        made = Checkers(command=COMMAND)
        return [await made.run("A", slow.own_pid) for _ in range(2)]

    first, second = run(twice())
    assert first == second != os.getpid()


def test_a_job_is_prepared_in_a_process_as_it_is_here() -> None:
    ask = Ask(json.dumps({"scenario": "golden-toy", "label": "x", "reuse": True}).encode(), "json", "A")
    there = run(Checkers().run("A", prepare, ask))
    assert isinstance(there, PreparedSubmission)
    assert there == prepare(ask)
    assert (there.tenant, there.reuse, there.job.label) == ("A", True, "x")


def test_a_check_that_takes_too_much_processor_time_is_refused_and_its_process_goes_on() -> None:
    async def one_after_the_other() -> tuple[ApiError, int]:
        made = Checkers(limit_s=0.2, command=COMMAND)
        with pytest.raises(ApiError) as refused:
            await made.run("A", slow.busy_for, 600.0)
        assert len(checkers._idle[COMMAND]) >= 1
        return refused.value, await made.run("A", slow.own_pid)

    error, _ = run(one_after_the_other())
    assert (error.status_code, "processor time" in error.problem.detail) == (413, True)


def test_a_check_that_takes_too_much_memory_is_refused() -> None:
    error = refusal(Checkers(command=COMMAND).run("A", slow.hold_mb, 100_000))
    assert (error.status_code, "of memory" in error.problem.detail) == (413, True)


def test_a_process_that_dies_is_replaced_and_its_request_told_to_come_again() -> None:
    async def one_after_the_other() -> tuple[ApiError, int]:
        made = Checkers(command=COMMAND)
        with pytest.raises(ApiError) as refused:
            await made.run("A", slow.die)
        return refused.value, await made.run("A", slow.own_pid)

    error, pid = run(one_after_the_other())
    assert (error.status_code, error.headers) == (503, {"retry-after": "5"})
    assert pid > 0


def test_a_process_that_was_killed_while_it_waited_is_not_asked() -> None:
    async def one_after_the_other() -> tuple[int, int]:
        made = Checkers(command=COMMAND)
        first = await made.run("A", slow.own_pid)
        os.kill(first, signal.SIGKILL)
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
        return first, await made.run("A", slow.own_pid)

    first, second = run(one_after_the_other())
    assert first != second


def test_where_no_process_starts_requests_are_told_to_come_again() -> None:
    error = refusal(Checkers(command=(sys.executable, "-c", "raise SystemExit(3)")).run("A", slow.own_pid))
    assert (error.status_code, error.headers) == (503, {"retry-after": "5"})
    error = refusal(Checkers(command=("/nowhere/python",)).run("A", slow.own_pid))
    assert error.status_code == 503


def test_who_leaves_again_and_again_takes_no_process_that_is_there_for_others(tmp_path: Path) -> None:
    async def leave_one_after_the_other() -> list[int]:
        made, there = Checkers(2, command=COMMAND), []
        asked = [asyncio.create_task(made.run("A", slow.hang, str(tmp_path / str(number)))) for number in range(3)]
        for number, task in enumerate(asked):
            while not (tmp_path / str(number)).exists():
                await asyncio.sleep(0.02)
            there.append(len(checkers._idle[COMMAND]))
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        return there

    assert run(leave_one_after_the_other())[1:] == [1, 1]


def test_an_error_of_our_own_is_one_here_too() -> None:
    with pytest.raises(RuntimeError, match="break_down"):
        run(Checkers(command=COMMAND).run("A", slow.break_down))


def test_a_check_whose_caller_leaves_ends_its_process(tmp_path: Path) -> None:
    async def leave() -> int:
        made = Checkers(command=COMMAND)
        asked = asyncio.create_task(made.run("A", slow.hang, str(tmp_path / "pid")))
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            await asyncio.sleep(0.02)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        return int((tmp_path / "pid").read_text())

    pid = run(leave())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_checks_cost_is_told_with_their_caller() -> None:
    costs: list[float] = []
    run(Checkers(command=COMMAND, spent=costs.append).run("A", slow.busy_for, 0.3))
    assert costs[0] >= 0.3


def test_one_place_is_free_for_others_and_tenants_take_turns() -> None:
    began: list[str] = []

    async def take(line: Turns, tenant: str, until: asyncio.Event) -> None:
        async with line.take(tenant):
            began.append(tenant)
            await until.wait()

    async def all_of_them() -> None:
        line, end = Turns(2), asyncio.Event()
        tasks = [asyncio.create_task(take(line, "A", end)) for _ in range(4)]
        await asyncio.sleep(0)
        assert began == ["A"], "one place is free of A, though A has more to do"
        tasks += [asyncio.create_task(take(line, tenant, end)) for tenant in "BBC"]
        await asyncio.sleep(0)
        assert began == ["A", "B"]
        end.set()
        await asyncio.gather(*tasks)
        assert began[2:5] in (["C", "A", "B"], ["A", "C", "B"], ["A", "B", "C"]), began
        assert sorted(began) == list("AAAABBC")

    run(all_of_them())


def test_who_gives_up_waiting_leaves_the_line_and_whose_turn_it_was_gives_it_on() -> None:
    async def all_of_them() -> None:
        line, end = Turns(1), asyncio.Event()

        async def take(tenant: str) -> str:
            async with line.take(tenant):
                await end.wait()
                return tenant

        tasks = [asyncio.create_task(take(tenant)) for tenant in "ABBC"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        tasks[3].cancel()
        await asyncio.sleep(0)
        end.set()
        assert [await tasks[0], await tasks[2]] == ["A", "B"]
        # Given the place and cancelled in the same instant.
        end.clear()
        first, second, third = (asyncio.create_task(take(tenant)) for tenant in "ABC")
        await asyncio.sleep(0)
        end.set()
        await first
        second.cancel()
        assert await third == "C"

    run(all_of_them())


def test_a_tenant_that_waits_too_often_or_too_long_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_WAITING", 2)
    monkeypatch.setattr(turns, "WAIT_S", 0.05)

    async def statuses() -> list[int]:
        line = Turns(2)

        async def take() -> int:
            try:
                async with line.take("A"):
                    await asyncio.sleep(0.5)
                    return 200
            except ApiError as error:
                return error.status_code

        return sorted(await asyncio.gather(*(take() for _ in range(4))))

    assert run(statuses()) == [200, 429, 503, 503]


def test_a_request_that_cost_more_counts_for_more() -> None:
    moment = 0.0
    buckets = Buckets(60, lambda: moment)
    assert buckets.wait_s("A") == 0
    buckets.charge("A", 1_000)
    assert buckets.wait_s("A") == pytest.approx(61)
    assert buckets.wait_s("B") == 0
    moment = 61.0
    assert buckets.wait_s("A") == 0


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return create_app(Settings(), database=new_database(tmp_path), engine=InlineEngine())


class Held:
    """Checkers that hold their request until it is let go or its caller leaves."""

    def __init__(self) -> None:
        self.asked, self.left, self.go = threading.Event(), threading.Event(), threading.Event()

    def warm_up(self) -> None:
        pass

    async def run(self, _tenant: str, function: Any, *arguments: Any) -> Any:
        self.asked.set()
        try:
            while not self.go.is_set():
                await asyncio.sleep(0.01)
            return function(*arguments)
        except asyncio.CancelledError:
            self.left.set()
            raise


def test_a_client_that_leaves_takes_its_check_along_and_no_job_is_made(tmp_path: Path) -> None:
    held: Any = Held()
    app = create_app(Settings(), database=new_database(tmp_path), engine=InlineEngine(), checkers=held)
    with served(app) as client:
        for query in ("", "?validate_only=true"):
            held.asked.clear(), held.left.clear()
            with pytest.raises(httpx.ReadTimeout):
                client.post(f"/api/v1/jobs{query}", json={"scenario": "golden-toy"}, timeout=0.5)
            assert held.asked.is_set()
            wait_until(held.left.is_set)
        assert client.get("/api/v1/jobs").json()["jobs"] == []
        held.go.set()
        assert client.post("/api/v1/jobs", json={"scenario": "golden-toy"}).status_code == 202


def test_many_patches_that_mean_many_places_are_answered(app: FastAPI) -> None:
    patches = [{"op": "set", "path": "*.*.title", "value": "x"}] * 30
    with served(app) as client:
        body = {"scenario": "us-2026-lite", "patches": patches}
        answer = client.post("/api/v1/jobs", params={"validate_only": True}, json=body)
        assert answer.status_code == 200, answer.text


def test_a_request_that_is_too_dear_says_so(tmp_path: Path) -> None:
    app = create_app(Settings(check_s=0.05), database=new_database(tmp_path), engine=InlineEngine())
    with served(app) as client:
        patches = [{"op": "set", "path": "*.*.title", "value": "x"}] * 100
        answer = client.post("/api/v1/jobs", json={"scenario": "us-2026-lite", "patches": patches})
        assert "Use fewer" in problem(answer, 413, "body-too-large")["detail"]


SHAPES = [({"scenario": "golden-toy"}, (200, 202)), ({"scenario": "golden-toy", "patches": 1}, (422,))]


@pytest.mark.parametrize("query", ["", "?validate_only=true"])
@pytest.mark.parametrize(("body", "statuses"), SHAPES)
def test_a_check_is_paid_for_by_caller_and_tenant_whether_it_submits_or_validates(
    query: str, body: dict[str, Any], statuses: tuple[int, ...], tmp_path: Path
) -> None:
    settings = Settings(requests_per_minute=60, tenant_requests_per_minute=100)
    app = create_app(settings, database=new_database(tmp_path), engine=InlineEngine())
    access, real = app.state.access, app.state.checkers._spent
    measured: list[float] = []
    costs_s, used = [0.9, 5.5, 2.0], [1, 7, 10]

    def spent(seconds: float) -> None:
        measured.append(seconds)
        real(costs_s[len(measured) - 1])

    app.state.checkers._spent = spent
    access.rates.clock = access.tenant_rates.clock = lambda: 1000.0
    with served(app) as client:
        # One request each, and one more for each full second of the check.
        for requests in used:
            assert client.post(f"/api/v1/jobs{query}", json=body).status_code in statuses
            assert access.rates._left["local local"][0] == 60 - requests
            assert access.tenant_rates._left["local"][0] == 100 - requests
    assert len(measured) == 3
    assert min(measured) > 0


def test_one_that_leaves_as_its_turn_comes_loses_no_place() -> None:
    """Its turn is cancelled at once, and it is taken out of the line only when it runs again."""

    async def leave_at_the_moment(how_many: int) -> int:
        line = Turns(1)
        async with line.take("holds"):
            waiting = [asyncio.create_task(_take_once(line, "waits")) for _ in range(how_many)]
            await asyncio.sleep(0)
            waiting[0].cancel()
        ended = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
        async with asyncio.timeout(10), line.take("comes later"):
            return sum(end is None for end in ended)

    assert asyncio.run(leave_at_the_moment(1)) == 0
    assert asyncio.run(leave_at_the_moment(3)) == 2


async def _take_once(line: Turns, tenant: str) -> None:
    async with line.take(tenant):
        pass


def test_many_who_ask_for_one_scenario_at_once_have_it_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    def load(source: object) -> Scenario:
        read.append(source)
        threading.Event().wait(0.2)
        return scenarios.load("golden-toy")

    monkeypatch.setattr(origins, "scenarios", SimpleNamespace(load=load, find_shipped=scenarios.find_shipped))
    origins._loaded.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(origins.shipped_scenario, ["golden-toy"] * 8))
    origins._loaded.cache_clear()
    assert (len(read), len({id(scenario) for scenario in found})) == (1, 1)
