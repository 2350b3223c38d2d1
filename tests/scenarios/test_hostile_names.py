"""A name is a name: whatever things are called, the plan is the same."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from families import amounts, cost_kusd, optimum, put
from hostile_names import HOSTILE, Data, Renaming, renamed
from strategies_full import Drawn
from test_properties_formulation import close_kusd, examples, for_all, objective_kusd, plan_of

from lodeplan import optimizer, scenarios
from lodeplan.optimizer.prepare.tags import Tag, variant_name
from lodeplan.schemas import InvalidInput
from lodeplan.schemas.patterns import fits

TEXTBOOK = sorted(path.stem for path in (Path(scenarios.__file__).parent / "examples").glob("*.yaml"))
SOLUTION = ("run", "ship", "store", "serve", "shortage", "starts", "onboardings", "activity", "declare", "node_costs")


def numbers(table: pd.DataFrame) -> list[list[float]]:
    """The numbers of a table, in an order that does not depend on names; zeros of 1e-9 aside."""
    found = table.select_dtypes("number").to_numpy(float)
    return sorted(np.round(found, 5).tolist())


def plain(name: str) -> Data:
    return scenarios.load(name).model_dump(mode="json", exclude_defaults=True)


@pytest.mark.parametrize("name", TEXTBOOK)
def test_a_scenario_with_hostile_names_has_the_same_plan(name: str) -> None:
    before = optimizer.solve(plain(name), gap=0)
    after = optimizer.solve(renamed(plain(name), Renaming(7)), gap=0)

    assert after.summary.objective_kusd == pytest.approx(before.summary.objective_kusd, rel=1e-7, abs=1e-6)
    for table in SOLUTION:
        assert numbers(after.tables[table]) == numbers(before.tables[table]), table


@examples
def test_a_random_scenario_with_hostile_names_has_the_same_optimum(count: int) -> None:
    @for_all(count, "content cap", "content duty", "demand ban", others=3)
    def holds(drawn: Drawn) -> None:
        before = plan_of(drawn.data)
        for seed in range(2):
            after = plan_of(renamed(drawn.data, Renaming(seed)))
            assert objective_kusd(after) == pytest.approx(objective_kusd(before), rel=0, abs=close_kusd(before))


BANS = """
horizon: {first_year: 2026, period_years: [1, 1]}
economics: {discount_rate: 0.05}
places: {USA: {}, CHN: {groups: [covered]}, AUS: {groups: [allies]}}
facilities:
  offer CHN: {place: CHN, outputs: {metal: 1}, cost_kusd_per_t: 10}
  offer AUS: {place: AUS, outputs: {metal: 1}, cost_kusd_per_t: 12}
routes:
  metal CHN: {commodity: metal, origin: CHN, destination: USA}
  metal AUS: {commodity: metal, origin: AUS, destination: USA}
demands:
  user:
    commodity: metal
    tier: other
    quantity_t_per_y: 50
    shortage_penalty_kusd_per_t: 100
