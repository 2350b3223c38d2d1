"""Text is sent compressed to those who take it; what is known under one tag is known under the other."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse
from job_service import new_database
from running import served

from lodeplan import scenarios
from lodeplan.service.app import create_app
from lodeplan.service.checking.checkers import Checkers
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.http.compression import LEAST_BYTES, Compressed
from lodeplan.service.http.views import tagged
from lodeplan.service.settings import Settings

LONG = "word " * LEAST_BYTES
PACK, PLAIN = {"accept-encoding": "br, gzip;q=0.5"}, {"accept-encoding": "identity"}


@pytest.fixture(scope="module")
def api() -> Iterator[httpx.Client]:
    app = FastAPI()

    @app.get("/text")
    def text(request: Request, kind: str = "text/plain", length: int = len(LONG)) -> Response:
        return tagged(request, LONG[:length], kind, '"tag"')

    @app.get("/stream")
    def stream(kind: str = "text/csv") -> Response:
        return StreamingResponse((LONG[at : at + 1000] for at in range(0, len(LONG), 1000)), media_type=kind)

    @app.get("/ready")
    def ready() -> Response:
        return Response(gzip.compress(b"{}" * LEAST_BYTES), 200, {"content-encoding": "gzip"}, "application/json")

    app.add_middleware(Compressed)
    with served(app) as client:
        yield client


@pytest.mark.parametrize("path", ["/text", "/stream", "/text?kind=image/svg%2Bxml", "/text?kind=application/json"])
def test_long_text_is_compressed_for_those_who_take_it(api: httpx.Client, path: str) -> None:
    packed, plain = api.get(path, headers=PACK), api.get(path, headers=PLAIN)
    assert packed.text == plain.text == LONG
    assert (packed.headers.get("content-encoding"), plain.headers.get("content-encoding")) == ("gzip", None)
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.num_bytes_downloaded < len(LONG) / 10


@pytest.mark.parametrize("path", ["/text?length=100", "/text?kind=image/png", "/stream?kind=text/event-stream"])
def test_short_answers_pictures_and_events_are_sent_as_they_are(api: httpx.Client, path: str) -> None:
    assert "content-encoding" not in api.get(path, headers=PACK).headers


def test_what_is_compressed_already_is_not_compressed_again(api: httpx.Client) -> None:
    assert api.get("/ready", headers=PACK).text == "{}" * LEAST_BYTES


def test_each_form_has_a_tag_of_its_own_and_either_is_known(api: httpx.Client) -> None:
    tags = [api.get("/text", headers=taken).headers["etag"] for taken in (PACK, PLAIN)]
    assert tags == ['"tag-gzip"', '"tag"']
    for tag in tags:
        known = api.get("/text", headers={**PACK, "if-none-match": f'"other", {tag}'})
        assert (known.status_code, known.headers["etag"], known.content) == (304, tag, b"")
    assert api.get("/text", headers={"if-none-match": '"other-gzip"'}).status_code == 200


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return create_app(Settings(), database=new_database(tmp_path), engine=InlineEngine())


def test_a_shipped_scenario_is_made_once_and_known_by_its_tag(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    run = Checkers.run

    async def counted(*arguments: Any) -> Any:
        made.append(arguments)
        return await run(*arguments)

    monkeypatch.setattr(Checkers, "run", counted)
    with served(app) as client:
        path = "/api/v1/scenarios/golden-toy"
        packed, plain = client.get(path, headers=PACK), client.get(path, headers=PLAIN)
        assert len(made) == 1
        assert packed.json() == plain.json() == json.loads(scenarios.load("golden-toy").model_dump_json())
        assert packed.headers["content-encoding"] == "gzip"
        for tag in (packed.headers["etag"], plain.headers["etag"]):
            assert client.get(path, headers={**PACK, "if-none-match": tag}).status_code == 304
        assert client.get("/api/v1/scenarios/golden-toi").status_code == 404
        assert client.get(path).status_code == 200
        assert len(made) == 2, "one more, of the name that none has"


def test_the_schema_has_a_tag(app: FastAPI) -> None:
    with served(app) as client:
        tag = client.get("/api/v1/schema").headers["etag"]
        assert client.get("/api/v1/schema", headers={"if-none-match": tag}).status_code == 304
