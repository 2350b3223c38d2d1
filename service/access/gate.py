"""The gate before all routes: it admits or refuses each request and finds its caller. New routes are protected by
default: a path that is not listed here needs a caller with scope `read`, or `submit` if the method changes something.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette._utils import get_route_path
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from lodeplan.service import storage
from lodeplan.service.access import audit, keys
from lodeplan.service.access.callers import CALLER, COOKIE, LOCAL_CALLER, Caller, current_caller
from lodeplan.service.access.oidc import RefusedToken, TokenVerifier
from lodeplan.service.access.origins import check_host, check_not_forwarded, check_same_site
from lodeplan.service.access.rates import Buckets
from lodeplan.service.access.refusals import not_allowed, not_authenticated, too_many_requests
from lodeplan.service.access.streams import Streams
from lodeplan.service.http.errors import ApiError
from lodeplan.service.http.problems import answer_problem, wants_page
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Scope
from lodeplan.service.storage.keys import any_key

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/sign-in"})
OPEN_FOLDERS = ("/static/",)
ADMIN_PATHS = ("/api/v1/keys", "/api/v1/webhooks", "/api/v1/audit", "/api/v1/queue", "/metrics")
"""Open paths, with all paths below them."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Anybody may come in here, so it may cost the session that is to be ended only.
_ANY_SCOPE = frozenset({"/sign-out"})
_REMEMBERED = 1_000
_REFUSALS_LOGGED_PER_MINUTE = 60

log = structlog.get_logger(__name__)


def scope_needed(method: str, path: str) -> Scope | None:
    """Return the scope that a request needs; None if it needs no caller."""
    if path in OPEN_PATHS or path.startswith(OPEN_FOLDERS):
        return None
    if any(path == admin or path.startswith((admin + "/", admin + ":")) for admin in ADMIN_PATHS):
        return Scope.ADMIN
    return Scope.READ if method in _SAFE or path in _ANY_SCOPE else Scope.SUBMIT


