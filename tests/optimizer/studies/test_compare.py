"""Two plans side by side: what differs is said, with the reason where the duty is one."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest
from solved import TEXTBOOK, shipped, solved

from lodeplan import optimizer, scenarios
from lodeplan.optimizer import Plan
from lodeplan.optimizer.expand import expand
from lodeplan.optimizer.studies.compare import PlannedDuties, changes, duty_reasons, explain_difference
from lodeplan.schemas import Patch
from lodeplan.service.cli import main


@cache
def plan(*patches: tuple[str, str, object]) -> Plan:
    return optimizer.solve("content-tariff", [Patch(op=op, path=path, value=value) for op, path, value in patches])  # type: ignore[arg-type]


def test_a_duty_on_content_is_given_as_the_reason_for_another_supplier() -> None:
    sentences = explain_difference(plan(), plan(("set", "tariffs.*.origin_role", "mined_in")))
    assert sentences == [
        "metal: 50 t less from Malaysia and 50 t more from China, because the duty on it from Malaysia goes from 0 to "
        "up to 12 kUSD/t (duty on Chinese metal, on what was mined in China).",
        "The second plan costs 500 thousand USD more and pays 450 thousand USD more in duty than the first.",
    ]


def test_a_plan_does_not_differ_from_itself() -> None:
    assert explain_difference(plan(), plan()) == [
        "Both plans have the same decisions and purchases.",
        "Both cost the same.",
    ]


def test_a_difference_within_what_the_searches_left_open_is_called_chance() -> None:
    before, after = plan(), plan(("set", "tariffs.*.origin_role", "mined_in"))
    for bound_kusd, may_be_chance in ((after.summary.objective_kusd, False), (0.0, True)):
        loose = replace(after, summary=after.summary.model_copy(update={"bound_kusd": bound_kusd}))
        assert any("may not be real" in sentence for sentence in explain_difference(before, loose)) is may_be_chance


def test_a_plan_that_the_search_did_not_find_is_not_compared_without_a_word() -> None:
    found = golden(0)
    nothing = replace(found, summary=found.summary.model_copy(update={"nothing_found": True}))
    assert (
        "No plan was found for the second scenario, so this comparison is not a recommendation."
        in explain_difference(found, nothing)
    )
    assert not any("not a recommendation" in sentence for sentence in explain_difference(found, found))


def golden(probability: float, *patches: Patch) -> Plan:
    odds = [
        Patch(op="set", path="futures.calm.probability", value=1 - probability),
        Patch(op="set", path="futures.ban.probability", value=probability),
    ]
    return optimizer.solve("golden-toy", [*odds, *patches], gap=0)


def test_starts_and_stocks_that_differ_are_named() -> None:
    calm, sure = golden(0), golden(1)
    forced = golden(0, Patch(op="set", path="projects.'home refinery'.forced_track", value="fast"))
    assert [change.known.kind for change in changes(calm, sure)] == ["stock"]
    assert "Project home refinery: started in 1 (fast); in the first plan not started." in explain_difference(
        calm, forced
    )
    assert "Project home refinery: not started; in the first plan started in 1 (fast)." in explain_difference(
        forced, calm
    )


def test_the_command_compares_a_scenario_with_itself_changed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", "content-tariff", "--json", "--set", "tariffs.*.origin_role=mined_in"])
    found = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert "mined in China" in found["difference"][0]
    assert found["second"]["expected_cost_kusd"] - found["first"]["expected_cost_kusd"] == pytest.approx(500)


RATE = "tariffs.'duty on CHN'.rate_share"
RISING = Patch(op="set", path=RATE, value={1: 0.25, 3: 0.26, 4: 0.27})
"""A duty that rises with the years: a plan whose base path ends early meets only the first of its rates."""
YEARS = range(1, 5)


def test_a_certain_ban_is_not_said_to_change_a_duty_that_is_the_same() -> None:
    sentences = explain_difference(golden(0, RISING), golden(1, RISING))
    assert any("less from" in sentence for sentence in sentences)
    assert not any("because" in sentence for sentence in sentences)


@pytest.mark.parametrize("period_years", [[2, 2], [1, 3], [1, 1, 2]])
def test_other_periods_do_not_make_another_duty(period_years: list[int]) -> None:
    other = golden(0, RISING, Patch(op="set", path="horizon.period_years", value=period_years))
    sentences = explain_difference(golden(0, RISING), other)
    assert not any("because" in sentence for sentence in sentences)


def test_a_shorter_horizon_is_compared_over_the_years_of_both() -> None:
    shorter = golden(0, RISING, Patch(op="set", path="horizon.period_years", value=[1, 1, 1]))
    sentences = explain_difference(golden(0, RISING), shorter)
    assert sentences[0] == "Both plans have the same decisions and purchases."
    assert "supply is compared over the years 1 to 3 only" in sentences[1]


def test_a_duty_is_a_reason_to_buy_less_where_it_rises_and_more_where_it_falls() -> None:
    cheap, dear = (
        PlannedDuties(scenarios.load("golden-toy", [Patch(op="set", path=RATE, value=rate)]), YEARS)
        for rate in (0.25, 0.5)
    )
    rises = "the duty on it from China goes from 2.5 to 5 kUSD/t (duty on CHN)"
    falls = "the duty on it from China goes from 5 to 2.5 kUSD/t (duty on CHN)"
    assert list(duty_reasons("metal/refined", {"CHN": -10.0}, (cheap, dear))) == [rises]
    assert list(duty_reasons("metal/refined", {"CHN": 10.0}, (dear, cheap))) == [falls]
    assert list(duty_reasons("metal/refined", {"CHN": 10.0}, (cheap, dear))) == []
    assert list(duty_reasons("metal/refined", {"AUS": 10.0}, (cheap, dear))) == []


@pytest.mark.parametrize("other", ["us-2026-china-stops", "us-2026-partial-licences"])
def test_scenarios_of_equal_tariffs_have_equal_duties_whatever_comes(other: str) -> None:
    first, second = shipped("us-2026-lite"), shipped(other)
    assert first.tariffs == second.tariffs
    years = range(first.horizon.first_year, first.horizon.first_year + 5)
    duties = PlannedDuties(first, years), PlannedDuties(second, years)
    for commodity in first.commodities:
        for more in (-1.0, 1.0):
            assert list(duty_reasons(commodity, dict.fromkeys(first.places, more), duties)) == []


def test_no_future_is_drawn_to_compare_duties(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = shipped("sampled-futures")
    years = range(scenario.horizon.first_year, scenario.horizon.first_year + 2)
    drawn = PlannedDuties(expand(scenario).scenario, years)
    monkeypatch.setattr("lodeplan.optimizer.expand.sampling.with_drawn_futures", lambda *_: pytest.fail("drawn"))
    undrawn = PlannedDuties(scenario, years)
    for commodity in scenario.commodities:
        assert undrawn.by_measure(commodity) == drawn.by_measure(commodity)


@pytest.mark.parametrize("second", TEXTBOOK)
def test_any_two_scenarios_can_be_laid_side_by_side(second: str) -> None:
    first = solved("golden-toy")
    assert explain_difference(first, solved(second))
    assert explain_difference(solved(second), first)
