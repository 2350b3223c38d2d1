"""A plan's tables, summary, sentences and document, on scenarios worked out by hand."""

from __future__ import annotations

import json
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
from check_plans import COLUMNS, golden_toy, workshop

from lodeplan import optimizer
from lodeplan.optimizer.results.values import tail_mean
from lodeplan.optimizer.tables.specs import SPECS
from lodeplan.optimizer.words.numbers import listed, money, percent, tonnes
from lodeplan.schemas import PlanDocument, Scenario

GOLDEN_KUSD = 5172.1574344
CALM_KUSD, BAN_KUSD = 5135.228, 5319.874
SUMMARY_KEYS = [
    "scenario",
    "scenario_hash",
    "termination",
    "solution",
    "objective_kusd",
    "bound_kusd",
    "gap",
    "gap_of_worth",
    "gap_by_group",
    "expected_cost_kusd",
    "cvar_kusd",
    "spend_kusd",
    "duty_kusd",
    "cost_terms_kusd",
    "futures",
    "projects",
    "imports",
    "stocks",
    "shortage_t",
    "check",
    "size",
    "timings_s",
    "peak_memory_mib",
    "versions",
]


@cache
def golden() -> optimizer.Plan:
    return optimizer.solve(golden_toy(), gap=0)


@cache
def shop() -> optimizer.Plan:
    return optimizer.solve(workshop(), gap=0)


def rows(plan: optimizer.Plan, table: str, **where: object) -> pd.DataFrame:
    frame = plan.tables[table]
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return frame


# Summary


def test_the_summary_has_every_key_of_its_contract() -> None:
    printed = json.loads(golden().summary.model_dump_json())

    assert set(SUMMARY_KEYS) <= set(printed)
    assert [sorted(future) for future in printed["futures"]] == [["cost_kusd", "name", "probability"]] * 2
    assert sorted(printed["check"]) == ["branches", "cost_difference_rel", "max_violation", "worst"]
    assert sorted(printed["size"]) == ["binaries", "columns", "nodes", "nonzeros", "rows"]
    assert sorted(printed["stocks"][0]) == ["name", "period", "stock_t"]
    assert sorted(printed["imports"][0]) == ["commodity", "period", "place", "quantity_t"]
    phases = ("read", "prepare", "build", "handoff", "highs", "extract", "check", "total")
    assert set(phases) <= set(printed["timings_s"])


def test_the_summary_of_the_golden_toy_is_what_it_is_by_hand() -> None:
    summary = golden().summary

    assert summary.objective_kusd == pytest.approx(GOLDEN_KUSD)
    assert summary.expected_cost_kusd == pytest.approx(GOLDEN_KUSD)
    assert [future.cost_kusd for future in summary.futures] == pytest.approx([BAN_KUSD, CALM_KUSD], abs=1e-3)
    # all but what the 2,029 stock would be worth, and there is none
    assert summary.spend_kusd == pytest.approx(GOLDEN_KUSD)
    assert summary.shortage_t == {"military": 0, "essential_civilian": 0}
    duty = 2.5 * (100 + 200 / 1.05 + 0.8 * 100 / 1.05**3)
    assert summary.duty_kusd == pytest.approx(duty)
    assert summary.cost_terms_kusd["duty"] == pytest.approx(duty)
    assert sum(summary.cost_terms_kusd.values()) == pytest.approx(GOLDEN_KUSD)
    assert {(level.period, level.stock_t) for level in summary.stocks} == {(2026, 0), (2027, 100), (2028, 0), (2029, 0)}
    assert summary.size is not None
    assert (summary.size.nodes, summary.size.binaries) == (6, 4)


def test_imports_are_totals_of_a_period_on_the_base_path() -> None:
    found = {(flow.place, flow.period): flow.quantity_t for flow in golden().summary.imports}

    assert found == {("CHN", 2026): 100, ("CHN", 2027): 200, ("CHN", 2029): 100}
    two_years = shop().summary.imports
    by_table = rows(shop(), "ship", node="2026")["ship_t_per_y"].sum() * 2
    assert sum(flow.quantity_t for flow in two_years if flow.period == 2026) == pytest.approx(by_table)


@pytest.mark.parametrize(
    ("level", "cvar_kusd"),
    [
        (0.0, 0.8 * CALM_KUSD + 0.2 * BAN_KUSD),
        (0.6, (CALM_KUSD + BAN_KUSD) / 2),
        (0.8, BAN_KUSD),
        (0.99, BAN_KUSD),
    ],
)
def test_cvar_is_the_mean_of_the_dearest_futures_down_to_its_level(level: float, cvar_kusd: float) -> None:
    plan = optimizer.solve({**golden_toy(), "risk": {"tail_weight": 0.0, "tail_level": level}}, gap=0)

    assert plan.summary.cvar_kusd == pytest.approx(cvar_kusd, abs=1e-3)
    assert plan.summary.objective_kusd == pytest.approx(GOLDEN_KUSD)


