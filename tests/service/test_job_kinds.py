"""A kind of job is added by one entry, and goes the way of all others: submitted, run in a child, read and shown."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import toy_kind
from folders import ROOT
from http_service import ended, problem, service_on
from job_service import DATABASES, database_of

from lodeplan import scenarios
from lodeplan.service import kinds
from lodeplan.service.checking.checkers import Checkers
from lodeplan.service.jobs.prepared import BatchSubmission
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.workers.child_solver import ChildSolver

SERVICE = ROOT / "service"
CHILD = (sys.executable, str(Path(toy_kind.__file__)))
NAMES = {kind.name for kind in kinds.KINDS.values()}
CONSTANTS = {"SOLVE", "BATCH"}
CLASSES = {kind.request.__name__ for kind in kinds.KINDS.values()} | {Submission.__name__, BatchSubmission.__name__}
"""Classes that tell kinds apart: of requests, and of what is made of them."""


@pytest.fixture(scope="module", params=DATABASES)
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        pytest.MonkeyPatch.context() as patch,
        database_of(request.param, tmp_path_factory.mktemp("kinds")) as database,
    ):
        patch.setitem(kinds.KINDS, "count", toy_kind.COUNT)
        checkers = Checkers(command=(*CHILD, "check"))
        with service_on(database, ChildSolver(60, CHILD), checkers=checkers) as client:
            yield client


@pytest.fixture(scope="module")
def counted(api: httpx.Client) -> dict[str, Any]:
    view = submit(api, options={"of": ["commodities", "routes"]}, label="all of it")
    return ended(api, view["id"])


def submit(api: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = api.post("/api/v1/jobs", json={"kind": "count", "scenario": "golden-toy", **more})
    assert answer.status_code == 202, answer.text
    view: dict[str, Any] = answer.json()
    return view


def test_a_job_of_a_new_kind_is_answered_by_its_function_in_a_child(counted: dict[str, Any]) -> None:
    assert (counted["kind"], counted["state"], counted["label"]) == ("count", "succeeded", "all of it")
    assert counted["options"] == {"of": ["commodities", "routes"]}
    assert counted["progress"]["phase"] == "count"
    assert "termination" not in counted
    assert counted["scenario_hash"] == scenarios.load("golden-toy").content_hash()


def test_its_result_is_a_set_of_tables(api: httpx.Client, counted: dict[str, Any]) -> None:
    toy = scenarios.load("golden-toy")
    result = api.get(counted["links"]["result"]).json()
    assert result["summary"] == {"entries": len(toy.commodities) + len(toy.routes)}
    (entry,) = api.get(counted["links"]["tables"]).json()["tables"]
    assert (entry["name"], entry["rows"]) == ("counts", 2)
    lines = api.get(entry["csv"]).text.splitlines()
    assert lines == ["collection,entries", f"commodities,{len(toy.commodities)}", f"routes,{len(toy.routes)}"]
    tag = api.get(entry["csv"]).headers["etag"]
    assert api.get(entry["csv"], headers={"if-none-match": tag}).status_code == 304


def test_its_page_shows_its_tables_and_the_list_names_its_kind(api: httpx.Client, counted: dict[str, Any]) -> None:
    page = api.get(counted["links"]["page"], headers={"accept": "text/html"}).text
    assert "How much there is" in page
    assert f'href="/api/v1/jobs/{counted["id"]}/result/tables/counts.csv"' in page
    assert '<span class="quiet">count</span>' in api.get("/", headers={"accept": "text/html"}).text
    assert api.get(f"/runs/{counted['id']}/figures/supply.json").status_code == 404


def test_options_are_held_to_the_model_of_the_kind(api: httpx.Client) -> None:
    answer = api.post(
        "/api/v1/jobs", json={"kind": "count", "scenario": "golden-toy", "options": {"of": ["dreams"], "gap": 2}}
    )
    pointers = [error["pointer"] for error in problem(answer, 422, "invalid-input")["errors"]]
    assert sorted(pointers) == ["/options/gap", "/options/of/0"]
    answer = api.post("/api/v1/jobs", json={"scenario": "golden-toy", "options": {"of": ["routes"]}})
    assert problem(answer, 422, "invalid-input")["errors"][0]["pointer"] == "/options/of"


def test_a_function_that_fails_fails_its_job(api: httpx.Client) -> None:
    view = ended(api, submit(api, options={"of": ["nothing"]})["id"])
    assert (view["state"], view["failure"]["code"]) == ("failed", "internal_error")


def test_no_other_job_is_answered_with_its_result(api: httpx.Client, counted: dict[str, Any]) -> None:
    again = ended(api, submit(api, options={"of": ["commodities", "routes"]})["id"])
    solved = ended(api, api.post("/api/v1/jobs", json={"scenario": "golden-toy"}).json()["id"])
    assert "reused_from" not in again | solved
    assert solved["objective_kusd"] == pytest.approx(5172.1574)


def test_a_job_of_a_kind_that_only_a_newer_version_knows_is_shown(
    api: httpx.Client, counted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(kinds.KINDS, "count")
    assert api.get(counted["links"]["self"]).json()["kind"] == "count"
    assert "How much there is" in api.get(counted["links"]["page"]).text
    assert [job["id"] for job in api.get("/api/v1/jobs").json()["jobs"]].count(counted["id"]) == 1


def questions_in(path: Path) -> Iterator[str]:
    """Where Python asks which kind it is: comparisons with, and tables by, the name, the entry or a class of one, and
    checks for such a class."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for part in asked_in(node):
            for each in members_of(part):
                if isinstance(each, ast.Constant) and each.value in NAMES:
                    yield f"{path.name}:{each.lineno}: {each.value!r}"
                elif isinstance(each, ast.Name | ast.Attribute) and named(each) in CONSTANTS | CLASSES:
                    yield f"{path.name}:{each.lineno}: {ast.unparse(each)}"


