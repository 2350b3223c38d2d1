"""A duty explains itself: what each measure does, and the same numbers as the model's duty."""

from __future__ import annotations

from datetime import date
from functools import cache

import pytest
from campaigns import drawn
from check_plans import Data
from hypothesis import given, settings
from hypothesis import strategies as st
from solved import shipped
from test_duty_scope import scenario_of

from lodeplan.optimizer.prepare.calendar import value_in
from lodeplan.optimizer.prepare.duties import DutyCase, ExplainedStep, TariffBook, Valuation, explain_duty
from lodeplan.optimizer.prepare.duty_steps import by_measure
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas.events import TariffEvent
from lodeplan.schemas.scenario import Route

DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))


@cache
def book_of_the_united_states() -> TariffBook:
    scenario = shipped("us-2026")
    return TariffBook(scenario, Selections(scenario))


def cases_on(day: date, events: dict[str, TariffEvent]) -> list[DutyCase]:
    """Every route of the shipped scenario in each of its bands."""
    book = book_of_the_united_states()
    cases = []
    for route in book.scenario.routes.values():
        commodity = book.scenario.commodities[route.commodity]
        customs, reference = route.customs_value_kusd_per_t, commodity.reference_price_kusd_per_t
        value = Valuation(
            None if customs is None else value_in(customs, day.year),
            None if reference is None else value_in(reference, day.year),
            commodity.contained_share,
        )
        cases += [DutyCase(route, day, value, band, events) for band in book.bands(route)]
    return cases


examples = pytest.mark.parametrize("count", [1, pytest.param(drawn(ci=5, full=60), marks=pytest.mark.slow)])


@examples
def test_steps_add_up_to_the_model_s_duty_to_the_last_bit(count: int) -> None:
    @settings(deadline=None, max_examples=count)
    @given(day=DAYS, chosen=st.sets(st.sampled_from(["section_232_25", "section_232_50", "refined_copper_duty_15"])))
    def holds(day: date, chosen: set[str]) -> None:
        book = book_of_the_united_states()
        events = {name: event for name in chosen if isinstance(event := book.scenario.events[name], TariffEvent)}
        for case in cases_on(day, events):
            explained = explain_duty(book, case)
            duty = book.on_day(case.route, case.band, case.day, case.events, case.value)
            assert by_measure(item.step for item in explained) == duty
            if len(book.selections.parts(case.route.origin)) == 1:
                assert explained[-1].cumulative_kusd_per_t == sum(duty.values())
            else:
                assert explained[-1].cumulative_kusd_per_t == pytest.approx(sum(duty.values()), rel=1e-12, abs=1e-15)

    holds()


@examples
def test_every_measure_is_told_once_for_each_part_of_the_origin(count: int) -> None:
    @settings(deadline=None, max_examples=count)
    @given(day=DAYS)
    def holds(day: date) -> None:
        book = book_of_the_united_states()
        for case in cases_on(day, {}):
            parts = book.selections.parts(case.route.origin)
            told = [(item.step.origin, item.step.measure) for item in explain_duty(book, case)]
            assert sorted(told) == sorted((part, measure) for part in parts for measure in book.scenario.tariffs)

    holds()


DAY = date(2026, 7, 1)
LIFT = {"lift": {"changes": "tariffs", "onset": "2026-06-01", "switch_off": ["a"]}}


def explained(tariffs: Data, band: str = "all", origin: str = "CHN", **sections: Data) -> dict[str, ExplainedStep]:
    """Steps by measure, of a customs value of 100, with the tariff events of the scenario."""
    scenario = scenario_of(tariffs, **sections)
    book = TariffBook(scenario, Selections(scenario))
    events = {name: event for name, event in scenario.events.items() if isinstance(event, TariffEvent)}
    route = Route(commodity="metal", origin=origin, destination="USA")
    case = DutyCase(route, DAY, Valuation(100.0, 40.0, 0.5), band, events)
    return {item.step.measure: item for item in explain_duty(book, case)}


HTS: Data = {"metal": {"stage": "refined", "mineral_group": "metal", "hts": ["8112.92.10"]}}
OTHER = {"b": {"rate_share": 0.5, "programme": "232", "precedence": 1, "replaces": ["mfn"]}}