def test_cvar_takes_a_part_of_the_future_at_its_edge() -> None:
    costs, probabilities = np.array([10.0, 30.0, 20.0]), np.array([0.5, 0.1, 0.4])

    assert tail_mean(costs, probabilities, 0.7) == pytest.approx((0.1 * 30 + 0.2 * 20) / 0.3)
    assert tail_mean(costs, probabilities, 0.95) == pytest.approx(30)


def test_the_objective_weighs_expected_cost_and_cvar() -> None:
    summary = shop().summary
    assert summary.expected_cost_kusd is not None
    assert summary.cvar_kusd is not None
    assert summary.objective_kusd == pytest.approx(0.5 * summary.expected_cost_kusd + 0.5 * summary.cvar_kusd)


def test_the_national_view_reports_duty_but_does_not_count_it() -> None:
    plan = optimizer.solve({**golden_toy(), "economics": {"discount_rate": 0.05, "view": "national"}}, gap=0)
    summary = plan.summary

    assert summary.duty_kusd is not None
    assert summary.duty_kusd > 0
    counted = sum(kusd for term, kusd in summary.cost_terms_kusd.items() if term != "duty")
    assert summary.objective_kusd == pytest.approx(counted)


def test_a_hash_tells_contents_and_not_names_or_order() -> None:
    data = golden_toy()
    backwards = dict(reversed(list(data.items()))) | {"name": "renamed", "title": "Other words"}
    same = optimizer.solve(backwards, gap=0).summary.scenario_hash
    data["demands"]["military"]["quantity_t_per_y"] = 21

    assert same == golden().summary.scenario_hash
    assert optimizer.solve(data, gap=0).summary.scenario_hash != same


# Tables


@pytest.mark.parametrize("plan", [golden, shop], ids=["golden toy", "workshop"])
def test_every_table_has_the_columns_its_spec_says(plan: object) -> None:
    found = plan()  # type: ignore[operator]
    assert set(found.tables) == set(SPECS)
    for name, table in found.tables.items():
        assert list(table.columns) == [column.name for column in SPECS[name].columns]
    for name, columns in COLUMNS.items():
        assert list(found.tables[name].columns) == columns


def test_solution_tables_leave_zero_rows_out() -> None:
    for plan, name in product((golden(), shop()), ("run", "ship", "dispose", "serve", "shortage", "slack")):
        assert (plan.tables[name].iloc[:, -1] != 0).all()


def test_supply_meets_uses_of_each_commodity_and_year() -> None:
    for column in ("base_t_per_y", "expected_t_per_y"):
        supply = shop().tables["supply"].groupby(["commodity", "year"])[column].sum()
        uses = shop().tables["uses"]
        used = uses[uses.use_kind != "shortage"].groupby(["commodity", "year"])[column].sum()
        assert supply.to_dict() == pytest.approx(used.to_dict())


def test_expected_supply_weighs_the_futures() -> None:
    chinese = rows(golden(), "supply", place="CHN").set_index("year")
    assert chinese.loc[2029, "base_t_per_y"] == pytest.approx(100)
    assert chinese.loc[2029, "expected_t_per_y"] == pytest.approx(80)
    released = rows(golden(), "supply", source_kind="stock").set_index("year")
    assert released.loc[2028, "expected_t_per_y"] == pytest.approx(0.8 * 100 + 0.2 * 50)


def test_cost_terms_compare_with_doing_nothing() -> None:
    terms = golden().tables["cost_terms"].set_index("term")
    summary = golden().summary

    assert terms["expected_kusd"].to_dict() == pytest.approx(summary.cost_terms_kusd | {"shortage_penalty": 0})
    assert terms["do_nothing_kusd"].sum() == pytest.approx(summary.do_nothing_kusd)
    changes = terms["expected_kusd"] - terms["do_nothing_kusd"]
    assert changes.to_dict() == pytest.approx(terms["change_kusd"].to_dict())
    # 50 t of civilian demand at 60, in years 3 and 4 of a ban of one in five
    assert terms.loc["shortage_penalty", "do_nothing_kusd"] == pytest.approx(0.2 * 3000 * (1.05**-2 + 1.05**-3))


def test_duties_name_their_measure_and_add_up() -> None:
    duties = golden().tables["duties"]

    assert set(duties["measure"]) == {"duty"}
    assert duties.set_index("year")["duty_kusd"].to_dict() == pytest.approx({2026: 250, 2027: 500, 2029: 250})
    assert duties.set_index("year")["expected_duty_kusd"].to_dict() == pytest.approx({2026: 250, 2027: 500, 2029: 200})
    assert (duties["duty_kusd_per_t"] == 2.5).all()


