"""Tariff-rate quotas, dates, bases, replacement, clubs and content duties: exact cases, the arithmetic above each."""

from typing import Any

import pytest
from families import amounts, cost_kusd, optimum, put, shipped, worth

from lodeplan.optimizer.prepare import prepare

TWO_ORIGINS = """
places: {USA: {}, A: {}, B: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 100}
  offer B: {place: B, outputs: {metal: 1}, cost_kusd_per_t: 110}
routes:
  from A: {commodity: metal, origin: A, destination: USA, customs_value_kusd_per_t: 100}
  from B: {commodity: metal, origin: B, destination: USA, customs_value_kusd_per_t: 110}
tariffs:
  duty:
    programme: mfn
    commodities: [metal]
    rate_share: 0.3
    quota: {volume_t_per_y: 400, in_quota_rate_share: 0.1}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 1000, shortage_penalty_kusd_per_t: 500}
"""


def test_a_shared_quota_goes_to_the_origin_that_saves_most_by_it() -> None:
    # A: 110 within, 130 over; B: 121 and 143. A sells 500. A t of quota saves 20 at A and 22 at B, so B takes it:
    # 500 * 130 + 400 * 121 + 100 * 143 = 65,000 + 48,400 + 14,300.
    plan = optimum(TWO_ORIGINS, *put("facilities.'offer A'.capacity_t_per_y", 500))

    assert cost_kusd(plan) == pytest.approx(127_700)
    assert amounts(plan, "ship", "route", "band") == {
        ("from A", "over_quota"): 500,
        ("from B", "in_quota"): 400,
        ("from B", "over_quota"): 100,
    }
    assert worth(plan, "flow_stays_within_quota", "duty") == pytest.approx(-22)


def test_a_quota_by_country_is_that_country_s_alone() -> None:
    # A has 200 of its own, the others share 300: 200 * 110 + 300 * 121 + 500 * 130 = 22,000 + 36,300 + 65,000.
    quota = {"volume_t_per_y": 300, "volume_by_origin_t_per_y": {"A": 200}, "in_quota_rate_share": 0.1}
    plan = optimum(TWO_ORIGINS, *put("tariffs.duty.quota", quota))

    assert cost_kusd(plan) == pytest.approx(123_300)
    assert amounts(plan, "ship", "route", "band") == {
        ("from A", "in_quota"): 200,
        ("from A", "over_quota"): 500,
        ("from B", "in_quota"): 300,
    }


QUOTA_FIRST = """
places: {USA: {}, A: {}, B: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 100}
  offer B: {place: B, outputs: {metal: 1}, cost_kusd_per_t: 128}
routes:
  from A: {commodity: metal, origin: A, destination: USA, customs_value_kusd_per_t: 100}
  from B: {commodity: metal, origin: B, destination: USA}
tariffs:
  duty on A:
    programme: mfn
    origins: [A]
    commodities: [metal]
    rate_share: 0.05
    quota: {volume_t_per_y: 400, in_quota_rate_share: 0.3}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 1000, shortage_penalty_kusd_per_t: 500}
"""


@pytest.mark.parametrize(
    ("needed_t", "objective_kusd", "flows"),
    [
        # The dear quota has to be full before the cheap rate: 400 * 130 + 600 * 105 = 52,000 + 63,000.
        (1000, 115_000, {("from A", "in_quota"): 400, ("from A", "over_quota"): 600}),
        # 300 t never reach the cheap rate: 130 each at A, 128 at B.
        (300, 38_400, {("from B", "all"): 300}),
        # 52,000 + 105 (n - 400) is less than 128 n from n = 434.8 on: 434 * 128 is below 55,570,
        (434, 55_552, {("from B", "all"): 434}),
        # and 55,675 below 435 * 128 = 55,680.
        (435, 55_675, {("from A", "in_quota"): 400, ("from A", "over_quota"): 35}),
    ],
)
def test_a_quota_at_the_higher_rate_is_filled_before_the_lower_one(
    needed_t: float, objective_kusd: float, flows: dict[Any, float]
) -> None:
    plan = optimum(QUOTA_FIRST, *put("demands.user.quantity_t_per_y", needed_t))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert amounts(plan, "ship", "route", "band") == flows


ONE_ORIGIN = """
horizon: {first_year: 2027, period_years: [1]}
commodities:
  metal: {stage: refined, mineral_group: metal, hts: ["8112.92.06"], reference_price_kusd_per_t: 20}
places: {USA: {}, A: {groups: [friends]}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 100}
routes:
  from A: {commodity: metal, origin: A, destination: USA, customs_value_kusd_per_t: 100}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 10, shortage_penalty_kusd_per_t: 5000}
"""


