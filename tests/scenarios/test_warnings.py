"""What is allowed but probably not meant is asked about, and acknowledged where it is."""

import ast
import doctest
import re
from typing import Any

import pytest
from folders import ROOT
from test_references import WARNINGS

from lodeplan import scenarios
from lodeplan.scenarios.validation import acknowledged_in_words, find_warnings, warnings_in_words
from lodeplan.schemas import InputProblem

PAGE = ROOT / "docs/reference/warnings.md"

Patch = dict[str, Any]


def put(path: str, value: Any) -> Patch:
    return {"op": "set", "path": path, "value": value}


def small() -> dict[str, Any]:
    """A metal from two places over four years, and nothing to ask about."""
    return {
        "name": "small",
        "home": "USA",
        "horizon": {"first_year": 2026, "period_years": [1, 1, 1, 1]},
        "commodities": {
            "ore": {"stage": "ore", "mineral_group": "metal"},
            "metal": {"stage": "refined", "mineral_group": "metal", "reference_price_kusd_per_t": 11},
        },
        "places": {"USA": {}, "CHN": {}, "AUS": {}, "Others": {"members": {"CHN": 0.5, "AUS": 0.5}}},
        "facilities": {
            "offer CHN": {
                "place": "CHN", "outputs": {"metal": 1}, "cost_kusd_per_t": 10, "capacity_t_per_y": 200,
            },
            "offer AUS": {
                "place": "AUS", "outputs": {"metal": 1}, "cost_kusd_per_t": 12, "capacity_t_per_y": 100,
            },
            "mine": {"place": "USA", "outputs": {"ore": 1}, "cost_kusd_per_t": 9, "capacity_t_per_y": 50},
        },
        "projects": {
            name: {
                "place": "USA",
                "inputs": {"ore": 1.1},
                "outputs": {"metal": 1},
                "cost_kusd_per_t": 5,
                "capacity_t_per_y": 20,
                "capex_kusd": 300,
                "tracks": {
                    "standard": {"permit_years": 1, "construction_years": 1},
                    "fast": {"permit_years": 0.5, "construction_years": 1},
                },
            }
            for name in ("first", "second", "third")
        },
        "routes": {
            "metal CHN": {
                "commodity": "metal", "origin": "CHN", "destination": "USA", "customs_value_kusd_per_t": 10,
                "freight_kusd_per_t": 1,
            },
            "metal AUS": {
                "commodity": "metal", "origin": "AUS", "destination": "USA", "customs_value_kusd_per_t": 12,
            },
        },
        "tariffs": {"duty": {"programme": "mfn", "commodities": ["metal"], "rate_share": 0.25}},
        "stockpiles": {"store": {"commodity": "metal", "end_value_kusd_per_t": 5}},
        "demands": {
            "user": {
                "commodity": "metal", "tier": "other", "quantity_t_per_y": 50, "shortage_penalty_kusd_per_t": 100,
            },
            "forces": {
                "commodity": "metal", "tier": "military", "quantity_t_per_y": 5, "shortage_penalty_kusd_per_t": 500,
            },
        },
        "events": {
            "ban": {
                "changes": "exports", "places": ["CHN"], "onset": 2027, "until": 2028, "availability_share": 0,
            },
            "strike": {"changes": "output", "places": ["AUS"], "onset": 2028, "availability_share": 0},
        },
        "futures": {
            "calm": {},
            "ban": {"probability": 0.2, "events": ["ban"]},
            "strike": {"probability": 0.1, "events": ["strike"]},
        },
    }  # fmt: skip


def with_ban(**change: Any) -> list[Patch]:
    """Another ban of China and a future of it."""
    event = {"changes": "exports", "places": ["CHN"], "onset": 2027, "availability_share": 0, **change}
    return [put("events.more", event), put("futures.more", {"probability": 0.1, "events": ["more"]})]


SHIFTED = put("futures.ban.events", ["ban", "shift"])


