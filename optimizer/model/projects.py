"""Projects: when they start, what they deliver, and what starts may go together.

What a planner sees: a project delivers only once it is permitted and built, on the track on which it was started.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lodeplan.optimizer.model.data import add_constraint, add_links, add_param, add_set
from lodeplan.optimizer.model.declare import DECISIONS_ALONE, Couples, GivesWay, Limit, constraint
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.instance import Instance

if TYPE_CHECKING:
    import pyomo.core as pyo


@constraint(
    scale=Sizes.one,
    marginal_value=DECISIONS_ALONE,
    couples=(Couples.PATH,),
)
def start_stays_started(m: Any, p: str, t: str, n: str) -> Any:
    """A project has started by a node if it had by the decision before, or starts now.

    started[p,t,n] = started[p,t,before n] + start[p,t,n]

    Unit: starts.
    Dual: worth of having started by then, kUSD (expected, discounted).
    Kind: hard.
    Source: definition.
    """
    return m.started[p, t, n] == sum(m.started[p, t, a] for a in m.STARTED_BEFORE[p, t, n]) + m.start[p, t, n]


@constraint(
    scale=Sizes.one,
    marginal_value=DECISIONS_ALONE,
    couples=(Couples.PATH,),
)
def project_starts_once(m: Any, p: str, n: str) -> Any:
    """A project starts at most once, on one track.

    sum_t started[p,t,last] <= 1

    Unit: starts.
    Dual: worth of a second start, kUSD (expected, discounted); negative or 0.
    Kind: hard.
    Source: definition.
    """
    return sum(m.started[p, t, a] for t, a in m.STARTED_BY[p, n]) <= 1


@constraint(
    scale=Sizes.one,
    marginal_value=DECISIONS_ALONE,
    gives_way=GivesWay(
        "Project {p!r} cannot start on its forced track {t!r}, by {n} at the latest.",
        turn=3,
        given_up="Or do without the forced start of project {p!r} on track {t!r}, asked for by {n}.",
    ),
)
def project_starts_where_forced(m: Any, p: str, t: str, n: str) -> Any:
    """A forced project has started on its track by the end of each path on which the last start it could wait for lies.

    started[p,t,n] >= 1, t the forced track, n where its last start is on offer

    Unit: starts.
    Dual: what the obligation costs, kUSD (expected, discounted); positive or 0.
    Kind: hard.
    Source: `forced_track` of the project.
    """
    return m.started[p, t, n] >= 1


@constraint(
    scale=Sizes.producer,
    marginal_value=Limit("project", per="t/y"),
    couples=(Couples.PATH,),
)
def project_runs_when_on_line(m: Any, p: str, n: str) -> Any:
    """A project runs within the part of its capacity that is on line at the node, ramp-up and delays counted.

    sum_i run[p,i,n] <= capacity[p,n] * (sum_j ramp gain_j * started[p,t,LAG(p,t,j,n)] + committed share)

    Unit: t/y of activity.
    Dual: what one more t/y of built capacity would save, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard.
    Source: lead time and ramp-up of the track.
    """
    return (
        sum(m.run[p, i, n] for i in m.STEPS_OF[p])
        - sum(m.capacity_gain_t_per_y[p, n, t, a] * m.started[p, t, a] for t, a in m.ON_LINE[p, n])
        <= m.committed_capacity_t_per_y[p, n]
    )


@constraint(
    scale=Sizes.one,
    marginal_value=DECISIONS_ALONE,
    gives_way=GivesWay("Project {p!r} would have to start before {pp!r}, which it requires.", turn=2),
    couples=(Couples.PATH,),
)
def project_waits_for_required(m: Any, p: str, pp: str, n: str) -> Any:
    """A project has not started before one that it requires.

    sum_t started[p,t,n] <= sum_t started[pp,t,n]

    Unit: starts.
    Dual: worth of starting without, kUSD (expected, discounted); negative or 0.
    Kind: hard.
    Source: `requires` of the project.
    """
    return sum(m.started[p, t, a] for t, a in m.STARTED_BY[p, n]) <= sum(
        m.started[pp, t, a] for t, a in m.STARTED_BY[pp, n]
    )


@constraint(
    scale=Sizes.one,
    marginal_value=DECISIONS_ALONE,
    gives_way=GivesWay("Projects {p!r} and {pp!r}, which exclude each other, would both have to start.", turn=2),
    couples=(Couples.PATH,),
)
def project_excludes_other(m: Any, p: str, pp: str, n: str) -> Any:
    """Of two projects that exclude each other at most one starts.

    sum_t started[p,t,last] + sum_t started[pp,t,last] <= 1 - committed[p] - committed[pp]

    Unit: starts.
    Dual: worth of having both, kUSD (expected, discounted); negative or 0.
    Kind: hard.
    Source: `excludes` of the project.
    """
    return (
        sum(m.started[p, t, a] for t, a in m.STARTED_BY[p, n])
        + sum(m.started[pp, t, a] for t, a in m.STARTED_BY[pp, n])
        <= 1 - m.committed[p] - m.committed[pp]
    )


CONSTRAINTS = (
    start_stays_started,
    project_starts_once,
    project_starts_where_forced,
    project_runs_when_on_line,
    project_waits_for_required,
    project_excludes_other,
)


def add_projects(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Links from nodes to the starts that count there, and the rules."""
    tree, programme = instance.tree, instance.programme
    _add_start_links(m, instance)
    gains: dict[tuple[str, str, str, str], float] = {}
    for (p, node), reached in programme.reached.items():
        for t, ancestor, gain in reached:
            key = (p, tree.names[node], t, tree.names[ancestor])
            gains[key] = gains.get(key, 0.0) + gain * float(instance.supply.capacity_t_per_y[p][node])
    on_line: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for p, n, t, a in gains:
        on_line.setdefault((p, n), []).append((t, a))
    nodes = range(len(tree))
    rows = [(p, node) for p in programme.projects for node in nodes if programme.may_run(p, node)]
    committed = {
        (p, tree.names[node]): float(
            programme.committed_share.get((p, node), 0.0) * instance.supply.capacity_t_per_y[p][node]
        )
        for p, node in rows
    }
    add_set(m, "PROJECTS_ON_LINE", committed, dimen=2)
    add_param(m, "capacity_gain_t_per_y", gains)
    add_links(m, "ON_LINE", on_line, list(committed), dimen=2)
    add_param(m, "committed_capacity_t_per_y", committed)
    add_param(m, "committed", {p: float(programme.projects[p].committed_start is not None) for p in programme.projects})
    add_constraint(m, start_stays_started, m.STARTS)
    add_constraint(m, project_starts_once, m.LAST_STARTS)
    add_constraint(m, project_starts_where_forced, m.FORCED)
    add_constraint(m, project_runs_when_on_line, m.PROJECTS_ON_LINE)
    add_constraint(m, project_waits_for_required, m.REQUIRED)
    add_constraint(m, project_excludes_other, m.EXCLUDED)


