"""Flows of a mineral group in a year: from where, as what, to what use."""

from __future__ import annotations

from typing import Any

import pandas as pd

from optimizer.figures.layout import OTHERS, Box, Flow, Key, Layout, Ribbon, lay_out, merge_small
from optimizer.figures.rows import records
from optimizer.figures.spec import BLUE, GREEN, GREY, OCHRE, RED, TEAL, VIOLET, Spec, colours, figure
from optimizer.figures.text import TIER_TITLES, amount, title_of
from schemas import Scenario

KINDS: dict[str, tuple[str, str]] = {
    "import": ("Import", BLUE),
    "home": ("Home production", GREEN),
    "from_stock": ("From stock", OCHRE),
    "demand": ("Demand served", TEAL),
    "plant": ("Used by plants", VIOLET),
    "to_stock": ("Into stock", "#d9a441"),
    "export": ("Export", "#4a5fc1"),
    "disposal": ("Disposal", GREY),
    "shortage": ("Shortage", RED),
}
"""What a ribbon is, in words, and its colour."""

BOX_WIDTH = 0.012
PIXELS_PER_BOX = 48
LONGEST_LABEL = 24


def flows(tables: dict[str, pd.DataFrame], scenario: Scenario, mineral_group: str, year: int) -> Spec:
    """Source, commodity, use: t/y on the base path in the period that begins in `year`.

    A shortage enters as a source of its own, so that what comes in and what goes out are equal.
    """
    links = merge_small(group_flows(tables, mineral_group, year), never=("shortage", "commodity"))
    layout = lay_out(links)
    most = max([1, *(sum(box.key.column == column for box in layout.boxes) for column in range(3))])
    kinds = [kind for kind in KINDS if any(_kind(ribbon) == kind for ribbon in layout.ribbons)]
    return figure(
        f"Flows of {mineral_group} in {year}, t/y, from sources through commodities to uses.",
        max(260, PIXELS_PER_BOX * most),
        [_ribbon_layer(layout, kinds, scenario), _box_layer(layout, scenario), *_label_layers(layout, scenario)],
    )


def group_flows(tables: dict[str, pd.DataFrame], mineral_group: str, year: int) -> list[Flow]:
    """What `supply` and `uses` say of a group and year, as flows between columns 0, 1 and 2."""
    result = []
    for row in _rows(tables["supply"], mineral_group, year):
        kind = "from_stock" if row["source_kind"] == "stock" else str(row["source_kind"])
        source = Key(0, kind, str(row["place"]))
        result.append(Flow(source, Key(1, "commodity", str(row["commodity"])), row["base_t_per_y"]))
    for row in _rows(tables["uses"], mineral_group, year):
        kind = "to_stock" if row["use_kind"] == "stock" else str(row["use_kind"])
        commodity = Key(1, "commodity", str(row["commodity"]))
        result.append(Flow(commodity, Key(2, kind, str(row["name"])), row["base_t_per_y"]))
        if kind == "shortage":
            result.append(Flow(Key(0, kind, ""), commodity, row["base_t_per_y"]))
    return result


def _rows(table: pd.DataFrame, mineral_group: str, year: int) -> list[dict[str, Any]]:
    meant = (table["mineral_group"] == mineral_group) & (table["year"] == year) & (table["base_t_per_y"] > 0)
    return records(table[meant])


def _kind(ribbon: Ribbon) -> str:
    """What a ribbon is: the kind of its source on the left, of its use on the right."""
    end = ribbon.flow.source if ribbon.flow.source.column == 0 else ribbon.flow.target
    return end.kind


def _label(key: Key, scenario: Scenario) -> str:
    if key.name == OTHERS:
        return f"Others: {KINDS[key.kind][0].lower()}"
    match key.kind:
        case "commodity":
            return title_of(scenario.commodities, key.name)
        case "import" | "export":
            return title_of(scenario.places, key.name)
        case "home":
            return f"{title_of(scenario.places, key.name)}, home"
        case "from_stock":
            return "From stock"
        case "to_stock":
            return f"Into stock: {title_of(scenario.stockpiles, key.name)}"
        case "shortage" if key.column == 0:
            return "Not supplied"
        case "shortage":
            return f"Short: {TIER_TITLES.get(key.name, key.name)}"
        case "demand":
            return TIER_TITLES.get(key.name, key.name)
        case "plant":
            return title_of({**scenario.facilities, **scenario.projects}, key.name)
        case _:
            return KINDS[key.kind][0]