def event(changes: str, **more: float) -> Patch:
    """One event more."""
    return put("events.shift", {"changes": changes, "onset": 2027, "until": 2028, **more})


def warnings_of(patches: list[Patch]) -> list[InputProblem]:
    return find_warnings(scenarios.load(small(), patches)).open


ORE = "routes.'metal CHN'.calibration_kusd_per_t"
FREE_TO_GO = put("commodities.metal.disposable", True)
STANDARD = "projects.first.tracks.standard.permit_years"
CAP = {"kind": "share_cap", "commodity": "metal", "places": ["CHN", "AUS"], "cap_share": 0.9}
RELIANCE = {"kind": "net_import_reliance", "commodity": "metal", "cap_share": 0.9}
NO_PROJECTS: Patch = {"op": "remove", "path": "projects"}
NO_MINE: Patch = {"op": "remove", "path": "facilities.mine"}
ON_AUS, ON_CHN = "limits.'cap on AUS'", "limits.'cap on CHN'"
TWO_CAPS = [
    put(ON_AUS, {**CAP, "places": ["AUS"], "cap_share": 0.3}),
    put(ON_CHN, {**CAP, "places": ["CHN"], "cap_share": 0.3}),
    NO_PROJECTS,
    NO_MINE,
]
REGION = put("routes.'metal others'", {"commodity": "metal", "origin": "Others", "destination": "USA"})
AGAIN = {"place": "AUS", "inputs": {"metal": 1}, "outputs": {"metal": 1.0001}, "cost_kusd_per_t": 1}
COVER = {"commodity": "metal", "cover_days": 73, "capacity_t": 12}

