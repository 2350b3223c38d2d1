"""How the optimum of a random scenario must move when a concept is taken out of it or said in another way."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import assume
from strategies_full import Drawn
from test_properties_formulation import close_kusd, examples, for_all, objective_kusd, plan_of, same_optimum, without

FORBIDS = (
    *("concentration cap", "content cap", "demand ban", "derivatives duty", "growth", "limit in futures"),
    *("minimum share", "minimum utilisation", "net import reliance", "quota that fills first"),
    *("replenished cover", "reserves", "stock ban", "stress"),
)
"""Concepts that only forbid or cost."""
OFFERS = ("chain", "elastic", "grant", "recycling", "region", "substitute")
"""Concepts that only offer."""


def least_cost(drawn: Drawn) -> Drawn:
    """The same with expected cost as what is least: regret may move either way."""
    return Drawn({**deepcopy(drawn.data), "risk": {}}, drawn.undo)


@examples
@pytest.mark.parametrize("concept", [*FORBIDS, *OFFERS])
def test_what_forbids_never_makes_a_plan_cheaper_and_what_offers_never_dearer(count: int, concept: str) -> None:
    @for_all(count, concept, others=0)
    def holds(drawn: Drawn) -> None:
        assume(concept in drawn.undo)
        alone = least_cost(drawn)
        if concept == "grant":
            # It comes with its project, asked for or not, and would use up a budget of support.
            for limit in alone.data["limits"].values():
                if "covers" in limit:
                    limit["covers"].remove("support")
        with_it, without_it = plan_of(alone.data), plan_of(alone.without(concept))
        rise = objective_kusd(with_it) - objective_kusd(without_it)
        assert (rise if concept in FORBIDS else -rise) >= -close_kusd(with_it)


@examples
def test_a_duty_on_content_at_no_rate_changes_nothing_though_material_is_traced(count: int) -> None:
    @for_all(count, "content duty")
    def holds(drawn: Drawn) -> None:
        free = deepcopy(drawn.data)
        free["tariffs"]["content"] |= {"rate_share": 0.0, "rate_kusd_per_t_gross": 0.0, "replaces": []}
        same_optimum(without(drawn, "content duty"), free)


@examples
def test_a_club_without_dates_is_a_group(count: int) -> None:
    @for_all(count, "membership")
    def holds(drawn: Drawn) -> None:
        club, group = without(drawn, "membership"), without(drawn, "membership")
        del group["places"]["CHN"]["memberships"]
        group["places"]["CHN"]["groups"] = [*group["places"]["CHN"].get("groups", []), "club"]
        same_optimum(club, group)


@examples
def test_what_follows_known_from_the_first_departure_on_is_no_loss(count: int) -> None:
    """The same events in a future of its own leave the planner no worse than a future that follows another."""

    @for_all(count, "follower", others=0)
    def holds(drawn: Drawn) -> None:
        before = least_cost(drawn).data
        known = deepcopy(before)
        for future in known["futures"].values():
            if after := future.pop("after", None):
                future["events"] = [*before["futures"][after].get("events", []), *future["events"]]
        plan = plan_of(before)
        assert objective_kusd(plan_of(known)) <= objective_kusd(plan) + close_kusd(plan)
