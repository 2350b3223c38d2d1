"""Tokens of an identity provider: a key pair and a provider of our own stand for it."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from access_service import bearer, served
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI
from job_service import new_database
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from lodeplan.schemas import InvalidInput
from lodeplan.service.app import create_app
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.settings import Settings

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


class Provider(ThreadingHTTPServer):
    """Publishes two keys; counts how often they are fetched, and can be made to fail."""

    fetched = 0
    broken = False

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        if self.server.broken:
            self.send_error(500)
            return
        if self.path == "/.well-known/openid-configuration":
            document: dict[str, Any] = {"issuer": self.server.issuer, "jwks_uri": f"{self.server.issuer}/keys"}
        else:
            self.server.fetched += 1
            one = json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())) | {"kid": "one", "use": "sig"}
            two = json.loads(ECAlgorithm.to_jwk(EC_KEY.public_key())) | {"kid": "two", "use": "sig"}
            document = {"keys": [one, two]}
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def app(provider: Provider, tmp_path: Path) -> FastAPI:
    settings = Settings(oidc_issuer=provider.issuer, oidc_audience="lodeplan")
    return create_app(settings, database=new_database(tmp_path), engine=InlineEngine())


@pytest.fixture
def api(app: FastAPI) -> Iterator[httpx.Client]:
    with served(app) as client:
        yield client


def claims(provider: Provider, **changes: Any) -> dict[str, Any]:
    given = {
        "iss": provider.issuer, "aud": "lodeplan", "sub": "ann", "exp": time.time() + 300, "tenant": "ours",
        "scope": "openid lodeplan:read lodeplan:submit", **changes,
    }  # fmt: skip
    return {name: value for name, value in given.items() if value is not None}


def token(provider: Provider, key: Any = RSA_KEY, algorithm: str = "RS256", kid: str = "one", **changes: Any) -> str:
    return jwt.encode(claims(provider, **changes), key, algorithm=algorithm, headers={"kid": kid})


def status(api: httpx.Client, shown: str) -> int:
    return api.get("/api/v1/jobs", headers=bearer(shown)).status_code


def test_a_token_speaks_for_its_tenant_and_scopes(api: httpx.Client, provider: Provider) -> None:
    assert status(api, "") == 401
    ours, theirs = bearer(token(provider)), bearer(token(provider, tenant="theirs", scope=["lodeplan:admin"]))
    made = api.post("/api/v1/jobs", json={"scenario": "golden-toy"}, headers=ours)
    assert made.status_code == 202
    assert api.get(made.headers["location"], headers=ours).status_code == 200
    assert api.get(made.headers["location"], headers=theirs).status_code == 404
    assert api.get("/api/v1/audit", headers=ours).status_code == 403
    assert api.get("/api/v1/audit", headers=theirs).json() == {"entries": []}
    admin = bearer(token(provider, scope="lodeplan:admin"))
    (entry,) = api.get("/api/v1/audit", headers=admin).json()["entries"]
    assert (entry["actor"], entry["action"]) == ("oidc:ann", "job.submit")
    assert status(api, token(provider, EC_KEY, "ES256", "two")) == 200
    assert api.get("/", headers=ours).status_code == 200
    assert provider.fetched == 1


def test_a_token_that_is_not_good_is_refused(api: httpx.Client, provider: Provider) -> None:
    secret = "hush" * 20
    public = json.dumps({"k": "x"}).encode()
    bad = {
        "expired": token(provider, exp=time.time() - 60),
        "not yet": token(provider, nbf=time.time() + 600),
        "for another service": token(provider, aud="elsewhere"),
        "of another issuer": token(provider, iss="https://evil.example"),
        "without an end": token(provider, exp=None),
        "without a subject": token(provider, sub=None),
        "without an audience": token(provider, aud=None),
        "signed by somebody else": token(provider, OTHER_KEY),
        "signed with a shared secret": token(provider, secret, "HS256"),
        "signed with the public key as secret": token(provider, public, "HS256"),
        "not signed": jwt.encode(claims(provider), None, algorithm="none", headers={"kid": "one"}),
        "without a key id": jwt.encode(claims(provider), RSA_KEY, algorithm="RS256"),
        "with a key nobody published": token(provider, kid="three"),
        "with the key of another algorithm": token(provider, kid="two"),
        "changed": token(provider)[:-4] + "AAAA",
        "no token": "ey.ey.ey",
    }
    assert {name: status(api, shown) for name, shown in bad.items()} == dict.fromkeys(bad, 401)
    answer = api.get("/api/v1/jobs", headers=bearer(bad["changed"]))
    assert answer.json()["type"] == "urn:lodeplan:problem:not-authenticated"
    assert bad["changed"] not in answer.text
    assert provider.fetched == 1, "an unknown key id makes us ask the provider at every request"


def test_a_clock_that_is_a_little_off_does_no_harm(api: httpx.Client, provider: Provider) -> None:
    assert status(api, token(provider, exp=time.time() - 5)) == 200


@pytest.mark.parametrize(
    "changes",
    [{"tenant": None}, {"tenant": ""}, {"tenant": "a b"}, {"tenant": 5}, {"tenant": ["ours"]}, {"scope": None},
     {"scope": "read submit admin"}, {"scope": "lodeplan:administrator"}, {"scope": 7}],
)  # fmt: skip
def test_a_good_token_without_a_tenant_or_a_scope_may_do_nothing(
    api: httpx.Client, provider: Provider, changes: dict[str, Any]
) -> None:
    answer = api.get("/api/v1/jobs", headers=bearer(token(provider, **changes)))
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:lodeplan:problem:not-allowed")


def test_a_token_never_makes_an_operator_whatever_tenant_it_names(api: httpx.Client, provider: Provider) -> None:
    shown = token(provider, tenant="local", scope="lodeplan:admin")
    headers = {"authorization": f"Bearer {shown}"}
    assert api.get("/api/v1/keys", headers=headers).status_code == 200
    assert api.get("/metrics", headers=headers).status_code == 403


def test_a_provider_that_does_not_answer_is_not_ours_to_blame_on_the_caller(
    app: FastAPI, api: httpx.Client, provider: Provider
) -> None:
    provider.broken = True
    answer = api.get("/api/v1/jobs", headers=bearer(token(provider)))
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:lodeplan:problem:log-in-unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    provider.broken = False
    # Not asked again at once, so that a provider that hangs does not take all threads.
    assert status(api, token(provider)) == 503
    app.state.access.tokens._failed_at = float("-inf")
    assert status(api, token(provider)) == 200
    provider.broken = True
    assert status(api, token(provider)) == 200, "its keys are kept for a while"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"LODEPLAN_OIDC_ISSUER": "https://id.example"}, "LODEPLAN_OIDC_AUDIENCE"),
        ({"LODEPLAN_OIDC_ISSUER": "http://id.example", "LODEPLAN_OIDC_AUDIENCE": "x"}, "LODEPLAN_OIDC_ISSUER"),
        ({"LODEPLAN_OIDC_JWKS_URL": "file:///etc/passwd"}, "LODEPLAN_OIDC_JWKS_URL"),
        ({"LODEPLAN_REQUIRE_LOGIN": "perhaps"}, "LODEPLAN_REQUIRE_LOGIN"),
    ],
)
def test_settings_that_would_let_others_in_are_refused(environment: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        Settings.from_environment(environment)