TRIPS: dict[str, list[tuple[list[Patch], str, str]]] = {
    "high_rate": [
        ([put("tariffs.duty.rate_share", 25)], "tariffs.duty.rate_share", "25 is 2,500 %"),
        ([put("tariffs.duty.rate_share", {"2026": 0.25, "2027": 5.3})], "tariffs.duty.rate_share", "mean 0.053?"),
        (
            [put("tariffs.duty.quota", {"volume_t_per_y": 9, "in_quota_rate_share": 10})],
            "tariffs.duty.quota.in_quota_rate_share",
            "Did you mean 0.1?",
        ),
        (
            [put("tariffs.duty.rate_share", 0), put("tariffs.duty.all_in_ceiling_share", 15)],
            "tariffs.duty.all_in_ceiling_share",
            "Did you mean 0.15?",
        ),
    ],
    "high_discount_rate": [([put("economics.discount_rate", 0.9)], "economics.discount_rate", "Did you mean 0.09?")],
    "ratio_like_percent": [
        ([put("projects.first.inputs.ore", 110)], "projects.first.inputs.ore", "Did you mean 1.1 (110 %)?"),
        ([put("facilities.mine.outputs.ore", 95)], "facilities.mine.outputs.ore", "Did you mean 0.95"),
        (
            [put("demands.user.substitutes.other", {"commodity": "ore", "ratio_t_per_t": 30})],
            "demands.user.substitutes.other.ratio_t_per_t",
            "0.3",
        ),
    ],
    "recipe_gains": [([put("facilities.again", AGAIN)], "facilities.again.outputs.metal", "1.0001 t of it")],
    "price_off_reference": [
        (
            [put("facilities.'offer CHN'.cost_kusd_per_t", 10_000)],
            "facilities.'offer CHN'.cost_kusd_per_t",
            "in USD/t? Prices are in kUSD/t: did you mean 10?",
        ),
        (
            [put("facilities.'offer AUS'.cost_kusd_per_t", 0.012), put("stockpiles.store.end_value_kusd_per_t", 0)],
            "facilities.'offer AUS'.cost_kusd_per_t",
            "did you mean 12?",
        ),
        (
            [put("routes.'metal AUS'.customs_value_kusd_per_t", {"2026": 12, "2027": 130})],
            "routes.'metal AUS'.customs_value_kusd_per_t",
            "130 kUSD/t is 12 times the reference price of `metal`, 11.",
        ),
        (
            [
                {"op": "remove", "path": "commodities.metal.reference_price_kusd_per_t"},
                put("routes.'metal AUS'.customs_value_kusd_per_t", 12_000),
            ],
            "routes.'metal AUS'.customs_value_kusd_per_t",
            "did you mean 12?",
        ),
        (
            [put("facilities.'offer CHN'.steps", [{"width_t_per_y": 5, "cost_kusd_per_t": 200}]),
             put("facilities.'offer CHN'.cost_kusd_per_t", 0)],
            "facilities.'offer CHN'.steps",
            "18 times",
        ),
        (
            [put("commodities.ore.reference_price_kusd_per_t", 2), put("facilities.mine.cost_kusd_per_t", 30)],
            "facilities.mine.cost_kusd_per_t",
            "15 times",
        ),
        (
            [put("demands.user.elastic", {"price_kusd_per_t": 0.011, "elasticity": 0.5})],
            "demands.user.elastic.price_kusd_per_t",
            "did you mean 11?",
        ),
    ],
    "amount_above_price": [
        ([put("tariffs.duty.minimum_price_kusd_per_t", 15_000)], "tariffs.duty.minimum_price_kusd_per_t", "mean 15?"),
        ([put("tariffs.duty.rate_kusd_per_t_gross", 1500)], "tariffs.duty.rate_kusd_per_t_gross", "another unit"),
        (
            [put("routes.'metal AUS'.freight_kusd_per_t", {"2026": 1, "2028": 1000})],
            "routes.'metal AUS'.freight_kusd_per_t",
            "1000 is 91 times the price of its commodity, 11 kUSD/t.",
        ),
        (
            [{"op": "remove", "path": "commodities.metal.reference_price_kusd_per_t"},
             put("routes.'metal AUS'.hub_markup_kusd_per_t", 101)],
            "routes.'metal AUS'.hub_markup_kusd_per_t",
            "10 kUSD/t",
        ),
        ([put("stockpiles.store.holding_kusd_per_t_y", 12)], "stockpiles.store.holding_kusd_per_t_y", "another unit"),
        (
            [put("stockpiles.store.buying_premium_kusd_per_t", 5000)],
            "stockpiles.store.buying_premium_kusd_per_t",
            "did you mean 5?",
        ),
    ],
    "factor_far_off": [
        ([event("price", factor=0)], "events.shift.factor", "is free"),
        ([event("price", factor=130)], "events.shift.factor", "Did you mean 1.3"),
        ([event("demand", factor=21)], "events.shift.factor", "Did you mean 0.21"),
    ],
    "changes_nothing": [
        ([event("price", factor=1)], "events.shift.factor", "changes nothing"),
        ([event("demand", factor=1)], "events.shift.factor", "changes nothing"),
        ([event("exports", availability_share=1)], "events.shift.availability_share", "changes nothing"),
        ([event("output", availability_share=1)], "events.shift.availability_share", "changes nothing"),
    ],
    "cost_off_its_kind": [
        ([put("projects.first.capex_kusd", 300e3)], "projects.first.capex_kusd", "Are capex in kUSD"),
        ([put("projects.first.capex_kusd", 0.3)], "projects.first.capex_kusd", "Are capex in kUSD"),
        (
            [put("projects.first.capex_kusd", 300e6), {"op": "remove", "path": "projects.second"}],
            "projects.first.capex_kusd",
            "a few years are usual",
        ),
        ([put("projects.third.cost_kusd_per_t", 3000)], "projects.third.cost_kusd_per_t", "per t of activity"),
    ],
    "quantity_off": [
        ([put("demands.user.quantity_t_per_y", 31e6)], "demands.user.quantity_t_per_y", "largest supply"),
        ([put("projects.first.capacity_t_per_y", 20e6), put("projects.first.capex_kusd", 300e6)],
         "projects.first.capacity_t_per_y", "largest other capacity"),
        ([put("facilities.'offer AUS'.capacity_t_per_y", 0.01)], "facilities.'offer AUS'.capacity_t_per_y", "smallest"),
        (
            [put("demands.user.quantity_t_per_y", {"2026": 50, "2027": 55_000, "2028": 55})],
            "demands.user.quantity_t_per_y.2027",
            "from 50 t/y in 2026 to 55000 t/y in 2027",
        ),
    ],
    "penalty_below_cost": [
        # 10 at the border and freight of 1; the duty of a quarter comes on top.
        ([put("demands.user.shortage_penalty_kusd_per_t", 9)], "demands.user.shortage_penalty_kusd_per_t", "13.5"),
        ([put("demands.user.shortage_penalty_kusd_per_t", 13)], "demands.user.shortage_penalty_kusd_per_t", "13.5"),
        (
            [put("demands.user.shortage_penalty_kusd_per_t", {"0.1": 5, "1": 100})],
            "demands.user.shortage_penalty_kusd_per_t",
            "the first 10 % of it is never served",
        ),
    ],
    "penalty_far_above": [
        ([put("demands.forces.shortage_penalty_kusd_per_t", 5e6)], "demands.forces.shortage_penalty_kusd_per_t", "12"),
    ],
    "stock_earns": [
        ([put("stockpiles.store.end_value_kusd_per_t", 50)], "stockpiles.store.end_value_kusd_per_t", "capacity_t"),
    ],
    "flow_earns": [([FREE_TO_GO, put(ORE, -14)], ORE, "buying it to throw it away")],
    "track_too_late": [
        ([put(STANDARD, 18)], "projects.first.tracks.standard", "Are 18 years months? Then it is 1.5."),
        ([put("projects.first.tracks.standard.construction_years", 9)], "projects.first.tracks.standard", "Lengthen"),
        (
            [put("projects.first.committed_start", 2025), put("projects.first.forced_track", "standard"),
             put(STANDARD, 8)],
            "projects.first.tracks.standard",
            "It never runs.",
        ),
    ],
    "futures_begin_alike": [
        (with_ban(until=2029), "futures.more.events", "`after: ban`"),
        ([put("futures.more", {"probability": 0.1, "events": "ban; strike"})], "futures.more.events", "`after: ban`"),
    ],
    "futures_overlap": [
        (with_ban(places=["CHN", "AUS"], until=2028), "futures.more.events", "`after: ban`"),
    ],
    "met_by_nothing": [
        ([put("limits.cap", CAP), NO_PROJECTS, NO_MINE], "limits.cap.cap_share", "raise the share to 1"),
        ([put("limits.cap", RELIANCE), NO_PROJECTS, NO_MINE], "limits.cap.cap_share", "raise the share to 1"),
        (TWO_CAPS, f"{ON_CHN}.cap_share", "allow 0.6 of it together"),
        ([*TWO_CAPS, REGION], f"{ON_CHN}.cap_share", "from 2026 on"),
        ([*TWO_CAPS, put(f"{ON_AUS}.cap_share", {"2026": 0.7, "2028": 0.6})], f"{ON_CHN}.cap_share", "from 2028 on"),
        ([*TWO_CAPS, put(f"{ON_CHN}.applies_to", "base_path")], f"{ON_CHN}.cap_share", "with `cap on AUS` it"),
        ([*TWO_CAPS, put(f"{ON_CHN}.futures", ["ban"])], f"{ON_CHN}.cap_share", "with `cap on AUS` it"),
        (
            [*TWO_CAPS, put("limits.'a wide one'", {**CAP, "places": ["CHN"], "cap_share": 0.5})],
            f"{ON_CHN}.cap_share",
            "with `cap on AUS` it takes in",
        ),
    ],
    "cover_above_room": [
        ([put("stockpiles.store", {**COVER, "capacity_t": 10})], "stockpiles.store.capacity_t", "more room"),
    ],
    "acknowledges_nothing": [
        (
            [put("acknowledged", [{"code": "no_route", "path": "tariffs.duty", "reason": "x"}])],
            "acknowledged.0",
            "Remove the acknowledgement",
        ),
    ],
}  # fmt: skip

