"""Every check of whether a scenario's entries fit together has a scenario that trips it."""

import re
from pathlib import Path
from typing import Any

import pytest
from tiny_scenario import problems_of, the_problem_of, tiny

from lodeplan import scenarios
from lodeplan.scenarios import rules
from lodeplan.scenarios.validation import find_warnings

Patch = dict[str, Any]


def put(path: str, value: Any) -> Patch:
    return {"op": "set", "path": path, "value": value}


def drop(path: str) -> Patch:
    return {"op": "remove", "path": path}


PROJECT = "projects.'new smelter'"
CURVE = {"observed_t_per_y": 10, "elasticity": 1, "up_to_t_per_y": 50}
QUOTA = {"volume_t_per_y": 5, "in_quota_rate_share": 0.01}
BAN = {"changes": "exports", "onset": 2027, "availability_share": 0}
HAZARD = {"changes": "exports", "places": "AUS", "yearly_rate": 0.1, "availability_share": 0, "duration_years": 1}
DRAWN = [
    put("hazards.strike", HAZARD),
    put("sampling", {"futures": 5}),
    put("futures.calm.probability", 0.3),
]
LATE = {"probability": 0.1, "events": ["late"], "after": "ban"}
LATER = [put("events.late", {**BAN, "onset": 2029, "places": "CHN"}), put("futures.late", LATE)]
SCRAP = {
    "commodity": "metal",
    "from_commodity": "metal",
    "recovered_t_per_t": 0.3,
    "past_use_t_per_y": 5,
    "lag_years": 3,
    "cost_kusd_per_t": 1,
}
LOSS = {"kind": "survival", "onset": 2029, "tiers": "other", "served_share": 0.2}
SHARE = {"kind": "minimum_share", "commodity": "metal", "minimum_share": 0.2}
USER = "demands.user"
MINE = "facilities.mine"

