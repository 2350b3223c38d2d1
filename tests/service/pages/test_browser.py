"""Pages as a browser shows them: light, dark and on a phone, without errors, within their origin, readable by all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from http_service import service_on
from job_service import new_database
from solved import solved
from sqlmodel import Session

from lodeplan import scenarios
from lodeplan.schemas import PlanDocument, Solution, SolverProgress, Summary, Termination
from lodeplan.schemas.jobs import FailureCode, JobFailure, JobOptions, JobState
from lodeplan.service import storage
from lodeplan.service.jobs import submissions
from lodeplan.service.storage import Job
from tools import stored_plans

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

pytestmark = pytest.mark.browser

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "is_mobile": True},
}
HIGHEST_PIXELS = 20_000
PATIENCE_MS = 90_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        missing = "no Chromium is installed; `apt-get install chromium` brings one"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass(frozen=True)
class Site:
    """Where the service is, and the path of each kind of page."""

    url: str
    paths: dict[str, str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database = new_database(tmp_path_factory.mktemp("pages"))
    with storage.open_session(database) as session:
        paths = {kind: f"/runs/{make(session).id}" for kind, make in KINDS.items()}
        session.commit()
    two = [paths[kind].removeprefix("/runs/") for kind in ("small plan", "plan")]
    paths |= {"duty": DUTY, "no duty": DUTY.replace("CHN", "USA"), "comparison": f"/compare?run={two[0]}&run={two[1]}"}
    paths |= {"list": "/", "no such page": "/nowhere/at/all", "no such run": "/runs/nowhere", "api": "/docs"}
    with service_on(database, solve=None) as client:
        yield Site(str(client.base_url), paths)
    database.dispose()


@pytest.fixture(scope="module")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database = new_database(tmp_path_factory.mktemp("empty"))
    with service_on(database, solve=None) as client:
        yield Site(str(client.base_url), {"empty list": "/"})
    database.dispose()


@pytest.fixture(scope="module")
def closed_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database = new_database(tmp_path_factory.mktemp("closed"))
    with service_on(database, solve=None, require_login=True) as client:
        yield Site(str(client.base_url), {"sign-in": "/sign-in", "asked to sign in": "/runs/1234"})
    database.dispose()


def add_job(session: Session, state: JobState, **fields: Any) -> Job:
    filled = {
        "kind": "solve",
        "scenario": "toy",
        "scenario_title": "A toy",
        "scenario_hash": "ab",
        "options": JobOptions(),
        "created_at": storage.now(),
        "started_at": storage.now(),
    }
    job = Job(id=storage.new_id(), state=state, **{**filled, **fields})
    session.add(job)
    session.flush()
    return job


def finished(name: str) -> Callable[[Session], Job]:
    def make(session: Session) -> Job:
        return submissions.record_finished(session, scenarios.load(name), solved(name).document())

    return make


def real_plan(session: Session) -> Job:
    document, scenario = stored_plans.stored("us-2026-lite")
    return submissions.record_finished(session, scenario, document)


def running(session: Session) -> Job:
    progress = SolverProgress(phase="search", elapsed_s=3.0, objective_kusd=5e6, bound_kusd=4.9e6, gap=0.02)
    return add_job(session, JobState.RUNNING, progress=progress)


def infeasible(session: Session) -> Job:
    summary = Summary(
        scenario="golden-toy",
        scenario_hash="ab",
        termination=Termination.INFEASIBLE,
        solution=Solution.NONE,
        conflict=["The floor asks for 20 t/y and only 10 t/y can come."],
    )
    return submissions.record_finished(session, scenarios.load("golden-toy"), PlanDocument(summary=summary, tables=[]))


def batch(session: Session) -> Job:
    whole = add_job(session, JobState.RUNNING, kind="batch", label="rates")
    for number, state in enumerate((JobState.SUCCEEDED, JobState.RUNNING, JobState.FAILED, JobState.QUEUED)):
        add_job(session, state, parent_id=whole.id, label=f"rate {number}", objective_kusd=5.0e6)
    return whole


KINDS: dict[str, Callable[[Session], Job]] = {
    "plan": real_plan,
    "small plan": finished("golden-toy"),
    "plan without flows": finished("hundred-losses"),
    "running": running,
    "queued": lambda session: add_job(session, JobState.QUEUED, started_at=None),
    "failed": lambda session: add_job(
        session, JobState.FAILED, failure=JobFailure(code=FailureCode.CRASHED, message="It ran out of road.")
    ),
    "cancelled": lambda session: add_job(session, JobState.CANCELLED),
    "timed out": lambda session: add_job(session, JobState.TIMED_OUT),
    "infeasible": infeasible,
    "batch": batch,
}
DUTY = "/duty?commodity=gallium/metal&from=CHN&on=2026-11-24"
STATUS = {"no duty": 422, "no such page": 404, "no such run": 404, "asked to sign in": 401}


class Visit:
    """A page that is open, and what it did meanwhile."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        # A page that loads itself again would leave under the hands of those who look at it.
        page.route(url, self._stay)
        self.status = page.goto(url, timeout=PATIENCE_MS).status
        page.wait_for_load_state("networkidle", timeout=PATIENCE_MS)
        drawn = "() => [...document.querySelectorAll('[data-spec]')].every((e) => e.querySelector('svg, .quiet'))"
        page.wait_for_function(drawn, timeout=PATIENCE_MS)

    @staticmethod
    def _stay(route: Any) -> None:
        answer = route.fetch(timeout=PATIENCE_MS)
        route.fulfill(response=answer, body=re.sub(r'<meta http-equiv="refresh"[^>]*>', "", answer.text()))