QUIET: dict[str, list[Patch]] = {
    "high_rate": [put("tariffs.duty.rate_share", 2.2)],
    "high_discount_rate": [put("economics.discount_rate", 0.15)],
    "ratio_like_percent": [put("projects.first.inputs.ore", 12)],
    "recipe_gains": [put("facilities.again", {**AGAIN, "outputs": {"metal": 1}})],
    "price_off_reference": [put("facilities.'offer CHN'.cost_kusd_per_t", 90)],
    "amount_above_price": [
        # Penalties are raised, so that supply that dear is still worth its price.
        put("demands.user.shortage_penalty_kusd_per_t", 5000),
        put("tariffs.duty.minimum_price_kusd_per_t", 109),
        put("tariffs.duty.rate_kusd_per_t_gross", 109),
        put("routes.'metal AUS'.freight_kusd_per_t", 109),
        put("stockpiles.store.holding_kusd_per_t_y", 10.9),
    ],
    "factor_far_off": [event("demand", factor=0), SHIFTED],
    "changes_nothing": [
        event("exports", availability_share=1),
        put("stockpiles.store.kind", "strategic"),
        put("stockpiles.store.release_events", "shift"),
        SHIFTED,
    ],
    "cost_off_its_kind": [put("projects.first.capex_kusd", 9_000)],
    "quantity_off": [put("demands.user.quantity_t_per_y", {"2026": 50, "2027": 9_000})],
    "penalty_below_cost": [put("demands.user.shortage_penalty_kusd_per_t", 13.5)],
    "penalty_far_above": [put("demands.forces.shortage_penalty_kusd_per_t", 9e5)],
    "stock_earns": [put("stockpiles.store.end_value_kusd_per_t", 50), put("stockpiles.store.capacity_t", 100)],
    "flow_earns": [FREE_TO_GO, put(ORE, -8), put("commodities.metal.disposal_cost_kusd_per_t", 5)],
    "track_too_late": [put(STANDARD, 2.5)],
    "futures_begin_alike": [
        put("events.late", {"changes": "exports", "places": ["CHN"], "onset": 2028, "availability_share": 0}),
        put("futures.more", {"probability": 0.1, "events": "late", "after": "ban"}),
    ],
    "futures_overlap": with_ban(availability_share=0.5, until=2028),
    "met_by_nothing": [put("limits.cap", {**CAP, "cap_share": 1})],
    "cover_above_room": [put("stockpiles.store", COVER)],
    "acknowledges_nothing": [
        put("tariffs.idle", {"programme": "x", "destination": "AUS", "commodities": ["metal"], "rate_share": 0.1}),
        put("acknowledged", [{"code": "no_route", "path": "tariffs.*", "reason": "It is for later."}]),
    ],
}


