"""Bans and shares by what material is made of, in stock and in mixtures: exact cases, the arithmetic above each."""

import pytest
from families import amounts, cost_kusd, optimum, put, shipped, worth

TWO_TIERS = """
horizon: {first_year: 2026, period_years: [1, 1]}
places: {USA: {}, CHN: {}, AUS: {}}
facilities:
  offer CHN: {place: CHN, outputs: {metal: 1}, cost_kusd_per_t: 10}
  offer AUS: {place: AUS, outputs: {metal: 1}, capacity_t_per_y: 30, cost_kusd_per_t: 15}
routes:
  from CHN: {commodity: metal, origin: CHN, destination: USA}
  from AUS: {commodity: metal, origin: AUS, destination: USA}
demands:
  army:
    commodity: metal
    tier: military
    quantity_t_per_y: 20
    shortage_penalty_kusd_per_t: 200
    source_bans: {no Chinese: {places: [CHN], onset: 2027}}
  industry: {commodity: metal, tier: other, quantity_t_per_y: 30, shortage_penalty_kusd_per_t: 200}
"""


def test_the_army_takes_clean_metal_from_2027_and_industry_the_covered() -> None:
    # 2026: 50 * 10. 2027: 20 * 15 + 30 * 10.
    plan = optimum(TWO_TIERS)

    assert cost_kusd(plan) == pytest.approx(500 + 600)
    served = amounts(plan, "serve", "demand", "option", "node")
    assert served == {
        ("army", "itself/CHN", "2026"): 20,
        ("industry", "itself/CHN", "2026"): 30,
        ("army", "itself/clean", "2027"): 20,
        ("industry", "itself/CHN", "2027"): 30,
    }
    assert worth(plan, "commodity_balances", "metal clean USA", "2027") == pytest.approx(15)
    assert worth(plan, "commodity_balances", "metal CHN USA", "2027") == pytest.approx(10)


def test_a_ban_in_full_force_costs_what_one_tonne_of_covered_metal_would_save() -> None:
    plan = optimum(TWO_TIERS)

    assert worth(plan, "demand_takes_clean_material", "army no Chinese", "2027") == pytest.approx(-5)


def test_a_ban_from_mid_year_asks_for_clean_metal_by_its_days() -> None:
    # From 1 July 2027: 184 of 365 days of 20 t/y at 5 more.
    plan = optimum(TWO_TIERS, *put("demands.army.source_bans.'no Chinese'.onset", "2027-07-01"))

    assert cost_kusd(plan) == pytest.approx(1000 + 5 * 20 * 184 / 365)
    assert worth(plan, "demand_takes_clean_material", "army no Chinese", "2027") == pytest.approx(-5)


def test_more_clean_metal_than_there_is_leaves_the_army_short_beside_covered_metal() -> None:
    # 12 t from Australia: 8 short at 200, while industry is served in full.
    plan = optimum(TWO_TIERS, *put("facilities.'offer AUS'.capacity_t_per_y", 12))

    assert cost_kusd(plan) == pytest.approx(500 + 12 * 15 + 8 * 200 + 300)
    assert amounts(plan, "shortage", "demand", "node") == {("army", "2027"): 8}


@pytest.mark.parametrize(("role", "objective_kusd"), [("last_origin", 120), ("any_stage", 150)])
def test_a_hub_makes_metal_another_place_s_by_last_origin_only(role: str, objective_kusd: float) -> None:
    # Straight 10, over the hub 12, from Australia 15: a ban on Chinese metal by last origin lets the hub's through.
    plan = optimum(
        """
places: {USA: {}, CHN: {}, HUB: {}, AUS: {}}
facilities:
  offer CHN: {place: CHN, outputs: {metal: 1}, cost_kusd_per_t: 10}
  offer AUS: {place: AUS, outputs: {metal: 1}, cost_kusd_per_t: 15}
routes:
  from CHN: {commodity: metal, origin: CHN, destination: USA}
  to the hub: {commodity: metal, origin: CHN, destination: HUB, freight_kusd_per_t: 1}
  from the hub: {commodity: metal, origin: HUB, destination: USA, freight_kusd_per_t: 1}
  from AUS: {commodity: metal, origin: AUS, destination: USA}
demands:
  army:
    commodity: metal
    tier: military
    quantity_t_per_y: 10
    shortage_penalty_kusd_per_t: 200
    source_bans: {no Chinese: {places: [CHN]}}
""",
        *put("demands.army.source_bans.'no Chinese'.role", role),
    )

    assert cost_kusd(plan) == pytest.approx(objective_kusd)


