"""Protection against requests that pages of other sites make through a browser. A page elsewhere can make a browser on
this machine send requests here. Without log-in two checks stop it: the request says which site it comes from, and a
foreign name that resolves to this machine (DNS rebinding) is not accepted as a host.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request

from lodeplan.service.http.errors import ApiError

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def is_loopback(host: str) -> bool:
    """True if a host name or address stands for this machine only."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_host(request: Request, allowed: Collection[str], *, local: bool) -> None:
    """Raise `ApiError` (421) unless the request names an accepted host. Without log-in (`local`) this is only this
    machine; with log-in any host, or only the `allowed` ones if there are any.
    """
    if not local and not allowed:
        return
    host = _host_of(request.headers.get("host", ""))
    if host in allowed or (host and is_loopback(host)):
        return
    detail = "The request names a host that this service does not accept. Add host names with LODEPLAN_ALLOWED_HOSTS."
    raise ApiError(421, "unknown-host", detail)


def check_not_forwarded(request: Request) -> None:
    """Raise `ApiError` (403) for a request that came through a proxy while log-in is not required."""
    if any(name in request.headers for name in _FORWARDED):
        detail = (
            "The request came through a proxy, but this service does not require log-in. Set "
            "LODEPLAN_REQUIRE_LOGIN=true, create a key with `lodeplan keys create`, and start the service again."
        )
        raise ApiError(403, "log-in-not-set-up", detail)


def check_same_site(request: Request, allowed: Collection[str]) -> None:
    """Raise `ApiError` (403) if a page of another origin makes a browser change something here."""
    if request.method in _SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        ours = site in ("same-origin", "none")
    else:
        # Browsers tell the site only over HTTPS and on this machine, the origin always.
        origin = request.headers.get("origin")
        ours = origin is None or _is_ours(origin, request, allowed)
    if not ours:
        raise ApiError(403, "cross-site", "Pages of other sites cannot change anything here.")


def _is_ours(origin: str, request: Request, allowed: Collection[str]) -> bool:
    netloc = urlsplit(origin).netloc.lower()
    return bool(netloc) and (netloc == request.headers.get("host", "").lower() or _host_of(netloc) in allowed)


def _host_of(authority: str) -> str:
    """The host in `host:port`, in small letters."""
    if authority.startswith("["):
        return authority.partition("]")[0].lower() + "]"
    return authority.partition(":")[0].rstrip(".").lower()
