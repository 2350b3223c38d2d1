"""Requests and answers about API keys and the audit log."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lodeplan.schemas.types import Strict

LOCAL = "local"
"""Tenant of all callers on a machine without log-in, and of operators."""

TenantName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]


class Scope(StrEnum):
    """Rights of a caller. Each scope includes those before it."""

    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"


class KeyRequest(Strict):
    """Request to create a key."""

    # No control characters: names stand in lists on terminals.
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")] = Field(
        description="Purpose of the key, such as `dashboard`."
    )
    scope: Scope = Field(
        default=Scope.READ, description="`read`: view everything; `submit`: also run jobs; `admin`: also manage keys."
    )
    expires_days: Annotated[int, Field(ge=1, le=3650, strict=True)] = Field(
        default=365, description="Days until it expires."
    )


class KeyView(Strict):
    """A key without its secret."""

    id: str
    tenant: str
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = Field(default=None, description="Last use, to about a minute.")


class NewKey(KeyView):
    """A new key. Its secret is shown only once."""

    key: str = Field(description="The key itself. Send it as `Authorization: Bearer KEY`.")


class KeyList(Strict):
    """Keys, newest first."""

    keys: list[KeyView]


class AuditView(Strict):
    """Entry of the audit log: one action by one caller."""

    at: datetime
    actor: str = Field(description="`local`, `key:ID`, `session:ID`, `oidc:SUBJECT`, `command line` or an address.")
    action: str = Field(description="Action, such as `job.submit` or `key.revoke`.")
    target: str = Field(description="Id of the object acted on.")
    detail: str = ""


class AuditPage(Strict):
    """Audit log entries, latest first."""

    entries: list[AuditView]
    next: str | None = Field(default=None, description="Path of the next page; absent on the last.")
