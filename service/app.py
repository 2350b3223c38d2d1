"""The web application, and `serve`, which runs it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

import sqlalchemy
import structlog
import uvicorn
from fastapi import Depends, FastAPI, Security
from fastapi.security import HTTPBearer
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp, Receive, Scope, Send

from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.service import storage, ui
from lodeplan.service.access.gate import Gate, make_access
from lodeplan.service.access.origins import is_loopback
from lodeplan.service.api import openapi
from lodeplan.service.api.bodies import BodyLimit
from lodeplan.service.api.intake import Intake
from lodeplan.service.api.job_watch import JobWatch
from lodeplan.service.api.pulse import Pulse
from lodeplan.service.api.query_parameters import known_request
from lodeplan.service.api.routers import (
    audit,
    batch_results,
    comparisons,
    dead_letters,
    duty,
    events,
    health,
    jobs,
    keys,
    metrics,
    queue,
    reruns,
    results,
    scenarios,
    schedules,
    webhooks,
)
from lodeplan.service.api.shipped import ShippedScenarios
from lodeplan.service.checking.checkers import Checkers
from lodeplan.service.engine import JobEngine
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.http import problems
from lodeplan.service.http.compression import Compressed
from lodeplan.service.http.connections import ConnectionLimits, Connections, QuietAccept, raise_handles
from lodeplan.service.http.headers import DOCS, SecurityHeaders
from lodeplan.service.http.views import API
from lodeplan.service.settings import Settings
from lodeplan.service.storage.keys import any_usable_key
from lodeplan.service.telemetry import logs, requests, tracing
from lodeplan.service.telemetry.database_metrics import database_registry
from lodeplan.service.ui import rendering, sign_in
from lodeplan.service.workers.shutdown import DrainingServer, Farewell
from lodeplan.service.workers.worker import Worker, make_worker

_GOODBYE_S = 3
"""Time that open requests get at the end, seconds; a long poll would keep the service up for a minute."""

_AT_ONCE = 2
"""Connections that are accepted at each turn of the event loop: who opens thousands a second delays the others by no
more than these."""
_BACKLOG = 128
"""Connections that may wait to be accepted."""

_BEARER = HTTPBearer(
    auto_error=False, description="An API key or a token of the identity provider, where log-in is required."
)
"""Appears in the description of the API; the gate has checked it before."""

_OF_THE_API = (
    *(jobs, reruns, dead_letters, events, results, batch_results, comparisons, scenarios, duty, webhooks, keys, audit),
    *(schedules, queue),
)
"""The routers below the path of the API."""

_ALL = [Depends(known_request)]
"""Dependencies of every route."""

log = structlog.get_logger(__name__)


def create_app(
    settings: Settings, *, database: sqlalchemy.Engine | None = None, engine: JobEngine | None = None,
    worker: Worker | None = None, checkers: Checkers | None = None,
) -> FastAPI:  # fmt: skip
    """Build the application on a database and a job engine; `worker`, if given, runs as long as the app. `checkers`,
    if given, check requests in place of processes of their own."""
    database = database or storage.open_database(settings.sqlalchemy_url, answer_s=storage.REQUEST_S)
    storage.migrate(database)
    engine = engine or DbosEngine(database)
    engine.prepare()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_exception_handler(QuietAccept())
        if worker:
            # In a thread: the engine starts and stops with calls that refuse an event loop.
            await asyncio.to_thread(worker.start, settings.slots)
        app.state.checkers.warm_up()
        yield
        if worker:
            await asyncio.to_thread(worker.stop)
        engine.close()
        app.state.pulse.close()

    app = FastAPIOffline(
        title="Lodeplan",
        version=version("lodeplan"),
        description="Plans the supply of critical minerals. Jobs solve scenarios; results are tidy tables.",
        lifespan=lifespan,
        docs_url=DOCS,
        redoc_url=None,
        # Names of operations are those of their functions; clients that are made from the description use them.
        generate_unique_id_function=lambda route: route.name,
        servers=[{"url": "/", "description": "The service that sends this description."}],
        # The framework's own span of a request is the root of a trace; numbers go to Prometheus, logs to our own.
        telemetry={
            "tracer_provider": tracing.provider(),
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
            "exclude": lambda scope: scope.get("path") in requests.QUIET,
        },
    )
    app.state.database, app.state.engine, app.state.settings = database, engine, settings
    app.state.worker, app.state.draining = worker, threading.Event()
    app.state.database_registry = database_registry(database)
    app.state.pulse = Pulse(database)
    app.state.access = access = make_access(settings, database)
    app.state.checkers = checkers or Checkers(settings.check_processes, settings.check_s, spent=access.spend)
    app.state.intake = Intake(database, engine, settings, app.state.checkers)
    app.state.watch, app.state.shipped = JobWatch(database), ShippedScenarios(app.state.checkers)
    _include_routers(app)
    problems.install(app, rendering.problem_page)
    openapi.complete(app, login_is_optional=not app.state.access.login_required)
    _add_middleware(app, settings)
    return app


def _include_routers(app: FastAPI) -> None:
    app.include_router(health.router, dependencies=_ALL)
    app.include_router(metrics.router, dependencies=[*_ALL, Security(_BEARER)])
    for module in _OF_THE_API:
        app.include_router(module.router, prefix=API, dependencies=[*_ALL, Security(_BEARER)])
    app.include_router(ui.router, dependencies=_ALL)
    app.include_router(sign_in.router, dependencies=_ALL)


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """Put the app behind its middleware; the last one added sees a request first."""
    app.add_middleware(BodyLimit, limit_mb=settings.max_body_mb)
    app.add_middleware(Gate, access=app.state.access, sign_in_page=sign_in.sign_in_page)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Compressed)
    app.add_middleware(HeadAsGet)
    app.add_middleware(requests.Observed)


class HeadAsGet:
    """Middleware that treats HEAD like GET; the server leaves the body out. Handlers of endless answers check
    `is_head`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", "is_head": True}
        await self.app(scope, receive, send)


