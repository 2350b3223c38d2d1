"""The table `limits`: what each limit asks, what is reached, what is missed, and what holds only by going short."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from check_plans import golden_toy, workshop
from folders import ROOT

from lodeplan import optimizer
from lodeplan.optimizer.report.limits import binding_limits, missed_limits
from lodeplan.optimizer.tables.specs import SPECS

Data = dict[str, Any]


def shop(**limits: Data) -> Data:
    """Two periods of one and two years; 100 t/y wanted; China sells any amount at 10, an ally 30 t/y at 12."""
    return {
        "name": "shop",
        "home": "USA",
        "horizon": {"first_year": 2026, "period_years": [1, 2]},
        "economics": {"discount_rate": 0},
        "commodities": {"metal": {"stage": "refined", "mineral_group": "metal"}},
        "places": {"USA": {}, "CHN": {}, "AUS": {}},
        "facilities": {
            "China": {"place": "CHN", "outputs": {"metal": 1}, "cost_kusd_per_t": 10},
            "Ally": {"place": "AUS", "outputs": {"metal": 1}, "capacity_t_per_y": 30, "cost_kusd_per_t": 12},
        },
        "routes": {
            "from China": {"commodity": "metal", "origin": "CHN", "destination": "USA"},
            "from ally": {"commodity": "metal", "origin": "AUS", "destination": "USA"},
        },
        "demands": {
            "user": {
                "commodity": "metal",
                "tier": "other",
                "quantity_t_per_y": 100,
                "shortage_penalty_kusd_per_t": 50,
            }
        },
        "limits": limits,
    }


CAP: Data = {"kind": "share_cap", "commodity": "metal", "places": ["CHN"], "cap_share": 0.4}


def solved(data: Data) -> tuple[optimizer.Plan, list[Data]]:
    plan = optimizer.solve(data, gap=0)
    return plan, plan.tables["limits"].to_dict("records")  # type: ignore[return-value]


def test_a_share_of_supply_may_hold_only_because_demand_goes_short_and_the_plan_says_so() -> None:
    # With 30 t/y from the ally, China may bring 0.4 / 0.6 of that, 20: 50 t/y go short, in the second period twice.
    plan, rows = solved(shop(cap=CAP))
    assert [(row["year"], row["years"], row["asked"], row["short_t"]) for row in rows] == [
        (2026, 1, 0.4, pytest.approx(50)),
        (2027, 2, 0.4, pytest.approx(100)),
    ]
    assert [row["reached"] for row in rows] == pytest.approx([0.4, 0.4])
    # One more t/y from China lets a further t/y in for every 0.4 / 0.6 of the ally's; it replaces 50 by 10.
    assert [row["price_kusd"] for row in rows] == pytest.approx([40 / 0.6, 40 / 0.6])
    assert plan.summary.findings[-1] == (
        "Limit 'cap' holds only because 50 t of metal go short in 2026 and 100 t of metal go short in 2027 to 2028."
    )


def test_a_share_of_use_does_not_shrink_as_demand_goes_short() -> None:
    # 40 of the 100 t/y wanted from China, 30 from the ally, 30 short: more than the ally has cannot be had.
    plan, rows = solved(shop(cap=CAP | {"of": "use"}))
    assert [row["reached"] for row in rows] == pytest.approx([0.4, 0.4])
    assert [row["short_t"] for row in rows] == pytest.approx([30, 60])
    shipped = plan.tables["ship"].set_index(["route", "node"])["ship_t_per_y"]
    assert shipped["from China", "2026"] == pytest.approx(40)
    assert plan.summary.objective_kusd == pytest.approx(3 * (40 * 10 + 30 * 12 + 30 * 50))


def test_a_limit_that_would_hold_anyway_does_not_hold_because_of_what_is_short() -> None:
    # China has 40 t/y alone, as its cap says: more could not be had without the cap either.
    data = shop(cap=CAP | {"of": "use"})
    data["facilities"]["China"]["capacity_t_per_y"] = 39
    plan, rows = solved(data)
    assert [row["short_t"] for row in rows] == [0, 0]
    assert not any("only because" in sentence for sentence in plan.summary.findings)
    assert [row["margin"] for row in rows] == pytest.approx([0.01, 0.01])


def test_a_limit_that_is_missed_in_one_period_says_so_once() -> None:
    plan, _ = solved(shop(cap=CAP | {"violation_price_kusd": 3, "cap_share": "2026=0.4; 2027=1"}))
    assert plan.summary.findings[-1].startswith("Limit 'cap' is missed in 2026, by 30 t/y (70 % where")


def test_a_soft_limit_that_is_missed_says_when_by_how_much_and_at_what_cost() -> None:
    # 70 t/y from China where 40 are asked: 30 t/y at 3 kUSD a t, in one year and in two.
    data = shop(cap=CAP | {"violation_price_kusd": 3})
    plan, rows = solved(data)
    assert [row["reached"] for row in rows] == pytest.approx([0.7, 0.7])
    assert [row["margin"] for row in rows] == pytest.approx([-0.3, -0.3])
    assert [row["missed"] for row in rows] == pytest.approx([30, 30])
    assert [row["missed_kusd"] for row in rows] == pytest.approx([90, 180])
    assert {row["missed_unit"] for row in rows} == {"t/y"}
    assert [row["price_kusd"] for row in rows] == pytest.approx([3, 3])
    assert plan.summary.findings[-1] == (
        "Limit 'cap' is missed in 2026 and 2027: most in 2026, by 30 t/y (70 % where at most 40 % is asked). "
        "Missing it costs 270 thousand USD, expected and discounted."
    )


def test_what_is_missed_adds_up_to_the_cost_of_limits_exceeded() -> None:
    data = shop(
        cap=CAP | {"violation_price_kusd": 1},
        floor={"kind": "service_floor", "tiers": ["other"], "served_share": 1, "violation_price_kusd": 2},
        mix={"kind": "concentration_cap", "commodity": "metal", "cap_index": 0.5, "violation_price_kusd": 3},
    )
    data["facilities"]["China"]["capacity_t_per_y"] = 50
    plan, rows = solved(data)
    costs = plan.tables["node_costs"]
    paid = costs[costs["term"] == "limit_violation"].set_index("node")["cost_kusd"].to_dict()
    table = plan.tables["limits"].groupby("node")["missed_kusd"].sum().to_dict()
    assert table == pytest.approx(paid)
    floor = [row for row in rows if row["limit"] == "floor"]
    assert [(row["item"], row["reached"]) for row in floor] == [("user", pytest.approx(0.8))] * 2


def test_an_index_is_the_index_proper_and_a_region_counts_by_member() -> None:
    data = shop(mix={"kind": "concentration_cap", "commodity": "metal", "cap_index": 0.9})
    data["places"] |= {"NZL": {}, "others": {"members": {"AUS": 0.5, "NZL": 0.5}}}
    data["facilities"]["Ally"]["place"], data["routes"]["from ally"]["origin"] = "others", "others"
    data["facilities"]["Ally"] |= {"capacity_t_per_y": 40, "cost_kusd_per_t": 9}
    plan, rows = solved(data)
    index = 0.6**2 + 0.2**2 + 0.2**2
    assert [row["reached"] for row in rows] == pytest.approx([index, index])
    assert plan.tables["concentration"]["concentration_index"].tolist() == pytest.approx([index, index])


def test_a_concentration_cap_counts_a_region_by_its_members() -> None:
    # 0.36 + 2 * 0.2^2 = 0.44 is allowed by a cap of 0.45; as one source the region would make it 0.52.
    data = shop(mix={"kind": "concentration_cap", "commodity": "metal", "cap_index": 0.45, "tangents": 5})
    data["places"] |= {"NZL": {}, "others": {"members": {"AUS": 0.5, "NZL": 0.5}}}
    data["facilities"]["Ally"] |= {"place": "others", "capacity_t_per_y": 40, "cost_kusd_per_t": 9}
    data["routes"]["from ally"]["origin"] = "others"
    plan, _ = solved(data)
    assert plan.summary.objective_kusd == pytest.approx(3 * (40 * 9 + 60 * 10))


def test_every_limit_of_a_plan_is_in_the_table_at_every_node_where_it_applies() -> None:
    plan = optimizer.solve(workshop(), gap=0)
    rows = plan.tables["limits"]
    nodes = set(plan.tables["nodes"]["node"])
    for limit in workshop()["limits"]:
        assert set(rows[rows["limit"] == limit]["node"]) == nodes
    assert {"share_cap", "budget", "permit_slots", "service_floor", "stock_cover", "end_minimum"} <= set(rows["kind"])
    held = plan.tables["store"].set_index(["stockpile", "node"])["stock_t"]
    for row in rows[rows["kind"] == "stock_cover"].to_dict("records"):
        assert row["reached"] == pytest.approx(held[row["limit"], row["node"]])


def test_a_hard_limit_never_misses_more_than_the_check_allows() -> None:
    for data in (golden_toy(), workshop(), shop(cap=CAP)):
        rows = optimizer.solve(data, gap=0).tables["limits"]
        hard = rows[(rows["missed"] == 0) & rows["margin"].notna()]
        assert (hard["margin"] >= -1e-6 * hard["asked"].abs().clip(lower=1)).all()


# Columns of all tables


@pytest.fixture(scope="module")
def plans() -> list[optimizer.Plan]:
    return [optimizer.solve(data, gap=0) for data in (golden_toy(), workshop(), shop(cap=CAP))]


@pytest.mark.parametrize("table", SPECS)
def test_every_column_has_a_description_and_every_number_a_unit(plans: list[optimizer.Plan], table: str) -> None:
    for column in SPECS[table].columns:
        assert column.description, column.name
    for plan in plans:
        frame = plan.tables[table]
        for column in SPECS[table].columns:
            if pd.api.types.is_numeric_dtype(frame[column.name]) and len(frame):
                assert column.unit, f"{column.name} of {table} is a number without a unit"


def test_a_table_by_period_tells_how_long_the_period_is() -> None:
    for table in SPECS.values():
        names = [column.name for column in table.columns]
        assert ("year" in names) == ("years" in names)
    plan = optimizer.solve(shop(), gap=0)
    for name in ("supply", "uses", "concentration"):
        rows = plan.tables[name]
        assert set(zip(rows["year"], rows["years"], strict=True)) == {(2026, 1.0), (2027, 2.0)}


def test_an_amount_of_a_period_says_so() -> None:
    units = {(table.name, column.name): column.unit for table in SPECS.values() for column in table.columns}
    assert units["supply", "base_t_per_y"] == "t/y"
    for column in (("shortages", "base_t"), ("shortages", "expected_t")):
        assert units[column] == "t per period"
    for column in (("duties", "duty_kusd"), ("node_costs", "cost_kusd"), ("shortages", "expected_penalty_kusd")):
        assert units[column] == "kUSD per period"


def test_the_page_of_conventions_lists_every_table_with_its_columns() -> None:
    page = ROOT / "docs/reference/conventions.md"
    lines = page.read_text(encoding="utf-8").split("## Tables of a result")[1].splitlines()
    listed = {line.split("`")[1]: line for line in lines if line.startswith("| `")}
    assert set(listed) == set(SPECS)
    for name, line in listed.items():
        cell = line.split(" | ")[1]
        for column in SPECS[name].columns:
            assert column.name in cell.replace("`", "")


def test_the_report_tells_all_years_of_a_limit_in_a_longer_period() -> None:
    plan, _ = solved(shop(cap=CAP | {"violation_price_kusd": 3}))
    missed = missed_limits(plan)
    assert [row[1].text for row in missed.rows] == ["2027 to 2028", "2026"]
    plan, _ = solved(shop(cap=CAP))
    assert {"2026", "2027 to 2028"} >= {row[2].text for row in binding_limits(plan).rows} != {"2026"}