def duty_kusd_per_t(*patches: dict[str, Any], **measures: dict[str, Any]) -> float:
    """Duty on a t from A under these measures on metal."""
    named = {
        name: {"programme": name, **({} if "hts" in measure else {"commodities": ["metal"]}), **measure}
        for name, measure in measures.items()
    }
    plan = optimum(ONE_ORIGIN, *put("tariffs", named), *patches)
    assert plan.summary.duty_kusd is not None
    assert cost_kusd(plan) == pytest.approx(1000 + plan.summary.duty_kusd)
    return plan.summary.duty_kusd / 10


def test_a_measure_of_mid_year_counts_by_its_days() -> None:
    # 1 July to 31 December 2027: 184 of 365 days of 25 %.
    assert duty_kusd_per_t(mfn={"rate_share": 0.25, "onset": "2027-07-01"}) == pytest.approx(25 * 184 / 365)
    assert duty_kusd_per_t(mfn={"rate_share": 0.25, "until": "2027-07-01"}) == pytest.approx(25 * 181 / 365)


def test_a_minimum_price_adds_what_the_customs_value_lacks() -> None:
    # 130 - 100, and 5 % of 100; nothing where the price is above it.
    assert duty_kusd_per_t(floor={"minimum_price_kusd_per_t": 130, "rate_share": 0.05}) == pytest.approx(35)
    assert duty_kusd_per_t(floor={"minimum_price_kusd_per_t": 90}) == 0


def test_a_minimum_price_makes_the_dearer_origin_as_good() -> None:
    # A at 100 pays 30, B at 110 pays 20: both land at 130. A freight of 1 from A decides it.
    duty = {"programme": "floor", "commodities": ["metal"], "minimum_price_kusd_per_t": 130}
    plan = optimum(TWO_ORIGINS, *put("tariffs", {"floor": duty}), *put("routes.'from A'.freight_kusd_per_t", 1))

    assert cost_kusd(plan) == pytest.approx(130_000)
    assert shipped(plan) == {"from B": 1000}


def test_a_specific_duty_is_by_gross_weight() -> None:
    # 3 kUSD a gross t of which 0.6 t are contained: 5 a contained t; it adds to 10 % of 100.
    contained = put("commodities.metal.contained_share", 0.6)
    assert duty_kusd_per_t(*contained, mfn={"rate_kusd_per_t_gross": 3, "rate_share": 0.1}) == pytest.approx(15)


def test_a_duty_on_the_metal_value_is_taken_of_the_reference_price() -> None:
    assert duty_kusd_per_t(mfn={"rate_share": 0.5, "base": "metal_value"}) == pytest.approx(0.5 * 20)


@pytest.mark.parametrize(("mfn_share", "duty"), [(0.039, 15), (0.2, 20)])
def test_an_all_in_measure_adds_what_its_ceiling_leaves_above_the_programme_within_it(
    mfn_share: float, duty: float
) -> None:
    # 3.9 + (15 - 3.9); above the ceiling the ordinary duty stands alone.
    mfn, deal = {"rate_share": mfn_share}, {"all_in_ceiling_share": 0.15}
    assert duty_kusd_per_t(mfn=mfn, deal=deal) == pytest.approx(duty)
    # A programme that the ceiling does not count comes on top.
    assert duty_kusd_per_t(mfn=mfn, deal=deal, other={"rate_share": 0.25}) == pytest.approx(duty + 25)


def test_a_measure_of_higher_precedence_replaces_another() -> None:
    general = {"rate_share": 0.1, "precedence": 1}
    sector = {"rate_share": 0.5, "precedence": 2, "replaces": ["general"]}
    assert duty_kusd_per_t(general=general, sector=sector) == pytest.approx(50)
    # of equal precedence it replaces nothing
    assert duty_kusd_per_t(general=general, sector={**sector, "precedence": 1}) == pytest.approx(60)
    # replaced itself, it still stands in for the other
    deal = {"rate_share": 0.15, "precedence": 3, "replaces": ["sector"]}
    assert duty_kusd_per_t(general=general, sector=sector, deal=deal) == pytest.approx(15)
    # out of force, it does not: 10 % for 181 days, then 50 % for 184
    late = {**sector, "onset": "2027-07-01"}
    assert duty_kusd_per_t(general=general, sector=late) == pytest.approx((10 * 181 + 50 * 184) / 365)