def test_concentration_counts_home_output_as_one_source() -> None:
    data = golden_toy()
    data["facilities"]["home mine"] = {
        "place": "USA",
        "outputs": {"metal": 1},
        "capacity_t_per_y": 40,
        "cost_kusd_per_t": 0,
    }
    data["stockpiles"] = {}
    table = optimizer.solve(data, gap=0).tables["concentration"].set_index("year")

    assert table.loc[2026, "net_import_reliance"] == pytest.approx(0.6)
    assert table.loc[2026, "largest_source"] == "CHN"
    assert table.loc[2026, "concentration_index"] == pytest.approx(0.6**2 + 0.4**2)


def test_a_project_breaks_even_at_its_discounted_cost_over_its_discounted_output() -> None:
    data = golden_toy()
    data["projects"]["Mine"] |= {"forced_track": "fast", "latest_start": 2026}
    [mine] = optimizer.solve(data, gap=0).tables["projects"].to_dict("records")

    assert (mine["status"], mine["track"], mine["start"], mine["on_line"]) == ("started", "fast", 2026, 2027)
    output = 40 * (1 / 1.05 + 1 / 1.05**2 + 1 / 1.05**3)
    assert mine["break_even_kusd_per_t"] == pytest.approx(13 + 420 / output)
    assert mine["utilisation_share"] == pytest.approx(1.0)


def test_shortages_are_tonnes_of_the_whole_period() -> None:
    data = golden_toy()
    data["horizon"]["period_years"] = [1, 1, 2]
    data["stockpiles"] = {}
    data["projects"] = {}
    plan = optimizer.solve(data, gap=0)
    [short] = plan.tables["shortages"].to_dict("records")

    assert (short["tier"], short["year"]) == ("essential_civilian", 2028)
    assert short["base_t"] == 0
    assert short["expected_t"] == pytest.approx(0.2 * 2 * 50)
    assert short["expected_penalty_kusd"] == pytest.approx(0.2 * 50 * 60 * (1.05**-2 + 1.05**-3))
    assert plan.summary.shortage_t["essential_civilian"] == pytest.approx(20)


def test_marginal_values_say_what_one_more_tonne_costs_where_it_is_needed() -> None:
    values = golden().tables["marginal_values"]
    balance = values[values["what"] == "commodity_balances"].set_index("node")["at_node"]

    # China delivers at 13.5 in 2026; stock for 2028 was bought in 2027 and held once
    assert balance["2026"] == pytest.approx(13.5)
    assert balance["2027"] == pytest.approx(13.5)


# Sentences


def test_the_findings_begin_with_what_to_do() -> None:
    found = golden().summary.findings

    assert "stockpile" in found[0]
    assert not any("nan" in sentence.lower().split() for sentence in found)


def test_the_findings_of_a_plan_that_does_nothing_say_so() -> None:
    data = golden_toy()
    data["events"], data["futures"] = {}, {}
    found = optimizer.solve(data, gap=0).summary.findings

    assert "nothing" in found[0]
    assert "stockpile" not in found[0]


def test_numbers_are_said_as_a_planner_says_them() -> None:
    assert money(1_240_000) == "1.24 billion USD"
    assert money(0.5) == "500 USD"
    assert tonnes(12_345.6) == "12,346 t"
    assert tonnes(0.1234) == "0.123 t"
    assert percent(0.0765) == "7.65 %"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a"]) == "a"
    assert listed(list("abcdefgh"), at_most=2) == "a, b and 6 more"


# Document


@pytest.mark.parametrize("plan", [golden, shop], ids=["golden toy", "workshop"])
def test_a_plan_comes_back_whole_from_its_document(plan: object) -> None:
    before: optimizer.Plan = plan()  # type: ignore[operator]
    text = before.document().model_dump_json()
    after = optimizer.Plan.from_document(PlanDocument.model_validate_json(text), before.scenario)

    assert after.summary == before.summary
    assert set(after.tables) == set(before.tables)
    for name, table in before.tables.items():
        pd.testing.assert_frame_equal(after.tables[name], table, check_dtype=False, check_column_type=False)
    assert after.document() == before.document()


def test_a_document_has_null_for_what_is_absent() -> None:
    text = golden().document().model_dump_json()
    assert "NaN" not in text
    assert "Infinity" not in text


def test_an_infeasible_plan_has_a_document_too() -> None:
    data = golden_toy()
    data["stockpiles"]["store"] |= {"cover_days": 365, "fill_t_per_y": 1}
    plan = optimizer.solve(data)
    document = PlanDocument.model_validate_json(plan.document().model_dump_json())

    assert document.tables == []
    assert document.summary.conflict == plan.summary.conflict != []


def test_a_scenario_object_is_solved_as_its_data_are() -> None:
    plan = optimizer.solve(Scenario.model_validate(golden_toy()), gap=0)
    assert plan.summary.scenario_hash == golden().summary.scenario_hash
    assert plan.summary.objective_kusd == pytest.approx(GOLDEN_KUSD)
