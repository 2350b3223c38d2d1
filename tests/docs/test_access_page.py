"""The page on access control: its example of a quota runs, and it says which limits hold by default."""

import os
import re
import subprocess
from pathlib import Path

from access_service import made_key, served
from folders import ROOT
from job_service import new_database

from lodeplan.schemas.access import Scope
from lodeplan.service.app import create_app
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.settings import PREFIX, Settings

PAGE = (ROOT / "docs/access.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())


def test_the_example_of_a_quota_does_what_it_says(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```sh\n(submit\(\).+?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
    database = new_database(tmp_path)
    key = made_key(database, "ours", Scope.SUBMIT)
    with served(create_app(Settings(tenant_jobs_per_day=2), database=database, engine=InlineEngine())) as client:
        environment = {**os.environ, "API": f"{client.base_url}".rstrip("/") + "/api/v1", "KEY": key}
        run = subprocess.run(
            ["bash", "-c", "set -euo pipefail\n" + example],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert run.returncode == 0, run.stderr
    accepted, *problem, refused = run.stdout.splitlines()
    assert (accepted, refused) == ("202", "429")
    assert "Jobs that were deleted count too." in "".join(problem)


def test_its_settings_exist_and_it_names_those_with_a_limit_by_default() -> None:
    named = {name.lower() for name in re.findall(rf"\b{PREFIX}([A-Z_]+)\b", PAGE)}
    assert named <= set(Settings.model_fields)
    table = PAGE.partition("| setting | limits")[2].partition("\n\n")[0]
    held = {name: getattr(Settings(), name.lower()) for name in re.findall(rf"`{PREFIX}([A-Z_]+)`", table)}
    assert {name: limit for name, limit in held.items() if limit} == {
        "TENANT_STREAMS": 200,
        "TENANT_MAX_PRIORITY": 100,
        "TENANT_MAX_SCHEDULES": 20,
    }
    assert "By default a tenant may have 200 streams (`LODEPLAN_TENANT_STREAMS`)" in WORDS
    assert "20 schedules (`LODEPLAN_TENANT_MAX_SCHEDULES`)" in WORDS
    of_tenants = {name for name in Settings.model_fields if name.startswith("tenant_")}
    assert of_tenants <= {name.lower() for name in held}