def test_a_scenario_that_makes_sense_raises_no_question() -> None:
    assert warnings_of([]) == []


@pytest.mark.parametrize(("code", "number"), [(code, n) for code, cases in TRIPS.items() for n in range(len(cases))])
def test_what_makes_no_sense_is_asked_about_once_and_with_a_way_out(code: str, number: int) -> None:
    patches, path, words = TRIPS[code][number]
    found = [warning for warning in warnings_of(patches) if warning.code == code]
    assert [warning.path for warning in found] == [path]
    assert words in f"{found[0].message} {found[0].remedy}"
    assert found[0].remedy


@pytest.mark.parametrize("code", QUIET)
def test_what_is_near_it_and_makes_sense_is_not_asked_about(code: str) -> None:
    assert [warning.code for warning in warnings_of(QUIET[code])] == []


def codes_of_warnings() -> set[str]:
    """Every code that is noted in a function that warns, or in a rule on plausibility."""
    found = {"acknowledges_nothing"}
    for path in [*(ROOT / "scenarios/rules").glob("*.py"), *(ROOT / "scenarios/plausibility").glob("*.py")]:
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and (
                function.name.lstrip("_").startswith("warn")
                or function.name == "_note_if_impossible"
                or path.parent.name == "plausibility"
            ):
                found |= set(re.findall(r"""\.note\(\s*['"](\w+)""", ast.unparse(function)))
    return found


