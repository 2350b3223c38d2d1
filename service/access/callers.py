"""Callers: for whom a request is made, and what they may do."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from lodeplan.service.storage import LOCAL, Scope

CALLER = "lodeplan.caller"
"""Where the gate leaves the caller in the scope of a request."""

COOKIE = "lodeplan_session"
"""The cookie of somebody who signed in."""

_ORDER = tuple(Scope)


@dataclass(frozen=True)
class Caller:
    """Somebody who may see what belongs to `tenant`, and do what `scope` and those below it allow."""

    tenant: str
    scope: Scope
    actor: str
    """Who it is in the audit log: `local`, `key:ID`, `session:ID` or `oidc:SUBJECT`."""

    def may(self, needed: Scope) -> bool:
        """Whether the scope is enough; each includes those before it."""
        return _ORDER.index(self.scope) >= _ORDER.index(needed)


LOCAL_CALLER = Caller(LOCAL, Scope.ADMIN, "local")
"""Everybody on a machine without log-in."""

_SERVICE = Caller(LOCAL, Scope.ADMIN, "service")
current_caller: ContextVar[Caller] = ContextVar("current_caller", default=_SERVICE)
"""Who makes the request that is being answered, for the audit log; threads that a request starts see it too."""
