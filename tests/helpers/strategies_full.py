"""Random small scenarios that combine the concepts of the whole formulation, each of which can be taken out again.

A concept is a function that adds itself to a scenario drawn before and returns how it is undone, or None where the
scenario offers no room for it.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from strategies import FIRST_YEAR, Data, project, scenarios
from volumes import with_volumes

Undo = Callable[[Data], Any]
Add = Callable[[st.DrawFn, Data], Undo | None]

CONCEPTS: dict[str, Add] = {}


@dataclass(frozen=True)
class Drawn:
    """A scenario, and by concept how it is undone."""

    data: Data
    undo: dict[str, Undo] = field(repr=False)

    def without(self, concept: str) -> Data:
        data = deepcopy(self.data)
        self.undo[concept](data)
        return data


def concept(add: Add) -> Add:
    CONCEPTS[add.__name__.replace("_", " ")] = add
    return add


@st.composite
def full_scenarios(draw: st.DrawFn, *, wanted: tuple[str, ...] = (), most: int = 6) -> Drawn:
    """A scenario with those wanted of the concepts that find room, and some others."""
    data = draw(scenarios(most_projects=1, most_periods=3, most_commodities=2, branches=draw(st.booleans())))
    _simplify(data)
    others = draw(st.sets(st.sampled_from(sorted(CONCEPTS)), min_size=min(2, most), max_size=most))
    undo = {}
    for name, add in CONCEPTS.items():
        if (name in others or name in wanted) and (undone := add(draw, data)):
            undo[name] = undone
    return Drawn(with_volumes(data, 200), undo)


def _simplify(data: Data) -> None:
    """One onboarding at most, for there to be few combinations of decisions."""
    asked = [route for route in data["routes"].values() if "onboarding" in route]
    for route in asked[1:]:
        del route["onboarding"]
    data["recycling"] = {}


def _drop(collection: str, *names: str) -> Undo:
    def undo(data: Data) -> None:
        for name in names:
            data[collection].pop(name, None)

    return undo


# What the years may bring: first, for the others to refer to


@concept
def recovery(draw: st.DrawFn, data: Data) -> Undo:
    fading = [name for name, event in data["events"].items() if event["until"] and event["changes"] in FADING]
    if not fading:
        fading = data["futures"][_new_future(draw, data)]["events"]
    name = draw(st.sampled_from(fading))
    data["events"][name]["recovery_years"] = draw(st.sampled_from([0.5, 1.0, 2.5]))
    return lambda d: d["events"][name].pop("recovery_years")


FADING = ("exports", "output", "price", "demand")


@concept
def follower(draw: st.DrawFn, data: Data) -> Undo:
    """A future that follows another one in which exports from the chief source stop besides."""
    followed = _departing(data, room=1) or [_new_future(draw, data)]
    name = draw(st.sampled_from(followed))
    year = _departure_year(data, name)
    later = [start for start in _starts(data) if start > year]
    onset = date(draw(st.sampled_from(later)), draw(st.sampled_from([1, 7])), 1)
    hit = draw(st.sampled_from([["CHN"], ["rivals"]]))
    data["events"]["second blow"] = {
        "changes": draw(st.sampled_from(["exports", "output"])),
        "places": hit,
        "onset": onset.isoformat(),
        "until": None,
        "availability_share": draw(st.sampled_from([0.0, 0.3])),
    }
    probability = data["futures"][name]["probability"]
    part = draw(st.sampled_from([0.25, 0.5]))
    data["futures"][name]["probability"] = (1 - part) * probability
    data["futures"]["follower"] = {"probability": part * probability, "events": ["second blow"], "after": name}

    def undo(d: Data) -> None:
        del d["events"]["second blow"], d["futures"]["follower"]
        d["futures"][name]["probability"] = probability
        _forget_future(d, "follower")

    return undo


@concept
def stress(draw: st.DrawFn, data: Data) -> Undo:
    """A test in which a place fails and somebody has to be served all the same."""
    after = [name for name in _departing(data, room=1) if "after" not in data["futures"][name]]
    follows = draw(st.sampled_from(after)) if after and draw(st.booleans()) else None
    starts = _starts(data)[1:]
    if follows is not None:
        starts = [start for start in starts if start > _departure_year(data, follows)]
    data["events"]["blockade"] = {
        "changes": "exports",
        "places": draw(st.sampled_from([["*"], ["CHN"], ["CHN", "AUS"], ["*"]])),
        "onset": date(draw(st.sampled_from(starts)), 1, 1).isoformat(),
        "until": None,
        "availability_share": draw(st.sampled_from([0.0, 0.0, 0.3])),
    }
    data["futures"]["test"] = {"stress": True, "events": ["blockade"], **({"after": follows} if follows else {})}
    data["futures"].setdefault("calm", {})
    data["limits"]["stand"] = {
        "kind": "service_floor",
        "tiers": ["other"],
        "served_share": draw(st.sampled_from([0.9, 0.6, 0.3])),
        "violation_price_kusd": draw(st.sampled_from([5.0, 40.0])),
        "futures": ["test"],
    }

    def undo(d: Data) -> None:
        del d["events"]["blockade"], d["futures"]["test"], d["limits"]["stand"]

    return undo


# Supply


@concept
def chain(draw: st.DrawFn, data: Data) -> Undo:
    """Ore from two places, refined at two, made into metal at home."""
    cheap = st.integers(1, 4)
    data["commodities"]["ore"] = {"stage": "ore", "mineral_group": "light", "disposable": True}
    data["commodities"]["powder"] = {
        "stage": "refined",
        "mineral_group": "light",
        "disposable": True,
        "reference_price_kusd_per_t": 6.0,
    }
    facilities: Data = {
        "mine CHN": {"place": "CHN", "outputs": {"ore": 1}, "cost_kusd_per_t": draw(cheap)},
        "mine AUS": {"place": "AUS", "outputs": {"ore": 1}, "cost_kusd_per_t": 1 + draw(cheap)},
        "refinery CHN": {"place": "CHN", "inputs": {"ore": 1.5}, "outputs": {"powder": 1}},
        "refinery CHL": {"place": "CHL", "inputs": {"ore": draw(st.sampled_from([1, 2]))}, "outputs": {"powder": 1}},
        "smelter": {"place": "USA", "inputs": {"powder": 1}, "outputs": {"metal": 1}},
    }
    for name in ("refinery CHN", "refinery CHL", "smelter"):
        facilities[name] |= {"cost_kusd_per_t": draw(cheap), "capacity_t_per_y": draw(st.integers(20, 90))}
    if draw(st.booleans()) and "alloy" in data["commodities"]:
        facilities["smelter"]["inputs"]["alloy"] = 0.25
    if draw(st.booleans()):
        facilities["mine AUS"] |= {"mined_in": draw(st.sampled_from(["CHN", "CHL"]))}
    data["facilities"] |= facilities
    for good, origin, destination in (
        ("ore", "CHN", "CHL"),
        ("ore", "AUS", "CHL"),
        ("powder", "CHN", "USA"),
        ("powder", "CHL", "USA"),
    ):
        data["routes"][f"{good} {origin}-{destination}"] = {
            "commodity": good,
            "origin": origin,
            "destination": destination,
            "freight_kusd_per_t": draw(st.sampled_from([0.0, 0.5])),
            "customs_value_kusd_per_t": draw(st.sampled_from([4.0, 6.0])),
        }
    return lambda d: d["facilities"]["smelter"].update(capacity_t_per_y=0)


@concept
def region(draw: st.DrawFn, data: Data) -> Undo:
    """An offer from a region one half of which is a rival."""
    data["places"]["EUR"] = {"members": {"CHN": 0.5, "AUS": 0.5}}
    data["facilities"]["EUR metal"] = {
        "place": "EUR",
        "outputs": {"metal": 1},
        "cost_kusd_per_t": draw(st.integers(4, 14)),
        "capacity_t_per_y": draw(st.integers(20, 80)),
    }
    data["routes"]["metal EUR"] = {
        "commodity": "metal",
        "origin": "EUR",
        "destination": "USA",
        "customs_value_kusd_per_t": 9.0,
    }
    return lambda d: d["facilities"]["EUR metal"].update(capacity_t_per_y=0)


@concept
def recycling(draw: st.DrawFn, data: Data) -> Undo:
    """Metal, or scrap that is melted at home, from past use or on a path of its own."""
    melted = draw(st.booleans())
    rule: Data = {"commodity": "scrap" if melted else "metal", "cost_kusd_per_t": draw(st.integers(0, 4))}
    if draw(st.integers(0, 3)):
        rule |= {
            "from_commodity": "metal",
            "recovered_t_per_t": draw(st.sampled_from([0.3, 0.8, {FIRST_YEAR: 0.2, 2028: 0.9}])),
            "lag_years": draw(st.sampled_from([0, 0.5, 1, 2])),
            "past_use_t_per_y": draw(st.sampled_from([0, 40, {2020: 10, 2025: 50}])),
        }
    else:
        rule["available_t_per_y"] = draw(st.sampled_from([10, {FIRST_YEAR: 5, 2028: 40}]))
    if melted:
        data["commodities"]["scrap"] = {"stage": "scrap", "mineral_group": "light", "disposable": True}
        data["facilities"]["melter"] = {"place": "USA", "inputs": {"scrap": 1.25}, "outputs": {"metal": 1}}
        data["facilities"]["melter"] |= {"cost_kusd_per_t": 1, "capacity_t_per_y": draw(st.integers(10, 60))}
    data["recycling"]["loop"] = rule
    available = {"commodity": rule["commodity"], "available_t_per_y": 0.0}
    return lambda d: d["recycling"].update(loop=available)


@concept
def minimum_utilisation(draw: st.DrawFn, data: Data) -> Undo | None:
    bounded = [
        name
        for table in ("facilities", "projects")
        for name, maker in data[table].items()
        if "capacity_t_per_y" in maker and (not maker.get("inputs") or "alloy" not in maker["inputs"])
    ]
    if not bounded:
        return None
    name = draw(st.sampled_from(bounded))
    table = "projects" if name in data["projects"] else "facilities"
    data[table][name]["minimum_utilisation_share"] = draw(st.sampled_from([0.3, 0.8]))
    return lambda d: d[table][name].pop("minimum_utilisation_share")


@concept
def growth(draw: st.DrawFn, data: Data) -> Undo:
    name = draw(st.sampled_from(_cheap_makers(data)))
    rule: Data = {"share_per_y": draw(st.sampled_from([0.0, 0.2])), "seed_t_per_y": draw(st.sampled_from([0, 5]))}
    if draw(st.integers(0, 3)):
        rule["before_t_per_y"] = draw(st.sampled_from([2, 10]))
    data["facilities"][name]["growth"] = rule
    return lambda d: d["facilities"][name].pop("growth")


@concept
def reserves(draw: st.DrawFn, data: Data) -> Undo:
    name = draw(st.sampled_from(_cheap_makers(data)))
    data["facilities"][name]["reserves_t"] = draw(st.sampled_from([10, 60, 150]))
    return lambda d: d["facilities"][name].pop("reserves_t")


@concept
def grant(draw: st.DrawFn, data: Data) -> Undo:
    if not data["projects"]:
        data["projects"]["project 0"] = draw(project(data, False))
    name = sorted(data["projects"])[0]
    data["projects"][name]["grant_share"] = draw(st.sampled_from([0.3, 1.0]))
    return lambda d: d["projects"][name].pop("grant_share")


# Demands and stocks


@concept
def substitute(draw: st.DrawFn, data: Data) -> Undo:
    name = draw(st.sampled_from(sorted(data["demands"])))
    others = [good for good in ("metal", "alloy") if good in data["commodities"]]
    other = draw(st.sampled_from([*others, None]))
    entry: Data = {
        "limit_share": draw(st.sampled_from([0.3, 1.0, {FIRST_YEAR: 0.1, 2028: 0.8}])),
        "cost_kusd_per_t": draw(st.integers(1, 25)),
        "delay_years": draw(st.sampled_from([0, 0, 0.5, 1])),
        "after_departure": draw(st.booleans()),
    }
    if other is not None and other != data["demands"][name]["commodity"]:
        entry |= {"commodity": other, "ratio_t_per_t": draw(st.sampled_from([0.6, 1.5]))}
    data["demands"][name]["substitutes"] = {"instead": entry}
    return lambda d: d["demands"][name].pop("substitutes")


@concept
def elastic(draw: st.DrawFn, data: Data) -> Undo:
    name = draw(st.sampled_from(sorted(data["demands"])))
    data["demands"][name]["elastic"] = {
        "price_kusd_per_t": draw(st.sampled_from([6, 12])),
        "elasticity": draw(st.sampled_from([0.3, 1.0])),
        "down_to_share": draw(st.sampled_from([0.0, 0.5])),
        "steps": draw(st.integers(1, 3)),
    }
    return lambda d: d["demands"][name].pop("elastic")


@st.composite
def _ban(draw: st.DrawFn, data: Data) -> Data:
    places = [["CHN"], ["rivals"], ["CHL"], ["CHN", "CHL"], *([["EUR"]] if "EUR" in data["places"] else [])]
    roles = ["any_stage", "any_stage", "mined_in", "refined_in", "last_origin"]
    onset, until = draw(st.sampled_from([(None, None), ("2027-07-01", None), (None, "2028-03-01"), ("2027", "2028")]))
    return {
        "places": draw(st.sampled_from(places)),
        "role": draw(st.sampled_from(roles)),
        "onset": onset,
        "until": until,
    }


@concept
def demand_ban(draw: st.DrawFn, data: Data) -> Undo:
    name = draw(st.sampled_from([name for name in sorted(data["demands"]) if name.startswith("metal")]))
    bans = {"ban": draw(_ban(data))}
    if draw(st.integers(0, 3)) == 0:
        bans["another"] = draw(_ban(data))
    data["demands"][name]["source_bans"] = bans
    return lambda d: d["demands"][name].pop("source_bans")


@concept
def replenished_cover(draw: st.DrawFn, data: Data) -> Undo:
    store = _store(data)
    store["kind"] = "commercial"
    store["cover_days"] = draw(st.sampled_from([30, 120]))
    store["replenish_within_years"] = draw(st.sampled_from([0.5, 1, 2]))
    store["capacity_t"] = store["fill_t_per_y"] = None

    def undo(d: Data) -> None:
        for key in ("cover_days", "replenish_within_years"):
            del d["stockpiles"]["store"][key]

    return undo


@concept
def stock_ban(draw: st.DrawFn, data: Data) -> Undo:
    _store(data).update(end_value_kusd_per_t=draw(st.sampled_from([17, 0])), capacity_t=60)
    _store(data)["source_bans"] = {"ban": {"places": draw(st.sampled_from([["CHN"], ["rivals"]])), "role": "any_stage"}}
    return lambda d: d["stockpiles"]["store"].pop("source_bans")


def _store(data: Data) -> Data:
    plain = {"commodity": "metal", "opening_t": 15, "holding_kusd_per_t_y": 0.2}
    return data["stockpiles"].setdefault("store", plain)


# Duties


def _goods(data: Data) -> list[str]:
    return [good for good in ("metal", "powder") if good in data["commodities"]]


@concept
def content_duty(draw: st.DrawFn, data: Data) -> Undo:
    data["tariffs"]["content"] = {
        "programme": "content",
        "origins": [draw(st.sampled_from(["CHN", "rivals", "AUS"]))],
        "except_origins": draw(st.sampled_from([[], [], ["CHL"]])),
        "origin_role": draw(st.sampled_from(["any_stage", "mined_in", "refined_in"])),
        "commodities": _goods(data),
        "rate_share": draw(st.sampled_from([0.2, 0.8])),
        "rate_kusd_per_t_gross": draw(st.sampled_from([0.0, 1.0])),
        "precedence": 2,
        "replaces": draw(st.sampled_from([[], ["mfn"]])) if "flat" in data["tariffs"] else [],
        "onset": draw(st.sampled_from([None, "2027-04-01"])),
    }
    return _drop("tariffs", "content")


@concept
def derivatives_duty(draw: st.DrawFn, data: Data) -> Undo | None:
    named = [good for good in ("powder", "alloy") if good in data["commodities"]]
    if not named:
        return None
    data["tariffs"]["derivatives"] = {
        "programme": "232",
        "origins": ["rivals"],
        "commodities": [draw(st.sampled_from(named))],
        "includes_derivatives": True,
        "except_commodities": draw(st.sampled_from([[], ["powder"]])) if "powder" in named else [],
        "rate_share": 0.6,
    }
    return lambda d: d["tariffs"]["derivatives"].update(includes_derivatives=False)


def _no_other_quota(data: Data) -> None:
    """A route can be under one quota only."""
    for measure in data["tariffs"].values():
        measure.pop("quota", None)


@concept
def quota_by_origin(draw: st.DrawFn, data: Data) -> Undo:
    _no_other_quota(data)
    data["tariffs"]["by origin"] = {
        "programme": "trq",
        "origins": ["*"],
        "except_origins": ["AUS"],
        "commodities": ["metal"],
        "rate_share": draw(st.sampled_from([0.3, 0.8])),
        "quota": {
            "volume_t_per_y": draw(st.sampled_from([0, 10])),
            "volume_by_origin_t_per_y": {"CHN": draw(st.sampled_from([5, 30]))},
            "in_quota_rate_share": draw(st.sampled_from([0.0, 0.1])),
        },
    }
    return lambda d: d["tariffs"]["by origin"]["quota"].update(volume_t_per_y=20, volume_by_origin_t_per_y={})


@concept
def quota_that_fills_first(draw: st.DrawFn, data: Data) -> Undo | None:
    """Dearer within than beyond, on routes that cannot carry without end."""
    if "by origin" in data["tariffs"]:
        return None
    _no_other_quota(data)
    for name, route in data["routes"].items():
        if name in ("metal CHN", "metal CHL"):
            route.setdefault("capacity_t_per_y", 90)
    data["tariffs"]["fills first"] = {
        "programme": "odd",
        "origins": ["rivals"],
        "commodities": ["metal"],
        "rate_share": 0.05,
        "quota": {
            "volume_t_per_y": draw(st.sampled_from([10, 40])),
            "in_quota_rate_share": draw(st.sampled_from([0.5, 1.5])),
        },
        "onset": draw(st.sampled_from([None, "2027-07-01"])),
    }
    return lambda d: d["tariffs"]["fills first"]["quota"].update(in_quota_rate_share=0.05)


@concept
def membership(draw: st.DrawFn, data: Data) -> Undo:
    onset, until = draw(st.sampled_from([("2027-05-01", None), (None, "2027-10-01"), ("2026-07-01", "2028-07-01")]))
    data["places"]["CHN"]["memberships"] = {"club": {"onset": onset, "until": until}}
    field_name = draw(st.sampled_from(["origins", "except_origins"]))
    data["tariffs"]["club duty"] = {
        "programme": "club",
        "commodities": ["metal"],
        "rate_share": 0.5,
        "origins": ["CHN", "CHL"] if field_name == "except_origins" else ["club"],
        **({"except_origins": ["club"]} if field_name == "except_origins" else {}),
    }

    def undo(d: Data) -> None:
        d["places"]["CHN"]["memberships"] = {"club": {}}

    return undo


# Limits


def _soft(draw: st.DrawFn) -> float | None:
    return draw(st.sampled_from([2.0, 15.0, None]))


def _whole(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(["supply", "use"]))


@concept
def content_cap(draw: st.DrawFn, data: Data) -> Undo:
    data["limits"]["content cap"] = {
        "kind": "share_cap",
        "commodity": "metal",
        "places": [draw(st.sampled_from(["CHN", "rivals"]))],
        "origin_role": draw(st.sampled_from(["any_stage", "mined_in", "refined_in"])),
        "cap_share": draw(st.sampled_from([0.1, 0.5, {FIRST_YEAR: 0.8, 2028: 0.2}])),
        "of": _whole(draw),
        "violation_price_kusd": _soft(draw),
    }
    return _drop("limits", "content cap")


@concept
def minimum_share(draw: st.DrawFn, data: Data) -> Undo:
    data["limits"]["minimum share"] = {
        "kind": "minimum_share",
        "commodity": "metal",
        "source": draw(st.sampled_from(["domestic", "recycled"])),
        "minimum_share": draw(st.sampled_from([0.1, 0.5])),
        "of": _whole(draw),
        "violation_price_kusd": _soft(draw) or 8.0,
    }
    return _drop("limits", "minimum share")


@concept
def net_import_reliance(draw: st.DrawFn, data: Data) -> Undo:
    data["limits"]["reliance"] = {
        "kind": "net_import_reliance",
        "commodity": "metal",
        "cap_share": draw(st.sampled_from([0.3, 0.8])),
        "of": _whole(draw),
        "violation_price_kusd": _soft(draw) or 8.0,
    }
    if draw(st.booleans()):
        data["demands"]["metal buyers"] = {
            "commodity": "metal",
            "tier": "export",
            "quantity_t_per_y": draw(st.integers(5, 30)),
            "shortage_penalty_kusd_per_t": draw(st.sampled_from([10, 30])),
        }
    return _drop("limits", "reliance")


@concept
def joint_capacity(draw: st.DrawFn, data: Data) -> Undo:
    """What several producers share."""
    sharing = draw(st.permutations(sorted({**data["facilities"], **data["projects"]})))[:3]
    data["limits"]["shared"] = {
        "kind": "joint_capacity",
        "facilities": {name: draw(st.sampled_from([1.0, 0.5, 1.75])) for name in sharing},
        "capacity_t_per_y": draw(st.sampled_from([15.0, 60.0])),
        "violation_price_kusd": _soft(draw),
    }
    return _drop("limits", "shared")


@concept
def concentration_cap(draw: st.DrawFn, data: Data) -> Undo:
    data["limits"]["index"] = {
        "kind": "concentration_cap",
        "commodity": "metal",
        "cap_index": draw(st.sampled_from([0.4, 0.7])),
        "of": _whole(draw),
        "tangents": draw(st.sampled_from([2, 5, 12])),
        "violation_price_kusd": _soft(draw),
    }
    return _drop("limits", "index")


@concept
def limit_in_futures(draw: st.DrawFn, data: Data) -> Undo:
    """A floor in one future only."""
    departing = _departing(data, room=0) or [_new_future(draw, data)]
    data["limits"]["in futures"] = {
        "kind": "service_floor",
        "tiers": ["other"],
        "served_share": draw(st.sampled_from([0.7, 1.0])),
        "violation_price_kusd": draw(st.sampled_from([10.0, 90.0])),
        "futures": draw(st.sampled_from([["future*"], departing[:1]])),
    }
    return _drop("limits", "in futures")


# Objectives: the last drawn counts


def _objective(name: str) -> Add:
    def add(draw: st.DrawFn, data: Data) -> Undo:
        if sum("stress" not in future for future in data["futures"].values()) < 2:
            _new_future(draw, data)
        data["risk"] = {"objective": name}
        return lambda d: d.update(risk={})

    add.__name__ = name
    return concept(add)


for _name in ("worst_future", "maximum_regret", "expected_shortage"):
    _objective(_name)


def _cheap_makers(data: Data) -> list[str]:
    """Facilities other than the source that never fails."""
    return [name for name in sorted(data["facilities"]) if not name.startswith("spot")]


def _starts(data: Data) -> list[int]:
    years = [FIRST_YEAR]
    for length in data["horizon"]["period_years"]:
        years.append(years[-1] + length)
    return years[:-1]


def _departure_year(data: Data, future: str) -> int:
    """First year of the period in which a future departs."""
    onset = min(date.fromisoformat(data["events"][name]["onset"]).year for name in data["futures"][future]["events"])
    return max(start for start in _starts(data) if start <= onset)


def _departing(data: Data, room: int) -> list[str]:
    """Futures with events that have so many periods left after their first."""
    return [
        name
        for name, future in data["futures"].items()
        if future.get("events")
        and not future.get("stress")
        and sum(start > _departure_year(data, name) for start in _starts(data)) >= room
    ]


def _new_future(draw: st.DrawFn, data: Data) -> str:
    """A future that departs in the second period of three or more, in which the chief source fails for some time."""
    if len(data["horizon"]["period_years"]) < 3:
        data["horizon"]["period_years"].append(1)
    onset = date(_starts(data)[1], 1, 1)
    lasts = draw(st.sampled_from([200, 400]))
    data["events"]["first blow"] = {
        "changes": "exports",
        "places": ["CHN"],
        "onset": onset.isoformat(),
        "until": (onset + timedelta(days=lasts)).isoformat(),
        "availability_share": draw(st.sampled_from([0.0, 0.3])),
    }
    data["futures"]["future new"] = {"probability": 0.04, "events": ["first blow"]}
    data["futures"].setdefault("calm", {})
    return "future new"


def _forget_future(data: Data, name: str) -> None:
    """A limit about a future that is no more goes with it."""
    for limit in [key for key, entry in data["limits"].items() if entry.get("futures") == [name]]:
        del data["limits"][limit]
