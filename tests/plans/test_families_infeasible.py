"""What must be survived, and what is said of what cannot be: exact cases, the arithmetic above each."""

from typing import Any

import pytest
from families import FLOOR, amounts, conflict, cost_kusd, limited, optimum, put

from lodeplan.optimizer.solver import Form, highs

# Losing any one country

ANY = "lose-any-one-country"


def home_mine(capex: float) -> list[dict[str, Any]]:
    mine = {
        "place": "USA",
        "outputs": {"metal": 1},
        "capacity_t_per_y": 6,
        "cost_kusd_per_t": 8,
        "capex_kusd": capex,
        "end_value_share": 0,
        "tracks": {"standard": {"permit_years": 0, "construction_years": 1}},
    }
    return put("projects", {"mine": mine})


@pytest.mark.parametrize(
    ("holding", "objective_kusd", "stored_t", "built"),
    [
        # Without A, B gives 4 of 10 t: 6 in store, each bought a year earlier and held, 100 + 6 h; or a mine of 6 t:
        # 50 + 6 * 8 + 4 * 10 = 138. The store is the cheaper below 38 / 6 = 6.33 a t.
        (6, 136, 6, []),
        (7, 138, 0, ["mine"]),
    ],
)
def test_the_loss_of_any_one_country_is_survived_by_what_costs_less(
    holding: float, objective_kusd: float, stored_t: float, built: list[str]
) -> None:
    plan = optimum(ANY, *put("stockpiles.store.holding_kusd_per_t_y", holding), *home_mine(50))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert amounts(plan, "store", "node", of="stock_t").get("1", 0) == stored_t
    assert [start.name for start in plan.summary.projects] == built


def test_a_loss_that_cannot_be_survived_is_named() -> None:
    said = conflict(ANY, *put("stockpiles", {}))
    assert said == ["Service floor 'any one country' falls short by 6 t/y for 'army' in without A@2."]


def test_what_is_left_of_a_lost_country_is_counted() -> None:
    # A tenth of A's 60 t (6 t) and B's 4: nothing need be stored. Of 40 t (4 t): 2 in store, at 1 a t.
    left = put("limits.'any one country'.left_share", 0.1)
    capacity = "facilities.'offer A'.capacity_t_per_y"

    assert cost_kusd(optimum(ANY, *left, *put(capacity, 60))) == pytest.approx(100)
    assert cost_kusd(optimum(ANY, *left, *put(capacity, 40))) == pytest.approx(102)


@pytest.mark.parametrize(
    ("price", "objective_kusd", "stored_t"),
    [
        # A t in store costs 1 more than one bought from A in year 2. Worth it at a price of 2 a t short in the test,
        (2, 106, 6),
        # not at 0.5: 100 as planned, and 6 t lack without A. Without B nothing lacks.
        (0.5, 100 + 6 * 0.5, 0),
    ],
)
def test_what_a_soft_survival_limit_lacks_is_paid_for_as_if_the_loss_came(
    price: float, objective_kusd: float, stored_t: float
) -> None:
    plan = optimum(ANY, *put("limits.'any one country'.violation_price_kusd", price))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert plan.summary.stocks[0].stock_t == pytest.approx(stored_t)


# Rules of facilities and stockpiles

MINE = """
places: {USA: {}}
facilities:
  mine: {place: USA, outputs: {metal: 2}, capacity_t_per_y: 100, cost_kusd_per_t: 0}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 16, shortage_penalty_kusd_per_t: 200}
"""
"""A t of activity makes 2 t of metal, so that a t which lacks there is two t short."""


@pytest.mark.parametrize(
    ("patches", "sentence"),
    [
        (
            put(
                "facilities.mine.minimum_utilisation_share", 0.1
            ),  # 10 where 8 are wanted, and no surplus can be let go
            "'mine' cannot run at its minimum utilisation in 1: 2 t/y is missing.",
        ),
        (
            put("facilities.mine.growth", {"share_per_y": 1, "seed_t_per_y": 1, "before_t_per_y": 2}),  # 2 * 2 + 1 of 8
            "'mine' would have to grow by 3 t/y more than its limit in 1.",
        ),
        (
            put("facilities.mine.reserves_t", 5),
            "The reserves of 'mine' would have to be larger by 3 t (1).",
        ),
        (
            put("stockpiles", {"store": {"commodity": "metal", "cover_days": 365, "fill_t_per_y": 3}}),  # 3 of 16
            "Stockpile 'store' would miss its cover target or end minimum by 13 t in 1.",
        ),
        (
            # two floors: 16 t would have to pass the ban, once
            [
                *put("demands.user.source_bans", {"not ours": {"places": ["USA"]}}),
                *put("limits.'second floor'", FLOOR),
            ],
            "Source ban 'not ours' of 'user' would have to let 16 t/y pass in 1.",
        ),
    ],
)
def test_a_rule_that_cannot_hold_is_named(patches: list[dict[str, Any]], sentence: str) -> None:
    assert conflict(MINE, *limited(floor=FLOOR), *patches) == [sentence]


# What the solver calls infeasible


@pytest.fixture
def presolves(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each run of HiGHS presolved; presolve finds everything infeasible."""
    make = highs.new_solver
    runs: list[bool] = []

    def hasty(form: Form, settings: highs.Settings) -> Any:
        runs.append(settings.presolve)
        solver = make(form, settings)
        if settings.presolve:
            solver.getModelStatus = lambda: highs.Status.kInfeasible
        return solver

    monkeypatch.setattr(highs, "new_solver", hasty)
    return runs


def test_infeasible_is_confirmed_with_presolve_off_before_anyone_is_told(presolves: list[bool]) -> None:
    plan = optimum("golden-toy")

    assert cost_kusd(plan) == pytest.approx(5172.1574, abs=1e-4)
    # The first is of the model whose basis is kept: what it finds nothing for is run by itself.
    assert presolves == [True, *[True, False] * (len(presolves) // 2)]


def test_what_presolve_off_finds_infeasible_too_is_said(presolves: list[bool]) -> None:
    assert conflict(ANY, *put("stockpiles", {})) != []
    assert [True, False] in (presolves[:2], presolves[1:3])