def test_exemptions_by_place_commodity_or_code_take_the_duty_away() -> None:
    assert duty_kusd_per_t(mfn={"rate_share": 0.1, "hts": ["8112"]}) == pytest.approx(10)
    assert duty_kusd_per_t(mfn={"rate_share": 0.1, "hts": ["8112"], "except_hts": ["811292"]}) == 0
    assert duty_kusd_per_t(mfn={"rate_share": 0.1, "except_commodities": ["met*"]}) == 0
    assert duty_kusd_per_t(mfn={"rate_share": 0.1, "except_origins": ["friends"]}) == 0
    assert duty_kusd_per_t(mfn={"rate_share": 0.1, "except_origins": ["USA"]}) == pytest.approx(10)


def test_a_member_of_a_club_from_mid_year_is_exempt_from_then_on() -> None:
    # 181 of 365 days at 25 %.
    joins = put("places.A.memberships", {"club": {"onset": "2027-07-01"}})
    mfn = {"rate_share": 0.25, "except_origins": ["club"]}
    assert duty_kusd_per_t(*joins, mfn=mfn) == pytest.approx(25 * 181 / 365)


def test_refundable_duty_is_paid_and_told_apart() -> None:
    # 10 t: 100 under the ordinary duty, 250 that may come back.
    measures = {
        "mfn": {"programme": "mfn", "commodities": ["metal"], "rate_share": 0.1},
        "contested": {"programme": "x", "commodities": ["metal"], "rate_share": 0.25, "refundable": True},
    }
    plan = optimum(ONE_ORIGIN, *put("tariffs", measures))

    assert cost_kusd(plan) == pytest.approx(1350)
    assert plan.summary.duty_kusd == pytest.approx(350)
    assert plan.summary.refundable_duty_kusd == pytest.approx(250)


def test_in_the_national_view_a_duty_moves_nothing() -> None:
    # B lands at 110, A at 100 + 30: an importer buys from B, the nation from A, and the duty is reported all the same.
    duty = put("tariffs", {"duty": {"programme": "mfn", "origins": ["A"], "commodities": ["metal"], "rate_share": 0.3}})
    importer = optimum(TWO_ORIGINS, *duty)
    nation = optimum(TWO_ORIGINS, *duty, *put("economics.view", "national"))

    assert (cost_kusd(importer), shipped(importer)) == (pytest.approx(110_000), {"from B": 1000})
    assert (cost_kusd(nation), shipped(nation)) == (pytest.approx(100_000), {"from A": 1000})
    assert nation.summary.duty_kusd == pytest.approx(30_000)


NO_OFFER = """
places: {USA: {}, A: {}}
facilities:
  plant: {place: USA, outputs: {metal: 1}, cost_kusd_per_t: 50, capacity_t_per_y: 4}
routes:
  from A: {commodity: metal, origin: A, destination: USA, customs_value_kusd_per_t: 100}
tariffs:
  duty:
    programme: mfn
    commodities: [metal]
    rate_share: 0.3
    quota: {volume_t_per_y: 400, in_quota_rate_share: 0.1}
demands:
  user:
    commodity: metal
    tier: other
    quantity_t_per_y: 10
    shortage_penalty_kusd_per_t: 500
    source_bans: {no content of A: {places: [A]}}
"""


@pytest.mark.parametrize("in_quota_rate_share", [0.1, 0.4])
def test_a_quota_on_what_nothing_feeds_is_a_plan_without_it(in_quota_rate_share: float) -> None:
    plan = optimum(NO_OFFER, *put("tariffs.duty.quota.in_quota_rate_share", in_quota_rate_share))

    # The plant makes 4 t at 50, the other 6 are short.
    assert cost_kusd(plan) == pytest.approx(200 + 3000)


DEAD_ROUTE = """
places: {USA: {}, A: {}, B: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 100}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
  from B: {commodity: metal, origin: B, destination: USA, customs_value_kusd_per_t: 100}
tariffs:
  duty:
    programme: mfn
    commodities: [metal]
    rate_share: 0.1
    rate_kusd_per_t_gross: 5
    quota: {volume_t_per_y: 400, in_quota_rate_share: 0.3}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 1000, shortage_penalty_kusd_per_t: 500}
"""
BANNED = put("demands.user.source_bans", {"b": {"places": ["B"]}})