"""


@pytest.mark.parametrize("group", ["clean", "covered", "a + b", "mined_in", "without", "'clean'", "all"])
def test_a_banned_group_may_have_any_name(group: str) -> None:
    plan = optimum(
        BANS, *put("places.CHN.groups", [group]), *put("demands.user.source_bans", {"x": {"places": [group]}})
    )
    assert cost_kusd(plan) == pytest.approx(50 * 12 * (1 + 1 / 1.05))


@pytest.mark.parametrize("place", ["CHN mined_in", "other", "CHN without", "clean"])
def test_a_place_may_be_called_as_another_with_a_role(place: str) -> None:
    # Each of two users is barred from one source: the first takes from the place at 1, the second from CHN at 10.
    ban = {"commodity": "metal", "tier": "other", "quantity_t_per_y": 10, "shortage_penalty_kusd_per_t": 100}
    plan = optimum(
        BANS,
        *put(f"places.'{place}'", {}),
        *put("facilities.o2", {"place": place, "outputs": {"metal": 1}, "cost_kusd_per_t": 1}),
        *put("routes.r2", {"commodity": "metal", "origin": place, "destination": "USA"}),
        *put(
            "demands",
            {
                "u1": {**ban, "source_bans": {"x": {"places": ["CHN"], "role": "mined_in"}}},
                "u2": {**ban, "source_bans": {"x": {"places": [place]}}},
            },
        ),
    )
    assert cost_kusd(plan) == pytest.approx(110 * (1 + 1 / 1.05))


@pytest.mark.parametrize("name", ["clean", "swap", "swap/clean", "it's", "'", "all/clean"])
def test_a_substitute_may_be_called_as_another_one_in_a_variant(name: str) -> None:
    brass = {"place": "USA", "outputs": {"brass": 1}, "cost_kusd_per_t": 3}
    elastic = {"price_kusd_per_t": 1, "elasticity": 1, "down_to_share": 0.9, "steps": 1}
    plan = optimum(
        BANS,
        *put("commodities.brass", {"stage": "refined", "mineral_group": "metal"}),
        *put("facilities.brassworks", brass),
        *put("demands.user.elastic", elastic),
        *put("demands.user.source_bans", {"x": {"places": ["covered"]}}),
        *put("commodities.tin", {"stage": "refined", "mineral_group": "metal"}),
        *put("facilities.tin", {"place": "AUS", "outputs": {"tin": 1}, "cost_kusd_per_t": 2}),
        *put("routes.tin", {"commodity": "tin", "origin": "AUS", "destination": "USA"}),
        *put(
            "demands.user.substitutes",
            {
                name: {"commodity": "brass", "limit_share": 0.5},
                "other" if name == "swap" else "swap": {"commodity": "tin", "limit_share": 0.2},
            },
        ),
    )
    # A tenth is given up at 1.05; half is brass at 3, a fifth tin at 2; the rest is Australian metal at 12.
    assert cost_kusd(plan) == pytest.approx((5 * 1.05 + 25 * 3 + 10 * 2 + 10 * 12) * (1 + 1 / 1.05))
    assert sorted(t.expected for t in amounts(plan, "serve", "option").values()) == pytest.approx([10, 20, 20, 50])


@pytest.mark.parametrize("name", ["itself", "given up 0", "itself/clean"])
def test_a_substitute_called_as_no_substitute_is_refused_with_a_way_out(name: str) -> None:
    with pytest.raises(InvalidInput, match="Give it another name"):
        optimum(BANS, *put("demands.user.substitutes", {name: {"limit_share": 0.5}}))


def test_tags_of_different_places_or_roles_are_never_written_alike() -> None:
    tags = {}
    for places, role in product([[name] for name in HOSTILE], ["any_stage", "mined_in", "last_origin"]):
        tags[frozenset(places), role] = Tag.written(places, [], role)  # type: ignore[arg-type]
    lists = [["a", "b"], ["a, b"], ["a", "b, c"], ["a, b", "c"], ["a + b"], ["a"], ["b"]]
    for places, but in product(lists, [[], ["x"], ["x without y"], *lists]):
        tags[frozenset(places), frozenset(but)] = Tag.written(places, but, "any_stage")
    assert "clean" not in tags.values()
    for one, other in product(tags, tags):
        if tags[one] == tags[other]:
            assert one[0] == other[0]


def test_variants_of_different_tags_are_never_written_alike() -> None:
    tags = [Tag(frozenset([name]), "any_stage", Tag.written([name], [], "any_stage")) for name in HOSTILE]
    variants = [frozenset(pair) for pair in product(tags, tags)]
    assert len({variant_name(variant) for variant in variants}) == len(set(variants))


@pytest.mark.parametrize(
    ("pattern", "name", "meant"),
    [("a[1]*", "a[1]b", True), ("a[1]*", "a1", False), ("a?*", "ab", False), ("a?*", "a?", True), ("*.*", "x.y", True)],
)
def test_only_a_star_stands_for_other_text(pattern: str, name: str, meant: bool) -> None:
    assert fits(name, pattern) == meant


def test_groups_of_minerals_called_as_two_others_together_keep_their_gaps_apart() -> None:
    chain = {"place": "USA", "inputs": {"metal": 1}, "outputs": {"alloy": 1}, "cost_kusd_per_t": 1}
    want = {"tier": "other", "quantity_t_per_y": 5, "shortage_penalty_kusd_per_t": 100}
    plan = optimum(
        BANS,
        *put("commodities.metal.mineral_group", "a"),
        *put("commodities.alloy", {"stage": "refined", "mineral_group": "b"}),
        *put("commodities.tin", {"stage": "refined", "mineral_group": "a + b"}),
        *put("facilities.alloys", chain),
        *put("facilities.tin", {"place": "USA", "outputs": {"tin": 1}, "cost_kusd_per_t": 2}),
        *put("demands.alloy", {**want, "commodity": "alloy"}),
        *put("demands.tin", {**want, "commodity": "tin"}),
    )
    assert set(plan.summary.gap_by_group) == {"a + b", "'a + b'"}