# (what is changed, code, path of the problem)
TRIPS: dict[str, tuple[list[Patch], str, str]] = {
    # names
    "home is no place": ([put("home", "USSA")], "unknown_place", "home"),
    "a member is no place": (
        [put("places.Others.members", {"CHN": 0.4, "AUT": 0.6})],
        "unknown_place",
        "places.Others.members.AUT",
    ),
    "a facility stands nowhere": ([put("facilities.mine.place", "AUZ")], "unknown_place", "facilities.mine.place"),
    "an output is no commodity": (
        [put("facilities.mine.outputs", "ore=1; gold=0.1")],
        "unknown_commodity",
        "facilities.mine.outputs.gold",
    ),
    "a project's input is no commodity": (
        [put(f"{PROJECT}.inputs", {"oar": 2})],
        "unknown_commodity",
        f"{PROJECT}.inputs.oar",
    ),
    "a project requires no project": (
        [put(f"{PROJECT}.requires", "third smelter")],
        "unknown_project",
        f"{PROJECT}.requires",
    ),
    "a forced track is no track": (
        [put(f"{PROJECT}.forced_track", "slow")],
        "unknown_track",
        f"{PROJECT}.forced_track",
    ),
    "a route ships no commodity": (
        [put("routes.'ore AUS'.commodity", "oree")],
        "unknown_commodity",
        "routes.'ore AUS'.commodity",
    ),
    "a route begins nowhere": ([put("routes.'ore AUS'.origin", "AUX")], "unknown_place", "routes.'ore AUS'.origin"),
    "a measure is for no origin": ([put("tariffs.mfn.origins", ["rival"])], "unknown_place", "tariffs.mfn.origins"),
    "a measure is for no importer": (
        [put("tariffs.mfn.destination", "UAS")],
        "unknown_place",
        "tariffs.mfn.destination",
    ),
    "a measure exempts no commodity": (
        [put("tariffs.mfn.except_commodities", ["mettal"])],
        "unknown_commodity",
        "tariffs.mfn.except_commodities",
    ),
    "a measure replaces none": ([put("tariffs.extra.replaces", "mfm")], "unknown_measure", "tariffs.extra.replaces"),
    "a stockpile holds no commodity": (
        [put("stockpiles.store.commodity", "metall")],
        "unknown_commodity",
        "stockpiles.store.commodity",
    ),
    "a reserve waits for no event": (
        [put("stockpiles.store.release_events", "b_n*")],
        "unknown_event",
        "stockpiles.store.release_events",
    ),
    "a demand is for no commodity": (
        [put("demands.user.commodity", "metal/refined")],
        "unknown_commodity",
        "demands.user.commodity",
    ),
    "a cap is on no commodity": ([put("limits.cap.commodity", "or")], "unknown_commodity", "limits.cap.commodity"),
    "a cap counts no place": ([put("limits.cap.places", "rival")], "unknown_place", "limits.cap.places"),
    "an event hits no place": ([put("events.ban.places", ["CHM"])], "unknown_place", "events.ban.places"),
    "an event hits no commodity": (
        [put("events.ban.commodities", "met/*")],
        "unknown_commodity",
        "events.ban.commodities",
    ),
    "an event hits no facility": (
        [put("events.ban", {"changes": "output", "onset": 2027, "availability_share": 0, "facilities": ["smelt"]})],
        "unknown_facility",
        "events.ban.facilities",
    ),
    "an event delays no project": (
        [put("events.ban", {"changes": "projects", "onset": 2027, "projects": "old*"})],
        "unknown_project",
        "events.ban.projects",
    ),
    "an event switches no measure": (
        [put("events.ban", {"changes": "tariffs", "onset": 2027, "switch_on": "extro"})],
        "unknown_measure",
        "events.ban.switch_on",
    ),
    "a future has no event": ([put("futures.ban.events", "bann")], "unknown_event", "futures.ban.events"),
    "a ban on no place": (
        [put(f"{USER}.source_bans.rule", {"places": "rivls"})],
        "unknown_place",
        f"{USER}.source_bans.rule.places",
    ),
    "a stockpile's ban on no place": (
        [put("stockpiles.store.source_bans.rule", {"places": "rivls"})],
        "unknown_place",
        "stockpiles.store.source_bans.rule.places",
    ),
    "an offer mined nowhere": ([put(f"{MINE}.mined_in", "AUZ")], "unknown_place", f"{MINE}.mined_in"),
    "an offer refined nowhere": ([put(f"{MINE}.refined_in", "AUZ")], "unknown_place", f"{MINE}.refined_in"),
    "a club where it does not count": (
        [put("places.CHN.memberships.club", {}), put("limits.cap.places", "club")],
        "unknown_place",
        "limits.cap.places",
    ),
    "a quota for no origin": (
        [put("tariffs.mfn.quota", {**QUOTA, "volume_by_origin_t_per_y": {"CHM": 3}})],
        "unknown_place",
        "tariffs.mfn.quota.volume_by_origin_t_per_y.CHM",
    ),
    "a substitute that is no commodity": (
        [put(f"{USER}.substitutes.other", {"commodity": "or"})],
        "unknown_commodity",
        f"{USER}.substitutes.other.commodity",
    ),
    "recycling of no commodity": (
        [put("recycling.scrap", {**SCRAP, "commodity": "mettal"})],
        "unknown_commodity",
        "recycling.scrap.commodity",
    ),
    "recycling nowhere": (
        [put("recycling.scrap", {**SCRAP, "place": "UAS"})],
        "unknown_place",
        "recycling.scrap.place",
    ),
    "recycling from no commodity": (
        [put("recycling.scrap", {**SCRAP, "from_commodity": "mettal"})],
        "unknown_commodity",
        "recycling.scrap.from_commodity",
    ),
    "a hazard at no place": (
        [put("hazards.strike", {**HAZARD, "places": "CHM"})],
        "unknown_place",
        "hazards.strike.places",
    ),
    "a hazard for no destination": (
        [put("hazards.strike", {**HAZARD, "destinations": "UAS"})],
        "unknown_place",
        "hazards.strike.destinations",
    ),
    "a hazard for no commodity": (
        [put("hazards.strike", {**HAZARD, "commodities": "mettal"})],
        "unknown_commodity",
        "hazards.strike.commodities",
    ),
    "a future follows none": (
        [*LATER, put("futures.late.after", "bann")],
        "unknown_future",
        "futures.late.after",
    ),
    "a limit for no future": ([put("limits.cap.futures", "bann")], "unknown_future", "limits.cap.futures"),
    "a limit for the loss of a place that cannot be lost": (
        [put("limits.loss", {**LOSS, "places": "CHN"}), put("limits.cap.futures", "without AUS")],
        "unknown_future",
        "limits.cap.futures",
    ),
    "a share at home of no commodity": (
        [put("limits.least", {**SHARE, "source": "domestic", "commodity": "mettal"})],
        "unknown_commodity",
        "limits.least.commodity",
    ),
    "the import reliance of no commodity": (
        [put("limits.net", {"kind": "net_import_reliance", "commodity": "mettal", "cap_share": 0.5})],
        "unknown_commodity",
        "limits.net.commodity",
    ),
    "the concentration of no commodity": (
        [put("limits.index", {"kind": "concentration_cap", "commodity": "mettal", "cap_index": 0.5})],
        "unknown_commodity",
        "limits.index.commodity",
    ),
    "the joint capacity of no facility": (
        [put("limits.tanks", {"kind": "joint_capacity", "facilities": ["mill"], "capacity_t_per_y": 5})],
        "unknown_facility",
        "limits.tanks.facilities",
    ),
    "a loss of no place": ([put("limits.loss", {**LOSS, "places": "CHM"})], "unknown_place", "limits.loss.places"),
    "a loss that no commodity stands": (
        [put("limits.loss", {**LOSS, "commodities": "mettal"})],
        "unknown_commodity",
        "limits.loss.commodities",
    ),
    # dates
    "a ban ends before it begins": (
        [put(f"{USER}.source_bans.rule", {"places": "AUS", "onset": 2028, "until": 2027})],
        "dates_out_of_order",
        f"{USER}.source_bans.rule.until",
    ),
    "a membership ends before it begins": (
        [put("places.CHN.memberships.club", {"onset": 2028, "until": 2028})],
        "dates_out_of_order",
        "places.CHN.memberships.club.until",
    ),
    "a loss ends before it begins": (
        [put("limits.loss", {**LOSS, "until": 2027})],
        "dates_out_of_order",
        "limits.loss.until",
    ),
    "a loss in the first period": (
        [put("limits.loss", {**LOSS, "onset": 2026})],
        "onset_too_early",
        "limits.loss.onset",
    ),
    "a loss after the horizon": ([put("limits.loss", {**LOSS, "onset": 2031})], "outside_horizon", "limits.loss.onset"),
    "a horizon beyond the last date": (
        [put("horizon.first_year", 9998), put("events.ban.onset", "9999-07-01"), put("events.ban.until", None)],
        "horizon_too_late",
        "horizon.period_years",
    ),
    "an onset in the first period": ([put("events.ban.onset", "2026-12-31")], "onset_too_early", "events.ban.onset"),
    "an onset before the horizon": ([put("events.ban.onset", 2020)], "onset_too_early", "events.ban.onset"),
    "an onset after the horizon": ([put("events.ban.onset", 2031)], "outside_horizon", "events.ban.onset"),
    "an event ends before it begins": ([put("events.ban.until", 2027)], "dates_out_of_order", "events.ban.until"),
    "a measure ends before it begins": (
        [put("tariffs.mfn.onset", 2028), put("tariffs.mfn.until", 2027)],
        "dates_out_of_order",
        "tariffs.mfn.until",
    ),
    "a latest start before the earliest": (
        [put(f"{PROJECT}.earliest_start", 2028), put(f"{PROJECT}.latest_start", 2026)],
        "dates_out_of_order",
        f"{PROJECT}.latest_start",
    ),
    "a latest onboarding before the earliest": (
        [put("routes.'metal CHN'.onboarding", {"earliest": 2029, "latest": 2027})],
        "dates_out_of_order",
        "routes.'metal CHN'.onboarding.latest",
    ),
    "a forced track longer than the horizon": (
        [put(f"{PROJECT}.forced_track", "standard"), put(f"{PROJECT}.tracks.standard.permit_years", 6)],
        "cannot_come_on_line",
        f"{PROJECT}.forced_track",
    ),
    "a commitment without a track": (
        [put(f"{PROJECT}.committed_start", 2025)],
        "no_forced_track",
        f"{PROJECT}.forced_track",
    ),
    "a commitment that requires what is not committed": (
        [
            put(f"{PROJECT}.committed_start", 2025),
            put(f"{PROJECT}.forced_track", "fast"),
            put(f"{PROJECT}.requires", ["second smelter"]),
        ],
        "requires_undecided",
        f"{PROJECT}.requires",
    ),
    "two commitments that exclude each other": (
        [
            put(f"{PROJECT}.committed_start", 2025),
            put(f"{PROJECT}.forced_track", "fast"),
            put("projects.'second smelter'.committed_start", 2025),
            put("projects.'second smelter'.forced_track", "standard"),
            put(f"{PROJECT}.excludes", ["second smelter"]),
        ],
        "both_committed",
        f"{PROJECT}.excludes",
    ),
    "an onboarding of a flow without limit": (
        [put("routes.'metal CHN'.onboarding", {"lead_years": 1}), put("commodities.metal.disposable", True)],
        "no_flow_limit",
        "routes.'metal CHN'.capacity_t_per_y",
    ),
    "a future that departs when all have departed": (
        [
            put("events.late", {**BAN, "places": ["CHN"], "onset": 2029}),
            put("futures.late", {"probability": 0, "events": ["late"]}),
            put("futures.ban.probability", 1),
        ],
        "never_comes",
        "futures.late",
    ),
    "a loss after all futures have departed": (
        [put("futures.ban.probability", 1), put("limits.loss", {**LOSS, "onset": 2029})],
        "never_comes",
        "limits.loss.onset",
    ),
    "a future that departs when all have left the one it follows": (
        [
            *LATER,
            put("horizon.period_years", [1, 2, 2, 2]),
            put("events.last", {**BAN, "onset": 2031, "places": "CHN"}),
            put("futures.ban.probability", 0),
            put("futures.last", {**LATE, "probability": 0, "events": ["last"]}),
        ],
        "never_comes",
        "futures.last",
    ),
    "a future that follows one that never departs": (
        [*LATER, put("futures.late.after", "calm")],
        "departs_too_early",
        "futures.late.after",
    ),
    "a future that departs with the one it follows": (
        [*LATER, put("events.late.onset", 2028)],
        "departs_too_early",
        "futures.late.after",
    ),
    "futures in a circle": (
        [*LATER, put("events.last", {**BAN, "onset": 2028, "places": "CHN"}), put("futures.late.after", "late")],
        "follows_itself",
        "futures.late.after",
    ),
    "a future that follows without an event": (
        [put("futures.late", {**LATE, "events": []})],
        "no_event",
        "futures.late.events",
    ),
    "a future that repeats an event": (
        [*LATER, put("futures.late.events", ["late", "ban"])],
        "repeated_event",
        "futures.late.events",
    ),
    "a stress test with a probability": (
        [*LATER, put("futures.late.stress", True)],
        "stress_probability",
        "futures.late.probability",
    ),
    "a future that follows a stress test": (
        [*LATER, put("futures.ban.stress", True), put("futures.ban.probability", 0)],
        "after_stress",
        "futures.late.after",
    ),
    "a limit on a future and the base path": (
        [put("limits.cap.futures", "ban"), put("limits.cap.applies_to", "base_path")],
        "two_scopes",
        "limits.cap.applies_to",
    ),
    "a loss in other futures than its own": (
        [put("limits.loss", {**LOSS, "futures": "ban"})],
        "two_scopes",
        "limits.loss.futures",
    ),
    "a future named as a loss": (
        [put("limits.loss", LOSS), put("futures.'without CHN'", {"stress": True, "events": ["ban"]})],
        "ambiguous_name",
        "futures.'without CHN'",
    ),
    # chances
    "probabilities of values that do not add to 1": (
        [put("hazards.strike", {**HAZARD, "duration_years": "1=0.5; 2=0.4"})],
        "sum_not_1",
        "hazards.strike.duration_years",
    ),
    "a triangle out of order": (
        [put("hazards.strike", {**HAZARD, "duration_years": {"low": 2, "mode": 1, "high": 3}})],
        "triangle",
        "hazards.strike.duration_years",
    ),
    "an availability above 1": (
        [put("hazards.strike", {**HAZARD, "availability_share": "0=0.5; 1.1=0.5"})],
        "out_of_bounds",
        "hazards.strike.availability_share",
    ),
    "destinations of lost output": (
        [put("hazards.strike", {**HAZARD, "changes": "output", "destinations": ["USA"]})],
        "no_destinations",
        "hazards.strike.destinations",
    ),
    "a hazard that meets no route": (
        [put("hazards.strike", {**HAZARD, "commodities": ["metal"]})],
        "no_match",
        "hazards.strike",
    ),
    "a hazard that meets no plant": (
        [put("hazards.strike", {**HAZARD, "changes": "output", "commodities": ["metal"]})],
        "no_match",
        "hazards.strike",
    ),
    "a draw from nothing": ([*DRAWN, drop("hazards")], "no_hazards", "sampling"),
    "more futures than draws": (
        [*DRAWN, put("sampling.draws", 4)],
        "too_few_draws",
        "sampling.futures",
    ),
    "a draw within one period": (
        [*DRAWN, put("horizon.period_years", [5]), drop("futures.ban"), drop("events.ban")],
        "no_second_period",
        "sampling",
    ),
    "a draw beside a future without probability": (
        [*DRAWN, drop("futures.calm.probability")],
        "probabilities",
        "futures",
    ),
    "a draw that is left nothing": ([*DRAWN, put("futures.calm.probability", 0.8)], "probabilities", "futures"),
    # numbers that must agree
    "a group for good and by date": (
        [put("places.CHN.memberships.rivals", {"until": 2028})],
        "two_memberships",
        "places.CHN.memberships.rivals",
    ),
    "a plant with inputs mined elsewhere": (
        [put("facilities.smelter.mined_in", "AUS")],
        "has_inputs",
        "facilities.smelter.mined_in",
    ),
    "an offer refined in a region": (
        [put("facilities.offer.refined_in", "Others")],
        "nested_region",
        "facilities.offer.refined_in",
    ),
    "a least use of no capacity": (
        [put("facilities.offer.minimum_utilisation_share", 0.5)],
        "no_capacity",
        "facilities.offer.minimum_utilisation_share",
    ),
    "a quota without a volume": (
        [put("tariffs.mfn.quota", {"in_quota_rate_share": 0})],
        "no_volume",
        "tariffs.mfn.quota.volume_t_per_y",
    ),
    "a quota for an origin the measure is not for": (
        [put("tariffs.extra.quota", {**QUOTA, "volume_by_origin_t_per_y": "CHN=3; AUS=1"})],
        "no_origin",
        "tariffs.extra.quota.volume_by_origin_t_per_y.AUS",
    ),
    "a quota by content": (
        [put("tariffs.mfn.quota", QUOTA), put("tariffs.mfn.origin_role", "mined_in")],
        "quota_by_content",
        "tariffs.mfn.origin_role",
    ),
    "a strategic reserve to be replenished": (
        [put("stockpiles.store.replenish_within_years", 2), put("stockpiles.store.cover_days", 30)],
        "no_replenishing",
        "stockpiles.store.replenish_within_years",
    ),
    "a stock to be replenished to nothing": (
        [put("stockpiles.store.replenish_within_years", 2), put("stockpiles.store.kind", "commercial")],
        "no_replenishing",
        "stockpiles.store.replenish_within_years",
    ),
    "an effect that fades without an end": (
        [put("events.ban.recovery_years", 1), put("facilities.offer.capacity_t_per_y", 50)],
        "no_end",
        "events.ban.recovery_years",
    ),
    "a ban that leaves a part of an unlimited offer": (
        [put("events.ban.availability_share", 0.5)],
        "part_of_unlimited",
        "events.ban.availability_share",
    ),
    "a tail of what is not the objective": (
        [put("risk", {"objective": "worst_future", "tail_weight": 0.5})],
        "two_objectives",
        "risk.objective",
    ),
    "regret of one future": (
        [put("risk.objective", "maximum_regret"), drop("futures.ban"), drop("events.ban")],
        "one_future",
        "risk.objective",
    ),
    "a substitute for itself": (
        [put(f"{USER}.substitutes.other", {"commodity": "metal"})],
        "refers_to_itself",
        f"{USER}.substitutes.other.commodity",
    ),
    "a substitute named as what it stands in for": (
        [put(f"{USER}.substitutes.itself", {"commodity": "ore"})],
        "ambiguous_name",
        f"{USER}.substitutes.itself",
    ),
    "recycling from use and besides": (
        [put("recycling.scrap", {**SCRAP, "available_t_per_y": 3})],
        "recycling",
        "recycling.scrap",
    ),
    "recycling from nothing": ([put("recycling.scrap", {"commodity": "metal"})], "recycling", "recycling.scrap"),
    "recycling of no part": (
        [put("recycling.scrap", {"commodity": "metal", "from_commodity": "metal"})],
        "recycling",
        "recycling.scrap.recovered_t_per_t",
    ),
    "recycling of a path of its own with a lag": (
        [put("recycling.scrap", {"commodity": "metal", "available_t_per_y": 3, "lag_years": 2})],
        "recycling",
        "recycling.scrap.lag_years",
    ),
    "members do not add to 1": (
        [put("places.Others.members", "CHN=0.4; AUS=0.5")],
        "sum_not_1",
        "places.Others.members",
    ),
    "a region within a region": (
        [put("places.More", {"members": {"Others": 1}})],
        "nested_region",
        "places.More.members.Others",
    ),
    "steps and a curve": (
        [
            put("facilities.mine.supply_curve", CURVE),
            put("facilities.mine.cost_kusd_per_t", 0),
            put("facilities.mine.steps", [{"width_t_per_y": 5, "cost_kusd_per_t": 1}]),
        ],
        "two_costs",
        "facilities.mine.supply_curve",
    ),
    "an offer without a price": (
        [drop("facilities.offer.cost_kusd_per_t")],
        "no_price",
        "facilities.offer.cost_kusd_per_t",
    ),
    "a project without inputs or a price": (
        [put(f"{PROJECT}.inputs", {})],
        "no_price",
        f"{PROJECT}.cost_kusd_per_t",
    ),
    "a curve without a price to begin at": (
        [drop("facilities.mine.cost_kusd_per_t"), put("facilities.mine.supply_curve", CURVE)],
        "no_price",
        "facilities.mine.cost_kusd_per_t",
    ),
    "a measure without a rate": ([drop("tariffs.mfn.rate_share")], "no_rate", "tariffs.mfn.rate_share"),
    "groups with a comma": ([put("places.AUS.groups", "allies, rivals")], "several_in_one", "places.AUS.groups"),
    "an item of a list with a comma": (
        [put("places.AUS.groups", ["allies, rivals"])],
        "several_in_one",
        "places.AUS.groups",
    ),
    "places on two lines of a cell": (
        [put("tariffs.mfn.origins", "CHN\nAUS")],
        "several_in_one",
        "tariffs.mfn.origins",
    ),
    "patterns with a comma": (
        [put("tariffs.mfn.commodities", "metal*, ore*")],
        "several_in_one",
        "tariffs.mfn.commodities",
    ),
    "steps and a cost": (
        [put("facilities.mine.steps", [{"width_t_per_y": 5, "cost_kusd_per_t": 1}])],
        "two_costs",
        "facilities.mine.cost_kusd_per_t",
    ),
    "a curve without elasticity or slope": (
        [put("facilities.mine.supply_curve", {"observed_t_per_y": 10})],
        "supply_curve",
        "facilities.mine.supply_curve",
    ),
    "a curve with elasticity and slope": (
        [put("facilities.mine.supply_curve", {**CURVE, "slope_kusd_per_t2_y": 1})],
        "supply_curve",
        "facilities.mine.supply_curve",
    ),
    "an elasticity at no volume": (
        [put("facilities.mine.supply_curve", {**CURVE, "observed_t_per_y": 0})],
        "supply_curve",
        "facilities.mine.supply_curve.elasticity",
    ),
    "an observed volume beyond the curve": (
        [put("facilities.mine.supply_curve", {**CURVE, "observed_t_per_y": 51})],
        "supply_curve",
        "facilities.mine.supply_curve.observed_t_per_y",
    ),
    "a curve without end": (
        [put("facilities.offer.supply_curve", {"observed_t_per_y": 10, "elasticity": 1})],
        "supply_curve",
        "facilities.offer.supply_curve.up_to_t_per_y",
    ),
    "a facility named as a project": (
        [put("facilities.'new smelter'", {"place": "USA", "outputs": {"metal": 1}, "inputs": {"ore": 2}})],
        "ambiguous_name",
        "facilities.'new smelter'",
    ),
    "capex is spent twice": (
        [put(f"{PROJECT}.capex_spending_share", "0.5; 0.6")],
        "sum_not_1",
        f"{PROJECT}.capex_spending_share",
    ),
    "a project requires itself": (
        [put(f"{PROJECT}.requires", ["new smelter"])],
        "refers_to_itself",
        f"{PROJECT}.requires",
    ),
    "a project requires what it excludes": (
        [put(f"{PROJECT}.requires", ["second smelter"]), put(f"{PROJECT}.excludes", ["second smelter"])],
        "contradiction",
        f"{PROJECT}.excludes",
    ),
    "a route that leads back": ([put("routes.'ore AUS'.origin", "USA")], "same_place", "routes.'ore AUS'.destination"),
    "an all-in measure with a rate": (
        [put("tariffs.extra.all_in_ceiling_share", 0.3)],
        "two_rates",
        "tariffs.extra.rate_share",
    ),
    "an opening stock above capacity": (
        [put("stockpiles.store.opening_t", 101)],
        "above_capacity",
        "stockpiles.store.opening_t",
    ),
    "shortage steps that end below 1": (
        [put("demands.user.shortage_penalty_kusd_per_t", "0.1=50; 0.9=400")],
        "shortage_steps",
        "demands.user.shortage_penalty_kusd_per_t",
    ),
    "shortage steps that do not rise": (
        [put("demands.user.shortage_penalty_kusd_per_t", "0.5=50; 0.2=60; 1=400")],
        "shortage_steps",
        "demands.user.shortage_penalty_kusd_per_t",
    ),
    "penalties that fall": (
        [put("demands.user.shortage_penalty_kusd_per_t", "0.1=400; 1=50")],
        "shortage_steps",
        "demands.user.shortage_penalty_kusd_per_t",
    ),
    "probabilities above 1": (
        [put("futures.calm.probability", 1), put("futures.ban.probability", 0.2)],
        "probabilities",
        "futures",
    ),
    "probabilities below 1": ([put("futures.calm.probability", 0.5)], "probabilities", "futures"),
    "two blank probabilities": ([put("futures.strike", {"events": ["ban"]})], "probabilities", "futures"),
    "only stress tests": (
        [drop("futures.calm"), put("futures.ban", {"stress": True, "events": ["ban"]})],
        "probabilities",
        "futures",
    ),
    # rules and flows
    "a demand nobody serves": (
        [put("commodities.gold", {"stage": "refined", "mineral_group": "gold"}), put("demands.user.commodity", "gold")],
        "unserved_demand",
        "demands.user",
    ),
    "a cap on what does not flow": ([put("limits.cap.places", "AUS")], "no_match", "limits.cap"),
    "a floor for a tier that wants nothing": (
        [put("limits.cap", {"kind": "service_floor", "tiers": "military", "served_share": 1})],
        "no_match",
        "limits.cap",
    ),
    "a ban where nothing is shipped": (
        [put("events.ban", {**BAN, "commodities": ["ore"], "places": ["CHN"]})],
        "no_match",
        "events.ban",
    ),
    "a strike where nothing is made": (
        [
            put(
                "events.ban",
                {"changes": "output", "places": "AUS", "commodities": "metal", "onset": 2027, "availability_share": 0},
            )
        ],
        "no_match",
        "events.ban",
    ),
    "a price rise at home": (
        [put("events.ban", {"changes": "price", "places": "USA", "onset": 2027, "factor": 2})],
        "no_match",
        "events.ban",
    ),
    "a demand that nobody has grows": (
        [put("events.ban", {"changes": "demand", "commodities": "ore", "onset": 2027, "factor": 2})],
        "no_match",
        "events.ban",
    ),
    "a tariff event that switches nothing": (
        [put("events.ban", {"changes": "tariffs", "onset": 2027})],
        "no_match",
        "events.ban",
    ),
    "a share recycled with nothing that recycles": (
        [put("limits.least", {**SHARE, "source": "recycled"})],
        "nobody_can",
        "limits.least",
    ),
    "a share made at home of what is only bought": (
        [drop("projects"), drop("facilities.smelter"), put("limits.least", {**SHARE, "source": "domestic"})],
        "nobody_can",
        "limits.least",
    ),
    "the import reliance of what is not imported": (
        [
            put("commodities.gold", {"stage": "refined", "mineral_group": "gold"}),
            put("limits.net", {"kind": "net_import_reliance", "commodity": "gold", "cap_share": 0.5}),
        ],
        "no_match",
        "limits.net",
    ),
    "the concentration of what does not flow": (
        [
            put("commodities.gold", {"stage": "refined", "mineral_group": "gold"}),
            put("limits.index", {"kind": "concentration_cap", "commodity": "gold", "cap_index": 0.5}),
        ],
        "no_match",
        "limits.index",
    ),
    "a loss of home": ([put("limits.loss", {**LOSS, "places": "USA"})], "no_match", "limits.loss"),
    "a loss that protects nobody": ([put("limits.loss", {**LOSS, "tiers": "military"})], "no_match", "limits.loss"),
    "a dear quota on a flow without limit": (
        [
            put("tariffs.mfn.quota", {**QUOTA, "in_quota_rate_share": 0.06}),
            drop("routes.'metal CHN'.onboarding"),
            put("commodities.metal.disposable", True),
        ],
        "no_flow_limit",
        "routes.'metal CHN'.capacity_t_per_y",
    ),
    "two quotas on one route": (
        [put("tariffs.mfn.quota", QUOTA), put("tariffs.extra.quota", QUOTA)],
        "two_quotas",
        "tariffs.extra.quota",
    ),
}

