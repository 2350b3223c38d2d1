"""Projects and onboardings: when a decision taken at a node takes effect, and when it must be paid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lodeplan.optimizer.prepare.calendar import TOLERANCE_Y, decimal_year
from lodeplan.optimizer.prepare.tree import Tree
from lodeplan.schemas.events import ProjectEvent
from lodeplan.schemas.patterns import matches
from lodeplan.schemas.scenario import Onboarding, Project, Scenario

Start = tuple[str, str, int]
"""(project, track, node)."""


@dataclass(frozen=True)
class Programme:
    """Starts on offer by node, and their consequences."""

    projects: Mapping[str, Project]
    starts: tuple[Start, ...]
    """Starts on offer."""
    reached: Mapping[tuple[str, int], tuple[tuple[str, int, float], ...]]
    """By (project, node): (track, node of the start, change of the share of capacity it has brought by then)."""
    committed_share: Mapping[tuple[str, int], float]
    """By (project, node): share of capacity that runs from a start already decided."""
    capex_due_kusd: Mapping[tuple[Start, int], float]
    """By start and node: capex falling due there, not discounted."""
    capex_worth_kusd: Mapping[tuple[Start, int], float]
    """The same as of the node's first day: each year's part at its own discount within the node."""
    extra_due_kusd: Mapping[Start, float]
    """Extra cost of the track, due at the start."""
    end_value_kusd: Mapping[tuple[Start, int], float]
    """By start and leaf: what it is still worth there, not discounted."""
    on_line_y: Mapping[Start, float]
    """Year of first output without events."""

    def may_run(self, project: str, node: int) -> bool:
        """True if any start on offer, or one already decided, is on line at a node."""
        return bool(self.reached[project, node]) or self.committed_share.get((project, node), 0.0) > 0


@dataclass(frozen=True)
class Qualification:
    """Nodes at which routes may be onboarded, and the decisions from which they are usable."""

    offers: tuple[tuple[str, int], ...]
    """(route, node) where onboarding may be decided."""
    usable: Mapping[tuple[str, int], int]
    """By (route, node): the last decision node early enough, among its ancestors; absent: none is."""


def moved_on_line(scenario: Scenario, tree: Tree, project: str, node: int, on_line_y: float) -> float:
    """On-line year after the events of the node's future, in order of onset; `inf` where the project fails.

    An event moves what is not yet on line at its onset, never what runs.
    """
    events = [scenario.events[key] for key in tree.events_at(node)]
    for event in sorted(events, key=lambda event: event.onset):
        if (
            isinstance(event, ProjectEvent)
            and matches(project, event.projects)
            and on_line_y > decimal_year(event.onset) + TOLERANCE_Y
        ):
            on_line_y += float("inf") if event.delay_years is None else event.delay_years
    return on_line_y


PROGRAMME_HANGS_ON = ("projects", "events")
"""Fields of a scenario that a programme is made of, beside its tree."""


def prepare_programme(scenario: Scenario, tree: Tree) -> Programme:
    """Starts on offer and their consequences at every node."""
    starts = tuple(_offers(scenario, tree))
    offered: dict[tuple[str, int], list[tuple[int, Start]]] = {}
    for number, start in enumerate(starts):
        offered.setdefault((start[0], start[2]), []).append((number, start))

    def on_path(name: str, node: int) -> list[Start]:
        """Starts of a project on offer at a node and before it, in their order."""
        return [start for _, start in sorted(pair for at in tree.back(node) for pair in offered.get((name, at), ()))]

    reached = {
        (name, node): tuple(_reached(scenario, tree, node, on_path(name, node)))
        for name in scenario.projects
        for node in range(len(tree))
    }
    capex: dict[tuple[Start, int], float] = {}
    capex_worth: dict[tuple[Start, int], float] = {}
    end_value: dict[tuple[Start, int], float] = {}
    leaves = frozenset(tree.leaves)
    for start in starts:
        for node, parts in _capex_parts(scenario, tree, start).items():
            capex[start, node] = sum(kusd for _, kusd in parts)
            capex_worth[start, node] = sum(kusd * tree.discounted(year) for year, kusd in parts)
        for leaf in tree.below[start[2]]:
            if leaf in leaves:
                end_value[start, leaf] = _end_value(scenario, tree, start, leaf, capex)
    return Programme(
        projects=scenario.projects,
        starts=starts,
        reached=reached,
        committed_share={
            (name, node): _committed_share(scenario, tree, name, node)
            for name, project in scenario.projects.items()
            if project.committed_start is not None
            for node in range(len(tree))
        },
        capex_due_kusd=capex,
        capex_worth_kusd=capex_worth,
        extra_due_kusd={start: scenario.projects[start[0]].tracks[start[1]].extra_cost_kusd for start in starts},
        end_value_kusd=end_value,
        on_line_y={start: _on_line(scenario, tree, start) for start in starts},
    )


def prepare_qualification(tree: Tree, onboarding: Mapping[str, Onboarding]) -> Qualification:
    """Prepare the nodes at which onboardings may be decided, and those at which they take effect."""
    offers = [
        (route, node)
        for route, rule in onboarding.items()
        for node in range(len(tree))
        if _allowed(tree, node, (rule.earliest, rule.latest), rule.in_branches)
        and tree.start[node] + rule.lead_years < tree.calendar.end - TOLERANCE_Y
    ]
    offered = set(offers)
    usable = {}
    for route, rule in onboarding.items():
        for node in range(len(tree)):
            for ancestor in tree.back(node):
                early = tree.start[ancestor] + rule.lead_years <= tree.start[node] + TOLERANCE_Y
                if early and (route, ancestor) in offered:
                    usable[route, node] = ancestor
                    break
    return Qualification(tuple(offers), usable)


def _allowed(tree: Tree, node: int, window: tuple[int | None, int | None], in_branches: bool) -> bool:
    earliest, latest = window
    year = tree.start[node]
    on_path = (in_branches and not tree.stressed[node]) or tree.future[node] < 0
    return on_path and (earliest is None or year >= earliest) and (latest is None or year <= latest)


def _offers(scenario: Scenario, tree: Tree) -> Iterator[Start]:
    for name, project in scenario.projects.items():
        if project.committed_start is not None:
            continue
        for track, rule in project.tracks.items():
            for node in range(len(tree)):
                in_time = tree.start[node] + rule.lead_years < tree.calendar.end - TOLERANCE_Y
                window = (project.earliest_start, project.latest_start)
                if in_time and _allowed(tree, node, window, project.start_in_branches):
                    yield name, track, node


def _on_line(scenario: Scenario, tree: Tree, start: Start) -> float:
    project, track, node = start
    return tree.start[node] + scenario.projects[project].tracks[track].lead_years


def _reached(scenario: Scenario, tree: Tree, node: int, mine: list[Start]) -> Iterator[tuple[str, int, float]]:
    """For each track and ramp step: the latest start node early enough to have reached it, and what the step adds."""
    if not mine:
        return
    project = mine[0][0]
    ramp = scenario.projects[project].ramp_up_share
    on_line = {start: moved_on_line(scenario, tree, project, node, _on_line(scenario, tree, start)) for start in mine}
    gains = [ramp[0], *(after - before for before, after in pairwise(ramp))]
    for track in scenario.projects[project].tracks:
        for year_on_line, gain in enumerate(gains):
            early = [
                start[2]
                for start, year in on_line.items()
                if start[1] == track and year + year_on_line <= tree.start[node] + TOLERANCE_Y
            ]
            if early and gain != 0.0:
                yield track, max(early, key=lambda a: tree.period[a]), gain


def _committed_share(scenario: Scenario, tree: Tree, name: str, node: int) -> float:
    """Share of capacity at a node of a project whose start was decided before the horizon, or within it for sure."""
    project = scenario.projects[name]
    track = project.forced_track or next(iter(project.tracks))
    on_line = (project.committed_start or 0) + project.tracks[track].lead_years
    on_line = moved_on_line(scenario, tree, name, node, on_line)
    years_on_line = tree.start[node] - on_line
    if years_on_line < -TOLERANCE_Y:
        return 0.0
    return project.ramp_up_share[min(int(years_on_line + TOLERANCE_Y), len(project.ramp_up_share) - 1)]


def _capex_parts(scenario: Scenario, tree: Tree, start: Start) -> dict[int, list[tuple[int, float]]]:
    """Capex by node at or below the start: (years after the node's first, kUSD) of each year that the node contains."""
    project = scenario.projects[start[0]]
    by_period: dict[int, list[tuple[int, float]]] = {}
    for number, share in enumerate(project.capex_spending_share):
        year = tree.start[start[2]] + number
        period = tree.calendar.period_of(year)
        if period is not None and share > 0:
            by_period.setdefault(period, []).append((year - tree.calendar.starts[period], share * project.capex_kusd))
    return {node: by_period[tree.period[node]] for node in tree.below[start[2]] if tree.period[node] in by_period}


def _end_value(
    scenario: Scenario, tree: Tree, start: Start, leaf: int, capex: Mapping[tuple[Start, int], float]
) -> float:
    project = scenario.projects[start[0]]
    on_line = moved_on_line(scenario, tree, start[0], leaf, _on_line(scenario, tree, start))
    if np.isinf(on_line):
        return 0.0
    paid = sum(capex.get((start, node), 0.0) for node in tree.path(leaf))
    share = project.end_value_share
    if share is None:
        share = min(1.0, max(0.0, (on_line + project.life_years - tree.calendar.end) / project.life_years))
    return share * paid
