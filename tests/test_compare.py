"""Two plans side by side: what differs is said, with the reason where the duty is one."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

import optimizer
from optimizer import Plan
from optimizer.compare import changes, explain_difference
from schemas import Patch
from service.cli import main


@cache
def plan(*patches: tuple[str, str, object]) -> Plan:
    return optimizer.solve("content-tariff", [Patch(op=op, path=path, value=value) for op, path, value in patches])  # type: ignore[arg-type]


def test_a_duty_on_content_is_given_as_the_reason_for_another_supplier() -> None:
    sentences = explain_difference(plan(), plan(("set", "tariffs.*.origin_role", "mined_in")))
    assert sentences == [
        "metal: 50 t less from MYS and 50 t more from CHN, because the duty on it from MYS goes from 0 to up to "
        "12 kUSD/t (duty on Chinese metal, on what was mined in CHN).",
        "Against the first plan it costs 500 thousand USD more and pays in duty 450 thousand USD more.",
    ]


def test_a_plan_does_not_differ_from_itself() -> None:
    assert explain_difference(plan(), plan()) == ["Both plans decide and buy the same.", "Both cost the same."]


def test_a_difference_within_what_the_searches_left_open_is_called_chance() -> None:
    before, after = plan(), plan(("set", "tariffs.*.origin_role", "mined_in"))
    for bound_kusd, may_be_chance in ((after.summary.objective_kusd, False), (0.0, True)):
        loose = replace(after, summary=after.summary.model_copy(update={"bound_kusd": bound_kusd}))
        assert any("may be chance" in sentence for sentence in explain_difference(before, loose)) is may_be_chance


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
    assert any(sentence.startswith("Project ") for sentence in explain_difference(calm, forced))


def test_the_command_compares_a_scenario_with_itself_changed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", "content-tariff", "--json", "--set", "tariffs.*.origin_role=mined_in"])
    found = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert "mined in CHN" in found["difference"][0]
    assert found["second"]["expected_cost_kusd"] - found["first"]["expected_cost_kusd"] == pytest.approx(500)