WARNINGS: dict[str, tuple[list[Patch], str, str]] = {
    "a dearer rate within the quota": (
        [put("tariffs.mfn.quota", {**QUOTA, "in_quota_rate_share": 0.06})],
        "quota_rates",
        "tariffs.mfn.quota.in_quota_rate_share",
    ),
    "a ban that is over": (
        [put(f"{USER}.source_bans.rule", {"places": "AUS", "until": 2026})],
        "outside_horizon",
        f"{USER}.source_bans.rule.until",
    ),
    "a ban yet to come": (
        [put(f"{USER}.source_bans.rule", {"places": "CHN", "role": "last_origin", "onset": 2031})],
        "outside_horizon",
        f"{USER}.source_bans.rule.onset",
    ),
    "a ban that leaves nothing": (
        [put(f"{USER}.source_bans.rule", {"places": "CHN; AUS"})],
        "no_clean_source",
        f"{USER}.source_bans.rule",
    ),
    "a ban of home": (
        [put(f"{USER}.source_bans.rule", {"places": "USA; rivals", "role": "last_origin"})],
        "no_clean_source",
        f"{USER}.source_bans.rule",
    ),
    "a limit on a future without years of its own": (
        [put("limits.cap.futures", "calm")],
        "unused",
        "limits.cap.futures",
    ),
    "hazards that are not drawn": ([put("hazards.strike", HAZARD)], "unused", "hazards.strike"),
    "a hazard that never comes": ([*DRAWN, put("hazards.strike.yearly_rate", 0)], "unused", "hazards.strike"),
    "a hazard that is over at once": ([*DRAWN, put("hazards.strike.duration_years", 0)], "unused", "hazards.strike"),
    "a hazard that takes nothing": ([*DRAWN, put("hazards.strike.availability_share", 1)], "unused", "hazards.strike"),
    "a correlation without a bloc": (
        [*DRAWN, put("hazards.strike.bloc_correlation", 0.5)],
        "unused",
        "hazards.strike.bloc_correlation",
    ),
    "a grant of no capex": (
        [put(f"{PROJECT}.grant_share", 0.3), put(f"{PROJECT}.capex_kusd", 0)],
        "unused",
        f"{PROJECT}.grant_share",
    ),
    "a facility without reserves": ([put(f"{MINE}.reserves_t", 0)], "never_runs", f"{MINE}.reserves_t"),
    "growth from nothing": (
        [put(f"{MINE}.growth", {"share_per_y": 0.1, "before_t_per_y": 0})],
        "never_runs",
        f"{MINE}.growth.seed_t_per_y",
    ),
    "growth of a project from nothing": (
        [put(f"{PROJECT}.growth", {"share_per_y": 0.1})],
        "never_runs",
        f"{PROJECT}.growth.seed_t_per_y",
    ),
    "a substitute that comes too late": (
        [put(f"{USER}.substitutes.other", {"delay_years": 4, "cost_kusd_per_t": 9})],
        "outside_horizon",
        f"{USER}.substitutes.other.delay_years",
    ),
    "a substitute after departure that comes too late": (
        [put(f"{USER}.substitutes.other", {"delay_years": 3, "after_departure": True, "cost_kusd_per_t": 9})],
        "outside_horizon",
        f"{USER}.substitutes.other.delay_years",
    ),
    "a substitute after no departure": (
        [
            put(f"{USER}.substitutes.other", {"after_departure": True, "cost_kusd_per_t": 9}),
            drop("futures.ban"),
            drop("events.ban"),
        ],
        "unused",
        f"{USER}.substitutes.other.after_departure",
    ),
    "an elastic demand that never gives way": (
        [put(f"{USER}.elastic", {"price_kusd_per_t": 10, "elasticity": 1, "down_to_share": 1})],
        "unused",
        f"{USER}.elastic.down_to_share",
    ),
    "a shortage cheaper than giving up": (
        [put(f"{USER}.elastic", {"price_kusd_per_t": 40, "elasticity": 1})],
        "shortage_before_price",
        f"{USER}.elastic",
    ),
    "more recycled than used": (
        [put("recycling.scrap", {**SCRAP, "recovered_t_per_t": 1.1})],
        "above_use",
        "recycling.scrap.recovered_t_per_t",
    ),
    "recycling of what nobody uses": (
        [put("recycling.scrap", {**SCRAP, "from_commodity": "ore", "past_use_t_per_y": 0})],
        "no_demand",
        "recycling.scrap.from_commodity",
    ),
    "recycling after the horizon": (
        [put("recycling.scrap", {**SCRAP, "past_use_t_per_y": 0, "lag_years": 4})],
        "outside_horizon",
        "recycling.scrap.lag_years",
    ),
    "numbers of a substitute for years after the horizon": (
        [put(f"{USER}.substitutes.other", {"limit_share": "2031=0.5", "cost_kusd_per_t": 9})],
        "outside_horizon",
        f"{USER}.substitutes.other.limit_share",
    ),
    "a soft share with nothing that recycles": (
        [put("limits.least", {**SHARE, "source": "recycled", "violation_price_kusd": 5})],
        "nobody_can",
        "limits.least",
    ),
    "too few sources for an index": (
        [put("limits.index", {"kind": "concentration_cap", "commodity": "metal", "cap_index": 0.4})],
        "too_few_sources",
        "limits.index.cap_index",
    ),
    "a budget for what is not": (
        [put("limits.cap", {"kind": "budget", "covers": "support", "amount_kusd_per_y": 5})],
        "unused",
        "limits.cap.covers",
    ),
    "slots nobody uses": (
        [
            put("limits.cap", {"kind": "permit_slots", "slots_per_y": 1}),
            put(f"{PROJECT}.tracks.standard.permit_slots", 0),
        ],
        "unused",
        "limits.cap",
    ),
    "a measure that is over": ([put("tariffs.mfn.until", 2026)], "outside_horizon", "tariffs.mfn.until"),
    "a measure yet to come": ([put("tariffs.mfn.onset", 2031)], "outside_horizon", "tariffs.mfn.onset"),
    "a year without its century": ([put("tariffs.mfn.onset", 26)], "unlikely_year", "tariffs.mfn.onset"),
    "a project too late to matter": (
        [put(f"{PROJECT}.earliest_start", 2030)],
        "outside_horizon",
        PROJECT,
    ),
    "an onboarding too late to matter": (
        [put("routes.'metal CHN'.onboarding.lead_years", 5)],
        "outside_horizon",
        "routes.'metal CHN'.onboarding",
    ),
    "numbers for years after the horizon": (
        [put("demands.user.quantity_t_per_y", "2031=5")],
        "outside_horizon",
        "demands.user.quantity_t_per_y",
    ),
    "an event in no future": ([put("events.strike", {**BAN, "places": ["CHN"]})], "unused", "events.strike"),
    "an all-in measure with nobody": (
        [
            put(
                "tariffs.extra",
                {"programme": "all_in", "hts": "8112", "all_in_ceiling_share": 0.15, "all_in_with": "mfm"},
            )
        ],
        "unused",
        "tariffs.extra.all_in_with",
    ),
    "a replacement without precedence": ([put("tariffs.extra.replaces", "mfn")], "unused", "tariffs.extra.replaces"),
    "a measure without a route": ([put("tariffs.extra.origins", "AUS")], "no_route", "tariffs.extra"),
    "a tariff code without a commodity": ([put("tariffs.extra.hts", "8112; 26")], "no_commodity", "tariffs.extra.hts"),
    "an exempt code without a commodity": (
        [put("tariffs.extra.except_hts", "26")],
        "no_commodity",
        "tariffs.extra.except_hts",
    ),
    "a code in more detail than a commodity's": (
        [put("commodities.ore.hts", "8112"), put("tariffs.mfn.hts", "8112.92.06")],
        "finer_code",
        "tariffs.mfn.hts",
    ),
    "an exempt code in more detail than a commodity's": (
        [put("commodities.metal.hts", "8112"), put("tariffs.mfn.except_hts", "8112.92.06")],
        "finer_code",
        "tariffs.mfn.except_hts",
    ),
    "a price of 0 among others": (
        [put("facilities.offer.cost_kusd_per_t", "2026=10; 2028=0")],
        "zero_price_year",
        "facilities.offer.cost_kusd_per_t",
    ),
    "a customs value of 0 among others": (
        [put("routes.'ore AUS'.customs_value_kusd_per_t", {"2026": 0, "2028": 3})],
        "zero_price_year",
        "routes.'ore AUS'.customs_value_kusd_per_t",
    ),
    "recycling that costs nothing because nothing is said": (
        [put("recycling.scrap", {key: value for key, value in SCRAP.items() if key != "cost_kusd_per_t"})],
        "no_price",
        "recycling.scrap.cost_kusd_per_t",
    ),
    "need given up for nothing because nothing is said": (
        [put(f"{USER}.substitutes.thrift", {"limit_share": 0.1})],
        "no_price",
        f"{USER}.substitutes.thrift.cost_kusd_per_t",
    ),
    "a pattern without a commodity": (
        [put("tariffs.mfn.commodities", "metal; gold/*")],
        "no_commodity",
        "tariffs.mfn.commodities",
    ),
    "a route without a customs value": (
        [drop("routes.'metal CHN'.customs_value_kusd_per_t")],
        "no_customs_value",
        "routes.'metal CHN'.customs_value_kusd_per_t",
    ),
    "metal value without a price": (
        [drop("commodities.metal.reference_price_kusd_per_t"), put("tariffs.mfn.base", "metal_value")],
        "no_reference_price",
        "commodities.metal.reference_price_kusd_per_t",
    ),
    "a cover for what nobody demands": (
        [put("stockpiles.store.commodity", "ore"), put("stockpiles.store.cover_days", 90)],
        "no_demand",
        "stockpiles.store.cover_days",
    ),
    "a cap on the only source": (
        [put("limits.only", {"kind": "share_cap", "commodity": "ore", "places": ["AUS"], "cap_share": 0.5})],
        "met_by_nothing",
        "limits.only.cap_share",
    ),
    "a ban from the middle of a period on": (
        [put("events.ban.onset", "2027-07-01")],
        "open_part_of_period",
        "events.ban.onset",
    ),
    "a part of a route that is fed by its own offers and otherwise": (
        [
            put("routes.'back to AUS'", {"commodity": "ore", "origin": "USA", "destination": "AUS"}),
            put("events.ban.commodities", ["ore"]),
            put("events.ban.places", ["AUS"]),
            put("events.ban.availability_share", 0.5),
        ],
        "part_of_own_offers",
        "events.ban",
    ),
    "a cover beyond the room": (
        [put("stockpiles.store.kind", "commercial"), put("stockpiles.store.cover_days", 1000)],
        "cover_above_room",
        "stockpiles.store.capacity_t",
    ),
    "a stock budget without a price": (
        [
            drop("commodities.metal.reference_price_kusd_per_t"),
            put("limits.cap", {"kind": "budget", "covers": "stock", "amount_kusd_per_y": 5}),
        ],
        "no_reference_price",
        "commodities.metal.reference_price_kusd_per_t",
    ),
}