def _left(column: int) -> float:
    """Left edge of the boxes of a column, as a share of the width."""
    return column / 2 * (1 - BOX_WIDTH)


def _ribbon_layer(layout: Layout, kinds: list[str], scenario: Scenario) -> Spec:
    """One area a ribbon. Two flat ends and monotone interpolation give it the usual swing."""
    values = []
    for number, ribbon in enumerate(layout.ribbons):
        flow = ribbon.flow
        shared = {
            "ribbon": number,
            "kind": KINDS[_kind(ribbon)][0],
            "from": _label(flow.source, scenario),
            "to": _label(flow.target, scenario),
            "t_per_y": flow.t_per_y,
        }
        start, end = _left(flow.source.column) + BOX_WIDTH, _left(flow.target.column)
        for x, top in (
            (start, ribbon.source_top),
            (start + 0.02, ribbon.source_top),
            (end - 0.02, ribbon.target_top),
            (end, ribbon.target_top),
        ):
            values.append({**shared, "x": x, "top": top, "bottom": top + ribbon.height})
    scale = colours([KINDS[kind][0] for kind in kinds], [KINDS[kind][1] for kind in kinds])
    return {
        "data": {"values": values},
        "mark": {"type": "area", "interpolate": "monotone", "opacity": 0.45},
        "encoding": {
            **_positions(),
            "y": {"field": "top", **_down()},
            "y2": {"field": "bottom"},
            "detail": {"field": "ribbon", "type": "nominal"},
            "color": {
                "field": "kind",
                "type": "nominal",
                "scale": scale,
                "legend": {"orient": "bottom", "title": None, "symbolOpacity": 1},
            },
            "tooltip": [
                {"field": "from", "title": "From"},
                {"field": "to", "title": "To"},
                {"field": "t_per_y", "type": "quantitative", "title": "t/y", "format": ",.4~r"},
            ],
        },
    }


def _box_layer(layout: Layout, scenario: Scenario) -> Spec:
    values = [
        {
            "x": _left(box.key.column),
            "right": _left(box.key.column) + BOX_WIDTH,
            "top": box.top,
            "bottom": box.bottom,
            "name": _label(box.key, scenario),
            "t_per_y": box.t_per_y,
        }
        for box in layout.boxes
    ]
    return {
        "data": {"values": values},
        "mark": {"type": "rect", "color": GREY},
        "encoding": {
            **_positions(),
            "x2": {"field": "right"},
            "y": {"field": "top", **_down()},
            "y2": {"field": "bottom"},
            "tooltip": [
                {"field": "name", "title": "What"},
                {"field": "t_per_y", "type": "quantitative", "title": "t/y", "format": ",.4~r"},
            ],
        },
    }


def _label_layers(layout: Layout, scenario: Scenario) -> list[Spec]:
    """Labels stand to the right of their boxes, in the last column to the left."""
    last = [box for box in layout.boxes if box.key.column == 2]
    others = [box for box in layout.boxes if box.key.column < 2]
    return [
        _label_layer(others, scenario, {"align": "left", "dx": 6}, BOX_WIDTH),
        _label_layer(last, scenario, {"align": "right", "dx": -6}, 0),
    ]


def _label_layer(boxes: list[Box], scenario: Scenario, place: Spec, offset: float) -> Spec:
    """Each label twice: below in the style `halo`, which a page may give its background's colour, then as text."""
    values = [
        {
            "x": _left(box.key.column) + offset,
            "middle": (box.top + box.bottom) / 2,
            "text": f"{_shortened(_label(box.key, scenario))}  {amount(box.t_per_y)} t/y",
        }
        for box in boxes
    ]
    mark = {"type": "text", "baseline": "middle", "fontSize": 12, "tooltip": None, **place}
    encoding = {**_positions(), "y": {"field": "middle", **_down()}, "text": {"field": "text"}}
    layers = [{"mark": {**mark, "style": "halo"}}, {"mark": mark}]
    return {"data": {"values": values}, "encoding": encoding, "layer": layers}


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1].rstrip() + "…"


def _positions() -> Spec:
    return {"x": {"field": "x", "type": "quantitative", "axis": None, "scale": {"domain": [0, 1], "nice": False}}}


def _down() -> Spec:
    """A vertical position, as a share of the height from the top."""
    scale = {"domain": [0, 1], "nice": False, "reverse": True}
    return {"type": "quantitative", "axis": None, "scale": scale}
