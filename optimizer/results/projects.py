"""Projects in a plan: dates, use and break-even prices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.prepare.projects import Start
from lodeplan.optimizer.results.solution_tables import frame
from lodeplan.optimizer.results.values import Values
from lodeplan.schemas.kinds import ProjectStatus

Row = tuple[Any, ...]


def projects_table(values: Values) -> pd.DataFrame:
    """Every project: started, committed, or not started, then as if it were at the first start on offer."""
    return frame("projects", [*_started(values), *_committed(values), *_not_started(values)])


def _started(values: Values) -> Iterator[Row]:
    instance = values.instance
    for start in sorted(values.started_now, key=lambda s: (s[2], s[0])):
        name, track, node = start
        project = instance.programme.projects[name]
        yield (
            name,
            project.title or name,
            ProjectStatus.STARTED.value,
            track,
            instance.tree.names[node],
            instance.tree.start[node],
            instance.programme.on_line_y[start],
            float(instance.supply.planned_capacity_t_per_y[name].max()),
            project.capex_kusd,
            _utilisation(values, name, _share_on_line(instance, start)),
            _break_even(values, start),
        )


def _committed(values: Values) -> Iterator[Row]:
    instance = values.instance
    for name, project in instance.programme.projects.items():
        if project.committed_start is None:
            continue
        track = project.forced_track or next(iter(project.tracks))
        path = _planned_below(instance, 0)
        share = {node: instance.programme.committed_share.get((name, node), 0.0) for node in path}
        yield (
            name,
            project.title or name,
            ProjectStatus.COMMITTED.value,
            track,
            "",
            project.committed_start,
            project.committed_start + project.tracks[track].lead_years,
            float(instance.supply.planned_capacity_t_per_y[name].max()),
            project.capex_kusd,
            _utilisation(values, name, share),
            None,
        )


def _not_started(values: Values) -> Iterator[Row]:
    instance = values.instance
    started = {project for project, _, _ in values.started_now}
    for name, project in instance.programme.projects.items():
        if name in started or project.committed_start is not None:
            continue
        extra = instance.programme.extra_due_kusd
        offered = (start for start in instance.programme.starts if start[0] == name)
        first = min(offered, key=lambda start: (start[2], extra[start], start[1]), default=None)
        yield (
            name,
            project.title or name,
            ProjectStatus.NOT_STARTED.value,
            "" if first is None else first[1],
            "",
            None,
            None,
            float(instance.supply.planned_capacity_t_per_y[name].max()),
            project.capex_kusd,
            None,
            None if first is None else _break_even(values, first),
        )


def _share_on_line(instance: Instance, start: Start) -> dict[int, float]:
    """Share of capacity that a start has brought on line, by node of its path: the planned one if it lies on it."""
    name, track, node = start
    nodes = _planned_below(instance, node) or [
        n for n in range(len(instance.tree)) if node in instance.tree.ancestors[n]
    ]
    shares = {}
    for n in nodes:
        reached = instance.programme.reached[name, n]
        # a step counts if the start is no later than the last start that could have reached it
        shares[n] = sum(gain for t, a, gain in reached if t == track and node in instance.tree.ancestors[a])
    return shares


def _planned_below(instance: Instance, node: int) -> list[int]:
    """The planned path from a node of it on, where it forks the likeliest; none for a node beside it."""
    tree = instance.tree
    ends = [end for end in tree.planned_ends if node in tree.ancestors[end]]
    if not tree.planned_share[node] or not ends:
        return []
    path = tree.path(max(ends, key=lambda end: float(tree.probability[end])))
    return path[path.index(node) :]


def _activity(values: Values, name: str, node: int) -> float:
    rows = [row for row, (f, _) in enumerate(values.instance.supply.steps) if f == name]
    return float(sum(values.flows["run"][row, node] for row in rows))


def _utilisation(values: Values, name: str, share: dict[int, float]) -> float | None:
    instance = values.instance
    able = sum(instance.supply.capacity_t_per_y[name][n] * instance.tree.length[n] * s for n, s in share.items())
    made = sum(_activity(values, name, n) * instance.tree.length[n] for n, s in share.items() if s > 0)
    return float(made / able) if able > 0 else None


def _break_even(values: Values, start: Start) -> float | None:
    """Discounted cost of capital and running over discounted output at full use, on the start's own path."""
    instance = values.instance
    tree, name = instance.tree, start[0]
    share = _share_on_line(instance, start)
    leaf = max(share)
    capital = sum(
        kusd * tree.discount[node]
        for term in instance.costs.starts
        for node, kusd in term.of(start)
        if node in share or node == leaf
    )
    cost = output = 0.0
    step = instance.supply.steps.index((name, 0))
    for node, part in share.items():
        years = tree.annuity_y[node] * tree.discount[node]
        made = instance.supply.planned_capacity_t_per_y[name][node] * part * years
        cost += made * instance.supply.cost_kusd_per_t[step, node]
        output += made
    return float((capital + cost) / output) if output > 0 else None
