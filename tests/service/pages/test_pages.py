"""The pages: what they say of a run in each state, and what they never do."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from check_plans import golden_toy
from fastapi import FastAPI
from fastapi.testclient import TestClient
from job_service import new_database
from sqlmodel import Session

from lodeplan import optimizer, scenarios
from lodeplan.optimizer import figures
from lodeplan.optimizer.report import costs, flows
from lodeplan.schemas import PlanDocument, Scenario, Solution, SolverProgress, Summary, Termination
from lodeplan.schemas.jobs import FailureCode, JobFailure, JobOptions, JobState
from lodeplan.service import storage, ui
from lodeplan.service.access import LOCAL_CALLER
from lodeplan.service.api.dependencies import get_caller
from lodeplan.service.jobs import submissions
from lodeplan.service.storage import Job
from lodeplan.service.ui.run_view import RunView

UI = Path(ui.__file__).parent
ATTACK = "<script>alert('x')</script>\"onload=\"y"


@pytest.fixture(scope="module")
def toy() -> tuple[Scenario, PlanDocument]:
    return scenarios.load("golden-toy"), optimizer.solve("golden-toy").document()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    database = new_database(tmp_path)
    with storage.open_session(database) as session:
        yield session
    database.dispose()


@pytest.fixture
def client(session: Session) -> TestClient:
    app = FastAPI()
    app.state.database = session.get_bind()
    app.include_router(ui.router)
    app.dependency_overrides[get_caller] = lambda: LOCAL_CALLER
    return TestClient(app)


@pytest.fixture
def done(session: Session, toy: tuple[Scenario, PlanDocument]) -> Job:
    return add_run(session, *toy)


def add_run(session: Session, scenario: Scenario, document: PlanDocument) -> Job:
    job = submissions.record_finished(session, scenario, document)
    session.commit()
    return job


def add_job(session: Session, state: JobState, **fields: Any) -> Job:
    """A job without a result, in this state."""
    job = Job(
        id="1234".zfill(31), kind="solve", state=state, scenario="toy", scenario_title="A toy", scenario_hash="ab",
        options=JobOptions(), created_at=storage.now(), **fields,
    )  # fmt: skip
    session.add(job)
    session.commit()
    return job


def test_the_first_page_lists_runs_newest_first_and_how_to_start_one(
    client: TestClient, session: Session, toy: tuple[Scenario, PlanDocument]
) -> None:
    older, newer = add_run(session, *toy), add_run(session, *toy)
    page = client.get("/").text
    assert page.index(f"/runs/{newer.id}") < page.index(f"/runs/{older.id}")
    assert "5.17 million USD" in page
    assert "curl -X POST http://testserver/api/v1/jobs" in page
    for shipped in scenarios.names():
        assert f"&#34;scenario&#34;: &#34;{shipped.name}&#34;" in page


def test_the_first_page_without_runs_says_what_to_do(client: TestClient) -> None:
    assert "No scenario has been run yet" in client.get("/").text


def test_a_running_job_shows_how_far_it_is_and_refreshes(client: TestClient, session: Session) -> None:
    progress = SolverProgress(phase="search", elapsed_s=3.0, objective_kusd=5e6, bound_kusd=4.9e6, gap=0.02)
    job = add_job(session, JobState.RUNNING, started_at=storage.now(), progress=progress)
    page = client.get(f"/runs/{job.id}").text
    assert '<meta http-equiv="refresh" content="2">' in page
    for text in ("Solving", "search", "2 %", "billion USD"):
        assert text in page


def test_a_batch_shows_its_jobs_and_how_many_are_in_which_state(client: TestClient, session: Session) -> None:
    batch = add_job(session, JobState.SUCCEEDED)
    batch.kind, batch.label = "batch", "rates"
    for number, state in enumerate((JobState.SUCCEEDED, JobState.SUCCEEDED, JobState.FAILED)):
        member = Job(**{**batch.model_dump(), "id": f"{number}".zfill(31), "kind": "solve", "state": state})
        member.parent_id, member.label, member.options = batch.id, f"rate {number}", JobOptions()
        session.add(member)
    session.add(batch)
    session.commit()
    page = client.get(f"/runs/{batch.id}").text
    for text in ("A batch of 3 jobs", "2 succeeded", "1 failed", "rates", "rate 0", "rate 2", "results.ndjson"):
        assert text in page
    assert "cancelled" not in page


def test_a_waiting_job_says_so(client: TestClient, session: Session) -> None:
    assert "Waiting for a worker" in client.get(f"/runs/{add_job(session, JobState.QUEUED).id}").text


def test_a_plan_opens_with_its_findings_and_key_numbers_with_units(
    client: TestClient, done: Job, toy: tuple[Scenario, PlanDocument]
) -> None:
    page = client.get(f"/runs/{done.id}").text
    assert "http-equiv" not in page
    assert page.index(toy[1].summary.findings[0]) < page.index("Shortage penalty")
    assert '5.17 <span class="unit">million USD</span>' in page
    assert re.search(r'title="5172\.157\d* kUSD"', page)
    assert '704 <span class="unit">thousand USD</span>' in page
    assert "optimal within the gap" in page


@pytest.mark.parametrize(("view", "saving"), [("importer", 704.2436), ("national", 760.9329)])
def test_the_saving_is_that_of_the_first_finding_and_counts_what_the_view_counts(view: str, saving: float) -> None:
    plan = optimizer.solve("golden-toy", [{"op": "set", "path": "economics.view", "value": view}])
    shown = costs.saving_kusd(plan)

    assert plan.summary.do_nothing_kusd
    assert plan.summary.objective_kusd
    assert shown == pytest.approx(plan.summary.do_nothing_kusd - plan.summary.objective_kusd)
    assert shown == pytest.approx(saving, abs=1e-4)


def test_every_figure_of_a_plan_is_served_at_the_address_on_the_page(client: TestClient, done: Job) -> None:
    page = client.get(f"/runs/{done.id}").text
    addresses = [address.replace("&amp;", "&") for address in re.findall(r'data-spec="([^"]+)"', page)]
    assert len(addresses) == 4
    for address in addresses:
        assert client.get(address).json()["$schema"].endswith("/vega-lite/v6.json")


def test_tables_hold_the_numbers_of_the_figures_and_link_to_files_of_the_result(
    client: TestClient, done: Job, toy: tuple[Scenario, PlanDocument]
) -> None:
    page = client.get(f"/runs/{done.id}").text
    assert "<noscript>" in page
    names = set(re.findall(rf"/api/v1/jobs/{done.id}/result/tables/(\w+)\.csv", page))
    assert names == set(re.findall(rf"/api/v1/jobs/{done.id}/result/tables/(\w+)\.json", page))
    assert names == {
        "projects",
        "onboardings",
        "supply",
        "uses",
        "store",
        "shortages",
        "cost_terms",
        "futures",
        "marginal_values",
    }
    assert names <= {table.name for table in toy[1].tables}
    row = re.search(r"<td>China</td>.*?</tr>", page, re.DOTALL)
    assert row
    assert re.findall(r'class="number"[^>]*>([^<]+)<', row[0]) == ["100", "200", "–", "100"]


def test_links_choose_the_mineral_and_the_year(client: TestClient, done: Job) -> None:
    page = client.get(f"/runs/{done.id}?group=metal&year=3").text
    assert 'href="?group=metal&amp;year=4#flows"' in page
    assert "flows.json?group=metal&amp;year=3" in page
    flows = client.get(f"/runs/{done.id}/figures/flows.json?group=metal&year=3").json()
    assert {value["from"] for value in flows["layer"][0]["data"]["values"]} == {"From stock", "metal/refined"}


@pytest.mark.parametrize("query", ["group=gold", "year=1999", "year=soon"])
def test_a_choice_the_run_does_not_have_is_not_found_and_the_page_names_those_it_has(
    client: TestClient, done: Job, query: str
) -> None:
    answer = client.get(f"/runs/{done.id}?{query}")
    assert answer.status_code == 404
    assert "It has: " in answer.text
    assert client.get(f"/runs/{done.id}/figures/flows.json?{query}").status_code == 404


def test_a_stopped_search_says_that_its_plan_is_not_proven_optimal(
    client: TestClient, session: Session, toy: tuple[Scenario, PlanDocument]
) -> None:
    document = copy.deepcopy(toy[1])
    document.summary.termination, document.summary.solution = Termination.TIME_LIMIT, Solution.FEASIBLE
    page = client.get(f"/runs/{add_run(session, toy[0], document).id}").text
    assert "The search stopped at the time limit." in page
    assert "not proven optimal" in page


def test_an_infeasible_run_shows_what_clashes_and_no_figures(
    client: TestClient, session: Session, toy: tuple[Scenario, PlanDocument]
) -> None:
    summary = Summary(
        scenario="golden-toy",
        scenario_hash="ab",
        termination=Termination.INFEASIBLE,
        solution=Solution.NONE,
        conflict=["The floor asks for 20 t/y and only 10 t/y can come."],
    )
    job = add_run(session, toy[0], PlanDocument(summary=summary, tables=[]))
    page = client.get(f"/runs/{job.id}").text
    assert "only 10 t/y can come" in page
    assert "What to try" in page
    assert "data-spec" not in page
    assert client.get(f"/runs/{job.id}/figures/flows.json").status_code == 404


def test_an_unbounded_run_names_what_earns_money_and_shows_no_plan(client: TestClient, session: Session) -> None:
    patch = {"op": "set", "path": "stockpiles.store.end_value_kusd_per_t", "value": 50}
    scenario = scenarios.load("golden-toy", [patch])
    job = add_run(session, scenario, optimizer.solve(scenario).document())
    assert (job.state, job.termination, job.solution) == (JobState.SUCCEEDED, Termination.UNBOUNDED, Solution.NONE)
    page = client.get(f"/runs/{job.id}").text
    assert "What earns money without end" in page
    assert "stockpile store" in page
    assert "What to start" not in page


@pytest.mark.parametrize("code", FailureCode)
def test_a_failed_run_gives_the_reason_and_what_to_try(client: TestClient, session: Session, code: FailureCode) -> None:
    job = add_job(session, JobState.FAILED, failure=JobFailure(code=code, message="It ran out of road."))
    page = client.get(f"/runs/{job.id}").text
    assert "It ran out of road." in page
    assert ui.words.REMEDIES[code] in page
    assert "http-equiv" not in page


@pytest.mark.parametrize(
    ("state", "text"), [(JobState.TIMED_OUT, "No plan was found in time"), (JobState.CANCELLED, "was cancelled")]
)
def test_a_run_that_ended_without_a_plan_says_why(
    client: TestClient, session: Session, state: JobState, text: str
) -> None:
    assert text in client.get(f"/runs/{add_job(session, state).id}").text


def test_an_unknown_run_is_not_found(client: TestClient) -> None:
    answer = client.get("/runs/nowhere")
    assert answer.status_code == 404
    assert "There is no run" in answer.text


def test_the_page_of_a_duty_has_a_form_and_the_answer_that_the_study_gives(client: TestClient) -> None:
    assert "Show the duty" in client.get("/duty").text
    page = client.get("/duty?commodity=gallium/metal&from=CHN&to=USA&on=2026-11-24&value=200").text
    for text in (
        "Duty on Gallium metal from China into United States",
        "General duty, 3 %",
        "28 %",
        'title="56.0 kUSD/t"',
    ):
        assert text in page
    assert '<option value="CHN" selected>China</option>' in page


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("commodity=gallium/metal&from=USA&on=2026-11-24", 422, "From: goods of a place pay no duty there."),
        ("commodity=gallium/metal&from=CHN&on=soon", 422, "On: this is not a date."),
        ("commodity=gallium/metal&from=CHN&value=much", 422, "Customs value: "),
        ("commodity=gallium/metal&from=CHN&with=nothing", 422, "Events that happen: "),
        ("scenario=nowhere", 404, "No scenario “nowhere” is shipped."),
    ],
)
def test_the_page_of_a_duty_says_what_is_wrong_with_the_question(
    client: TestClient, query: str, status: int, said: str
) -> None:
    answer = client.get(f"/duty?{query}")
    assert answer.status_code == status
    assert said in answer.text


def test_a_run_can_be_compared_with_another_on_a_page(
    client: TestClient, session: Session, toy: tuple[Scenario, PlanDocument], done: Job
) -> None:
    patch = {"op": "set", "path": "projects.'home refinery'.forced_track", "value": "fast"}
    other = add_run(session, scenarios.load("golden-toy", [patch]), optimizer.solve("golden-toy", [patch]).document())
    run_page = client.get(f"/runs/{done.id}").text
    assert f'<option value="{other.id}">' in run_page
    page = client.get(f"/compare?run={done.id}&run={other.id}")
    assert page.status_code == 200
    assert "Project home refinery: started in 1 (fast); in the first plan not started." in page.text
    assert "The plans in numbers" in page.text
    assert f"/api/v1/comparisons?run={done.id}&amp;run={other.id}" in page.text


def test_a_comparison_of_what_there_is_not_is_not_found(client: TestClient, session: Session, done: Job) -> None:
    waiting = add_job(session, JobState.QUEUED)
    for runs in ((done.id, "nowhere"), (waiting.id, done.id)):
        assert client.get("/compare", params={"run": runs}).status_code == 404


def test_a_comparison_that_is_not_of_two_runs_is_refused_as_over_http(client: TestClient, done: Job) -> None:
    for runs in ((), (done.id,), (done.id,) * 3):
        page = client.get("/compare", params={"run": runs})
        assert page.status_code == 422
        assert "Choose two runs to compare" in page.text


def test_a_comparison_with_a_run_without_a_plan_says_so(
    client: TestClient, session: Session, toy: tuple[Scenario, PlanDocument], done: Job
) -> None:
    none = Summary(
        scenario="golden-toy", scenario_hash="ab", termination=Termination.INFEASIBLE, solution=Solution.NONE
    )
    other = add_run(session, toy[0], PlanDocument(summary=none, tables=[]))
    page = client.get(f"/compare?run={done.id}&run={other.id}").text
    assert "The second run has no plan. Infeasible" in page
    assert "What differs" not in page


def test_text_of_a_scenario_or_an_address_is_shown_and_never_run(client: TestClient, session: Session) -> None:
    patches = [
        {"op": "set", "path": path, "value": ATTACK}
        for path in ("title", "description", "author", "places.CHN.title", "stockpiles.store.title")
    ]
    scenario = scenarios.load("golden-toy", patches)
    document = optimizer.solve(scenario).document()
    document.summary.findings.append(ATTACK)
    job = add_run(session, scenario, document)
    pages = [client.get(f"/runs/{job.id}"), client.get("/"), client.get("/runs/<script>alert('x')"),
             client.get(f"/runs/{job.id}", params={"group": ATTACK}), client.get(f"/compare?run={job.id}&run={job.id}"),
             client.get("/duty", params={"commodity": ATTACK, "from": "x", "value": ATTACK, "on": ATTACK})]  # fmt: skip
    for page in pages:
        assert "alert(" in page.text
        assert "<script>alert" not in page.text
        assert '"onload=' not in page.text


def test_every_page_and_figure_forbids_what_does_not_come_from_here(client: TestClient, done: Job) -> None:
    for path in ("/", f"/runs/{done.id}", "/runs/nowhere", f"/runs/{done.id}/figures/cost_by_term.json"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:" in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_pages_load_nothing_from_elsewhere_and_hold_no_inline_script(client: TestClient, done: Job) -> None:
    for path in ("/", f"/runs/{done.id}"):
        page = client.get(path).text
        for address in re.findall(r'(?:src|href|data-spec)="([^"]*)"', page):
            assert re.match(r"/(?!/)|\?|#", address), address
        assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|javascript:", page)


def test_own_templates_styles_and_scripts_name_no_other_origin() -> None:
    names = [*UI.glob("templates/*.html"), *UI.glob("static/*.css"), *UI.glob("static/*.js")]
    own = [path for path in names if path.name != "vega-bundle.js"]
    assert len(own) > 5
    for path in own:
        assert not re.search(r"(?:https?:)?//\w|url\(|@import", path.read_text("utf-8").replace("// ", "")), path.name


@pytest.mark.parametrize("name", ["lodeplan.css", "figures.js", "vega-bundle.js", "icon.svg"])
def test_static_files_are_served_and_not_sent_twice(client: TestClient, name: str) -> None:
    answer = client.get(f"/static/{name}")
    assert answer.status_code == 200
    again = client.get(f"/static/{name}", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["nothing.js", "../pages.py", "%2e%2e/pages.py"])
def test_nothing_else_is_served_as_a_static_file(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


def test_a_period_of_several_years_is_headed_by_its_first_and_last() -> None:
    data = golden_toy()
    data["horizon"]["period_years"] = [1, 1, 2]
    plan = optimizer.solve(data)
    heads = [column.title for column in flows.supply(plan, "metal").columns]
    assert heads[3:] == ["2026", "2027", "2028 to 2029"]
    assert [*RunView(plan, plan.scenario).years.values()] == heads[3:]
    assert "in 2028 to 2029, t/y" in str(figures.draw(figures.FigureName.FLOWS, plan, "metal", 2028))
