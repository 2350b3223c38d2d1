"""Every figure of every shipped scenario, of each group and year: drawn, right by the schema, served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import campaigns
import pytest
import vega_lite
from fastapi import FastAPI
from fastapi.testclient import TestClient
from solved import shipped, solved

from lodeplan import scenarios
from lodeplan.optimizer import Plan, figures
from lodeplan.optimizer.figures import FigureName
from lodeplan.service import storage, ui
from lodeplan.service.access import LOCAL_CALLER
from lodeplan.service.api.dependencies import get_caller
from lodeplan.service.jobs import submissions
from tools import stored_plans

SMALL = [entry.name for entry in scenarios.names() if not entry.name.startswith("us-2026")]
ALL = [*SMALL, *stored_plans.NAMES]
ABOUT_S = {"us-2026": 60, "us-2026-deep": 60}
"""Seconds to look at the height of their figures."""
LONG = [name for name in stored_plans.NAMES if name not in stored_plans.QUICK]


def plan_of(name: str) -> Plan:
    return solved(name) if name in SMALL else Plan.from_document(*stored_plans.stored(name))


def choices(plan: Plan) -> Iterator[tuple[FigureName, str, int]]:
    """Every figure with each group and year that it is drawn by."""
    groups, years = figures.mineral_groups(plan), figures.years(plan)
    for name in FigureName:
        for group in groups if name.by_group else groups[:1]:
            for year in years if name.by_year else years[:1]:
                yield name, group, year


@cache
def drawn(name: str) -> tuple[Plan, dict[tuple[FigureName, str, int], figures.Spec]]:
    """A plan with all its figures."""
    plan = plan_of(name)
    return plan, {choice: figures.draw(choice[0], plan, *choice[1:]) for choice in choices(plan)}


@pytest.mark.parametrize("name", ALL)
def test_every_figure_is_right_by_the_schema_and_shows_something_or_says_that_there_is_nothing(name: str) -> None:
    found = {}
    for choice, spec in drawn(name)[1].items():
        if faults := vega_lite.faults(spec):
            found[choice] = faults
        elif "nothing" in spec.get("usermeta", {}):
            assert spec["usermeta"]["nothing"] == spec["description"]
    assert found == {}


@pytest.mark.parametrize("name", ALL)
def test_a_flow_picture_shows_all_that_comes_in_and_all_that_goes_out(name: str) -> None:
    plan, specs = drawn(name)
    for group in figures.mineral_groups(plan):
        supply, uses = (
            table[table["mineral_group"] == group] for table in (plan.tables["supply"], plan.tables["uses"])
        )
        for year in figures.years(plan):
            comes, goes = (table[table["year"] == year] for table in (supply, uses))
            layer = specs[FigureName.FLOWS, group, year]["layer"][0]
            ribbons = {value["ribbon"]: value for value in layer.get("data", {"values": []})["values"]}.values()
            into = sum(ribbon["t_per_y"] for ribbon in ribbons if ribbon["x"] < 0.51)
            out = sum(ribbon["t_per_y"] for ribbon in ribbons) - into
            without = goes[goes["use_kind"].isin(["shortage", "reduced"])]
            assert into == pytest.approx(
                comes["base_t_per_y"].sum() + without["base_t_per_y"].sum(), rel=1e-9, abs=1e-9
            )
            assert out == pytest.approx(goes["base_t_per_y"].sum(), rel=1e-9, abs=1e-9)


def test_the_schema_is_of_the_vega_lite_that_draws_on_the_pages() -> None:
    bundle = (Path(ui.__file__).parent / "static" / "vega-bundle.js").read_text(encoding="utf-8")
    assert f'="{vega_lite.SCHEMA_VERSION}"' in bundle


def height_of(spec: dict[str, Any]) -> float:
    """How high a figure comes out, pixels."""
    convert = pytest.importorskip("vl_convert")
    svg = convert.vegalite_to_svg({**spec, "width": 600}, vl_version="6.4", allowed_base_urls=[])
    assert "NaN" not in svg
    match = re.search(r'<svg[^>]* height="([\d.e+]+)"', svg)
    assert match
    return float(match[1])


@pytest.mark.parametrize("name", ["hundred-losses", "break-even-duty", "golden-toy", "us-2026-lite"])
def test_a_figure_comes_out_as_high_as_it_should(name: str) -> None:
    plan = plan_of(name)
    group = figures.telling_group(plan)
    for figure in FigureName:
        spec = figures.draw(figure, plan, group, figures.years(plan)[0])
        assert 0 < height_of(spec) < spec["height"] + 300


def looked_at(plan: Plan) -> Iterator[tuple[FigureName, str, int]]:
    """Every figure of every group; of those by year every third, beginning with another year group by group."""
    groups, years = figures.mineral_groups(plan), figures.years(plan)
    for name, group, year in choices(plan):
        if campaigns.IS_FULL or not name.by_year or (years.index(year) - groups.index(group)) % 3 == 0:
            yield name, group, year


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow(about_s=ABOUT_S.get(name, 0))) for name in ALL]
)
def test_every_figure_comes_out_as_high_as_it_should(name: str) -> None:
    plan, specs = drawn(name)
    for choice in looked_at(plan):
        spec = specs[choice]
        assert 0 < height_of(spec) < spec["height"] + 300, choice


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    database = storage.open_database(f"sqlite:///{tmp_path / 'pictures.db'}")
    storage.migrate(database)
    app = FastAPI()
    app.state.database = database
    app.include_router(ui.router)
    app.dependency_overrides[get_caller] = lambda: LOCAL_CALLER
    with TestClient(app) as client:
        yield client
    database.dispose()


@pytest.mark.parametrize(
    "name",
    [
        "hundred-losses",
        "us-2026-lite",
        *(pytest.param(name, marks=pytest.mark.slow) for name in stored_plans.NAMES if name != "us-2026-lite"),
    ],
)
def test_every_figure_of_every_group_and_year_is_served(name: str, client: TestClient) -> None:
    document, scenario = (solved(name).document(), shipped(name)) if name in SMALL else stored_plans.stored(name)
    with storage.open_session(client.app.state.database) as session:  # type: ignore[attr-defined]
        job_id = submissions.record_finished(session, scenario, document).id
        session.commit()
    refused = {}
    for figure, group, year in choices(Plan.from_document(document, scenario)):
        answer = client.get(f"/runs/{job_id}/figures/{figure}.json", params={"group": group, "year": year})
        if answer.status_code != 200:
            refused[figure, group, year] = answer.text
    assert refused == {}
    assert client.get(f"/runs/{job_id}").status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        *(pytest.param(name, marks=pytest.mark.slow) for name in stored_plans.QUICK),
        *(pytest.param(name, marks=pytest.mark.campaign) for name in LONG),
    ],
)
def test_a_stored_plan_has_the_columns_words_and_scenario_that_it_would_have_today(name: str) -> None:
    document, _ = stored_plans.stored(name)
    today = stored_plans.outline(stored_plans.made(name))
    again = f"`python -m tools.stored_plans {name}` makes the file again"
    assert stored_plans.outline(document) == today, again
