"""A kind of limit that somebody adds to the schema alone is never left out without a word."""

import pytest
from check_plans import golden_toy

import lodeplan
from lodeplan.optimizer.check import check
from lodeplan.optimizer.prepare import prepare
from lodeplan.scenarios import load
from lodeplan.schemas import Scenario
from lodeplan.schemas.limits import Budget


class NewLimit(Budget.__base__):  # type: ignore[misc, name-defined]
    """A kind that nothing knows."""


def with_new_limit() -> Scenario:
    scenario = load(golden_toy())
    return scenario.model_copy(update={"limits": {"new": NewLimit.model_construct(futures=[], applies_to="all")}})


def test_preparing_refuses_it() -> None:
    with pytest.raises(AssertionError, match="unreachable"):
        prepare(with_new_limit())


def test_the_check_refuses_it() -> None:
    plan = lodeplan.solve(golden_toy())
    with pytest.raises(AssertionError, match="unreachable"):
        check(with_new_limit(), plan.tables, objective_kusd=plan.summary.objective_kusd)
