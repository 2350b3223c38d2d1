"""The page on the HTTP interface: its examples run, and its tables name what there is."""

import json
import os
import re
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from folders import ROOT
from http_service import service_on, solve_at_once
from job_service import DATABASES, database_of

from lodeplan.service.api.routers.webhooks import MOST_WEBHOOKS
from lodeplan.service.http.errors import TITLES
from lodeplan.service.webhooks.sending import TRY_TAKES_AT_MOST_S, WAITS_S

DOCS = ROOT / "docs"
PAGE = (DOCS / "reference/http.md").read_text(encoding="utf-8")
ALL_PAGES = "\n".join(path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md")))
EXAMPLES = re.findall(r"^```sh\n(.+?)\n```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module", params=DATABASES)
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        database_of(request.param, tmp_path_factory.mktemp("page")) as database,
        service_on(database, solve_at_once, slots=2) as client,
    ):
        yield client


def test_the_examples_run_one_after_the_other(api: httpx.Client) -> None:
    assert len(EXAMPLES) == 10
    script = "set -euo pipefail\n" + "\necho =====\n".join(EXAMPLES)
    environment = {**os.environ, "API": f"{api.base_url}/api/v1".replace("//api", "/api")}
    run = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    _, job, search, again, dead, schedule, duty, events, batch, deliveries = run.stdout.split("=====\n")
    assert json.loads(job)["state"] == "succeeded"
    assert [found["label"] for found in json.loads(search)["jobs"]] == ["higher interest"]
    changed, second = again.splitlines() if again.count("\n") else re.split(r"(?<=})(?={)", again, maxsplit=1)
    assert json.loads(changed)["changes"][0]["after"] == 0.07
    assert json.loads(second)["options"] == {"gap": 0.001, "time_limit_s": 600}
    assert dead == '{"jobs":[]}{"jobs":[],"left":false}'
    assert [json.loads(line).get("paused") for line in schedule.replace("}{", "}\n{").splitlines()] == [
        False,
        True,
        None,
    ]
    assert json.loads(duty)["bands"][0]["duty_share"] == pytest.approx(0.28)
    assert re.findall(r"^id: (\d+)$", events, re.MULTILINE)[0] == "3"
    assert [json.loads(line)["label"] for line in batch.splitlines()] == ["as it is", "7 %", "9 %"]
    assert json.loads(deliveries) == {"deliveries": []}


def test_every_kind_of_problem_is_explained() -> None:
    assert [kind for kind in TITLES if f"`{kind}`" not in ALL_PAGES] == []


def in_words(wait_s: int) -> str:
    if wait_s < 60:
        return f"{wait_s} s"
    return f"{wait_s // 60} min" if wait_s < 3600 else f"{wait_s // 3600} h"


def test_waits_between_tries_are_those_that_are_kept() -> None:
    words = [
        f"{wait} s" if wait < 60 else f"{wait // 60} min" if wait < 3600 else f"{wait // 3600} h" for wait in WAITS_S
    ]
    assert f"{', '.join(words[:-1])} and {words[-1]}" in " ".join(PAGE.split())
    assert f"within {TRY_TAKES_AT_MOST_S:g} s" in " ".join(PAGE.split())
    assert f"at most {MOST_WEBHOOKS}" in PAGE


def test_every_path_is_explained(api: httpx.Client) -> None:
    told = re.sub(r"\{\w+\}", "{}", ALL_PAGES)
    for path in api.get("/openapi.json").json()["paths"]:
        short = re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1"))
        assert short.removesuffix(".{}") in told, path
