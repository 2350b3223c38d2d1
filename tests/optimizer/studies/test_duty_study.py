"""The duty on an import, asked from Python."""

from __future__ import annotations

import re
from datetime import date

import pytest
from folders import ROOT
from solved import shipped

import lodeplan
from lodeplan import scenarios
from lodeplan.optimizer.studies.duty import Question, answer_of
from lodeplan.schemas import InvalidInput
from lodeplan.service.cli.duty_options import _OPTIONS

PAGE = (ROOT / "docs/reference/tariffs.md").read_text(encoding="utf-8")


def test_a_duty_is_a_sum_of_steps_with_the_titles_of_what_it_is_about() -> None:
    found = lodeplan.duty("gallium/metal", origin="CHN", on=date(2026, 11, 24), scenario=shipped("us-2026"))
    (band,) = found.bands
    assert band.duty_share == pytest.approx(0.03 + 0.25)
    assert sum(line.duty_share for line in band.in_force) == pytest.approx(band.duty_share)
    assert (found.commodity_title, found.origin_title, found.destination_title) == (
        "Gallium metal", "China", "United States"
    )  # fmt: skip
    assert all(line.why for line in band.not_counted)
    assert not any(line.why for line in band.in_force)


def test_all_that_is_wrong_is_said_at_once_by_the_names_of_the_arguments() -> None:
    with pytest.raises(InvalidInput) as refused:
        lodeplan.duty(
            "galium/metal", origin="USA", on="2026-13-01", scenario=shipped("us-2026"), events=["no event"],
            customs_value_kusd_per_t=-3,
        )  # fmt: skip
    assert [problem.path for problem in refused.value.problems] == [
        "commodity", "origin", "on", "events", "customs_value_kusd_per_t"
    ]  # fmt: skip
    assert not any("--" in str(problem) for problem in refused.value.problems)


def test_a_scenario_that_is_wrong_hides_no_error_in_the_question() -> None:
    with pytest.raises(InvalidInput) as refused:
        lodeplan.duty("gallium/metal", origin="CHN", on="then", scenario="us-2025", customs_value_kusd_per_t=-3)
    assert [problem.path for problem in refused.value.problems] == ["on", "customs_value_kusd_per_t", "scenario"]


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_a_customs_value_that_is_none_is_refused(value: float) -> None:
    question = Question("metal/refined", "CHN", "2026-01-01", customs_value_kusd_per_t=value)
    with pytest.raises(InvalidInput, match="must be above 0"):
        answer_of(shipped("golden-toy"), question)


def test_parts_of_a_question_of_another_type_are_refused_with_the_rest() -> None:
    with pytest.raises(InvalidInput) as caught:
        lodeplan.duty(
            None,  # type: ignore[arg-type]
            origin=["CHN"],  # type: ignore[arg-type]
            on="2026",
            events="section_232_15",
            customs_value_kusd_per_t="580",  # type: ignore[arg-type]
            scenario=shipped("us-2026"),
        )
    assert [problem.path for problem in caught.value.problems] == [
        "commodity", "origin", "events", "customs_value_kusd_per_t"
    ]  # fmt: skip
    assert "Write ['section_232_15']." in str(caught.value)


def test_only_plans_are_compared() -> None:
    with pytest.raises(TypeError, match="this is no plan: 'golden-toy'"):
        lodeplan.compare("golden-toy", "golden-toy")  # type: ignore[arg-type]


def test_the_page_on_tariffs_shows_what_python_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenarios, "load", lambda _: shipped("us-2026"))
    (code, printed) = re.findall(r"^```python\n(.+?)^```\n\n```text\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
    exec(compile(code, "tariffs.md", "exec"), {})
    assert capsys.readouterr().out == printed


def test_the_command_has_an_option_for_every_part_of_a_question() -> None:
    assert set(_OPTIONS) == set(Question.__dataclass_fields__)


def test_two_plans_are_compared_from_python() -> None:
    first, second = (lodeplan.solve("golden-toy", [{"op": "set", "path": "title", "value": name}]) for name in "ab")
    found = lodeplan.compare(first, second)
    assert found.difference == ["Both plans have the same decisions and purchases.", "Both cost the same."]
    assert (found.first, found.second) == (first.summary, second.summary)
