"""Whether dates and years of a scenario are in order and meet its horizon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import accumulate

from schemas.findings import Findings
from schemas.scenario import Horizon, Project

_NO_PROBABILITY = 1e-12


def check(findings: Findings) -> None:
    """Dates that are out of order, and events and starts that cannot be as they say."""
    scenario = findings.scenario
    for name, measure in scenario.tariffs.items():
        _check_order(findings, ["tariffs", name], measure.onset, measure.until)
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
        _check_events(findings)
        for name, project in scenario.projects.items():
            _check_forced_track(findings, name, project)
        if findings.can_read("events", "futures"):
            _check_departures(findings)


def warn(findings: Findings) -> None:
    """Dates and years that the horizon does not meet."""
    scenario, horizon = findings.scenario, findings.scenario.horizon
    first, end = horizon.first_year, end_year(horizon)
    for name, measure in scenario.tariffs.items():
        if measure.until and measure.until <= date(first, 1, 1):
            message = "the measure is over before the horizon begins."
            findings.note("outside_horizon", ["tariffs", name, "until"], message, value=str(measure.until))
        elif measure.onset and measure.onset.year >= end:
            message = "the measure begins after the horizon."
            findings.note("outside_horizon", ["tariffs", name, "onset"], message, value=str(measure.onset))
    for name, project in scenario.projects.items():
        if project.committed_start is None and not _can_start(horizon, project):
            message = "the project cannot start on any track so that it comes on line within the horizon."
            findings.note("outside_horizon", ["projects", name], message)
    for name, route in scenario.routes.items():
        rule = route.onboarding
        if rule and not _can_decide(horizon, (rule.earliest, rule.latest), rule.lead_years):
            message = "the route cannot be onboarded in time to be used within the horizon."
            findings.note("outside_horizon", ["routes", name, "onboarding"], message)
    _warn_of_years(findings, end)


def end_year(horizon: Horizon) -> int:
    """First year after the horizon."""
    return horizon.first_year + sum(horizon.period_years)


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
    message = "the project is committed, but on which of its tracks is not said."
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
            remedy = f"Give `{other}` a `committed_start`, or take it out of `requires`."
            findings.note("requires_undecided", ["projects", name, "requires"], message, value=other, remedy=remedy)
    for other in project.excludes:
        excluded = findings.scenario.projects.get(other)
        if excluded is not None and excluded.committed_start is not None and other != name:
            message = "the project is committed, and so is one that it excludes."
            remedy = f"Take `{other}` out of `excludes`, or take one `committed_start` away."
            findings.note("both_committed", ["projects", name, "excludes"], message, value=other, remedy=remedy)


def _check_events(findings: Findings) -> None:
    horizon = findings.scenario.horizon
    second = horizon.first_year + horizon.period_years[0]
    end = end_year(horizon)
    for name, event in findings.scenario.events.items():
        keys = ["events", name, "onset"]
        if event.onset.year < second:
            message = "an event cannot begin in the first period or before, as nothing would be decided before it."
            findings.note(
                "onset_too_early", keys, message, value=str(event.onset), allowed=f"{date(second, 1, 1)} or later"
            )
        elif event.onset.year >= end:
            message = "the event begins after the horizon."
            allowed = f"a day before the year {end}"
            findings.note("outside_horizon", keys, message, value=str(event.onset), allowed=allowed)


def _check_departures(findings: Findings) -> None:
    """A future departs from the base path, which ends where the futures before have taken all probability."""
    futures = findings.scenario.futures
    given = sum(future.probability or 0 for future in futures.values())
    departing: dict[int, list[str]] = {}
    for name, future in futures.items():
        if future.events:
            onset = min(findings.scenario.events[event].onset.year for event in future.events)
            departing.setdefault(_period_of(findings.scenario.horizon, onset), []).append(name)
    left = 1.0
    for _, names in sorted(departing.items()):
        has_ended = left < _NO_PROBABILITY
        for name in names:
            if has_ended:
                message = "the future can never come: by its first event, earlier futures have taken all probability."
                findings.note("never_comes", ["futures", name], message, remedy="Take it away, or lower the others.")
            own = futures[name].probability
            left -= max(0.0, 1 - given) if own is None else own


def _period_of(horizon: Horizon, year: int) -> int:
    """Number of the period that contains a year."""
    ends = accumulate(horizon.period_years, initial=horizon.first_year)
    return sum(1 for end in ends if end <= year)


def _check_forced_track(findings: Findings, name: str, project: Project) -> None:
    track = project.tracks.get(project.forced_track) if project.forced_track else None
    if track is None or project.committed_start is not None:
        return
    horizon = findings.scenario.horizon
    window = (project.earliest_start, project.latest_start)
    if not _can_decide(horizon, window, track.lead_years):
        message = (
            f"no start on this track comes on line within the horizon: it takes {track.lead_years:g} years, "
            f"and the horizon ends with {end_year(horizon) - 1}."
        )
        remedy = "Lengthen the horizon, or allow an earlier start."
        keys = ["projects", name, "forced_track"]
        findings.note("cannot_come_on_line", keys, message, value=project.forced_track, remedy=remedy)


def _can_start(horizon: Horizon, project: Project) -> bool:
    window = (project.earliest_start, project.latest_start)
    return any(_can_decide(horizon, window, track.lead_years) for track in project.tracks.values())


def _can_decide(horizon: Horizon, window: tuple[int | None, int | None], lead_years: float) -> bool:
    """Whether some period begins within the window and early enough for what follows `lead_years` later."""
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
    for collection in ("commodities", "facilities", "projects", "routes", "tariffs", "stockpiles", "demands", "limits"):
        for name, entry in getattr(findings.scenario, collection).items():
            for field, value in entry:
                years = [year for year in value if isinstance(year, int)] if isinstance(value, Mapping) else []
                if years and min(years) >= end:
                    message = f"all years are after the horizon; the number for {min(years)} is used."
                    findings.note("outside_horizon", [collection, name, field], message, value=min(years))