def test_the_scenario_that_is_broken_below_is_valid_and_raises_no_warning() -> None:
    assert find_warnings(scenarios.load(tiny())).open == []


@pytest.mark.parametrize("case", TRIPS)
def test_a_check_finds_what_it_is_for_and_nothing_else(case: str) -> None:
    patches, code, path = TRIPS[case]

    found = the_problem_of(tiny(), patches)

    assert (found.code, found.path) == (code, path)


@pytest.mark.parametrize("case", WARNINGS)
def test_a_warning_comes_for_what_it_is_for_and_nothing_else(case: str) -> None:
    patches, code, path = WARNINGS[case]

    found = find_warnings(scenarios.load(tiny(), patches)).open

    assert [(warning.code, warning.path) for warning in found] == [(code, path)]


GOOD: dict[str, list[Patch]] = {
    "a club that a tariff measure names": [
        put("places.CHN.memberships.club", {"onset": 2027}),
        put("tariffs.extra.origins", "club"),
        put("tariffs.mfn.except_origins", "club"),
    ],
    "a measure on what is made of ore": [
        put("tariffs.mfn.commodities", "ore"),
        put("tariffs.mfn.includes_derivatives", True),
        put("routes.'ore AUS'.customs_value_kusd_per_t", 3),
    ],
    "a measure on content that comes by another place": [
        put("tariffs.mfn.origin_role", "mined_in"),
        put("tariffs.mfn.origins", "AUS"),
    ],
    "an own volume of an origin that belongs to a club": [
        put("places.CHN.memberships.club", {"until": 2027}),
        put("tariffs.extra.origins", "club"),
        put("tariffs.extra.quota", {**QUOTA, "volume_t_per_y": 0, "volume_by_origin_t_per_y": {"CHN": 1}}),
    ],
    "a cap on content that no route starts from": [
        put("limits.cap", {**tiny()["limits"]["cap"], "places": "AUS", "origin_role": "mined_in"})
    ],
    "a ban of what is mined elsewhere": [put(f"{USER}.source_bans.rule", {"places": "AUS", "role": "mined_in"})],
    "a ban of what is refined where ore is only mined": [
        put(f"{USER}.source_bans.rule", {"places": "AUS; CHN", "role": "refined_in"})
    ],
    "a ban that recycling meets": [
        put(f"{USER}.source_bans.rule", {"places": "CHN; AUS"}),
        put("recycling.scrap", SCRAP),
    ],
    "a ban that a stockpile holds to": [
        put(f"{USER}.source_bans.rule", {"places": "CHN; AUS"}),
        put("stockpiles.store.source_bans.other", {"places": ["AUS", "rivals"]}),
    ],
    "a ban that a substitute meets": [
        put(f"{USER}.source_bans.rule", {"places": "CHN; AUS"}),
        put(f"{USER}.substitutes.thrift", {"limit_share": 0.1, "cost_kusd_per_t": 9}),
    ],
    "a ban of the last origin, passed by a third place": [
        put("routes.by AUS", {"commodity": "metal", "origin": "CHN", "destination": "AUS"}),
        put("routes.on", {"commodity": "metal", "origin": "AUS", "destination": "USA", "customs_value_kusd_per_t": 9}),
        put(f"{USER}.source_bans.rule", {"places": "CHN; USA", "role": "last_origin"}),
    ],
    "a list that names something with a comma": [
        put("places.'Korea, Republic of'", {}),
        put("tariffs.mfn.except_origins", ["Korea, Republic of", "AUS"]),
    ],
    "a price that is said to be 0": [put("facilities.offer.cost_kusd_per_t", 0)],
    "a rate that is said to be 0": [put("tariffs.mfn.rate_share", 0)],
    "a demand that only recycling serves": [
        put("commodities.gold", {"stage": "refined", "mineral_group": "gold"}),
        put(f"{USER}.commodity", "gold"),
        put("recycling.scrap", {"commodity": "gold", "available_t_per_y": 3, "cost_kusd_per_t": 1}),
    ],
    "a demand that only a substitute serves": [
        put("commodities.gold", {"stage": "refined", "mineral_group": "gold"}),
        put(f"{USER}.commodity", "gold"),
        put(f"{USER}.substitutes.metal", {"commodity": "metal"}),
    ],
    "futures in a line, stress tests in a line, and limits on them": [
        *LATER,
        put("futures.test", {"stress": True, "events": ["ban"]}),
        put("futures.late test", {"stress": True, "events": ["late"], "after": "test"}),
        put("limits.cap.futures", ["*test", "late"]),
    ],
    "losses of places by two limits, and another limit on one of them": [
        put("limits.loss", LOSS),
        put("limits.other", {**LOSS, "places": "rivals"}),
        put("limits.cap.futures", ["without CHN (loss)", "without AUS"]),
    ],
    "shares and an index that home can serve": [
        put("limits.least", {**SHARE, "source": "domestic"}),
        put("limits.recycled", {**SHARE, "source": "recycled"}),
        put("limits.net", {"kind": "net_import_reliance", "commodity": "ore", "cap_share": 1}),
        put("limits.index", {"kind": "concentration_cap", "commodity": "metal", "cap_index": 0.5}),
        put("commodities.ore.stage", "scrap"),
    ],
    "regret of futures that are drawn": [*DRAWN, put("risk.objective", "maximum_regret")],
    "growth from what ran before, or by a seed": [
        put(f"{MINE}.growth", {"share_per_y": 0.1, "before_t_per_y": 3}),
        put(f"{PROJECT}.growth", {"share_per_y": 0.1, "seed_t_per_y": 2}),
    ],
    "a commercial stock that is replenished": [
        put("stockpiles.store.kind", "commercial"),
        put("stockpiles.store.cover_days", 30),
        put("stockpiles.store.replenish_within_years", 2),
    ],
    "a budget for grants": [
        put(f"{PROJECT}.grant_share", 0.3),
        put("limits.budget", {"kind": "budget", "covers": "support", "amount_kusd_per_y": 5}),
    ],
}


