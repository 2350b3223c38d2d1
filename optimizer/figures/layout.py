"""Layout of the boxes and ribbons of a flow picture, which Vega-Lite does not have.

Boxes stand in columns, ribbons run from a column to a later one. Everything is in shares of the picture's
height, 0 at the top; one t/y is equally high everywhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

GAP_SHARE = 0.06
"""Space between two boxes, where there is room for it."""


OTHERS = "…"
"""Name of the box that stands for several."""


class Key(NamedTuple):
    """A box: its column, counted from the left, its kind (such as `import`) and its name."""

    column: int
    kind: str
    name: str


@dataclass(frozen=True)
class Flow:
    """So many t/y, more than 0, from a box to a box of a later column."""

    source: Key
    target: Key
    t_per_y: float


@dataclass(frozen=True)
class Box:
    """Position of a box; its height stands for its t/y."""

    key: Key
    t_per_y: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Ribbon:
    """A flow, and the top edge of its two ends; it is `height` high along its whole way."""

    flow: Flow
    source_top: float
    target_top: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Boxes by column from the top, and the ribbons between them."""

    boxes: list[Box]
    ribbons: list[Ribbon]


def merge_small(flows: Iterable[Flow], most: int = 8, never: Collection[str] = ()) -> list[Flow]:
    """The flows with all but the `most` largest boxes of each column merged, into one box a kind named `OTHERS`.

    Boxes whose kind is in `never` stay as they are and do not count.
    """
    flows = _added_up(flows)
    by_column: dict[int, list[Key]] = defaultdict(list)
    sizes = _box_sizes(flows)
    for key in sorted(sizes, key=lambda key: (-sizes[key], key)):
        if key.kind not in never:
            by_column[key.column].append(key)
    small = {key for keys in by_column.values() for key in keys[most:]}

    def merged(key: Key) -> Key:
        return key._replace(name=OTHERS) if key in small else key

    return _added_up(replace(flow, source=merged(flow.source), target=merged(flow.target)) for flow in flows)


def lay_out(flows: Iterable[Flow]) -> Layout:
    """Boxes by size from the top, merged ones last; the same for any order of the flows.

    A box is as high as the larger of what comes in and what goes out.
    """
    flows = _added_up(flows)
    sizes = _box_sizes(flows)
    columns: dict[int, list[Key]] = defaultdict(list)
    for key in sorted(sizes, key=lambda key: (key.name == OTHERS, -sizes[key], key)):
        columns[key.column].append(key)
    if not columns:
        return Layout([], [])
    gap = min(GAP_SHARE, 0.5 / max(len(keys) for keys in columns.values()))
    scale = min((1 - gap * (len(keys) - 1)) / sum(sizes[key] for key in keys) for keys in columns.values())
    boxes: dict[Key, Box] = {}
    for keys in columns.values():
        used = scale * sum(sizes[key] for key in keys) + gap * (len(keys) - 1)
        top = (1 - used) / 2
        for key in keys:
            boxes[key] = Box(key, sizes[key], top, top + scale * sizes[key])
            top = boxes[key].bottom + gap
    return Layout(list(boxes.values()), _ribbons(flows, boxes, scale))


def _ribbons(flows: list[Flow], boxes: dict[Key, Box], scale: float) -> list[Ribbon]:
    """Ribbons stacked in each box in the order of the boxes at their other ends, so that few cross."""
    leaving = {key: box.top for key, box in boxes.items()}
    arriving = dict(leaving)
    ends: dict[Flow, list[float]] = {flow: [] for flow in flows}
    for flow in sorted(flows, key=lambda flow: boxes[flow.target].top):
        ends[flow].append(leaving[flow.source])
        leaving[flow.source] += scale * flow.t_per_y
    for flow in sorted(flows, key=lambda flow: boxes[flow.source].top):
        ends[flow].append(arriving[flow.target])
        arriving[flow.target] += scale * flow.t_per_y
    return [Ribbon(flow, ends[flow][0], ends[flow][1], scale * flow.t_per_y) for flow in flows]


def _added_up(flows: Iterable[Flow]) -> list[Flow]:
    """One flow for each pair of boxes, sorted."""
    totals: dict[tuple[Key, Key], list[float]] = defaultdict(list)
    for flow in flows:
        totals[flow.source, flow.target].append(flow.t_per_y)
    return [Flow(*pair, t_per_y=sum(sorted(parts))) for pair, parts in sorted(totals.items())]


def _box_sizes(flows: list[Flow]) -> dict[Key, float]:
    """t/y of each box: the larger of what comes in and what goes out."""
    out: dict[Key, float] = defaultdict(float)
    into: dict[Key, float] = defaultdict(float)
    for flow in flows:
        out[flow.source] += flow.t_per_y
        into[flow.target] += flow.t_per_y
    return {key: max(out[key], into[key]) for key in {*out, *into}}