@dataclass
class Access:
    """State of the gate: whether callers must log in, and the ways to do so."""

    database: sqlalchemy.Engine
    settings: Settings
    login_required: bool
    remembered_s: float = 5.0
    """Time for which a valid key is accepted without checking again. A revoked key may still be accepted for so
    long."""
    _good: OrderedDict[str, tuple[Caller, float]] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.tokens = TokenVerifier(self.settings) if self.settings.oidc_issuer else None
        of_caller, of_tenant = self.settings.requests_per_minute, self.settings.tenant_requests_per_minute
        self.rates = Buckets(of_caller)
        self.tenant_rates = Buckets(of_caller if of_tenant is None else of_tenant)
        self.sign_ins = Buckets(self.settings.sign_ins_per_minute)
        self.streams = Streams(self.settings.tenant_streams)
        self.refusals = Buckets(_REFUSALS_LOGGED_PER_MINUTE)

    async def admit(self, request: Request) -> Caller | None:
        """Return the caller of a request, or None if it needs none; raises `ApiError` if the request is refused."""
        # The path as the router sees it. That of `request.url` also depends on the header Host.
        needed = scope_needed(request.method, get_route_path(request.scope))
        if needed is not None or request.method not in _SAFE:
            check_host(request, self.settings.host_names, local=not self.login_required)
            check_same_site(request, self.settings.host_names)
        if needed is None:
            return None
        caller = await self._identify(request)
        if caller is None:
            self.hold_to_rate(f"address:{address_of(request)}")
            raise not_authenticated()
        self.hold_to_rate(_name_of(caller))
        # After the caller's own: what one caller sends beyond its rate takes nothing from the others of the tenant.
        _hold(self.tenant_rates, caller.tenant, "requests")
        if not caller.may(needed):
            raise not_allowed(needed)
        return caller

    async def _identify(self, request: Request) -> Caller | None:
        shown = self._shown(request)
        if shown is None:
            if not self.login_required:
                check_not_forwarded(request)
            return None if self.login_required else LOCAL_CALLER
        try:
            return self._recall(*shown) or await asyncio.to_thread(self._check, *shown)
        except (keys.RefusedKey, RefusedToken) as refused:
            self.hold_to_rate(f"address:{address_of(request)}")
            await asyncio.to_thread(self.note_refusal, refused, address_of(request))
            raise not_authenticated(str(refused)) from None
        except SQLAlchemyError as error:
            detail = f"The database does not answer ({type(error).__name__})."
            raise ApiError(503, "not-ready", detail, headers={"retry-after": "5"}) from None

    async def still_admits(self, request: Request) -> bool:
        """True unless the key, session or token of an admitted request was revoked or has expired since. A database
        that does not answer ends nothing."""
        shown = self._shown(request)
        try:
            if shown is not None and not self._recall(*shown):
                await asyncio.to_thread(self._check, *shown)
        except (keys.RefusedKey, RefusedToken):
            return False
        except (SQLAlchemyError, ApiError):
            pass
        return True

    def _shown(self, request: Request) -> tuple[str, bool] | None:
        """Return the key or token that a request shows, or the session, which is marked; None if it shows none."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        cookie = request.cookies.get(COOKIE)
        if scheme:
            return (token.strip() if scheme.lower() == "bearer" else ""), False
        return (cookie, True) if cookie and self.login_required else None

    def note_refusal(self, refused: Exception, address: str) -> None:
        """Write a refused log-in to the audit log, a few per minute at most so that nobody can flood it."""
        key = getattr(refused, "key", None)
        log.warning("log-in refused", reason=str(refused), address=address, key=key.id if key else None)
        if self.refusals.wait_s("all"):
            return
        # Of a key that is not known nobody knows the tenant: the operator sees it (`lodeplan audit`).
        who = Caller(key.tenant if key else "", Scope.READ, f"address:{address}")
        with storage.open_session(self.database) as session:
            audit.record(session, "log-in.refused", key.id if key else "", str(refused), by=who)
            session.commit()

    def _check(self, shown: str, is_session: bool) -> Caller:
        if self.tokens and not is_session and not shown.startswith(keys.PREFIX):
            return self.tokens.caller(shown)
        with storage.open_session(self.database) as session:
            key = keys.check_key(session, shown, is_session=is_session)
            keys.note_use(session, key)
            caller = keys.caller_of(key)
        left_s = (key.expires_at - storage.now()).total_seconds() if key.expires_at else self.remembered_s
        self._good[_digest(shown, is_session)] = (caller, time.monotonic() + min(left_s, self.remembered_s))
        while len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)
        return caller

    def _recall(self, shown: str, is_session: bool) -> Caller | None:
        caller, until = self._good.get(_digest(shown, is_session), (None, 0.0))
        return caller if time.monotonic() < until else None

    def forget_keys(self) -> None:
        """Forget which keys were valid, because one was revoked."""
        self._good.clear()

    def hold_to_rate(self, who: str) -> None:
        """Raise `ApiError` (429) if a caller sends too many requests."""
        _hold(self.rates, who, "requests")

    def hold_sign_in(self, address: str) -> None:
        """Raise `ApiError` (429) if somebody at an address signs in too often, with whichever keys."""
        _hold(self.sign_ins, address, "sign-ins")

    def spend(self, processor_s: float) -> None:
        """Count each full second that a request has cost as another request of its caller."""
        caller = current_caller.get()
        self.rates.charge(_name_of(caller), int(processor_s))
        self.tenant_rates.charge(caller.tenant, int(processor_s))


def make_access(settings: Settings, database: sqlalchemy.Engine) -> Access:
    """Build the gate's state: log-in is required if the settings say so; if they are silent, as soon as a way to log in
    exists."""
    required = settings.require_login
    if required is None:
        with storage.open_session(database) as session:
            required = bool(settings.oidc_issuer) or any_key(session)
    return Access(database, settings, required)


class Gate:
    """Middleware that passes on requests that `access` admits, and stores the caller in their scope."""

    def __init__(self, app: ASGIApp, access: Access, sign_in_page: Callable[..., Response]) -> None:
        self.app = app
        self.access = access
        self.sign_in_page = sign_in_page

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Admit or refuse a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            caller = await self.access.admit(request)
        except ApiError as error:
            await self._refuse(request, error)(scope, receive, send)
            return
        scope[CALLER] = caller
        before = current_caller.set(caller) if caller else None
        try:
            await self.app(scope, receive, send)
        finally:
            if before:
                current_caller.reset(before)

    def _refuse(self, request: Request, error: ApiError) -> Response:
        """Answer with a problem, or in a browser with a page; a missing log-in leads to the sign-in page."""
        if error.status_code == 401 and wants_page(request):
            return self.sign_in_page(request, headers=error.headers)
        problem = error.problem.model_copy(update={"instance": request.scope["path"]})
        return answer_problem(request, problem, error.headers)


def address_of(request: Request) -> str:
    """Return the address that a request comes from."""
    return request.client.host if request.client else "unknown"


def _name_of(caller: Caller) -> str:
    return f"{caller.tenant} {caller.actor}"


def _hold(buckets: Buckets, who: str, what: str) -> None:
    wait_s = buckets.wait_s(who)
    if wait_s:
        raise too_many_requests(buckets.per_minute, wait_s, what)


def _digest(shown: str, is_session: bool) -> str:
    return f"{is_session} {hashlib.sha256(shown.encode()).hexdigest()}"