@pytest.mark.parametrize(
    "patches",
    [
        [*TWO_CAPS, put(f"{ON_AUS}.cap_share", 0.7)],
        TWO_CAPS[:2],
        [*TWO_CAPS, put(f"{ON_AUS}.violation_price_kusd", 5)],
        [*TWO_CAPS, put(f"{ON_AUS}.of", "use")],
        [*TWO_CAPS, put(f"{ON_AUS}.origin_role", "mined_in")],
        [*TWO_CAPS, put(f"{ON_AUS}.applies_to", "base_path"), put(f"{ON_CHN}.futures", ["ban"])],
        [
            *TWO_CAPS,
            put("horizon.period_years", [1, 1, 2]),
            put(f"{ON_AUS}.cap_share", {"2026": 0.7, "2028": 0.6, "2029": 0.8}),
        ],
        [put("limits.cap", {**CAP, "of": "use"}), NO_PROJECTS, NO_MINE],
        [put("limits.cap", {**RELIANCE, "of": "use"}), NO_PROJECTS, NO_MINE],
        [put("limits.cap", {"kind": "concentration_cap", "commodity": "metal", "cap_index": 0.1, "of": "use"})],
    ],
)
def test_caps_that_leave_something_to_buy_are_not_asked_about(patches: list[Patch]) -> None:
    assert not {warning.code for warning in warnings_of(patches)} & {"met_by_nothing", "too_few_sources"}


def test_every_code_of_a_warning_stands_on_the_page_and_no_other() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == codes_of_warnings()


def test_every_code_of_a_warning_has_a_scenario_that_trips_it_and_one_that_does_not() -> None:
    """Those of rules that do nothing are in `test_references`; its whole scenario and its good cases trip none."""
    elsewhere = {code for _, code, _ in WARNINGS.values()}
    assert codes_of_warnings() - elsewhere - TRIPS.keys() == set()
    assert TRIPS.keys() - QUIET.keys() == set()


def test_the_page_on_warnings_shows_what_is_really_found() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted > 4
    assert result.failed == 0


