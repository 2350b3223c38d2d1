"""Kinds of supply and use, and other words that stand in tables, figures, pages and reports: all agree."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest

from lodeplan import optimizer, scenarios
from lodeplan.optimizer import figures
from lodeplan.optimizer.check import costs as check_costs
from lodeplan.optimizer.figures.cost_by_term import MONEY, TRANSFER
from lodeplan.optimizer.figures.flows import LOOKS, SOURCE_COLOURS, USE_COLOURS
from lodeplan.optimizer.prepare.costs import NOT_SPEND, TRANSFERS
from lodeplan.optimizer.report import costs, flows
from lodeplan.optimizer.results.findings import TIER_WORDS
from lodeplan.optimizer.studies.compare import _from
from lodeplan.optimizer.tables.specs import SPECS
from lodeplan.optimizer.words import states
from lodeplan.optimizer.words.titles import SOURCE_TITLES, TERM_TITLES, USE_TITLES
from lodeplan.schemas import Scenario, Solution, Summary, Termination
from lodeplan.schemas.entries import Tier
from lodeplan.schemas.jobs import FailureCode, JobState
from lodeplan.schemas.kinds import ProjectStatus, SourceKind, UseKind
from lodeplan.service import ui
from lodeplan.service.http.errors import TITLES
from lodeplan.service.ui import words

CITY = "CHN"


@pytest.fixture(scope="module")
def toy() -> Scenario:
    return scenarios.load("golden-toy")


def table(name: str, *rows: dict[str, Any]) -> pd.DataFrame:
    """A result table of rows that say only what matters."""
    return pd.DataFrame(rows, columns=[column.name for column in SPECS[name].columns])


def one_flow(kind: SourceKind | UseKind) -> dict[str, pd.DataFrame]:
    """Result tables in which 5 t/y of metal come or go in this one way."""
    shared = {"commodity": "metal/refined", "mineral_group": "metal", "year": 1, "years": 1, "base_t_per_y": 5.0}
    supply = {**shared, "source_kind": kind.value, "place": CITY}
    uses = {**shared, "use_kind": kind.value, "name": "military"}
    node = {"node": "1", "parent": "", "period": 1, "length_y": 1.0, "future": ""}
    is_source = isinstance(kind, SourceKind)
    return {
        "supply": table("supply", *([supply] if is_source else [])),
        "uses": table("uses", *([] if is_source else [uses])),
        "nodes": table("nodes", node),
    }


@pytest.mark.parametrize("kind", [*SourceKind, *UseKind])
def test_each_kind_is_drawn_with_a_label_and_a_colour_of_its_own(kind: SourceKind | UseKind, toy: Scenario) -> None:
    ribbons = figures.flows(one_flow(kind), toy, "metal", 1)["layer"][0]
    title = SOURCE_TITLES[kind] if isinstance(kind, SourceKind) else USE_TITLES[kind]
    colour = SOURCE_COLOURS[kind] if isinstance(kind, SourceKind) else USE_COLOURS[kind]
    assert ribbons["encoding"]["color"]["scale"] == {"domain": [title], "range": [colour]}
    side = "from" if isinstance(kind, SourceKind) else "to"
    assert all(value[side] for value in ribbons["data"]["values"])


def test_no_two_kinds_look_or_read_alike() -> None:
    assert len({title for title, _ in LOOKS}) == len({colour for _, colour in LOOKS}) == len(LOOKS)
    assert len(LOOKS) == len(SourceKind) + len(UseKind)


@pytest.mark.parametrize("kind", UseKind)
def test_a_need_without_material_is_balanced_by_a_source_of_its_own(kind: UseKind, toy: Scenario) -> None:
    boxes = figures.flows(one_flow(kind), toy, "metal", 1)["layer"][1]["data"]["values"]
    assert (len(boxes) == 3) == (not kind.takes_material)


@pytest.mark.parametrize("kind", SourceKind)
def test_each_kind_of_supply_has_a_word_on_the_page(kind: SourceKind, toy: Scenario) -> None:
    row = flows.supply(optimizer.Plan(None, one_flow(kind), toy), "metal").rows[0]  # type: ignore[arg-type]
    assert [cell.text for cell in row[1:3]] == ["China", SOURCE_TITLES[kind]]


@pytest.mark.parametrize("kind", UseKind)
def test_each_kind_of_use_has_a_word_on_the_page(kind: UseKind, toy: Scenario) -> None:
    assert flows.uses(optimizer.Plan(None, one_flow(kind), toy), "metal").rows[0][1].text == USE_TITLES[kind]


def test_no_two_sources_of_a_commodity_read_the_same_in_a_report_or_a_comparison(toy: Scenario) -> None:
    plan = optimizer.Plan(None, {}, toy)  # type: ignore[arg-type]
    assert len({flows.source_title(plan, (kind, CITY)) for kind in SourceKind}) == len(SourceKind)
    assert len({_from(("metal/refined", kind, CITY), {}) for kind in SourceKind}) == len(SourceKind)


@pytest.mark.parametrize(
    ("table", "column", "kinds"),
    [("supply", "source_kind", SourceKind), ("uses", "use_kind", UseKind), ("projects", "status", ProjectStatus)],
)
def test_the_description_of_a_column_names_every_kind(
    table: str, column: str, kinds: type[SourceKind] | type[UseKind] | type[ProjectStatus]
) -> None:
    (spec,) = [spec for spec in SPECS[table].columns if spec.name == column]
    assert all(kind.value in spec.description for kind in kinds)


@pytest.mark.parametrize(
    ("words_of", "members"),
    [
        (words.STATES, JobState),
        (states.TERMINATIONS, Termination),
        (states.SOLUTIONS, Solution),
        (words.REMEDIES, FailureCode),
        (costs.AIMS, get_args(type(scenarios.load("golden-toy").risk).model_fields["objective"].annotation)),
        (TIER_WORDS, get_args(Tier)),
    ],
    ids=["states", "terminations", "solutions", "remedies", "aims", "tiers"],
)
def test_every_state_code_aim_and_tier_has_words(words_of: dict[str, str], members: type[str]) -> None:
    assert set(words_of) == set(members)
    assert len(set(words_of.values())) == len(words_of) or words_of is words.REMEDIES


def cost_terms(toy: Scenario, view: str) -> tuple[dict[str, str], float | None]:
    """What each term is in the picture, and the saving on the page, if each costs 1 kUSD less than doing nothing."""
    scenario = toy.model_copy(update={"economics": toy.economics.model_copy(update={"view": view})})
    rows = [{"term": term, "expected_kusd": 1.0, "change_kusd": -1.0} for term in check_costs.TERMS]
    tables = {"cost_terms": table("cost_terms", *rows)}
    values = figures.cost_by_term(tables, scenario)["data"]["values"]
    summary = Summary(
        scenario="", scenario_hash="", termination=Termination.OPTIMAL, solution=Solution.OPTIMAL, do_nothing_kusd=1.0
    )
    return {value["term"]: value["kind"] for value in values}, costs.saving_kusd(
        optimizer.Plan(summary, tables, scenario)
    )


def test_picture_and_page_count_the_terms_that_the_model_counts(toy: Scenario) -> None:
    kinds, saving = cost_terms(toy, "national")
    uncounted = {term for term in check_costs.TERMS if kinds[TERM_TITLES[term]] == TRANSFER}
    assert uncounted == check_costs.TRANSFERS
    assert saving == len(check_costs.TERMS) - len(check_costs.TRANSFERS)
    kinds, saving = cost_terms(toy, "importer")
    assert TRANSFER not in kinds.values()
    assert saving == len(check_costs.TERMS)


def test_what_the_picture_calls_paid_is_what_the_summary_counts_as_spent(toy: Scenario) -> None:
    kinds, _ = cost_terms(toy, "importer")
    paid = {term for term in check_costs.TERMS if kinds[TERM_TITLES[term]] == MONEY}
    assert paid == set(check_costs.TERMS) - set(NOT_SPEND)


def test_model_and_check_agree_on_what_is_paid_within_the_nation() -> None:
    assert set(TRANSFERS) == check_costs.TRANSFERS
    assert set(TRANSFERS) <= set(check_costs.TERMS)


def test_every_problem_that_the_service_raises_has_a_title_and_every_title_a_problem() -> None:
    room = Path(ui.__file__).parent.parent
    calls = (node for path in room.rglob("*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    raised = {
        node.args[1].value
        for node in calls
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "ApiError"
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
    }
    assert raised == set(TITLES)


def test_each_state_of_a_job_that_needs_a_colour_on_the_page_has_one() -> None:
    style = (Path(ui.__file__).parent / "static" / "lodeplan.css").read_text(encoding="utf-8")
    plain = {JobState.QUEUED, JobState.CANCELLED}
    assert {state for state in JobState if f".state.{state}" not in style} == plain
