"""Callers: the identity behind a request and its rights."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from lodeplan.service.storage import LOCAL, Scope

CALLER = "lodeplan.caller"
"""Key of the request scope under which the gate stores the caller."""

COOKIE = "lodeplan_session"
"""The cookie of somebody who signed in."""

_ORDER = tuple(Scope)


@dataclass(frozen=True)
class Caller:
    """A caller who may see the data of `tenant` and do what `scope` and the scopes below it allow."""

    tenant: str
    scope: Scope
    actor: str
    """Name in the audit log: `local`, `key:ID`, `session:ID` or `oidc:SUBJECT`."""

    def may(self, needed: Scope) -> bool:
        """True if the caller's scope is sufficient; each scope includes those before it."""
        return _ORDER.index(self.scope) >= _ORDER.index(needed)

    @property
    def is_operator(self) -> bool:
        """True if the caller may read data of all tenants: an admin of `local`, but none that an identity provider
        named. Whoever may set a claim there must not become the operator here."""
        return self.tenant == LOCAL and self.may(Scope.ADMIN) and not self.actor.startswith("oidc:")


LOCAL_CALLER = Caller(LOCAL, Scope.ADMIN, "local")
"""The caller of every request on a machine without log-in."""

_SERVICE = Caller(LOCAL, Scope.ADMIN, "service")
current_caller: ContextVar[Caller] = ContextVar("current_caller", default=_SERVICE)
"""The caller of the current request, for the audit log; threads that a request starts inherit it."""