def check(browser: Any, site: Site, kind: str, look: str, *, axe_too: bool = True) -> None:
    url = site.url + site.paths[kind]
    context = browser.new_context(**LOOKS[look])
    try:
        visit = Visit(context.new_page(), url)
        expected = STATUS.get(kind, 200)
        assert visit.status == expected
        # The browser notes the status of the page itself.
        assert [text for text in visit.errors if f"status of {expected}" not in text] == []
        assert [asked for asked in visit.asked if not asked.startswith((site.url + "/", "data:"))] == []
        root = "document.documentElement"
        assert visit.page.evaluate(f"{root}.scrollHeight") < HIGHEST_PIXELS
        assert visit.page.evaluate(f"{root}.scrollWidth") <= visit.page.evaluate(f"{root}.clientWidth")
        assert "could not be drawn" not in visit.page.inner_text("body")
        if axe_too:
            found = axe.Axe().run(visit.page).response["violations"]
            grave = [
                (rule["id"], rule["impact"], node["html"][:200]) for rule in found for node in rule["nodes"]
                if rule["impact"] in ("serious", "critical") or rule["id"] == "landmark-unique"
            ]  # fmt: skip
            assert grave == []
    finally:
        context.close()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kind", [*KINDS, "duty", "no duty", "comparison", "list", "no such page", "no such run"])
def test_a_page_is_whole_quiet_and_readable(browser: Any, site: Site, kind: str, look: str) -> None:
    check(browser, site, kind, look)


@pytest.mark.parametrize("look", LOOKS)
def test_the_page_of_a_service_without_runs_is_whole(browser: Any, empty_site: Site, look: str) -> None:
    check(browser, empty_site, "empty list", look)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kind", ["sign-in", "asked to sign in"])
def test_the_page_to_sign_in_on_is_whole(browser: Any, closed_site: Site, kind: str, look: str) -> None:
    check(browser, closed_site, kind, look)


def test_the_page_of_the_interface_stays_within_its_origin(browser: Any, site: Site) -> None:
    # Its markup comes with the library that makes it.
    check(browser, site, "api", "light", axe_too=False)


def test_the_first_picture_stands_on_the_first_two_screens(browser: Any, site: Site) -> None:
    context = browser.new_context(**LOOKS["light"])
    visit = Visit(context.new_page(), site.url + site.paths["plan"])
    top = visit.page.evaluate("document.querySelector('[data-spec] svg').getBoundingClientRect().top")
    context.close()
    assert top < 2 * LOOKS["light"]["viewport"]["height"]


def test_a_figure_without_anything_to_show_says_so_on_the_page(browser: Any, site: Site) -> None:
    context = browser.new_context(**LOOKS["phone"])
    visit = Visit(context.new_page(), site.url + site.paths["plan without flows"] + "?group=metal&year=1")
    said = visit.page.inner_text(".chart.says")
    context.close()
    assert said.startswith("Nothing flows in 1")
