"""Flows of a mineral group in a year: from where, as what, to what use."""

from __future__ import annotations

from typing import Any

import pandas as pd

from lodeplan.optimizer.figures.layout import OTHERS, Box, Flow, Key, Layout, Ribbon, lay_out, merge_small
from lodeplan.optimizer.figures.spec import (
    BLUE,
    GREEN,
    GREY,
    OCHRE,
    RED,
    TEAL,
    VIOLET,
    Spec,
    colours,
    figure,
    note,
    nothing,
)
from lodeplan.optimizer.tables.rows import base_path_years, records, years_in_words
from lodeplan.optimizer.words.numbers import amount, listed
from lodeplan.optimizer.words.titles import SOURCE_TITLES, USE_TITLES, title_of, user_title
from lodeplan.schemas import Scenario
from lodeplan.schemas.kinds import SourceKind, UseKind

SOURCE_COLOURS: dict[SourceKind, str] = {
    SourceKind.IMPORT: BLUE,
    SourceKind.HOME: GREEN,
    SourceKind.RECYCLED: "#7f9c2f",
    SourceKind.STOCK: OCHRE,
}
USE_COLOURS: dict[UseKind, str] = {
    UseKind.DEMAND: TEAL,
    UseKind.SUBSTITUTE: "#a8527a",
    UseKind.REDUCED: "#c98a6b",
    UseKind.PLANT: VIOLET,
    UseKind.STOCK: "#d9a441",
    UseKind.DISPOSAL: GREY,
    UseKind.EXPORT: "#4a5fc1",
    UseKind.SHORTAGE: RED,
}

SOURCES, COMMODITIES, USES = range(3)
"""The columns of the picture."""
COMMODITY = "commodity"
NO_MATERIAL = tuple(kind.value for kind in UseKind if not kind.takes_material)

BOX_WIDTH = 0.012
PIXELS_PER_BOX = 48
LONGEST_LABEL = 24
MEAN_FLOWS = "Some future has come by then for certain, so these are mean flows over those that are left."
NOT_BROUGHT = {UseKind.REDUCED: "Not asked for", UseKind.SHORTAGE: "Not supplied"}
"""What stands among the sources for a need that no material is for."""


def flows(tables: dict[str, pd.DataFrame], scenario: Scenario, mineral_group: str, year: int) -> Spec:
    """Source, commodity, use: t/y on the planned path in the period that begins in `year`.

    A need that no material is for enters as a source of its own, so that what comes in and what goes out are equal.
    """
    links = merge_small(group_flows(tables, mineral_group, year), never=(*NO_MATERIAL, COMMODITY))
    if not links:
        return nothing(_no_flows(tables, mineral_group, year))
    layout = lay_out(links)
    most = max(sum(box.key.column == column for box in layout.boxes) for column in (SOURCES, COMMODITIES, USES))
    title = mineral_group.replace("_", " ")
    spec = figure(
        f"Flows of {title} in {years_in_words(tables)[year]}, t/y, from sources through commodities to uses.",
        max(260, PIXELS_PER_BOX * most),
        [_ribbon_layer(layout, scenario), _box_layer(layout, scenario), *_label_layers(layout, scenario)],
    )
    return spec if year in base_path_years(tables) else {**spec, **note(MEAN_FLOWS)}


def _no_flows(tables: dict[str, pd.DataFrame], mineral_group: str, year: int) -> str:
    rows = [row for name in ("supply", "uses") for row in _rows(tables, name, mineral_group)]
    words = years_in_words(tables)
    others = [words[other] for other in sorted({int(row["year"]) for row in rows} - {year})]
    title, asked = mineral_group.replace("_", " "), words.get(year, year)
    if not others:
        return f"Nothing flows in {asked}: on the planned path no {title} is bought, made or used in any year."
    return (
        f"Nothing flows in {asked}: on the planned path {title} is bought, made or used only in {listed(others, 12)}."
    )


