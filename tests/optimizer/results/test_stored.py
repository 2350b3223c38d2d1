"""What earlier versions stored opens: every page, table, figure and log; what they accepted solves, or says why not."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from access_service import made_key
from fastapi.testclient import TestClient
from sqlmodel import col, select
from stored_databases import BACKUPS, DATABASES, opened, solve_here, unpacked

from lodeplan import optimizer
from lodeplan.optimizer.tables.specs import SPECS
from lodeplan.optimizer.tables.stored import read_document
from lodeplan.schemas import InvalidInput, PlanDocument
from lodeplan.schemas.access import Scope
from lodeplan.schemas.jobs import FailureCode, JobState
from lodeplan.schemas.plan import PLAN_VERSION, Solution, Termination
from lodeplan.service import storage
from lodeplan.service.app import create_app
from lodeplan.service.engine import Attempt
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import reruns, reuse
from lodeplan.service.operations.backup import backup, restore
from lodeplan.service.packing import compress
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Job, JobResult
from lodeplan.service.webhooks import sending
from lodeplan.service.workers.worker import Worker

API = "/api/v1"
FIGURES = ("flows", "stock_levels", "cost_by_term", "future_costs")


def client_of(database: sqlalchemy.Engine) -> TestClient:
    settings = Settings(allowed_hosts="testserver", require_login=False)
    return TestClient(create_app(settings, database=database, engine=InlineEngine()))


def all_jobs(database: sqlalchemy.Engine) -> list[Job]:
    with storage.open_session(database) as session:
        return list(session.exec(select(Job).order_by(col(Job.id))))


def good(answer: Any) -> Any:
    assert answer.status_code == 200, f"{answer.request.url}: {answer.text[:500]}"
    return answer


QUICK = {"textbook", "tenants", "without_plan"}
"""What the fast tests open of the stored databases and backups."""


def quick_or_slow(names: list[str], quick: set[str]) -> list[Any]:
    return [pytest.param(name, marks=[] if name in quick else pytest.mark.slow) for name in names]


@pytest.fixture(params=quick_or_slow(DATABASES, QUICK))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with opened(request.param, tmp_path) as database:
        yield database


@pytest.fixture
def in_doubt(tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with opened("queued_in_doubt", tmp_path) as database:
        yield database


@pytest.fixture
def without_plan(tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with opened("without_plan", tmp_path) as database:
        yield database


# Reading


def test_ten_databases_of_the_version_before_are_kept() -> None:
    assert len(DATABASES) >= 10
    assert BACKUPS


def test_every_page_table_figure_and_log_of_the_version_before_opens(database: sqlalchemy.Engine) -> None:
    client = client_of(database)
    opened_whole = False
    for job in all_jobs(database):
        headers = {}
        if job.tenant != storage.LOCAL:
            headers = {"authorization": f"Bearer {made_key(database, job.tenant, Scope.READ)}"}
        good(client.get("/", headers=headers))
        good(client.get(f"{API}/jobs", headers=headers))
        page = good(client.get(f"/runs/{job.id}", headers=headers)).text
        assert "nan" not in page.lower().split()
        good(client.get(f"{API}/jobs/{job.id}", headers=headers))
        assert good(client.get(f"{API}/jobs/{job.id}/log", headers=headers)).text.strip()
        if job.state.ended:
            assert "event: state" in good(client.get(f"{API}/jobs/{job.id}/events", headers=headers)).text
        if job.kind == "batch":
            lines = good(client.get(f"{API}/jobs/{job.id}/results.ndjson?partial=true", headers=headers)).text
            assert all(json.loads(line)["state"] for line in lines.splitlines())
        elif job.result_sha256:
            # Every table in every form and every figure once a database: each reads the whole plan.
            open_result(client, job, headers, whole=not opened_whole)
            opened_whole = opened_whole or job.solution is not Solution.NONE


def open_result(client: TestClient, job: Job, headers: dict[str, str], *, whole: bool = True) -> None:
    result = f"{API}/jobs/{job.id}/result"
    document = PlanDocument.model_validate(good(client.get(result, headers=headers)).json())
    assert document.plan_version == PLAN_VERSION
    entries = good(client.get(f"{result}/tables", headers=headers)).json()["tables"]
    assert [entry["name"] for entry in entries] == [table.name for table in document.tables]
    for entry in entries if whole else entries[:1]:
        names = [column["name"] for column in entry["columns"]]
        answers = {form: good(client.get(entry[form], headers=headers)) for form in ("csv", "json", "ndjson")}
        rows = list(csv.reader(io.StringIO(answers["csv"].text)))
        assert (rows[0], len(rows) - 1) == (names, entry["rows"])
        assert len(answers["json"].json()["rows"]) == len(answers["ndjson"].text.splitlines()) == entry["rows"]
    if document.summary.solution is Solution.NONE:
        assert entries == []
        return
    assert {entry["name"] for entry in entries} >= set(SPECS)
    open_figures(client, job, document, headers, whole=whole)


def open_figures(client: TestClient, job: Job, document: PlanDocument, headers: dict[str, str], *, whole: bool) -> None:
    tables = {table.name: table for table in document.tables}
    groups = {row[1] for name in ("supply", "uses") for row in tables[name].rows}
    years = {row[2] for row in tables["nodes"].rows}
    for name in FIGURES if whole else FIGURES[:1]:
        for group in groups:
            for year in {min(years), max(years)} if whole else {max(years)}:
                query = {"group": group, "year": year}
                good(client.get(f"/runs/{job.id}/figures/{name}.json", params=query, headers=headers))


def test_what_stands_beside_the_jobs_of_the_version_before_opens(tmp_path: Path) -> None:
    with opened("addresses", tmp_path) as database:
        client = client_of(database)
        hooks = good(client.get(f"{API}/webhooks")).json()["webhooks"]
        assert len(hooks) == 2
        sent = [one for hook in hooks for one in good(client.get(hook["deliveries"])).json()["deliveries"]]
        assert {delivery.get("status") for delivery in sent} >= {200, 503}
        body = {"scenario": "golden-toy", "label": "sent twice"}
        first = client.post(f"{API}/jobs", json=body, headers={"idempotency-key": "monday"})
        assert first.status_code in (202, 422), first.text
        assert good(client.get(f"{API}/audit")).json()["entries"]
    with opened("tenants", tmp_path) as database:
        client = client_of(database)
        for tenant in ("north", "south"):
            headers = {"authorization": f"Bearer {made_key(database, tenant, Scope.ADMIN)}"}
            assert len(good(client.get(f"{API}/keys", headers=headers)).json()["keys"]) >= 4
            assert good(client.get(f"{API}/audit", headers=headers)).json()["entries"]


def test_a_plan_whose_scenario_is_refused_today_opens_like_any_other(tmp_path: Path) -> None:
    """Held with values that no version takes, so that it does not hang on which rules came since."""
    with opened("solved_in_doubt", tmp_path) as database:
        with storage.open_session(database) as session:
            for kept in session.exec(select(storage.JobInput)):
                scenario = json.loads(gzip.decompress(kept.scenario_gzip))
                scenario["economics"]["discount_rate"] = -1
                scenario["commodities"]["metal"]["hts"] = ["", "a code that never was"]
                kept.scenario_gzip = compress(json.dumps(scenario))
                session.add(kept)
            session.commit()
        client = client_of(database)
        for number, job in enumerate(all_jobs(database)):
            assert "What to start" in good(client.get(f"/runs/{job.id}")).text
            open_result(client, job, {}, whole=number == 0)


# Plan documents


def stored_plans(database: sqlalchemy.Engine) -> dict[str, bytes]:
    """The plans as they were stored, unpacked, by the name of their scenario."""
    with storage.open_session(database) as session:
        rows = session.execute(sqlalchemy.select(Job, JobResult).join(JobResult, col(JobResult.job_id) == col(Job.id)))
        return {job.scenario: gzip.decompress(result.document_gzip) for job, result in rows}


@pytest.fixture
def textbook(tmp_path: Path) -> Iterator[dict[str, bytes]]:
    with opened("textbook", tmp_path) as database:
        yield stored_plans(database)


def test_a_plan_of_the_version_before_has_todays_tables_and_columns(textbook: dict[str, bytes]) -> None:
    for text in textbook.values():
        assert b"plan_version" not in text
        document = read_document(text)
        for table in document.tables:
            assert [column.name for column in table.columns if not column.renamed_to] == [
                column.name for column in SPECS[table.name].columns
            ]


@pytest.mark.parametrize("version", range(1, PLAN_VERSION + 1))
def test_a_plan_of_any_version_without_a_table_or_column_of_today_says_so_in_a_sentence(
    version: int, textbook: dict[str, bytes]
) -> None:
    data = json.loads(textbook["golden-toy"])
    if version > 1:
        written = optimizer.Plan.from_document(read_document(textbook["golden-toy"])).document()
        # A note of before stays, as it does where nothing else is missing.
        notes = {"nodes": "A note.", "supply": "Another note."}
        tables = [table.model_copy(update={"note": notes.get(table.name)}) for table in written.tables]
        whole = written.model_copy(update={"plan_version": version, "tables": tables}).model_dump_json()
        data = json.loads(whole)
    data["tables"] = [table for table in data["tables"] if table["name"] != "duties"]
    supply = next(table for table in data["tables"] if table["name"] == "supply")
    at = [column["name"] for column in supply["columns"]].index("expected_t_per_y")
    supply["columns"][at]["name"] = "something else"
    tables = {table.name: table for table in read_document(json.dumps(data).encode()).tables}

    assert list(tables) == list(SPECS)
    assert tables["duties"].rows == []
    assert "did not have this table yet" in str(tables["duties"].note)
    assert "did not tell `expected_t_per_y`" in str(tables["supply"].note)
    assert {row[at] for row in tables["supply"].rows} == {None}
    assert tables["supply"].columns[-1].name == "something else"
    assert any(row[-1] for row in tables["supply"].rows)
    assert tables["ship"].note is None
    if version > 1:
        assert tables["nodes"].note == "A note."
        assert str(tables["supply"].note).startswith("Another note. Lodeplan")


def test_a_plan_of_the_version_before_has_its_flows_to_the_end_of_the_horizon(textbook: dict[str, bytes]) -> None:
    stored = json.loads(textbook["golden-toy"])
    for table in stored["tables"]:
        names = [column["name"] for column in table["columns"]]
        if table["name"] == "nodes":
            # As if the base path stopped before the last year.
            table["rows"] = [row for row in table["rows"] if (row[names.index("period")], row[-1]) != (4, "")]
        elif table["name"] in ("supply", "uses"):
            year, base = names.index("year"), names.index("base_t_per_y")
            table["rows"] = [[*row[:base], row[base] * (row[year] < 4), *row[base + 1 :]] for row in table["rows"]]
    plan = optimizer.Plan.from_document(read_document(json.dumps(stored).encode()))
    for name in ("supply", "uses"):
        last = plan.tables[name][plan.tables[name]["year"] == 4]
        assert last["base_t_per_y"].tolist() == last["expected_t_per_y"].tolist() != []
        assert "did not tell `base_t_per_y` from 4 on" in plan.notes[name]


@pytest.mark.parametrize("version", [1, 2])
def test_a_plan_that_said_in_a_sentence_alone_that_nothing_was_found_says_so_in_its_summary(version: int) -> None:
    said = "No plan was found before the search was ended. What follows is what doing nothing comes to, and no advice."
    summary = {"scenario": "x", "scenario_hash": "0", "termination": "time_limit", "solution": "feasible"}
    for findings, found_nothing in (([said, "More."], True), (["A plan."], False)):
        data = {"plan_version": version, "summary": {**summary, "findings": findings}, "tables": []}
        assert read_document(json.dumps(data).encode()).summary.nothing_found is found_nothing


def test_the_page_of_a_plan_says_what_the_version_that_made_it_did_not_tell(tmp_path: Path) -> None:
    with opened("textbook", tmp_path) as database:
        with storage.open_session(database) as session:
            job = session.exec(select(Job).where(Job.scenario == "golden-toy")).first()
            assert job
            kept = session.get_one(JobResult, job.id)
            data = json.loads(gzip.decompress(kept.document_gzip))
            data["tables"] = [table for table in data["tables"] if table["name"] not in ("duties", "slack")]
            kept.document_gzip = compress(json.dumps(data))
            session.add(kept)
            session.commit()
        client = client_of(database)
        page = good(client.get(f"/runs/{job.id}")).text
        assert "Duty by route and measure: Lodeplan 0.1.0 wrote this plan, and did not have this table yet." in page
        (entry,) = [
            entry
            for entry in good(client.get(f"{API}/jobs/{job.id}/result/tables")).json()["tables"]
            if entry["name"] == "duties"
        ]
        assert "did not have this table yet" in entry["note"]
        assert "did not have this table yet" in good(client.get(entry["json"])).json()["note"]


def test_a_plan_of_the_version_before_comes_back_whole_after_it_is_written_again(textbook: dict[str, bytes]) -> None:
    document = read_document(textbook["golden-toy"])
    plan = optimizer.Plan.from_document(document)
    assert read_document(plan.document().model_dump_json().encode()) == plan.document() == document


def test_a_table_by_year_of_the_version_before_has_the_lengths_of_its_periods(tmp_path: Path) -> None:
    with opened("kinds", tmp_path) as database:
        tables = {table.name: table for table in read_document(stored_plans(database)["every-kind"]).tables}
    for name in ("supply", "uses", "shortages"):
        names = [column.name for column in tables[name].columns]
        if "years" in names:
            found = {(row[names.index("year")], row[names.index("years")]) for row in tables[name].rows}
            assert found <= {(2026, 1.0), (2027, 2.0), (2029, 2.0)}
            assert found or name == "shortages"


def test_a_plan_of_a_later_version_is_refused_with_what_to_do() -> None:
    later = json.dumps({"plan_version": PLAN_VERSION + 1, "summary": {}, "tables": [], "more": 1}).encode()
    with pytest.raises(InvalidInput, match="later version") as caught:
        read_document(later)
    assert caught.value.problems[0].remedy


# No plan


def test_an_unbounded_scenario_that_was_stored_as_a_plan_is_shown_as_what_it_is(
    without_plan: sqlalchemy.Engine,
) -> None:
    (job,) = [
        job
        for job in all_jobs(without_plan)
        if job.termination is Termination.UNBOUNDED and job.state is JobState.SUCCEEDED
    ]
    assert (job.solution, job.objective_kusd) == (Solution.NONE, None)
    client = client_of(without_plan)
    page = good(client.get(f"/runs/{job.id}")).text
    assert "There is no plan" in page
    assert "without end" in page
    summary = good(client.get(f"{API}/jobs/{job.id}/result")).json()["summary"]
    assert (summary["termination"], summary["solution"]) == ("unbounded", "none")
    assert "objective_kusd" not in summary
    assert "An earlier version" in summary["conflict"][0]
    answer = client.get(f"{API}/jobs/{job.id}/result/tables/supply.csv")
    assert (answer.status_code, "no plan, so it has no tables" in answer.json()["detail"]) == (404, True)


# Jobs that wait


def work_through(database: sqlalchemy.Engine) -> list[Job]:
    """Have a worker of today take all that waits, and what a dead worker had; the jobs afterwards."""
    engine = InlineEngine()
    with storage.open_session(database) as session:
        for job in session.exec(select(Job).where(Job.kind == "solve")):
            attempt = Attempt(job.id, job.attempt)
            if job.state is JobState.QUEUED:
                engine.enqueue(session, attempt)
            elif not job.state.ended:
                reruns.lose(session, engine, attempt)
        session.commit()
    worker = Worker(database, engine, solve_here)
    worker.start(slots=1)
    engine.run_pending()
    worker.stop()
    return all_jobs(database)


@pytest.mark.parametrize("name", ["queued", "queued_in_doubt", "dead_worker", "batches"])
def test_what_was_accepted_before_solves_as_accepted_or_fails_as_no_longer_valid(name: str, tmp_path: Path) -> None:
    with opened(name, tmp_path) as database:
        waiting = {job.id for job in all_jobs(database) if job.state in (JobState.QUEUED, JobState.RUNNING)}
        for job in work_through(database):
            assert job.state.ended, job
            if job.id not in waiting or job.kind == "batch":
                continue
            if job.state is JobState.SUCCEEDED:
                assert job.solution is Solution.OPTIMAL
                with storage.open_session(database) as session:
                    document = storage.read_document(session, job)
                assert document
                assert document.summary.scenario_hash == job.scenario_hash
                continue
            assert job.failure, job
            assert job.failure.code in (FailureCode.SCENARIO_NO_LONGER_VALID, FailureCode.LOST_WORKERS)
            assert job.failure.problems or job.failure.code is FailureCode.LOST_WORKERS


def test_what_todays_rules_refuse_names_each_rule_and_all_else_solves(in_doubt: sqlalchemy.Engine) -> None:
    ended = {str(job.label): job for job in work_through(in_doubt)}
    places = {
        label: sorted(place.pointer for place in job.failure.problems or ()) if job.failure else []
        for label, job in ended.items()
    }
    assert places == {
        "no price": [],  # stored with the price that it was given then: 0
        "codes in one text": ["/commodities/metal/hts/0"],
        "a code that lost its sign": ["/tariffs/t/hts/0", "/tariffs/t/hts/1"],
        "groups with a comma": ["/places/AUS/groups"],
        "capacity of 1e16": ["/facilities/offer AUS/capacity_t_per_y"],
        "all at once": [
            "/commodities/metal/hts/0",
            "/facilities/offer AUS/capacity_t_per_y",
            "/places/AUS/groups",
        ],
        "without doubt": [],
    }
    for job in ended.values():
        assert (job.state is JobState.FAILED) == bool(job.failure) == bool(places[str(job.label)])


def test_a_job_that_is_no_longer_valid_names_every_place_in_job_page_log_and_message(
    in_doubt: sqlalchemy.Engine,
) -> None:
    """Held with a scenario that no version takes, so that it does not hang on which rules came since."""
    with storage.open_session(in_doubt) as session:
        job = session.exec(select(Job).where(Job.label == "without doubt")).one()
        kept = session.get_one(storage.JobInput, job.id)
        scenario = json.loads(gzip.decompress(kept.scenario_gzip))
        scenario["economics"]["discount_rate"] = -1
        scenario["routes"]["metal CHN"]["origin"] = "XXX"
        kept.scenario_gzip = compress(json.dumps(scenario))
        session.add(kept)
        session.commit()
    places = ["/economics/discount_rate", "/routes/metal CHN/origin"]
    (ended,) = [one for one in work_through(in_doubt) if one.id == job.id]

    assert ended.failure
    assert ended.failure.code is FailureCode.SCENARIO_NO_LONGER_VALID
    assert [place.pointer for place in ended.failure.problems or ()] == places
    client = client_of(in_doubt)
    view = good(client.get(f"{API}/jobs/{job.id}")).json()
    assert [place["pointer"] for place in view["failure"]["problems"]] == places
    page, log = (good(client.get(path)).text for path in (f"/runs/{job.id}", f"{API}/jobs/{job.id}/log"))
    for place in places:
        assert place in page
        assert [line for line in log.splitlines() if place in line]
    with storage.open_session(in_doubt) as session:
        (delivery,) = session.exec(select(storage.Delivery).where(storage.Delivery.job_id == job.id))
        message = sending._message(session, delivery, 1)
    assert message
    sent = json.loads(message.body)
    assert (sent["type"], sent["data"]["failure"]["code"]) == ("job.failed", "scenario_no_longer_valid")
    assert [place["pointer"] for place in sent["data"]["failure"]["problems"]] == places


# Reuse, backups


def test_a_plan_of_the_version_before_is_not_taken_for_a_new_job(tmp_path: Path) -> None:
    with opened("textbook", tmp_path) as database:
        answer = client_of(database).post(f"{API}/jobs", json={"scenario": "golden-toy"})
        assert answer.status_code == 202
        assert answer.json()["state"] == "queued"


@pytest.mark.parametrize("name", quick_or_slow(BACKUPS, {BACKUPS[0]}))
def test_a_backup_of_the_version_before_is_restored_and_its_jobs_end(name: str, tmp_path: Path) -> None:
    file = unpacked(name, tmp_path)
    target = storage.open_database(f"sqlite:///{tmp_path / 'restored.db'}")
    engine = InlineEngine()
    done = restore(file, target, engine)
    worker = Worker(target, engine, solve_here)
    worker.start(slots=1)
    engine.run_pending()
    worker.stop()
    found = all_jobs(target)
    assert len(found) == done.rows["job"] > 0
    allowed = (FailureCode.SCENARIO_NO_LONGER_VALID, FailureCode.LOST_WORKERS, FailureCode.SOLVER_ERROR)
    for job in found:
        assert job.state.ended
        assert job.failure is None or job.failure.code in allowed, job.failure
        if job.result_sha256:
            open_result(client_of(target), job, {})
    target.dispose()


def test_a_database_of_the_version_before_can_be_backed_up_once_it_is_migrated(tmp_path: Path) -> None:
    with opened("tenants", tmp_path) as database:
        assert backup(database, tmp_path / "saved.db")["api_key"] >= 6


def test_the_version_of_plan_documents_tells_work_apart() -> None:
    assert str(PLAN_VERSION) in reuse._versions()
