"""`lodeplan duty`, as its users and their scripts see it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_plans import Data, golden_toy
from command_line import Run, runner
from folders import ROOT
from solved import shipped

from lodeplan import scenarios

GALLIUM = ("--commodity", "gallium/metal", "--from", "CHN", "--on", "2026-11-24")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command here; the scenario of the United States is loaded once a run."""
    load, united_states = scenarios.load, shipped("us-2026")
    monkeypatch.setattr(scenarios, "load", lambda source: united_states if source == "us-2026" else load(source))

    here = runner(capsys)
    return lambda *arguments: here("duty", *arguments)


def answer(run: Run, *arguments: object) -> Any:
    ran = run(*arguments, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def toy(folder: Path, **changes: Data) -> Path:
    path = folder / "toy.yaml"
    data = golden_toy()
    for section, entries in changes.items():
        data[section] = {**data.get(section, {}), **entries}
    path.write_text(yaml.safe_dump(data))
    return path


def test_the_table_has_the_measures_in_order_the_total_the_rest_and_the_sources(run: Run) -> None:
    ran = run(*GALLIUM)
    assert ran.code == 0
    lines = ran.out.splitlines()
    order = [
        next(index for index, line in enumerate(lines) if line.startswith(text))
        for text in (
            "In force",
            "General duty, 3 %",
            "Section 301 on China",
            "Total",
            "Considered",
            "Sources",
            "mfn_3_pct",
        )
    ]
    assert order == sorted(order)
    assert lines[order[3]].split()[-2:] == ["28", "%"]
    assert "exempt: HTS 8112.92.10" in ran.out
    assert "USITC, Harmonized Tariff Schedule" in ran.out


def test_the_json_has_every_step_with_base_rate_and_sum(run: Run) -> None:
    found = answer(run, *GALLIUM, "--value", 200)
    (band,) = found["bands"]
    assert [(line["measure"], line["cumulative_kusd_per_t"]) for line in band["in_force"]] == [
        ("mfn_3_pct", pytest.approx(6)),
        ("section_301_china_2019_05", pytest.approx(56)),
    ]
    assert band["in_force"][1]["terms"] == [
        {"base": "customs_value", "base_value": 200, "rate": 0.25, "duty_kusd_per_t": 50}
    ]
    assert band["duty_share"] == pytest.approx(0.28)
    assert {source["measure"] for source in found["sources"]} == {"mfn_3_pct", "section_301_china_2019_05"}


def test_a_day_long_before_the_horizon_is_answered(run: Run) -> None:
    found = answer(run, "--commodity", "graphite/flake", "--from", "CHN", "--on", "2025-04-15")
    assert found["bands"][0]["duty_share"] == pytest.approx(1.45)


def test_an_event_puts_a_pending_measure_in_force_on_its_days_alone(run: Run) -> None:
    case = ("--commodity", "copper/refined", "--from", "CHL", "--with", "refined_copper_duty_15")
    assert answer(run, *case, "--on", "2027-03-01")["bands"][0]["duty_share"] == pytest.approx(0.15)
    before = answer(run, *case, "--on", "2026-11-24")
    assert before["bands"][0]["duty_share"] == 0
    assert "holds from 2027-01-01" in before["notes"][0]


def test_the_customs_value_is_the_route_s_or_another_s_which_is_said(run: Run) -> None:
    own = answer(run, *GALLIUM)
    assert own["value_from"] == "of the route 'gallium/metal CHN' in 2026"
    other = answer(run, "--commodity", "gallium/metal", "--from", "CHL", "--on", "2026-11-24")
    assert other["customs_value_kusd_per_t"] > 0
    assert "because the scenario has no value for this one" in other["value_from"]


def test_without_any_customs_value_there_are_rates_only(run: Run, tmp_path: Path) -> None:
    routes = {"from China": {"commodity": "metal", "origin": "CHN", "destination": "USA"}}
    measures = {"weight": {"programme": "w", "origins": ["CHN"], "commodities": ["metal"], "rate_kusd_per_t_gross": 2}}
    path = toy(tmp_path, routes=routes, tariffs=measures)
    case = ("--commodity", "metal", "--from", "CHN", "--on", "2026-01-01", path)
    found = answer(run, *case)
    (band,) = found["bands"]
    assert found["customs_value_kusd_per_t"] is None
    assert band["duty_kusd_per_t"] is None
    assert band["duty_share"] == pytest.approx(0.25)
    assert "rates only" in run(*case).out
    assert answer(run, *case, "--value", 10)["bands"][0]["duty_kusd_per_t"] == pytest.approx(2.5 + 2)


def test_a_quota_that_is_not_in_force_splits_nothing(run: Run) -> None:
    about = ("--commodity", "nmc/cathode", "--from", "JPN", "--on", "2028-06-01")
    idle, switched_on = answer(run, *about), answer(run, *about, "--with", "section_232_quota")
    assert [band["band"] for band in idle["bands"]] == ["all"]
    assert [band["band"] for band in switched_on["bands"]] == ["in_quota", "over_quota"]


def test_a_quota_is_told_in_both_bands(run: Run, tmp_path: Path) -> None:
    quota = {"volume_t_per_y": 5, "in_quota_rate_share": 0.1}
    measure = {"programme": "mfn", "origins": ["CHN"], "commodities": ["metal"], "rate_share": 0.3, "quota": quota}
    path = toy(tmp_path, tariffs={"duty": measure})
    case = ("--commodity", "metal", "--from", "CHN", "--on", "2026-01-01", path)
    shares = {band["band"]: band["duty_share"] for band in answer(run, *case)["bands"]}
    assert shares == {"in_quota": pytest.approx(0.1), "over_quota": pytest.approx(0.3)}
    assert "In force, within the quota, in order" in run(*case).out


def test_an_import_no_measure_meets_pays_nothing(run: Run) -> None:
    ran = run("--commodity", "lithium/chemical", "--from", "CHL", "--on", "2026-11-24")
    assert ran.code == 0
    assert "No duty: no measure is in force on this import." in ran.out


def test_a_region_is_told_member_by_member(run: Run) -> None:
    ran = run("--commodity", "gallium/metal", "--from", "gallium/metal others", "--on", "2026-11-24")
    assert ran.code == 0
    assert "(Slovakia, 30 %)" in ran.out
    assert "2.1 %" in next(line for line in ran.out.splitlines() if line.startswith("Total"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--commodity", "galium/metal"), "Did you mean `gallium/metal`"),
        (("--from", "China"), "Did you mean `CHN`?"),
        (("--from", "XXX"), "109 more"),
        (("--from", "USA"), "pay no duty"),
        (("--to", "CAX"), "Did you mean `CAN`"),
        (("--on", "2026-13-01"), "Write 2026-01-13."),
        (("--on", "07/01/2026"), "Write 2026-07-01 or 2026-01-07, whichever is meant."),
        (("--with", "section_232_2"), "Did you mean `section_232_25`"),
        (("--with", "china_licences"), "no such event that changes tariffs"),
        (("--value", "-3"), "must be above 0"),
    ],
)
def test_what_is_wrong_with_a_question_is_said_with_a_remedy(run: Run, arguments: tuple[str, str], said: str) -> None:
    ran = run(*GALLIUM, *arguments)
    assert ran.code == 2
    assert arguments[0] in ran.err
    assert said in ran.err
    assert ran.out == ""


def test_a_scenario_that_is_wrong_hides_no_error_in_the_question(run: Run, tmp_path: Path) -> None:
    ran = run("us-2025", *GALLIUM[:-1], "then")
    assert ran.code == 2
    assert [line for line in ran.err.splitlines() if line.startswith(("--", "scenario"))] == ["--on", "scenario"]
    wrong = toy(tmp_path, events={"on": {"changes": "nothing"}})
    ran = run(wrong, *GALLIUM[:-1], "then")
    assert "--on" in ran.err
    assert "events.on" in ran.err


def test_the_page_on_tariffs_shows_what_the_command_prints(run: Run) -> None:
    page = (ROOT / "docs" / "reference" / "tariffs.md").read_text(encoding="utf-8")
    _, command, _, printed, *_ = page.split("```")
    program, name, *arguments = shlex.split(command.removeprefix("sh"))
    assert (program, name) == ("lodeplan", "duty")
    ran = run(*arguments)
    assert [line.rstrip() for line in ran.out.strip().splitlines()] == printed.removeprefix("text").strip().splitlines()
