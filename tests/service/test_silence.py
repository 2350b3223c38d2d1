"""A database that takes what it is told and says nothing: noticed, and survived."""

import asyncio
import gc
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import sqlalchemy
from http_service import body
from job_service import database_of, new_database, wait_until
from running import free_port, lodeplan

from benchmarks.service.silent_proxy import SilentProxy
from lodeplan.schemas import SolverProgress
from lodeplan.service import storage
from lodeplan.service.api import pulse
from lodeplan.service.api.pulse import Pulse
from lodeplan.service.engine import Attempt
from lodeplan.service.storage import open_session
from lodeplan.service.workers.attempt_watch import AttemptWatch
from lodeplan.service.workers.child_process import Wish

SILENT_S = 25.0


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with database_of("postgres", tmp_path) as database:
        yield database


@pytest.fixture
def proxy(postgres: sqlalchemy.Engine) -> Iterator[SilentProxy]:
    with SilentProxy(postgres.url.host or "127.0.0.1", postgres.url.port or 5432) as opened:
        yield opened


def url_through(proxy: SilentProxy, database: sqlalchemy.Engine) -> str:
    return database.url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)


@pytest.mark.postgres
def test_a_statement_is_not_waited_for_without_end(postgres: sqlalchemy.Engine, proxy: SilentProxy) -> None:
    database = storage.open_database(url_through(proxy, postgres), answer_s=0.5)
    with open_session(database) as session:
        storage.list_jobs(session, "ours", 1)
        proxy.fall_silent()
        with pytest.raises(storage.OUTAGES):
            storage.list_jobs(session, "ours", 1)
    proxy.cut()
    with open_session(database) as session:
        assert storage.list_jobs(session, "ours", 1) == []


@pytest.mark.postgres
def test_a_server_that_works_too_long_ends_the_statement(postgres: sqlalchemy.Engine) -> None:
    database = storage.open_beside(postgres, answer_s=0.5)
    with database.connect() as connection, pytest.raises(sqlalchemy.exc.OperationalError) as raised:
        connection.execute(sqlalchemy.text("select pg_sleep(60)"))
    assert isinstance(raised.value.orig, psycopg.errors.QueryCanceled)


def test_a_solve_is_told_to_end_although_its_database_says_nothing(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    held = storage.open_beside(database)
    may_go_on = [True]
    with held.connect() as connection:
        connection.exec_driver_sql("begin exclusive")
        with AttemptWatch(database, Attempt("1" * 31, 1), lambda: may_go_on[0]) as watch:
            watch.progress(SolverProgress(phase="search", elapsed_s=1))
            time.sleep(0.5)
            assert watch.wish() is Wish.GO_ON
            may_go_on[0] = False
            assert watch.wish() is Wish.KILL


def state_of(port: int, path: str) -> int:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=4).status_code
    except httpx.TransportError:
        return 0


@pytest.mark.postgres
@pytest.mark.slow(about_s=90)
def test_a_service_outlives_a_database_that_says_nothing(
    postgres: sqlalchemy.Engine, proxy: SilentProxy, tmp_path: Path
) -> None:
    url = url_through(proxy, postgres).replace("+psycopg", "")
    port = free_port()
    with lodeplan("serve", "--port", str(port), log=tmp_path / "log", LODEPLAN_DATABASE_URL=url) as process:
        wait_until(lambda: state_of(port, "/readyz") == 200, patience_s=60)
        api = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60)
        finishes, hangs = (api.post("/jobs", json=body(task)).json()["id"] for task in ("solve-after 20", "hang"))
        wait_until(lambda: api.get(f"/jobs/{hangs}").json()["state"] == "running", patience_s=60)
        proxy.fall_silent()
        until = time.monotonic() + SILENT_S
        alive, ready = set(), set()
        while time.monotonic() < until:
            alive.add(state_of(port, "/healthz"))
            ready.add(state_of(port, "/readyz"))
            time.sleep(0.5)
        assert alive == {200}
        assert 503 in ready
        proxy.cut()
        wait_until(lambda: state_of(port, "/readyz") == 200, patience_s=60)
        wait_until(lambda: api.get(f"/jobs/{finishes}").json()["state"] == "succeeded", patience_s=60)
        assert api.get(f"/jobs/{finishes}").json()["attempt"] == 2
        assert api.post(f"/jobs/{hangs}:cancel").status_code == 202
        wait_until(lambda: api.get(f"/jobs/{hangs}").json()["state"] == "cancelled")
        proxy.fall_silent()
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=40)


def test_an_answer_that_fails_when_nobody_waits_any_more_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def fails_late(_: Pulse) -> str:
        time.sleep(0.1)
        raise OSError("away")

    async def ask_and_leave(beat: Pulse) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["message"]))
        for _ in range(2):  # the first answer is let go for the second
            with pytest.raises(TimeoutError):
                await beat.beat()
            await asyncio.sleep(0.2)
        gc.collect()

    monkeypatch.setattr(pulse, "ANSWER_S", 0.05)
    monkeypatch.setattr(Pulse, "_read", fails_late)
    beat = Pulse(new_database(tmp_path))
    asyncio.run(ask_and_leave(beat))
    beat.close()
    assert said == []