@pytest.mark.parametrize("case", GOOD)
def test_what_makes_sense_loads_without_a_warning(case: str) -> None:
    assert find_warnings(scenarios.load(tiny(), GOOD[case])).open == []


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        ("sampling", {"futures": 0}, "sampling.futures"),
        ("hazards.strike.yearly_rate", 2, "hazards.strike.yearly_rate"),
        ("futures.ban.probability", 2, "futures.ban.probability"),
        ("risk", {"objective": "regret"}, "risk.objective"),
    ],
)
def test_what_depends_on_a_broken_part_waits_until_it_can_be_read(path: str, value: Any, wrong: str) -> None:
    found = the_problem_of(tiny(), [*DRAWN, put("risk.objective", "maximum_regret"), put(path, value)])

    assert found.path == wrong


def test_no_check_is_without_a_scenario_that_trips_it() -> None:
    folder = Path(rules.__file__).parent
    text = "".join(path.read_text() for path in folder.glob("*.py"))
    codes = set(re.findall(r'note\(\s*"(\w+)"', text))

    tripped = {code for _, code, _ in [*TRIPS.values(), *WARNINGS.values()]}

    assert codes - tripped == set()
    assert "probabilities" in codes


def test_a_wrong_sum_of_probabilities_names_the_sum_and_the_futures() -> None:
    found = the_problem_of(tiny(), [put("futures.calm.probability", 1), put("futures.ban.probability", 0.2)])

    assert "1.2" in found.message
    assert "calm" in found.message
    assert "ban" in found.message
    assert found.value == pytest.approx(1.2)