@pytest.mark.parametrize(
    ("tariffs", "outcome", "because"),
    [
        ({"a": {}}, "adds", ""),
        ({"a": {"rate_share": 0}}, "adds_nothing", ""),
        ({"a": {}, **OTHER}, "replaced", "b"),
        ({"a": {"except_hts": ["8112.92"]}}, "exempt_commodity", "8112.92"),
        ({"a": {"except_commodities": ["met*"]}}, "exempt_commodity", "met*"),
        ({"a": {"origins": ["*"], "except_origins": ["AUS", "CHN"]}}, "exempt_origin", "CHN"),
        ({"a": {"origins": ["AUS"], "except_hts": ["8112"]}}, "other_origin", ""),
        ({"a": {"commodities": ["oxide"]}}, "other_commodity", ""),
        ({"a": {"destination": "AUS"}}, "other_destination", ""),
        ({"a": {"origin_role": "mined_in"}}, "other_content", ""),
        ({"a": {"onset": "2026-07-02"}}, "not_yet", "2026-07-02"),
        ({"a": {"until": "2026-07-01"}}, "no_longer", "2026-07-01"),
        ({"a": {"until": "2026-07-01", "except_hts": ["8112"]}}, "no_longer", "2026-07-01"),
        ({"a": {"active": False}}, "inactive", ""),
        ({"a": {"programme": "deal", "all_in_ceiling_share": 0.05}, "c": {}}, "ceiling_reached", ""),
        ({"a": {"programme": "deal", "all_in_ceiling_share": 0.15}, "c": {}}, "adds", ""),
    ],
)
def test_a_measure_tells_what_became_of_it(tariffs: Data, outcome: str, because: str) -> None:
    if "all_in_ceiling_share" in tariffs["a"]:
        tariffs["a"]["rate_share"] = 0
    step = explained(tariffs, commodities=HTS)["a"].step
    assert (step.outcome, step.because) == (outcome, because)


def test_an_event_that_lifts_a_measure_is_named() -> None:
    step = explained({"a": {}}, events=LIFT)["a"].step
    assert (step.outcome, step.because, step.duty_kusd_per_t) == ("switched_off", "lift", 0)


def test_steps_say_base_rate_and_what_the_duty_is_after_them() -> None:
    steps = explained(
        {
            "deal": {"programme": "deal", "rate_share": 0, "all_in_ceiling_share": 0.15},
            "mfn": {"rate_share": 0.03, "rate_kusd_per_t_gross": 0.2},
            "metal": {"programme": "232", "rate_share": 0.25, "base": "metal_value"},
            "floor": {"programme": "floor", "rate_share": 0, "minimum_price_kusd_per_t": 120},
        }
    )
    # In stacking order: the all-in measure comes last, though it is written first, and counts the 3.4 of mfn.
    assert list(steps) == ["mfn", "metal", "floor", "deal"]
    terms = {
        name: [(t.base, t.base_value, t.rate, t.duty_kusd_per_t) for t in item.step.terms]
        for name, item in steps.items()
    }
    assert terms["mfn"] == [("customs_value", 100, 0.03, 3), ("gross_weight", 2, 0.2, 0.4)]
    assert terms["metal"] == [("metal_value", 40, 0.25, 10)]
    assert terms["floor"] == [("minimum_price", 100, 120, 20)]
    assert terms["deal"] == [("all_in_ceiling", 100, 0.15, pytest.approx(11.6))]
    assert [item.cumulative_kusd_per_t for item in steps.values()] == pytest.approx([3.4, 13.4, 33.4, 45])
    assert [item.cumulative_share for item in steps.values()] == pytest.approx([0.034, 0.134, 0.334, 0.45])


@pytest.mark.parametrize(("band", "rate"), [("in_quota", 0.02), ("over_quota", 0.3)])
def test_a_measure_with_a_quota_names_its_band(band: str, rate: float) -> None:
    quota = {"rate_share": 0.3, "quota": {"volume_t_per_y": 10, "in_quota_rate_share": 0.02}}
    step = explained({"a": quota}, band=band)["a"].step
    assert (step.band, step.terms[0].rate) == (band, rate)


def test_a_region_is_explained_member_by_member() -> None:
    scenario = scenario_of({"a": {}}, places={"north": {"members": {"CHN": 0.25, "AUS": 0.75}}})
    book = TariffBook(scenario, Selections(scenario))
    route = Route(commodity="metal", origin="north", destination="USA")
    steps = explain_duty(book, DutyCase(route, DAY, Valuation(100.0, None, 1.0)))
    told = [(item.step.origin, item.step.share, item.step.outcome, item.cumulative_kusd_per_t) for item in steps]
    assert told == [("CHN", 0.25, "adds", 2.5), ("AUS", 0.75, "other_origin", 2.5)]