@pytest.mark.parametrize(
    ("role", "objective_kusd"), [("refined_in", 120), ("mined_in", 150), ("any_stage", 150), ("last_origin", 120)]
)
def test_an_offer_says_where_its_material_was_mined(role: str, objective_kusd: float) -> None:
    # Japan refines Chinese ore and sells at 12; Australia sells its own at 15.
    plan = optimum(
        """
places: {USA: {}, CHN: {}, JPN: {}, AUS: {}}
facilities:
  offer JPN: {place: JPN, outputs: {metal: 1}, cost_kusd_per_t: 12, mined_in: CHN}
  offer AUS: {place: AUS, outputs: {metal: 1}, cost_kusd_per_t: 15}
routes:
  from JPN: {commodity: metal, origin: JPN, destination: USA}
  from AUS: {commodity: metal, origin: AUS, destination: USA}
demands:
  army:
    commodity: metal
    tier: military
    quantity_t_per_y: 10
    shortage_penalty_kusd_per_t: 200
    source_bans: {no Chinese: {places: [CHN]}}
""",
        *put("demands.army.source_bans.'no Chinese'.role", role),
    )

    assert cost_kusd(plan) == pytest.approx(objective_kusd)


@pytest.mark.parametrize(
    ("role", "objective_kusd", "flows"),
    [
        # By last origin, or where it was refined, Malaysian metal of Chinese ore does not count: 40 * 10 + 60 * 13.
        ("last_origin", 1180, {"metal CHN": 40, "ore CHN to MYS": 120, "metal MYS": 60}),
        ("refined_in", 1180, {"metal CHN": 40, "ore CHN to MYS": 120, "metal MYS": 60}),
        # By where it was mined it does: 40 * 10 + 60 * 17.
        ("mined_in", 1420, {"metal CHN": 40, "ore AUS to MYS": 120, "metal MYS": 60}),
    ],
)
def test_a_share_cap_counts_the_last_origin_or_the_content(
    role: str, objective_kusd: float, flows: dict[str, float]
) -> None:
    cap = {"kind": "share_cap", "commodity": "metal", "places": ["CHN"], "cap_share": 0.4, "origin_role": role}
    plan = optimum(
        "content-tariff",
        {"op": "remove", "path": "tariffs.'duty on Chinese metal'"},
        *put("facilities.'mine AUS'.capacity_t_per_y", 200),
        *put("limits", {"cap": cap}),
    )

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert shipped(plan) == flows


BAN = {"no Chinese": {"places": ["CHN"]}}


@pytest.mark.parametrize(
    ("store_bans", "army_bans", "objective_kusd"),
    [
        ({}, {}, 110),  # Chinese at 10, a year in store at 1
        (BAN, {}, 160),  # the store takes Australian at 15
        (BAN, BAN, 160),
        ({}, BAN, 2000),  # what is in a store without a ban cannot be told apart: 10 t short at 200
    ],
)
def test_a_stockpile_with_a_ban_holds_clean_metal_only(
    store_bans: dict[str, object], army_bans: dict[str, object], objective_kusd: float
) -> None:
    plan = optimum(
        """
horizon: {first_year: 1, period_years: [1, 1]}
places: {USA: {}, CHN: {}, AUS: {}}
facilities:
  offer CHN: {place: CHN, outputs: {metal: 1}, cost_kusd_per_t: 10, capacity_t_per_y: {1: 100, 2: 0}}
  offer AUS: {place: AUS, outputs: {metal: 1}, cost_kusd_per_t: 15, capacity_t_per_y: {1: 100, 2: 0}}
routes:
  from CHN: {commodity: metal, origin: CHN, destination: USA}
  from AUS: {commodity: metal, origin: AUS, destination: USA}
stockpiles:
  store: {commodity: metal, holding_kusd_per_t_y: 1}
demands:
  army: {commodity: metal, tier: military, quantity_t_per_y: {1: 0, 2: 10}, shortage_penalty_kusd_per_t: 200}
""",
        *put("stockpiles.store.source_bans", store_bans),
        *put("demands.army.source_bans", army_bans),
    )

    assert cost_kusd(plan) == pytest.approx(objective_kusd)