def serve(
    host: str = "127.0.0.1", port: int = 8000, workers: bool = True, settings: Settings | None = None,
    announce: Callable[[str], object] = lambda _url: None,
) -> None:  # fmt: skip
    """Serve the API and the pages until a signal ends it; with `workers` also solve in this process.

    `announce` gets the URL once connections are taken. Raises `OSError` if it cannot listen on the address.
    """
    settings = settings or Settings.from_environment()
    logs.configure(settings.log_level, settings.log_lines_per_s)
    tracing.configure()
    # First of all: a port that is taken should be known before a worker takes jobs.
    with _listen(host, port) as listener:
        database = storage.open_database(settings.sqlalchemy_url, answer_s=storage.REQUEST_S)
        if not is_loopback(listener.getsockname()[0]):
            settings = _guarded(settings, database, host)
        worker = _own_worker(database, settings) if workers else None
        app = create_app(settings, database=database, engine=DbosEngine(database), worker=worker)
        url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/"
        announce(url)
        log.info("serving", url=url, workers=workers, slots=settings.slots if workers else 0)

        def drain() -> None:
            app.state.draining.set()
            if worker:
                worker.stop(settings.drain_s)

        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GOODBYE_S,
                http=_connections(settings).protocol,  # type: ignore[arg-type]
                backlog=_AT_ONCE,
            ),
            drain,
            worker.hurry if worker else lambda: None,
            Farewell(settings.drain_s, worker.can_record if worker else lambda: True),
        )
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    tracing.flush()
    if not server.started:
        raise SystemExit(1)


class _Server(DrainingServer):
    """A server that accepts few connections at a time, and lets many wait: asyncio has one number for both."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(_BACKLOG)


def _connections(settings: Settings) -> Connections:
    """The limits of connections, with file handles kept back for solves."""
    in_all = min(settings.max_connections, raise_handles(settings.slots))
    bytes_per_s = settings.min_rate_kb_s * 1000
    limits = ConnectionLimits(in_all, settings.address_connections, settings.head_s, settings.body_s, bytes_per_s)
    return Connections(limits)


def _own_worker(database: sqlalchemy.Engine, settings: Settings) -> Worker:
    """A worker in this process that waits for no connection of the API's."""
    storage.migrate(database)
    beside = storage.open_beside(database, answer_s=storage.REQUEST_S)
    engine = DbosEngine(beside, settings.tenant_slots)
    engine.prepare()
    return make_worker(beside, engine, settings)


def _guarded(settings: Settings, database: sqlalchemy.Engine, host: str) -> Settings:
    """Return the settings with log-in required; raises `InvalidInput` if nobody could log in, because other machines
    can reach the service."""
    storage.migrate(database)
    with storage.open_session(database) as session:
        can_log_in = settings.require_login or settings.oidc_issuer or any_usable_key(session)
    if settings.require_login is False or not can_log_in:
        problem = InputProblem(
            code="log_in_not_set_up",
            path="host",
            message="other machines can reach this address, and callers would not have to log in.",
            value=host,
            allowed="127.0.0.1, or another address once callers can log in",
            remedy="Create a key with `lodeplan keys create NAME --scope admin`, set LODEPLAN_OIDC_ISSUER and "
            "LODEPLAN_OIDC_AUDIENCE, or set LODEPLAN_REQUIRE_LOGIN=true and create a key later.",
        )
        raise InvalidInput([problem])
    return settings.model_copy(update={"require_login": True})


def _listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; raises an `OSError` that names the address and says what to do."""
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        # Connections inherit it. Head and body of an answer are sent one after the other, and on a connection that is
        # kept the second would wait for the client to acknowledge the first, which takes it 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        reason = error.strerror.partition(" (while")[0] if error.strerror else str(error)
        if error.errno == errno.EADDRINUSE:
            reason = "another program is listening there; stop it, or choose another port with --port"
        raise OSError(error.errno, reason, f"http://{host}:{port}/") from None
