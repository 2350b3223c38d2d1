"""Projects that come too late."""

from __future__ import annotations

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.timing import can_decide, end_year
from lodeplan.schemas.scenario import Project, Track

_MONTHS = 12


def note_tracks_too_late(findings: Findings) -> None:
    """Tracks that cannot be on line before the horizon ends, of projects that can on another; committed projects."""
    for name, project in findings.scenario.projects.items():
        late = {key: track for key, track in project.tracks.items() if not _in_time(findings, project, track)}
        if project.committed_start is not None:
            key = project.forced_track or next(iter(project.tracks))
            late = {key: late[key]} if key in late else {}
        elif len(late) == len(project.tracks):
            continue  # said of the project
        for key, track in late.items():
            _note(findings, ["projects", name, "tracks", key], project, track)


def _in_time(findings: Findings, project: Project, track: Track) -> bool:
    horizon = findings.scenario.horizon
    if project.committed_start is not None:
        return project.committed_start + track.lead_years < end_year(horizon)
    return can_decide(horizon, (project.earliest_start, project.latest_start), track.lead_years)


def _note(findings: Findings, keys: list[str], project: Project, track: Track) -> None:
    horizon = findings.scenario.horizon
    first = project.committed_start or max(horizon.first_year, project.earliest_start or horizon.first_year)
    message = (
        f"it takes {track.lead_years:g} years: started in {first}, it comes on line in {first + track.lead_years:g}, "
        f"and the horizon ends with {end_year(horizon) - 1}. It can never be used."
    )
    if project.committed_start is not None:
        message = message.replace("It can never be used.", "It never runs.")
    remedy = "Lengthen the horizon, or remove the track."
    permit = track.permit_years
    if permit >= _MONTHS and permit / _MONTHS + track.construction_years < end_year(horizon) - first:
        remedy = f"Are {permit:g} years months? Then it is {permit / _MONTHS:g}."
    findings.note("track_too_late", keys, message, value=track.lead_years, remedy=remedy)