BASES = {"us-2026", "us-2026-lite", "us-base-2024"}
"""What the other scenarios of the United States change a few entries of."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in BASES or not name.startswith("us-") else pytest.mark.slow)
        for name in (shipped.name for shipped in scenarios.names())
    ],
)
def test_a_shipped_scenario_has_no_warning_that_it_does_not_acknowledge_with_a_reason(name: str) -> None:
    found = scenarios.validate(name)
    assert found.valid
    assert [str(warning) for warning in found.warnings] == []
    assert all(len(rule.reason) > 20 for rule in found.acknowledged)


def test_a_measure_of_ones_own_is_asked_about_in_a_shipped_scenario_too() -> None:
    idle = {"programme": "mine", "origins": ["CHN"], "commodities": ["gallium/*"], "destination": "JPN"}
    found = scenarios.validate("us-2026-lite", [put("tariffs.my duty", {**idle, "rate_share": 0.1})])
    assert [(warning.code, warning.path) for warning in found.warnings] == [("no_route", "tariffs.'my duty'")]


def test_what_is_acknowledged_is_counted_by_rule_and_no_longer_said() -> None:
    idle = {"programme": "x", "destination": "AUS", "commodities": ["metal"], "rate_share": 25}
    patches = [put(f"tariffs.idle {number}", idle) for number in range(4)]
    rules = [
        {"code": "no_route", "path": "tariffs.'idle *'", "reason": "a"},
        {"code": "high_*", "path": "tariffs.'idle 0'.rate_share", "reason": "b"},
    ]
    found = find_warnings(scenarios.load(small(), [*patches, put("acknowledged", rules)]))
    assert [(rule.code, rule.reason, rule.count) for rule in found.acknowledged] == [
        ("no_route", "a", 4),
        ("high_*", "b", 1),
    ]
    assert [warning.path for warning in found.open] == [f"tariffs.'idle {number}'.rate_share" for number in (1, 2, 3)]
    assert acknowledged_in_words(found.acknowledged) == "5 warnings are acknowledged in the scenario."


@pytest.mark.parametrize(("path", "is_meant"), [("a[1]?", True), ("a[1]*", True), ("a1?", False), ("?[1]?", False)])
def test_only_a_star_is_a_sign_in_what_is_acknowledged(path: str, is_meant: bool) -> None:
    idle = {"programme": "x", "destination": "AUS", "commodities": ["metal"], "rate_share": 0.25}
    rule = {"code": "no_route", "path": f"tariffs.'{path}'", "reason": "It is for later."}
    found = find_warnings(scenarios.load(small(), [put("tariffs.'a[1]?'", idle), put("acknowledged", [rule])]))
    assert ("no_route" not in {warning.code for warning in found.open}) is is_meant


def test_acknowledging_changes_no_hash() -> None:
    rules = [{"code": "*", "path": "*", "reason": "all of it"}]
    assert (
        scenarios.load(small(), [put("acknowledged", rules)]).content_hash() == scenarios.load(small()).content_hash()
    )


def test_keeping_a_part_drops_acknowledgements_of_what_is_gone() -> None:
    data = small()
    data["commodities"]["other"] = {"stage": "refined", "mineral_group": "other"}
    data["facilities"]["offer other"] = {"place": "USA", "outputs": {"other": 40}, "cost_kusd_per_t": 1}
    rule = {"code": "ratio_like_percent", "path": "facilities.'offer other'.outputs", "reason": "It is so."}
    data["acknowledged"] = [rule]
    kept = [{"op": "keep", "path": "mineral_groups", "value": ["metal"]}]
    assert find_warnings(scenarios.load(data)).open == []
    assert find_warnings(scenarios.load(data, kept)).open == []


def test_alike_warnings_are_counted_and_the_first_three_said() -> None:
    patches = [
        put(f"tariffs.idle {n}", {"programme": "x", "destination": "AUS", "commodities": ["metal"], "rate_share": 0.1})
        for n in range(15)
    ]
    said = warnings_in_words(warnings_of([*patches, put("economics.discount_rate", 0.9)]))
    assert [line.split(":")[0] for line in said] == [
        "tariffs.'idle 0'",
        "tariffs.'idle 1'",
        "tariffs.'idle 2'",
        "economics.discount_rate",
    ]
    assert said[2].endswith("(and 12 more of this kind)")


def test_duties_that_are_no_cost_to_the_nation_do_not_make_supply_dearer() -> None:
    national = put("economics.view", "national")
    assert warnings_of([national, put("demands.user.shortage_penalty_kusd_per_t", 12)]) == []


def test_a_duty_that_may_not_be_paid_does_not_make_supply_dearer() -> None:
    penalty = put("demands.user.shortage_penalty_kusd_per_t", 12)
    for field, value in (("until", 2028), ("onset", 2027), ("active", False)):
        assert warnings_of([put(f"tariffs.duty.{field}", value), penalty]) == []
    replacing = {"programme": "x", "commodities": ["metal"], "rate_share": 0, "precedence": 1, "replaces": ["mfn"]}
    assert warnings_of([put("tariffs.other", replacing), penalty]) == []