def test_an_unknown_name_is_answered_with_the_closest_ones() -> None:
    found = the_problem_of(tiny(), [put("routes.'ore AUS'.origin", "Aus")])

    assert found.value == "Aus"
    assert found.remedy is not None
    assert "`AUS`" in found.remedy


def test_a_demand_nobody_serves_is_told_which_input_its_plant_lacks() -> None:
    found = the_problem_of(
        tiny(), [drop("facilities.offer"), drop("stockpiles.store"), drop("routes.'ore AUS'"), drop("tariffs")]
    )

    assert found.code == "unserved_demand"
    assert found.remedy == "`smelter` at `USA` makes it but cannot get `ore`."


NEVER_WITHIN = {2000: 7, 2001: 0, 2100: 7}


@pytest.mark.parametrize(
    "path",
    ["facilities.mine.capacity_t_per_y", "routes.'ore AUS'.capacity_t_per_y", "facilities.smelter.capacity_t_per_y"],
)
def test_what_runs_or_carries_only_outside_of_the_horizon_serves_no_demand(path: str) -> None:
    alone = [drop("facilities.offer"), drop("stockpiles.store"), drop("tariffs"), drop("projects")]

    assert the_problem_of(tiny(), [*alone, put(path, NEVER_WITHIN)]).code == "unserved_demand"
    scenarios.load(tiny(), [*alone, put(path, {2000: 7, 2027: 0})])
    scenarios.load(tiny(), [*alone, put(path, {2027: 0, 2030: 7})])


