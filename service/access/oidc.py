"""Tokens of an identity provider (OpenID Connect): JWTs, checked against the keys it publishes."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx
import jwt
import structlog
from jwt import PyJWKClient, PyJWKClientError, PyJWTError
from jwt.exceptions import PyJWKClientConnectionError, PyJWKSetError
from pydantic import TypeAdapter, ValidationError

from lodeplan.schemas.access import Scope, TenantName
from lodeplan.service.access.callers import Caller
from lodeplan.service.http.errors import ApiError
from lodeplan.service.settings import Settings

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Asymmetric ones only: a public key must never pass for the secret of an HMAC."""
LEEWAY_S = 30
SCOPE_PREFIX = "lodeplan:"

_TIMEOUT_S = 5
_KEYS_KEPT_S = 300
_TRY_AGAIN_S = 10
_tenant: TypeAdapter[str] = TypeAdapter(TenantName)

log = structlog.get_logger(__name__)


class RefusedToken(Exception):
    """A token is refused."""


class TokenVerifier:
    """Checks tokens of one issuer; its keys are fetched when first needed, and kept for some minutes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._keys: PyJWKClient | None = None
        self._lock = threading.Lock()
        self._failed_at = float("-inf")

    def caller(self, token: str) -> Caller:
        """Return the caller of a token. Raises `RefusedToken`, or `ApiError`: 403 if the token grants no rights here,
        503 if the provider does not answer.
        """
        try:
            header = jwt.get_unverified_header(token)
        except PyJWTError:
            raise RefusedToken("This is neither a key of this service nor a token.") from None
        if header.get("alg") not in ALGORITHMS or not isinstance(header.get("kid"), str):
            raise RefusedToken("The token is signed with a method that is not accepted here.")
        return self._caller_of(self._claims(token, header["kid"]))

    def _claims(self, token: str, key_id: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._signing_key(key_id),
                algorithms=ALGORITHMS,
                audience=self.settings.oidc_audience,
                issuer=self.settings.oidc_issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except PyJWTError as error:
            raise RefusedToken(f"The token is not accepted ({type(error).__name__}).") from None
        return claims

    def _signing_key(self, key_id: str) -> jwt.PyJWK:
        # One at a time, and none for a while after a failure: a provider that hangs must not take all threads.
        if time.monotonic() - self._failed_at < _TRY_AGAIN_S:
            raise _unavailable()
        try:
            with self._lock:
                self._keys = self._keys or PyJWKClient(self._jwks_url(), lifespan=_KEYS_KEPT_S, timeout=_TIMEOUT_S)
            return self._keys.get_signing_key(key_id)
        except (PyJWKClientConnectionError, PyJWKSetError, httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            self._failed_at = time.monotonic()
            log.error("the identity provider does not answer", error=str(error))
            raise _unavailable() from None
        except PyJWKClientError:
            raise RefusedToken("The token is signed with a key that its issuer does not publish.") from None

    def _jwks_url(self) -> str:
        if self.settings.oidc_jwks_url:
            return self.settings.oidc_jwks_url
        url = self.settings.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration"
        answer = httpx.get(url, timeout=_TIMEOUT_S).raise_for_status().json()
        if answer["issuer"] != self.settings.oidc_issuer:
            raise ValueError("the discovery document names another issuer")
        return str(answer["jwks_uri"])

    def _caller_of(self, claims: Mapping[str, Any]) -> Caller:
        claim = self.settings.oidc_tenant_claim
        try:
            tenant = _tenant.validate_python(claims.get(claim))
        except ValidationError:
            raise ApiError(403, "not-allowed", f"The token names no tenant in its claim {claim}.") from None
        given = claims.get(self.settings.oidc_scope_claim, "")
        words = given.split() if isinstance(given, str) else given if isinstance(given, list) else []
        scopes = [scope for scope in Scope if SCOPE_PREFIX + scope in words]
        if not scopes:
            wanted = ", ".join(SCOPE_PREFIX + scope for scope in Scope)
            detail = f"The claim {self.settings.oidc_scope_claim} of the token contains none of {wanted}."
            raise ApiError(403, "not-allowed", detail)
        return Caller(tenant, scopes[-1], f"oidc:{claims['sub']}")


def _unavailable() -> ApiError:
    detail = "The identity provider does not answer, so the token cannot be checked."
    return ApiError(503, "log-in-unavailable", detail, headers={"retry-after": str(_TRY_AGAIN_S)})
