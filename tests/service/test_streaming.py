"""Large results: they go out as they are stored, or unpacked and row by row, and whole."""

import csv
import gzip
import io
import json
import random
from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy
from http_service import ended, service_on, submit
from job_service import DATABASES, database_of

from lodeplan.schemas import Column, PlanDocument, Table
from lodeplan.schemas.plan import Solution, Summary, Termination
from lodeplan.service.api.streaming import table_rows
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.packing import compress
from lodeplan.service.storage.plans import member, unpack
from lodeplan.service.workers.child_process import Watch, Work

ROWS = 30_000
CHANCE = random.Random(5)
MADE_UP = Table(
    name="made_up",
    title='Shipments, "all"',
    columns=[Column(name="route"), Column(name="ship_t_per_y", unit="t/y"), Column(name="note")],
    rows=[[f"röute {number}, {CHANCE.random()}", CHANCE.random(), None] for number in range(ROWS)],
)
DOCUMENT = PlanDocument(
    summary=Summary(
        scenario="big", scenario_hash="0", termination=Termination.OPTIMAL, solution=Solution.OPTIMAL, objective_kusd=1
    ),
    tables=[MADE_UP, Table(name="empty", title="", columns=[Column(name="a")])],
)
STORED = compress(DOCUMENT.model_dump_json(exclude_none=True))


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path_factory.mktemp("streaming")) as database:
        yield database


@pytest.fixture(scope="module")
def api(database: sqlalchemy.Engine) -> Iterator[httpx.Client]:
    def solve(_work: Work, _watch: Watch) -> Outcome:
        return Outcome(Termination.OPTIMAL, Solution.OPTIMAL, 1, STORED)

    with service_on(database, solve) as client:
        yield client


@pytest.fixture(scope="module")
def result(api: httpx.Client) -> str:
    view = ended(api, submit(api, "solve"))
    return str(view["links"]["result"])


def test_a_client_that_reads_gzip_gets_the_stored_bytes(api: httpx.Client, result: str) -> None:
    with api.stream("GET", result, headers={"accept-encoding": "br, gzip;q=0.5"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["content-length"] == str(len(STORED))
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert b"".join(answer.iter_raw()) == STORED


@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0", ""])
def test_another_client_gets_the_same_document_unpacked(api: httpx.Client, result: str, accepted: str) -> None:
    answer = api.get(result, headers={"accept-encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert answer.content == gzip.decompress(STORED)


def test_each_form_of_a_result_has_a_tag_of_its_own_and_either_is_known(api: httpx.Client, result: str) -> None:
    tags = {api.get(result, headers={"accept-encoding": coding}).headers["etag"] for coding in ("gzip", "identity")}
    assert len(tags) == 2
    for tag in tags:
        for coding in ("gzip", "identity"):
            headers = {"if-none-match": tag, "accept-encoding": coding}
            answer = api.get(result, headers=headers)
            assert (answer.status_code, answer.headers["etag"]) == (304, tag)


def test_a_table_of_many_rows_comes_whole_as_csv(api: httpx.Client, result: str) -> None:
    rows = list(csv.reader(io.StringIO(api.get(f"{result}/tables/made_up.csv").text)))
    assert rows[0] == ["route", "ship_t_per_y", "note"]
    assert [[name, float(value), note or None] for name, value, note in rows[1:]] == MADE_UP.rows


def test_a_table_of_many_rows_comes_whole_as_json(api: httpx.Client, result: str) -> None:
    assert Table.model_validate(api.get(f"{result}/tables/made_up.json").json()) == MADE_UP
    assert api.get(f"{result}/tables/empty.json").json()["rows"] == []


def test_a_table_of_many_rows_comes_whole_as_one_object_a_row(api: httpx.Client, result: str) -> None:
    answer = api.get(f"{result}/tables/made_up.ndjson")
    assert answer.headers["content-type"] == "application/x-ndjson"
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert rows == [dict(zip(["route", "ship_t_per_y", "note"], row, strict=True)) for row in MADE_UP.rows]
    assert api.get(f"{result}/tables/empty.ndjson").text == ""


def test_a_table_goes_out_in_pieces() -> None:
    pieces = [len(piece) for piece in table_rows(MADE_UP, "csv")]
    assert len(pieces) > 10
    assert max(pieces) < sum(pieces) / 10


def test_a_stored_document_that_breaks_off_is_never_taken_for_a_whole_one() -> None:
    with pytest.raises(ValueError, match="is truncated"):
        b"".join(unpack(STORED[:-20]))


def test_the_summary_is_read_without_the_tables() -> None:
    text = json.dumps({"summary": {"findings": ["ü" * 300_000]}, "tables": []}, ensure_ascii=False)
    assert member(compress(text), "summary") == {"findings": ["ü" * 300_000]}
    assert member(STORED, "summary") == json.loads(DOCUMENT.summary.model_dump_json(exclude_none=True))


# Spreadsheets

HOSTILE = Table(
    name="ship",
    title="",
    columns=[Column(name="route"), Column(name="ship_t_per_y", unit="t/y")],
    rows=[
        ['=HYPERLINK("https://example.org","x")', -1.5],
        ["+1", 2],
        ["-1", None],
        ["@SUM(A1:A9)", 0.0],
        ["\tx", 1e-30],
        ["\rx", -7],
        ["a = b", 1],
        ["", 1],
    ],
)


def test_no_text_in_csv_is_run_by_a_spreadsheet_and_numbers_stay_numbers() -> None:
    rows = list(csv.reader(io.StringIO("".join(table_rows(HOSTILE, "csv")), newline="")))
    assert [row[0] for row in rows[1:]] == [
        '\'=HYPERLINK("https://example.org","x")', "'+1", "'-1", "'@SUM(A1:A9)", "'\tx", "'\rx", "a = b", "",
    ]  # fmt: skip
    assert [row[1] for row in rows[1:]] == ["-1.5", "2", "", "0.0", "1e-30", "-7", "1", "1"]


def test_json_holds_texts_as_they_are() -> None:
    assert json.loads("".join(table_rows(HOSTILE, "json")))["rows"] == HOSTILE.rows


def test_a_csv_begins_with_a_byte_order_mark_where_it_is_asked_for(api: httpx.Client, result: str) -> None:
    plain, marked = (api.get(f"{result}/tables/made_up.csv{query}") for query in ("", "?bom=1"))
    assert marked.content == b"\xef\xbb\xbf" + plain.content
    assert marked.headers["etag"] != plain.headers["etag"]
    for suffix in ("json", "ndjson"):
        answer = api.get(f"{result}/tables/made_up.{suffix}?bom=1")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/bom")
