"""Rows of starts and onboardings (conventions, "Projects and onboarding")."""

from __future__ import annotations

from collections import Counter

from lodeplan.optimizer.check.case import Case
from lodeplan.optimizer.check.ledger import Ledger
from lodeplan.optimizer.check.projects import TOLERANCE_Y
from lodeplan.optimizer.check.tree import Node


def check_decisions(case: Case, ledger: Ledger) -> None:
    """Every rule on what may be decided when, at every node and along every path."""
    for node in case.tree.nodes.values():
        _starts_are_allowed(case, node, ledger)
        _onboardings_are_allowed(case, node, ledger)
        _requires_and_excludes_hold(case, node, ledger)
        _each_is_decided_once(case, node, ledger)
    _forced_tracks_are_started(case, ledger)


def _starts_are_allowed(case: Case, node: Node, ledger: Ledger) -> None:
    """Within the window, in branches only where allowed, not in a stress test, early enough to come on line."""
    for name, track in case.plan.rows("starts", node.name):
        project, year = case.scenario.projects[name], node.period.year
        what = f"start of {name} on track {track} at {node.name}"
        if project.earliest_start is not None and year < project.earliest_start:
            ledger.wrong(f"{what} is before its earliest start {project.earliest_start}")
        if project.latest_start is not None and year > project.latest_start:
            ledger.wrong(f"{what} is after its latest start {project.latest_start}")
        if node.future is not None and not project.start_in_branches:
            ledger.wrong(f"{what} is in a branch, which the project does not allow")
        if node.is_stress:
            ledger.wrong(f"{what} is in a stress test, where nothing is decided")
        if year + project.tracks[track].lead_years >= case.tree.end_year - TOLERANCE_Y:
            ledger.wrong(f"{what} cannot come on line within the horizon")


def _onboardings_are_allowed(case: Case, node: Node, ledger: Ledger) -> None:
    """Within the window, and on the base path unless branches are allowed."""
    for (name,) in case.plan.rows("onboardings", node.name):
        onboarding, year = case.scenario.routes[name].onboarding, node.period.year
        if onboarding is None:
            continue
        what = f"onboarding of {name} at {node.name}"
        if onboarding.earliest is not None and year < onboarding.earliest:
            ledger.wrong(f"{what} is before its earliest year {onboarding.earliest}")
        if onboarding.latest is not None and year > onboarding.latest:
            ledger.wrong(f"{what} is after its latest year {onboarding.latest}")
        if node.future is not None and not onboarding.in_branches:
            ledger.wrong(f"{what} is in a branch, which the route does not allow")
        if node.is_stress:
            ledger.wrong(f"{what} is in a stress test, where nothing is decided")


def _each_is_decided_once(case: Case, node: Node, ledger: Ledger) -> None:
    """One start, one onboarding a path; told where a path ends."""
    if node.name not in case.tree.leaves:
        return
    started = Counter(start.project for start in case.projects.started(node))
    onboarded = Counter(name for before in node.path for (name,) in case.plan.rows("onboardings", before))
    for name, count in started.items():
        if count > 1:
            ledger.wrong(f"project {name} is started {count} times on the path to {node.name}, once allowed")
    for name, count in onboarded.items():
        if count > 1:
            ledger.wrong(f"route {name} is onboarded {count} times on the path to {node.name}, once allowed")


def _requires_and_excludes_hold(case: Case, node: Node, ledger: Ledger) -> None:
    """What starts at a node has all it requires; what has started by then has nothing beside it that it excludes."""
    starting = case.projects.starting(node)
    started = {start.project for start in case.projects.started(node)}
    for name in started if starting else ():
        project = case.scenario.projects[name]
        for required in set(project.requires) - started if name in starting else ():
            ledger.wrong(f"project {name} is started by {node.name}, but {required}, which it requires, is not")
        for excluded in started.intersection(project.excludes):
            if not starting.isdisjoint((name, excluded)):
                ledger.wrong(f"project {name} is started by {node.name} together with {excluded}, which it excludes")


def _forced_tracks_are_started(case: Case, ledger: Ledger) -> None:
    """By the last node of the base path, and of each future, at which a start on the track is on offer."""
    for name, project in case.scenario.projects.items():
        if project.forced_track is None or project.committed_start is not None:
            continue
        last: dict[str | None, Node] = {}
        for node in case.tree.nodes.values():  # parents come before their children
            if _on_offer(case, name, node):
                last[node.future] = node
        for node in last.values():
            started = {(start.project, start.track) for start in case.projects.started(node)}
            if (name, project.forced_track) not in started:
                ledger.wrong(f"project {name} is not started on its forced track {project.forced_track} by {node.name}")


def _on_offer(case: Case, name: str, node: Node) -> bool:
    """Whether a project may start on its forced track at a node."""
    project = case.scenario.projects[name]
    track = project.tracks[project.forced_track or ""]
    return (
        (project.earliest_start or 0) <= node.period.year <= (project.latest_start or case.tree.end_year)
        and (node.future is None or project.start_in_branches)
        and not node.is_stress
        and node.period.year + track.lead_years < case.tree.end_year - TOLERANCE_Y
    )
