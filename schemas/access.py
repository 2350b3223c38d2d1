"""What a client and the service say to each other about keys, and about who did what."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lodeplan.schemas.types import Strict

TenantName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]


class Scope(StrEnum):
    """What a caller may do; each includes those before it."""

    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"


class KeyRequest(Strict):
    """A key to be made."""

    # No control characters: names stand in lists on terminals.
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")] = Field(
        description="What it is for, such as `dashboard`."
    )
    scope: Scope = Field(default=Scope.READ, description="`read`: see; `submit`: also jobs; `admin`: also keys.")
    expires_days: Annotated[int, Field(ge=1, le=3650)] = Field(default=365, description="Days until it expires.")


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
    """A key just made. Nobody can show it again."""

    key: str = Field(description="The key itself, to be sent as `Authorization: Bearer KEY`.")


class KeyList(Strict):
    """Keys, newest first."""

    keys: list[KeyView]


class AuditView(Strict):
    """Who did what to what."""

    at: datetime
    actor: str = Field(description="`local`, `key:ID`, `session:ID`, `oidc:SUBJECT`, `command line` or an address.")
    action: str = Field(description="Such as `job.submit` or `key.revoke`.")
    target: str = Field(description="Id of what it was done to.")
    detail: str = ""


class AuditPage(Strict):
    """What was done, latest first."""

    entries: list[AuditView]
    next: str | None = Field(default=None, description="Path of the next page; absent on the last.")
