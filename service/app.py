"""The web application, and `serve`, which runs it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import sqlalchemy
import structlog
import uvicorn
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import logs, openapi, problems, storage, ui
from service.bodies import BodyLimit
from service.draining import DrainingServer
from service.engine import JobEngine
from service.engine.dbos import DbosEngine
from service.routers import batch_results, events, health, jobs, metrics, results, scenarios, webhooks
from service.settings import Settings
from service.submitting import Desk
from service.telemetry import requests, tracing
from service.telemetry.database_metrics import database_registry
from service.views import API
from service.watching import JobWatch
from service.worker import Worker, make_worker

_POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
# The page that shows the API has a script of its own in it.
_DOCS_POLICY = _POLICY + "; script-src 'self' 'unsafe-inline'"
_DOCS = "/docs"
_GOODBYE_S = 3
"""How long open requests may take at the end, seconds; a long poll would keep the service up for a minute."""

log = structlog.get_logger(__name__)


def create_app(
    settings: Settings, *, database: sqlalchemy.Engine | None = None, engine: JobEngine | None = None,
    worker: Worker | None = None,
) -> FastAPI:  # fmt: skip
    """The application over a database and a job engine; `worker`, if given, lives as long as the app."""
    database = database or storage.open_database(settings.sqlalchemy_url)
    storage.migrate(database)
    engine = engine or DbosEngine(database)
    engine.prepare()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if worker:
            # In a thread: the engine starts and stops with calls that refuse an event loop.
            await asyncio.to_thread(worker.start, settings.slots)
        yield
        if worker:
            await asyncio.to_thread(worker.stop)
        engine.close()

    app = FastAPIOffline(
        title="Lodeplan",
        version=version("lodeplan"),
        description="Plans the supply of critical minerals. Jobs solve scenarios; results are tidy tables.",
        lifespan=lifespan,
        docs_url=_DOCS,
        redoc_url=None,
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
    app.state.desk, app.state.watch = Desk(database, engine, settings.max_queued), JobWatch(database)
    app.include_router(health.router)
    app.include_router(metrics.router)
    for module in (jobs, events, results, batch_results, scenarios, webhooks):
        app.include_router(module.router, prefix=API)
    app.include_router(ui.router)
    problems.install(app)
    openapi.complete(app)
    app.add_middleware(BodyLimit, limit_mb=settings.max_body_mb)
    app.add_middleware(Policies)
    app.add_middleware(HeadAsGet)
    app.add_middleware(requests.Observed)
    return app


class Policies:
    """Middleware that tells browsers what a page may load; a response that says so itself is left alone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers as a response starts."""

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("content-security-policy", _DOCS_POLICY if scope["path"] == _DOCS else _POLICY)
            await send(message)

        await self.app(scope, receive, with_policy)


class HeadAsGet:
    """Middleware that answers HEAD as GET; the server leaves the body out. An endless answer looks at `is_head`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", "is_head": True}
        await self.app(scope, receive, send)


def serve(host: str = "127.0.0.1", port: int = 8000, workers: bool = True, settings: Settings | None = None) -> None:
    """Serve the API and the pages until a signal ends it; with `workers` also solve, in this process.

    Raises `OSError` if the address cannot be listened at.
    """
    settings = settings or Settings.from_environment()
    logs.configure(settings.log_level)
    tracing.configure()
    # First of all: a port that is taken should be known before a worker takes jobs.
    with _listen(host, port) as listener:
        database = storage.open_database(settings.sqlalchemy_url)
        engine = DbosEngine(database, settings.tenant_slots)
        worker = make_worker(database, engine, settings) if workers else None
        app = create_app(settings, database=database, engine=engine, worker=worker)
        url = f"http://{host}:{listener.getsockname()[1]}/"
        log.info("serving", url=url, workers=workers, slots=settings.slots if workers else 0)

        def drain() -> None:
            app.state.draining.set()
            if worker:
                worker.stop(settings.drain_s)

        server = DrainingServer(
            uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=_GOODBYE_S),
            drain,
            worker.hurry if worker else lambda: None,
        )
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    tracing.flush()
    if not server.started:
        raise SystemExit(1)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; raises `OSError` that names the address and says what to do."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = error.strerror.partition(" (while")[0] if error.strerror else str(error)
        if error.errno == errno.EADDRINUSE:
            reason = "another program listens there; end it, or choose another port with --port"
        raise OSError(error.errno, reason, f"http://{host}:{port}/") from None
