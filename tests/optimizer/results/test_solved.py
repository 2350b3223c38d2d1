"""Plans that tests share."""

import pytest
from solved import TEXTBOOK, solved

from lodeplan import optimizer, scenarios
from lodeplan.schemas import Scenario


def test_every_small_scenario_that_is_shipped_can_be_shared() -> None:
    assert [known.name for known in scenarios.names() if not known.name.startswith("us-")] == TEXTBOOK


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """The gaps that were asked of the optimizer."""
    gaps: list[float | None] = []
    solve = optimizer.solve

    def counted(scenario: Scenario, **options: float) -> optimizer.Plan:
        gaps.append(options.get("gap"))
        return solve(scenario, **options)

    monkeypatch.setattr(optimizer, "solve", counted)
    return gaps


def test_a_scenario_is_solved_once_for_each_question(asked: list[float | None]) -> None:
    patches = [{"op": "set", "path": "economics.discount_rate", "value": 0.0123}]
    gaps = [0.011, 0.012]
    for gap in [*gaps, *gaps]:
        assert solved("golden-toy", patches, gap=gap).summary.scenario == "golden-toy"
    assert asked == gaps


def test_each_caller_gets_tables_of_its_own() -> None:
    mine = solved("golden-toy").tables["ship"]
    mine["ship_t_per_y"] = -1.0
    assert min(solved("golden-toy").tables["ship"]["ship_t_per_y"]) >= 0
