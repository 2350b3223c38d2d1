"""Projects: on line when, at what part of capacity, money due when, worth left.

Conventions: "Projects and onboarding".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from lodeplan.optimizer.check.periods import decimal_year
from lodeplan.optimizer.check.plan import Plan
from lodeplan.optimizer.check.selections import selects_name
from lodeplan.optimizer.check.tree import Node, Tree
from lodeplan.schemas import Scenario
from lodeplan.schemas.events import ProjectEvent
from lodeplan.schemas.scenario import Project, Track

TOLERANCE_Y = 1e-9
"""Years within which a date counts as reached (conventions, "Projects and onboarding")."""


@dataclass(frozen=True)
class Start:
    """A start of a project; `node` is None if it was committed before the plan."""

    project: str
    track: str
    year: int
    node: str | None


class Projects:
    """The starts of a plan and those committed, and what follows from them at each node."""

    def __init__(self, scenario: Scenario, tree: Tree, plan: Plan) -> None:
        self._scenario = scenario
        self._tree = tree
        committed = [
            Start(name, committed_track(project), project.committed_start, None)
            for name, project in scenario.projects.items()
            if project.committed_start is not None
        ]
        self._on_path: dict[str, list[Start]] = {}
        for name, node in tree.nodes.items():
            before = committed if node.parent is None else self._on_path[node.parent]
            here = [Start(project, track, node.period.year, name) for project, track in plan.rows("starts", name)]
            self._on_path[name] = [*before, *here]

    def started(self, node: Node) -> list[Start]:
        """Starts on the path to the node; a committed one from the period its year falls in."""
        return [start for start in self._on_path[node.name] if start.year < node.period.end_year]

    def starting(self, node: Node) -> set[str]:
        """Projects started at the node that were not before."""
        before = self.started(self._tree.nodes[node.parent]) if node.parent is not None else []
        return {start.project for start in self.started(node)} - {start.project for start in before}

    def planned(self, node: Node) -> list[tuple[Start, Project, Track]]:
        """Starts on the path that the plan itself decides: those that cost."""
        projects = self._scenario.projects
        return [
            (start, projects[start.project], projects[start.project].tracks[start.track])
            for start in self._on_path[node.name]
            if start.node is not None
        ]

    def running_share(self, project_name: str, node: Node) -> float:
        """Part of capacity the project has reached at the node, by its ramp-up."""
        ramp = self._scenario.projects[project_name].ramp_up_share
        share = 0.0
        for start in self._on_path[node.name]:
            if start.project == project_name:
                years = node.period.year - self.on_line(start, node.events)
                reached = [part for number, part in enumerate(ramp) if years >= number - TOLERANCE_Y]
                share += reached[-1] if reached else 0.0
        return share

    def on_line(self, start: Start, events: Iterable[str]) -> float:
        """Year of first output, after the project events of a future; infinite if it fails."""
        track = self._scenario.projects[start.project].tracks[start.track]
        on_line = start.year + track.permit_years + track.construction_years
        for event in self._project_events(start.project, events):
            if on_line > decimal_year(event.onset):
                on_line += inf if event.delay_years is None else event.delay_years
        return on_line

    def _project_events(self, project: str, events: Iterable[str]) -> list[ProjectEvent]:
        """Those that mean the project, in the order in which they happen."""
        found = [self._scenario.events[name] for name in events]
        meant = [event for event in found if isinstance(event, ProjectEvent) and selects_name(event.projects, project)]
        return sorted(meant, key=lambda event: event.onset)

    def capex_due_kusd(self, node: Node) -> float:
        """Capex of all planned starts falling due in the node's period."""
        return sum(due for _, _, due in self._capex_due(node))

    def grants_due_kusd(self, node: Node) -> float:
        """Part of that paid by the state."""
        return sum(project.grant_share * due for project, _, due in self._capex_due(node))

    def capex_and_grants_paid_kusd(self, node: Node) -> tuple[float, float]:
        """The same two as costs, a grant negative: each year's part as of the node's first day."""
        paid = [(project.grant_share, node.worth(year) * due) for project, year, due in self._capex_due(node)]
        return sum(due for _, due in paid), -sum(share * due for share, due in paid)

    def _capex_due(self, node: Node) -> list[tuple[Project, int, float]]:
        """Project, year and amount."""
        return [
            (project, start.year + number, project.capex_kusd * share)
            for start, project, _ in self.planned(node)
            for number, share in enumerate(project.capex_spending_share)
            if node.period.year <= start.year + number < node.period.end_year
        ]

    def extra_cost_due_kusd(self, node: Node) -> float:
        """Extra cost of the tracks of the starts at the node."""
        return sum(track.extra_cost_kusd for start, _, track in self.planned(node) if start.node == node.name)

    def slots_used(self, node: Node) -> float:
        """Permit slots of the starts at the node."""
        return sum(track.permit_slots for start, _, track in self.planned(node) if start.node == node.name)

    def end_value_kusd(self, leaf: Node) -> float:
        """Worth at the horizon's end of all planned starts on the path to a leaf."""
        end = leaf.period.end_year
        worth = 0.0
        for start, project, _ in self.planned(leaf):
            on_line = self.on_line(start, leaf.events)
            if on_line == inf:
                continue
            share = project.end_value_share
            if share is None:
                share = min(1.0, max(0.0, (on_line + project.life_years - end) / project.life_years))
            paid = sum(part for number, part in enumerate(project.capex_spending_share) if start.year + number < end)
            worth += share * paid * project.capex_kusd
        return worth


def committed_track(project: Project) -> str:
    """The forced track, or the only one."""
    return project.forced_track or next(iter(project.tracks))