def test_a_demand_that_nobody_serves_but_that_comes_only_outside_of_the_horizon_needs_nobody() -> None:
    nobody = [drop("facilities.offer"), drop("stockpiles.store"), drop("routes.'ore AUS'"), drop("tariffs")]

    scenarios.load(tiny(), [*nobody, put("demands.user.quantity_t_per_y", NEVER_WITHIN)])


def test_a_broken_entry_does_not_hide_what_is_wrong_elsewhere_nor_make_its_name_unknown() -> None:
    patches = [
        put("facilities.offer.capacity_t_per_y", -5),
        put("futures.calm.probability", 0.5),
        put("demands.user.commodity", "mettal"),
    ]

    data = tiny()
    data["places"]["CHN"] = {"grups": ["rivals"]}

    found = {(problem.code, problem.path) for problem in problems_of(data, patches)}

    assert found == {
        ("out_of_bounds", "facilities.offer.capacity_t_per_y"),
        ("unknown_field", "places.CHN.grups"),
        ("probabilities", "futures"),
        ("unknown_commodity", "demands.user.commodity"),
    }


def test_two_hundred_problems_are_two_hundred_problems() -> None:
    data = tiny()
    data["routes"] |= {
        f"r{number}": {"commodity": "metal", "origin": "XXX", "destination": "USA"} for number in range(120)
    }
    data["facilities"] |= {
        f"f{number}": {"place": "CHN", "outputs": {"metal": 1}, "capacity_t_per_y": -1} for number in range(80)
    }

    assert len(problems_of(data)) == 200