def _add_start_links(m: pyo.ConcreteModel, instance: Instance) -> None:
    """For a project and a node: the last decision on each track among the node and its ancestors."""
    tree, programme = instance.tree, instance.programme
    offered = set(programme.starts)

    def last(p: str, node: int, skip_self: bool = False) -> Iterator[tuple[str, int]]:
        for track in programme.projects[p].tracks:
            for ancestor in tree.back(node):
                if (p, track, ancestor) in offered and not (skip_self and ancestor == node):
                    yield track, ancestor
                    break

    before = {
        (p, t, tree.names[node]): [tree.names[a] for track, a in last(p, node, skip_self=True) if track == t]
        for p, t, node in programme.starts
    }
    started_by = {
        (p, tree.names[node]): [(t, tree.names[a]) for t, a in last(p, node)]
        for p in programme.projects
        for node in range(len(tree))
    }
    add_links(m, "STARTED_BEFORE", before, list(before))
    add_links(m, "STARTED_BY", started_by, list(started_by), dimen=2)
    _add_project_rows(m, instance, started_by)


def _add_project_rows(
    m: pyo.ConcreteModel, instance: Instance, started_by: dict[tuple[str, str], list[tuple[str, str]]]
) -> None:
    """Rows of the rules on starts; `started_by`: by project and node, the last decisions."""
    tree, programme = instance.tree, instance.programme
    leaves = [tree.names[leaf] for leaf in tree.leaves]
    last_starts = _first_of_each({(p, n): started_by[p, n] for p in programme.projects for n in leaves})
    excluded = {
        (p, q, n): [*started_by[p, n], *started_by[q, n]]
        for p, project in programme.projects.items()
        for q in project.excludes
        for n in leaves
    }
    forced = [(p, programme.projects[p].forced_track, tree.names[node]) for p, node in _forced(instance)]
    add_set(m, "LAST_STARTS", last_starts, dimen=2)
    add_set(m, "FORCED", forced, dimen=3)
    add_set(m, "REQUIRED", _required(instance), dimen=3)
    add_set(m, "EXCLUDED", _first_of_each(excluded), dimen=3)


def _required(instance: Instance) -> list[tuple[str, str, str]]:
    """(project, project it requires, node) wherever a start is on offer and the other was not decided beforehand."""
    programme = instance.programme
    return [
        (p, q, instance.tree.names[node])
        for p, project in programme.projects.items()
        for q in project.requires
        for node in sorted({start[2] for start in programme.starts if start[0] == p})
        if not _committed_by(instance, q, node)
    ]


def _forced(instance: Instance) -> list[tuple[str, int]]:
    """(project, node) of the last start on offer on the forced track, for the base path and each future that has one.

    The branch that owns the node can wait no longer there; what departed from it before asks for nothing.
    """
    tree, programme = instance.tree, instance.programme
    last: dict[tuple[str, int], int] = {}
    for p, track, node in programme.starts:
        if track == programme.projects[p].forced_track:
            key = (p, tree.future[node])
            last[key] = max(node, last.get(key, node), key=lambda each: tree.period[each])
    return [(p, node) for (p, _), node in last.items()]


def _committed_by(instance: Instance, project: str, node: int) -> bool:
    """Whether a project's start was decided beforehand, for a year no later than the node's period."""
    start = instance.programme.projects[project].committed_start
    return start is not None and start < instance.tree.start[node] + instance.tree.length[node]


def _first_of_each(rows: dict[Any, list[tuple[str, str]]]) -> list[Any]:
    """Keys whose starts are not those of an earlier key of the same projects; none without starts.

    Leaves that share all decisions would repeat the same row.
    """
    seen: dict[Any, Any] = {}
    for key, starts in rows.items():
        if starts:
            seen.setdefault((key[:-1], tuple(starts)), key)
    return list(seen.values())