def asked_in(node: ast.AST) -> list[ast.expr | None]:
    """What a piece of code compares with, or looks up by."""
    match node:
        case ast.Compare():
            return [node.left, *node.comparators]
        case ast.MatchValue():
            return [node.value]
        case ast.MatchClass():
            return [node.cls]
        case ast.Dict():
            return list(node.keys)
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, of]):
            return [of]
        case _:
            return []


def members_of(part: ast.expr | None) -> list[ast.expr | None]:
    """The members of a tuple, a list, a set or a union; of anything else, itself."""
    if isinstance(part, ast.BinOp):
        return [*members_of(part.left), *members_of(part.right)]
    return [*part.elts] if isinstance(part, ast.Tuple | ast.List | ast.Set) else [part]


def named(each: ast.expr) -> str:
    """The last part of a dotted name."""
    return ast.unparse(each).split(".")[-1]


CAUGHT = """
job.kind == 'batch'
kind is not kinds.SOLVE
kind in ('solve',)
X = {'solve': 1}
isinstance(wanted, BatchRequest)
isinstance(wanted, int | jobs.JobRequest)
issubclass(model, (int, JobRequest))
type(submission) is BatchSubmission
X = {Submission: 1}
match submission:
    case BatchSubmission():
        pass
"""


def test_nothing_outside_the_table_asks_which_kind_a_job_is(tmp_path: Path) -> None:
    files = [path for path in SERVICE.rglob("*.py") if path != SERVICE / "kinds.py"]
    assert [found for path in files for found in questions_in(path)] == []
    templates = [path for path in SERVICE.rglob("*.html") if re.search(r"kind\s*[!=]=", path.read_text())]
    assert templates == []
    caught = tmp_path / "caught.py"
    caught.write_text(CAUGHT)
    assert len(list(questions_in(caught))) == 10
