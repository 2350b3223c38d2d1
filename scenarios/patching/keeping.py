"""Parts of a scenario: some mineral groups or futures with everything they use; what only the others use is removed.

Works on raw data, where a list may still be text (`CHN; RUS`) and a recipe too (`ore=2`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from lodeplan.scenarios.patching.paths import NoPlace
from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.patterns import fits
from lodeplan.schemas.problems import split_path
from lodeplan.schemas.types import split_list, split_pairs

Data = dict[str, Any]

MINERAL_GROUPS, FUTURES = "mineral_groups", "futures"
KEEPABLE = (MINERAL_GROUPS, FUTURES)


@dataclass(frozen=True)
class _Names:
    """What there was before: names of events and futures, and places that something stands in or is shipped from."""

    events: set[str]
    futures: set[str]
    places: set[str]


def _places_used(data: Data) -> set[str]:
    used = {str(entry.get("place")) for c in ("facilities", "projects") for entry in data.get(c, {}).values()}
    return used | {
        str(route.get(end)) for route in data.get("routes", {}).values() for end in ("origin", "destination")
    }


def keep(data: Data, path: str, value: Any) -> list[str]:
    """Keep what `value` names (names or patterns) of the mineral groups or futures; the collections changed.

    Raises `NoPlace` for another path, or a name that means nothing.
    """
    wanted = split_list(value)
    if path not in KEEPABLE or not isinstance(wanted, list) or not wanted:
        message = f"`keep` takes the path {' or '.join(KEEPABLE)} and a list of names or patterns."
        raise NoPlace("broken_patch", message, did_you_mean(path, KEEPABLE))
    before = {name: _size(section) for name, section in data.items()}
    had = _Names(set(data.get("events", {})), set(data.get("futures", {})), _places_used(data))
    if path == MINERAL_GROUPS:
        _keep_groups(data, wanted)
    else:
        _check_known(wanted, had.futures, "future")
        _filter(data, "futures", lambda name, _: _matches(name, wanted))
    _drop_unused(data, had)
    return [name for name, section in data.items() if _size(section) != before.get(name)]


def work_of_keeping(data: Data) -> int:
    """Estimate the names that one `keep` reads: each entry, and for each rule or pattern each name, which is much
    faster."""
    rules = sum(_size(data.get(name)) for name in ("events", "hazards", "limits", "tariffs", "futures"))
    rows = data.get("provenance")
    patterns = sum(
        isinstance(row, dict) and _is_pattern(row.get("name", "*")) for row in (rows if isinstance(rows, list) else ())
    )
    entries = sum(map(_size, data.values()))
    return entries // 10 + (rules + patterns) * entries // 100


def _size(section: Any) -> int:
    return len(section) if isinstance(section, dict | list) else 0


def _keep_groups(data: Data, wanted: list[str]) -> None:
    commodities = data.get("commodities", {})
    groups = {str(entry.get("mineral_group")) for entry in commodities.values()}
    _check_known(wanted, groups, "mineral group")
    kept = {name for name, entry in commodities.items() if _matches(str(entry.get("mineral_group")), wanted)}
    gone = set(commodities) - kept
    _filter(data, "commodities", lambda name, _: name in kept)
    _drop_plants(data, gone)
    _drop_uses(data, gone)
    _narrow_rules(data, kept, gone)
    _narrow_tariffs(data, kept, gone)
    _drop_names_of_plants(data)


def _drop_plants(data: Data, gone: set[str]) -> None:
    """Facilities and projects that take or mainly make what is gone go too; the others make less."""
    for collection in ("facilities", "projects"):
        for entry in data.get(collection, {}).values():
            _without(entry, "outputs", gone, all_but_first=True)
        _filter(data, collection, lambda _, entry: not gone & _commodities_of(entry))


def _drop_uses(data: Data, gone: set[str]) -> None:
    """Entries about a commodity that is gone, recycling from it and substitutes by it."""
    for collection in ("routes", "stockpiles", "demands", "recycling", "limits"):
        _filter(data, collection, lambda _, entry: entry.get("commodity") not in gone)
    _filter(data, "recycling", lambda _, entry: entry.get("from_commodity") not in gone)
    for entry in data.get("demands", {}).values():
        substitutes = entry.get("substitutes", {})
        for name in [name for name, way in substitutes.items() if way.get("commodity") in gone]:
            del substitutes[name]


def _narrow_rules(data: Data, kept: set[str], gone: set[str]) -> None:
    """Events, hazards and limits name only what is kept; those that mean nothing then go."""
    for collection in ("events", "hazards", "limits"):
        _filter(data, collection, lambda _, entry: _still_means(entry, "commodities", kept, gone))


def _narrow_tariffs(data: Data, kept: set[str], gone: set[str]) -> None:
    """Measures name only what is kept, and events switch only measures that still mean something."""
    for entry in data.get("tariffs", {}).values():
        for field in ("commodities", "except_commodities"):
            entry |= {field: _left(entry[field], kept, gone)} if field in entry else {}
    _filter(data, "tariffs", lambda _, entry: bool(entry.get("commodities") or entry.get("hts")))
    for event in data.get("events", {}).values():
        for field in ("switch_on", "switch_off"):
            event |= {field: _left(event[field], data.get("tariffs", {}), ())} if event.get(field) else {}


def _drop_names_of_plants(data: Data) -> None:
    """Names of plants that are gone are taken out of events and limits, those of projects out of other projects."""
    plants = set(data.get("facilities", {})) | set(data.get("projects", {}))
    for collection in ("events", "limits"):
        _filter(data, collection, lambda _, entry: _still_means(entry, "projects", plants))
        _filter(data, collection, lambda _, entry: _still_means(entry, "facilities", plants))
    for project in data.get("projects", {}).values():
        for field in ("requires", "excludes"):
            if field in project:
                project[field] = [name for name in split_list(project[field]) if name in data["projects"]]


def _drop_unused(data: Data, had: _Names) -> None:
    """What nothing refers to any more: events, futures left without any, regions, and where their numbers came from."""
    _drop_events_and_futures(data)
    _forget_events_and_futures(data, had)
    left_alone = had.places - _places_used(data)
    _filter(data, "places", lambda name, entry: not entry.get("members") or name not in left_alone)
    if "provenance" in data:
        data["provenance"] = [row for row in data["provenance"] if _about_something(row, data)]
    if "acknowledged" in data:
        data["acknowledged"] = [row for row in data["acknowledged"] if _about_something(_subject_of(row), data)]


def _drop_events_and_futures(data: Data) -> None:
    """Events that no future holds or that meet nothing, and futures whose events are all gone."""
    events = data.get("events", {})
    for name, future in list(data.get("futures", {}).items()):
        before = split_list(future.get("events") or [])
        future["events"] = [event for event in before if event in events]
        if before and not future["events"]:
            del data["futures"][name]
    used = {event for future in data.get("futures", {}).values() for event in future["events"]}
    _filter(data, "events", lambda name, _: name in used)
    for collection in ("events", "hazards"):
        _filter(data, collection, lambda _, entry: _meets_something(entry, data))
    for future in data.get("futures", {}).values():
        future["events"] = [event for event in future["events"] if event in data["events"]]


def _forget_events_and_futures(data: Data, had: _Names) -> None:
    """Names of events and futures that are gone are taken out of stockpiles and limits."""
    gone = had.events - set(data.get("events", {}))
    for pile in data.get("stockpiles", {}).values():
        if "release_events" in pile:
            pile["release_events"] = _left(pile["release_events"], data.get("events", {}), gone)
    for limit in data.get("limits", {}).values():
        if limit.get("futures"):
            limit["futures"] = _left(limit["futures"], data["futures"], had.futures - set(data["futures"]))


def _subject_of(acknowledged: Data) -> Data:
    """The collection and entry an acknowledged warning is about, as rows of provenance have them."""
    try:
        table, name, *_ = [*split_path(str(acknowledged.get("path", ""))), "*", "*"]
    except ValueError:
        return {}
    return {"table": table, "name": name}


def _about_something(row: Data, data: Data) -> bool:
    section = data.get(row.get("table", ""))
    name = row.get("name", "*")
    if not isinstance(section, dict) or name in section:
        return True
    return _is_pattern(name) and any(_matches(known, [name]) for known in section)


def _is_pattern(name: Any) -> bool:
    return isinstance(name, str) and "*" in name


def _commodities_of(entry: Data) -> set[str]:
    return {name for field in ("inputs", "outputs") for name in split_pairs(entry.get(field) or {})}


def _without(entry: Data, field: str, gone: set[str], *, all_but_first: bool) -> None:
    """Leave what is gone out of a recipe; its first commodity stays, so that one of another group is seen to be."""
    recipe = split_pairs(entry.get(field) or {})
    first = next(iter(recipe), None)
    entry[field] = {name: t for name, t in recipe.items() if name not in gone or (all_but_first and name == first)}


def _meets_something(event: Data, data: Data) -> bool:
    """Whether an event on exports or output meets a route, a facility or a project that is left."""
    patterns = split_list(event.get("commodities", "*"))
    places = _expanded(split_list(event.get("places", "*")), data)
    plants = {**data.get("facilities", {}), **data.get("projects", {})}
    match event.get("changes"):
        case "exports":
            routes = data.get("routes", {}).values()
            return any(route["origin"] in places and _matches(route["commodity"], patterns) for route in routes)
        case "output" | "price":
            return any(
                plant["place"] in places and any(_matches(name, patterns) for name in split_pairs(plant["outputs"]))
                for plant in plants.values()
            )
        case "projects":
            wanted = split_list(event.get("projects", "*"))
            return any(_matches(name, wanted) for name in data.get("projects", {}))
        case "tariffs":
            return bool(event.get("switch_on") or event.get("switch_off"))
        case _:
            return True


def _expanded(selection: list[str], data: Data) -> set[str]:
    """Places named, by themselves or a group, and regions with a member that is."""
    places = data.get("places", {})
    if "*" in selection:
        return set(places)
    chosen = {
        name
        for name, entry in places.items()
        if name in selection or set(split_list(entry.get("groups") or [])) & set(selection)
    }
    touched = {name for name, entry in places.items() if chosen & set(split_pairs(entry.get("members") or {}))}
    return chosen | touched


def _still_means(entry: Data, field: str, kept: Iterable[str], gone: Iterable[str] = ()) -> bool:
    """Whether a rule's patterns still mean something; names of what is gone are taken out of them."""
    if field not in entry:
        return True
    stated = split_pairs(entry[field])
    left = _left(stated, kept, gone)
    entry[field] = {name: stated[name] for name in left} if isinstance(stated, dict) else left
    return bool(left)


def _left(patterns: Any, kept: Iterable[str], gone: Iterable[str]) -> list[str]:
    """The patterns that mean something kept, and those that never meant anything of what is gone."""
    meant = [(pattern, [pattern]) for pattern in split_list(patterns)]
    return [
        pattern
        for pattern, alone in meant
        if any(_matches(name, alone) for name in kept) or (gone and not any(_matches(name, alone) for name in gone))
    ]


def _filter(data: Data, collection: str, stays: Callable[[str, Data], bool]) -> None:
    if collection in data:
        data[collection] = {name: entry for name, entry in data[collection].items() if stays(name, entry)}


def _check_known(wanted: list[str], known: Collection[str], what: str) -> None:
    for pattern in wanted:
        if not any(_matches(name, [pattern]) for name in known):
            raise NoPlace("unknown_name", f"there is no {what} {pattern!r}.", did_you_mean(pattern, known))


def _matches(name: str, patterns: list[str]) -> bool:
    return name in patterns or any(_is_pattern(pattern) and fits(name, pattern) for pattern in patterns)
