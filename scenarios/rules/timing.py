"""Dates and years of a scenario: they must be in order and fit the horizon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.schemas.content import SourceBan
from lodeplan.schemas.limits import Survival
from lodeplan.schemas.order import PLAIN
from lodeplan.schemas.scenario import Horizon, Membership, Project, Scenario, TariffMeasure
from lodeplan.schemas.types import LAST_YEAR

Dated = TariffMeasure | SourceBan | Membership
"""What is in force from `onset` to `until`."""


def check(findings: Findings) -> None:
    """Dates that are out of order, and events and starts that cannot be as they say."""
    scenario = findings.scenario
    for keys, rule in _dated(scenario):
        _check_order(findings, keys, rule.onset, rule.until)
    for name, limit in scenario.limits.items():
        if isinstance(limit, Survival):
            _check_order(findings, ["limits", name], limit.onset, limit.until)
    for name, event in scenario.events.items():
        _check_order(findings, ["events", name], event.onset, event.until)
    for name, project in scenario.projects.items():
        _check_window(findings, ["projects", name], project.earliest_start, project.latest_start)
        _check_commitment(findings, name, project)
        _check_commitment_of_others(findings, name, project)
    for name, route in scenario.routes.items():
        if route.onboarding:
            keys = ["routes", name, "onboarding"]
            _check_window(findings, keys, route.onboarding.earliest, route.onboarding.latest)
    if findings.knows("horizon"):
        _check_horizon(findings)
        for name, event in scenario.events.items():
            _check_onset(findings, ["events", name, "onset"], event.onset, "an event")
        for name, limit in scenario.limits.items():
            if isinstance(limit, Survival):
                _check_onset(findings, ["limits", name, "onset"], limit.onset, "a loss")
        for name, project in scenario.projects.items():
            _check_forced_track(findings, name, project)


def warn(findings: Findings) -> None:
    """Dates and years that the horizon does not meet."""
    scenario, horizon = findings.scenario, findings.scenario.horizon
    first, end = horizon.first_year, end_year(horizon)
    for keys, rule in _dated(scenario):
        what = "measure" if isinstance(rule, TariffMeasure) else "ban"
        if isinstance(rule, Membership):
            continue  # a fact about a place, whatever the horizon
        if rule.until and rule.until <= date(first, 1, 1):
            message = f"the {what} is over before the horizon begins."
            findings.note("outside_horizon", [*keys, "until"], message, value=str(rule.until))
        elif rule.onset and rule.onset.year >= end:
            message = f"the {what} begins after the horizon."
            findings.note("outside_horizon", [*keys, "onset"], message, value=str(rule.onset))
    for name, project in scenario.projects.items():
        if project.committed_start is None and not _can_start(horizon, project):
            message = "the project cannot start on any track so that it comes on line within the horizon."
            findings.note("outside_horizon", ["projects", name], message)
    for name, route in scenario.routes.items():
        wait = route.onboarding
        if wait and not can_decide(horizon, (wait.earliest, wait.latest), wait.lead_years):
            message = "the route cannot be onboarded in time to be used within the horizon."
            findings.note("outside_horizon", ["routes", name, "onboarding"], message)
    _warn_of_years(findings, end)


def _check_horizon(findings: Findings) -> None:
    horizon = findings.scenario.horizon
    last = end_year(horizon) - 1
    if last > LAST_YEAR:
        findings.note(
            "horizon_too_late",
            ["horizon", "period_years"],
            f"the horizon ends with the year {last}, beyond what dates reach.",
            value=horizon.period_years,
            allowed=f"an end by {LAST_YEAR}",
            remedy="Begin earlier, or have fewer or shorter periods.",
        )


def end_year(horizon: Horizon) -> int:
    """First year after the horizon."""
    return horizon.first_year + sum(horizon.period_years)


def _dated(scenario: Scenario) -> Iterator[tuple[list[str], Dated]]:
    """Each rule that may have a first and a last day, and where it stands."""
    for name, place in scenario.places.items():
        for club, membership in place.memberships.items():
            yield ["places", name, "memberships", club], membership
    for name, measure in scenario.tariffs.items():
        yield ["tariffs", name], measure
    for name, pile in scenario.stockpiles.items():
        for key, ban in pile.source_bans.items():
            yield ["stockpiles", name, "source_bans", key], ban
    for name, demand in scenario.demands.items():
        for key, ban in demand.source_bans.items():
            yield ["demands", name, "source_bans", key], ban


def _check_order(findings: Findings, keys: list[str], onset: date | None, until: date | None) -> None:
    if onset and until and until <= onset:
        message = f"the end is not after the onset {onset}."
        findings.note("dates_out_of_order", [*keys, "until"], message, value=str(until), allowed="a later day")


def _check_window(findings: Findings, keys: list[str], earliest: int | None, latest: int | None) -> None:
    if earliest is not None and latest is not None and latest < earliest:
        field = "latest_start" if keys[0] == "projects" else "latest"
        message = f"the latest year is before the earliest, {earliest}."
        findings.note("dates_out_of_order", [*keys, field], message, value=latest, allowed=f"{earliest} or later")


def _check_commitment(findings: Findings, name: str, project: Project) -> None:
    if project.committed_start is None or project.forced_track is not None or len(project.tracks) == 1:
        return
    message = "the project is committed, but its track is not given."
    remedy = f"Set `forced_track` to one of {', '.join(project.tracks)}."
    findings.note("no_forced_track", ["projects", name, "forced_track"], message, remedy=remedy)


def _check_commitment_of_others(findings: Findings, name: str, project: Project) -> None:
    """What has been decided cannot wait for what has not, nor stand beside what it excludes."""
    if project.committed_start is None:
        return
    for other in project.requires:
        required = findings.scenario.projects.get(other)
        if required is not None and required.committed_start is None and other != name:
            message = "the project is committed, but it requires one that is not."
            remedy = f"Give `{other}` a `committed_start`, or remove it from `requires`."
            findings.note("requires_undecided", ["projects", name, "requires"], message, value=other, remedy=remedy)
    for other in project.excludes:
        excluded = findings.scenario.projects.get(other)
        if excluded is not None and excluded.committed_start is not None and other != name:
            message = "the project is committed, and so is one that it excludes."
            remedy = f"Remove `{other}` from `excludes`, or remove one `committed_start`."
            findings.note("both_committed", ["projects", name, "excludes"], message, value=other, remedy=remedy)


def _check_onset(findings: Findings, keys: list[str], onset: date, what: str) -> None:
    horizon = findings.scenario.horizon
    second = horizon.first_year + horizon.period_years[0]
    end = end_year(horizon)
    if onset.year < second:
        message = f"{what} cannot begin in the first period or earlier, because no decision would come before it."
        findings.note("onset_too_early", keys, message, value=str(onset), allowed=f"{date(second, 1, 1)} or later")
    elif onset.year >= end:
        message = f"{what} cannot begin after the horizon."
        findings.note("outside_horizon", keys, message, value=str(onset), allowed=f"a day before the year {end}")


def _check_forced_track(findings: Findings, name: str, project: Project) -> None:
    track = project.tracks.get(project.forced_track) if project.forced_track else None
    if track is None or project.committed_start is not None:
        return
    horizon = findings.scenario.horizon
    window = (project.earliest_start, project.latest_start)
    if not can_decide(horizon, window, track.lead_years):
        message = (
            f"no start on this track comes on line within the horizon: it takes {track.lead_years:g} years, "
            f"and the horizon ends with {end_year(horizon) - 1}."
        )
        remedy = "Lengthen the horizon, or allow an earlier start."
        keys = ["projects", name, "forced_track"]
        findings.note("cannot_come_on_line", keys, message, value=project.forced_track, remedy=remedy)


def _can_start(horizon: Horizon, project: Project) -> bool:
    window = (project.earliest_start, project.latest_start)
    return any(can_decide(horizon, window, track.lead_years) for track in project.tracks.values())


def can_decide(horizon: Horizon, window: tuple[int | None, int | None], lead_years: float) -> bool:
    """True if a period begins within the window, early enough for a result `lead_years` later."""
    earliest, latest = window
    year, end = horizon.first_year, end_year(horizon)
    for length in horizon.period_years:
        in_window = (earliest is None or year >= earliest) and (latest is None or year <= latest)
        if in_window and year + lead_years < end:
            return True
        year += length
    return False


def _warn_of_years(findings: Findings, end: int) -> None:
    """Numbers by year of which none is for a year of the horizon or before: the first would hold throughout."""
    for collection, entries in findings.scenario:
        for name, entry in entries.items() if isinstance(entries, Mapping) else ():
            for keys, first in _first_years(entry, [collection, name]):
                if first >= end:
                    message = f"all years are after the horizon; the number for {first} is used."
                    findings.note("outside_horizon", keys, message, value=first)


def _first_years(value: Any, keys: list[str]) -> Iterator[tuple[list[str], int]]:
    """Where numbers by year stand within an entry, and the first year of each."""
    if isinstance(value, BaseModel):
        for field, item in value:
            if type(item) not in PLAIN:
                yield from _first_years(item, [*keys, field])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _first_years(item, [*keys, str(index)])
    elif isinstance(value, Mapping) and value:
        if all(isinstance(key, int) for key in value):
            yield keys, min(value)
        else:
            for key, item in value.items():
                yield from _first_years(item, [*keys, str(key)])