def group_flows(tables: dict[str, pd.DataFrame], mineral_group: str, year: int) -> list[Flow]:
    """Flows of a group in a year, from `supply` and `uses`, between columns 0, 1 and 2."""
    result = []
    for row in _rows(tables, "supply", mineral_group, year):
        source = Key(SOURCES, SourceKind(row["source_kind"]).value, str(row["place"]))
        result.append(Flow(source, Key(COMMODITIES, COMMODITY, str(row["commodity"])), row["base_t_per_y"]))
    for row in _rows(tables, "uses", mineral_group, year):
        kind = UseKind(row["use_kind"])
        commodity = Key(COMMODITIES, COMMODITY, str(row["commodity"]))
        result.append(Flow(commodity, Key(USES, kind.value, str(row["name"])), row["base_t_per_y"]))
        if not kind.takes_material:
            result.append(Flow(Key(SOURCES, kind.value, ""), commodity, row["base_t_per_y"]))
    return result


def _rows(
    tables: dict[str, pd.DataFrame], name: str, mineral_group: str, year: int | None = None
) -> list[dict[str, Any]]:
    table = tables[name]
    meant = table["mineral_group"] == mineral_group
    rows = table[meant if year is None else meant & (table["year"] == year)]
    return records(rows[rows["base_t_per_y"] > 0])


def _look(key: Key) -> tuple[str, str]:
    """What the ribbons of a box on either side are, in words, and their colour."""
    if key.column == SOURCES and key.kind not in NO_MATERIAL:
        source = SourceKind(key.kind)
        return SOURCE_TITLES[source], SOURCE_COLOURS[source]
    use = UseKind(key.kind)
    return USE_TITLES[use], USE_COLOURS[use]


LOOKS = [*zip(SOURCE_TITLES.values(), SOURCE_COLOURS.values(), strict=True),
         *zip(USE_TITLES.values(), USE_COLOURS.values(), strict=True)]  # fmt: skip


def _look_of_ribbon(ribbon: Ribbon) -> tuple[str, str]:
    """That of its source on the left, of its use on the right."""
    return _look(ribbon.flow.source if ribbon.flow.source.column == SOURCES else ribbon.flow.target)


def _label(key: Key, scenario: Scenario) -> str:
    if key.column == COMMODITIES:
        return title_of(scenario.commodities, key.name)
    if key.name == OTHERS:
        return f"Others: {_look(key)[0].lower()}"
    return _source_label(key, scenario) if key.column == SOURCES else _use_label(key, scenario)


def _source_label(key: Key, scenario: Scenario) -> str:
    if key.kind in NO_MATERIAL:
        return NOT_BROUGHT[UseKind(key.kind)]
    place = title_of(scenario.places, key.name)
    match SourceKind(key.kind):
        case SourceKind.IMPORT:
            return place
        case SourceKind.HOME:
            return f"{place}, home"
        case SourceKind.RECYCLED | SourceKind.STOCK as kind:
            return SOURCE_TITLES[kind]


def _use_label(key: Key, scenario: Scenario) -> str:
    kind = UseKind(key.kind)
    user = user_title(scenario, kind, key.name)
    match kind:
        case UseKind.DEMAND | UseKind.PLANT | UseKind.EXPORT:
            return user
        case UseKind.SUBSTITUTE:
            return f"In place, for {user}"
        case UseKind.REDUCED:
            return f"Given up: {user}"
        case UseKind.STOCK:
            return f"Into stock: {user}"
        case UseKind.SHORTAGE:
            return f"Short: {user}"
        case UseKind.DISPOSAL:
            return USE_TITLES[kind]


def _left(column: int) -> float:
    """Left edge of the boxes of a column, as a share of the width."""
    return column / USES * (1 - BOX_WIDTH)


def _ribbon_layer(layout: Layout, scenario: Scenario) -> Spec:
    """One area a ribbon. Two flat ends and monotone interpolation give it the usual swing."""
    values = []
    for number, ribbon in enumerate(layout.ribbons):
        flow = ribbon.flow
        shared = {
            "ribbon": number,
            "kind": _look_of_ribbon(ribbon)[0],
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
    present = {_look_of_ribbon(ribbon) for ribbon in layout.ribbons}
    shown = [look for look in LOOKS if look in present]
    scale = colours([title for title, _ in shown], [colour for _, colour in shown])
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
    last = [box for box in layout.boxes if box.key.column == USES]
    others = [box for box in layout.boxes if box.key.column != USES]
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