ALLOY = """
commodities:
  Nd: {stage: refined, mineral_group: rare earths}
  Dy: {stage: refined, mineral_group: rare earths}
  alloy: {stage: semi_finished, mineral_group: rare earths}
places: {USA: {}, CHN: {}, AUS: {}, VNM: {}}
facilities:
  Nd CHN: {place: CHN, outputs: {Nd: 1}, cost_kusd_per_t: 5}
  Nd AUS: {place: AUS, outputs: {Nd: 1}, cost_kusd_per_t: 9, capacity_t_per_y: 100}
  Dy CHN: {place: CHN, outputs: {Dy: 1}, cost_kusd_per_t: 50}
  Dy VNM: {place: VNM, outputs: {Dy: 1}, cost_kusd_per_t: 80, capacity_t_per_y: 2}
  alloy works: {place: USA, inputs: {Nd: 1, Dy: 0.5}, outputs: {alloy: 1}}
routes:
  Nd from CHN: {commodity: Nd, origin: CHN, destination: USA}
  Nd from AUS: {commodity: Nd, origin: AUS, destination: USA}
  Dy from CHN: {commodity: Dy, origin: CHN, destination: USA}
  Dy from VNM: {commodity: Dy, origin: VNM, destination: USA}
demands:
  army:
    commodity: alloy
    tier: military
    quantity_t_per_y: 10
    shortage_penalty_kusd_per_t: 200
    source_bans: {no Chinese: {places: [CHN]}}
  industry: {commodity: alloy, tier: other, quantity_t_per_y: 10, shortage_penalty_kusd_per_t: 200}
"""


def test_what_a_plant_mixes_of_clean_and_covered_is_covered() -> None:
    # Clean Dy for 4 t: 4 * (9 + 0.5 * 80) = 196, 6 short at 200; industry 10 * (5 + 0.5 * 50) = 300.
    # Chinese Dy in Australian Nd would not serve the army.
    plan = optimum(ALLOY)

    assert cost_kusd(plan) == pytest.approx(196 + 1200 + 300)
    assert amounts(plan, "activity", "mode") == {"clean": 4, "CHN": 10}
    assert shipped(plan) == {"Nd from AUS": 4, "Nd from CHN": 10, "Dy from VNM": 2, "Dy from CHN": 5}


def test_one_covered_input_covers_all_that_is_made() -> None:
    # Without clean Nd the army goes without, however clean the Dy: 10 * 200 + 300.
    plan = optimum(ALLOY, *put("facilities.'Nd AUS'.capacity_t_per_y", 0))

    assert cost_kusd(plan) == pytest.approx(2300)
    assert amounts(plan, "activity", "mode") == {"CHN": 10}


def test_two_bans_make_four_kinds_of_metal() -> None:
    # Ore: Chinese 3, Australian 6; reagent: Russian 1, Norwegian 5. 10 t each: 4, 7, 8 and 11 a t.
    bars = {"none": [], "Chinese": ["CHN"], "Russian": ["RUS"], "both": ["CHN", "RUS"]}
    demands = {
        name: {
            "commodity": "metal",
            "tier": "other",
            "quantity_t_per_y": 10,
            "shortage_penalty_kusd_per_t": 200,
            "source_bans": {place: {"places": [place]} for place in places},
        }
        for name, places in bars.items()
    }
    plan = optimum(
        """
commodities:
  ore: {stage: ore, mineral_group: metal}
  reagent: {stage: refined, mineral_group: metal}
  metal: {stage: refined, mineral_group: metal}
places: {USA: {}, CHN: {}, AUS: {}, RUS: {}, NOR: {}, MYS: {}}
facilities:
  ore CHN: {place: CHN, outputs: {ore: 1}, cost_kusd_per_t: 3}
  ore AUS: {place: AUS, outputs: {ore: 1}, cost_kusd_per_t: 6}
  reagent RUS: {place: RUS, outputs: {reagent: 1}, cost_kusd_per_t: 1}
  reagent NOR: {place: NOR, outputs: {reagent: 1}, cost_kusd_per_t: 5}
  refinery: {place: MYS, inputs: {ore: 1, reagent: 1}, outputs: {metal: 1}}
routes:
  ore from CHN: {commodity: ore, origin: CHN, destination: MYS}
  ore from AUS: {commodity: ore, origin: AUS, destination: MYS}
  reagent from RUS: {commodity: reagent, origin: RUS, destination: MYS}
  reagent from NOR: {commodity: reagent, origin: NOR, destination: MYS}
  metal: {commodity: metal, origin: MYS, destination: USA}
demands: {}
""",
        *put("demands", demands),
    )

    assert cost_kusd(plan) == pytest.approx(10 * (4 + 7 + 8 + 11))
    assert amounts(plan, "activity", "mode") == {"CHN + RUS": 10, "RUS": 10, "CHN": 10, "clean": 10}
    served = amounts(plan, "serve", "demand", "option")
    assert served["none", "itself/CHN + RUS"] == 10
    assert served["Chinese", "itself/RUS"] == 10
    assert served["Russian", "itself/CHN"] == 10
    assert served["both", "itself/clean"] == 10