@pytest.mark.parametrize("traced", [[], BANNED], ids=["untraced", "traced"])
def test_a_route_that_nothing_feeds_does_not_make_a_quota_fill_first(traced: list[Any]) -> None:
    # A has no customs value, so both its bands cost the 5; that of B, dearer within, never carries anything.
    plan = optimum(DEAD_ROUTE, *traced)

    assert cost_kusd(plan) == pytest.approx(1000 * 105)
    instance = prepare(plan.scenario)
    assert instance.trade.full_first == frozenset()


@pytest.mark.parametrize("traced", [[], BANNED], ids=["untraced", "traced"])
@pytest.mark.parametrize(
    "feeds",
    [
        put("facilities.'offer B'", {"place": "B", "outputs": {"metal": 1}, "cost_kusd_per_t": 300}),
        put("stockpiles", {"pile": {"commodity": "metal", "place": "B"}}),
        put("routes.'A to B'", {"commodity": "metal", "origin": "A", "destination": "B", "freight_kusd_per_t": 9}),
    ],
    ids=["an offer", "a stockpile", "a route"],
)
def test_a_route_that_something_could_feed_makes_a_quota_fill_first(feeds: list[Any], traced: list[Any]) -> None:
    plan = optimum(DEAD_ROUTE, *feeds, *traced)

    assert len(prepare(plan.scenario).trade.full_first) == 1


CHAIN = "content-tariff"
ROLE = "tariffs.'duty on Chinese metal'.origin_role"


@pytest.mark.parametrize("role", ["last_origin", "refined_in"])
def test_a_duty_on_the_origin_is_avoided_by_refining_the_same_ore_elsewhere(role: str) -> None:
    plan = optimum(CHAIN, *put(ROLE, role))

    assert cost_kusd(plan) == pytest.approx(1300)
    assert plan.summary.duty_kusd == 0
    assert shipped(plan) == {"ore CHN to MYS": 200, "metal MYS": 100}


@pytest.mark.parametrize("role", ["mined_in", "any_stage"])
def test_held_against_content_the_duty_moves_the_ore(role: str) -> None:
    plan = optimum(CHAIN, *put(ROLE, role))

    assert cost_kusd(plan) == pytest.approx(1800)
    assert plan.summary.duty_kusd == pytest.approx(450)
    assert shipped(plan) == {"ore AUS to MYS": 100, "metal MYS": 50, "metal CHN": 50}


def test_without_the_duty_all_comes_from_china() -> None:
    plan = optimum(CHAIN, {"op": "remove", "path": "tariffs.'duty on Chinese metal'"})

    assert cost_kusd(plan) == pytest.approx(1000)
    assert shipped(plan) == {"metal CHN": 100}


MAGNETS = """
commodities:
  metal: {stage: refined, mineral_group: metal}
  magnet: {stage: product, mineral_group: metal}
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 50}
  magnet works A: {place: A, inputs: {metal: 0.3}, outputs: {magnet: 1}, cost_kusd_per_t: 60}
  magnet works USA: {place: USA, inputs: {metal: 0.3}, outputs: {magnet: 1}, cost_kusd_per_t: 75}
routes:
  metal from A: {commodity: metal, origin: A, destination: USA, customs_value_kusd_per_t: 50}
  magnet from A: {commodity: magnet, origin: A, destination: USA, customs_value_kusd_per_t: 100}
tariffs:
  duty on metal: {programme: section_232, origins: [A], commodities: [metal], rate_share: 0.25}
demands:
  motors: {commodity: magnet, tier: other, quantity_t_per_y: 10, shortage_penalty_kusd_per_t: 500}
"""


@pytest.mark.parametrize(
    ("derivatives", "flows", "objective_kusd", "duty_kusd"),
    [
        # Magnets from A: 0.3 * 50 + 60 = 75, duty-free.
        (False, {"magnet from A": 10}, 750, 0),
        # They pay 25 too: 100. At home 0.3 * (50 + 12.5) + 75 = 93.75, of which 3.75 are duty on the metal.
        (True, {"metal from A": 3}, 937.5, 37.5),
    ],
)
def test_a_duty_on_metal_and_its_derivatives_meets_magnets(
    derivatives: bool, flows: dict[str, float], objective_kusd: float, duty_kusd: float
) -> None:
    plan = optimum(MAGNETS, *put("tariffs.'duty on metal'.includes_derivatives", derivatives))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert plan.summary.duty_kusd == pytest.approx(duty_kusd)
    assert shipped(plan) == flows
