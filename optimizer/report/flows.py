"""Sources and uses of commodities, t/y on the planned path."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import pandas as pd

from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.report.cells import NOTHING, heads, number, words
from lodeplan.optimizer.report.titles import title
from lodeplan.optimizer.tables.rows import base_path_years, records
from lodeplan.optimizer.words.numbers import span_of_years
from lodeplan.optimizer.words.titles import SOURCE_TITLES, USE_TITLES, user_title
from lodeplan.schemas.kinds import SourceKind, UseKind
from lodeplan.schemas.report import Cell, Heading, Section
from lodeplan.schemas.scenario import Stage

ON_PLANNED_PATH = (
    "On the planned path: nothing uncertain happens. The files also hold the flows expected over all futures."
)
MEANS_FROM = "From {year} on some future is certain to have come: the numbers are means over the futures left."
SOURCES_A_COMMODITY = 3
YEARS_SHOWN = 6
"""Up to so many periods are all shown; of more the first, middle and last."""
_STAGES = get_args(Stage)
"""From ore to product."""

Names = Callable[[Mapping[str, Any]], list[Cell]]
"""The first cells of a row, which say what it is about."""


def supply(plan: Plan, mineral_group: str) -> Section:
    """Supply of a mineral group by source and year."""

    def names(row: Mapping[str, Any]) -> list[Cell]:
        return [
            words(title(plan, "commodities", row["commodity"])),
            words(title(plan, "places", row["place"])),
            words(SOURCE_TITLES[SourceKind(row["source_kind"])]),
        ]

    keys = ["commodity", "place", "source_kind"]
    years, rows = by_year(_of_group(plan, "supply", keys, mineral_group), keys, names, "base_t_per_y", "t/y")
    columns = [*heads("Commodity", "Place", "Source"), *years]
    return Section(
        name="supply", title="Supply by source, t/y", columns=columns, rows=rows, source="supply", note=_whose(plan)
    )


def uses(plan: Plan, mineral_group: str) -> Section:
    """Uses of a mineral group by year."""

    def names(row: Mapping[str, Any]) -> list[Cell]:
        kind = UseKind(row["use_kind"])
        user = str(row["name"]) if plan.scenario is None else user_title(plan.scenario, kind, str(row["name"]))
        return [words(title(plan, "commodities", row["commodity"])), words(USE_TITLES[kind]), words(user)]

    keys = ["commodity", "use_kind", "name"]
    years, rows = by_year(_of_group(plan, "uses", keys, mineral_group), keys, names, "base_t_per_y", "t/y")
    columns = [*heads("Commodity", "Use", "By"), *years]
    return Section(name="uses", title="Uses, t/y", columns=columns, rows=rows, source="uses", note=_whose(plan))


def main_sources(plan: Plan) -> Section:
    """The largest sources of each commodity, from ore to product: in all periods, or in the first, middle and last."""
    table = plan.tables["supply"]
    spans = _spans(table)
    years = sorted(spans) if len(spans) <= YEARS_SHOWN else _three(sorted(spans))
    flows: dict[tuple[str, int, str], dict[tuple[str, str], dict[int, float]]] = {}
    for row in records(table):
        key = str(row["mineral_group"]), _STAGES.index(row["stage"]), str(row["commodity"])
        source = str(row["source_kind"]), str(row["place"])
        by_period = flows.setdefault(key, {}).setdefault(source, {})
        by_period[int(row["year"])] = by_period.get(int(row["year"]), 0.0) + float(row["base_t_per_y"])
    rows = [row for key in sorted(flows) for row in _largest(plan, key[-1], flows[key], years)]
    columns = [*heads("Commodity", "Source"), *(_period(spans, period) for period in years)]
    left = f"{len(years)} of {len(spans)} periods are shown." if len(years) < len(spans) else ""
    return Section(
        name="main_sources", title="Buy, make and take from stock, t a year on the planned path", columns=columns,
        rows=rows, source="supply", empty="Nothing is bought or made.",
        note=" ".join(filter(None, (_means_from(plan), left))),
    )  # fmt: skip


def _largest(
    plan: Plan, commodity: str, flows: Mapping[tuple[str, str], Mapping[int, float]], years: Sequence[int]
) -> list[list[Cell]]:
    """The rows of one commodity: its largest sources over all years, and the rest as one."""
    ranked = sorted(flows, key=lambda source: -sum(flows[source].values()))
    lines = [(source_title(plan, source), [flows[source].get(year, 0.0) for year in years]) for source in ranked]
    shown, rest = lines[:SOURCES_A_COMMODITY], lines[SOURCES_A_COMMODITY:]
    if len(rest) == 1:
        shown += rest
    elif rest:
        shown.append((f"{len(rest)} more", [sum(column) for column in zip(*(cells for _, cells in rest), strict=True)]))
    said = words(title(plan, "commodities", commodity))
    return [
        [said if at == 0 else NOTHING, words(name), *(number(cell, "t/y") for cell in cells)]
        for at, (name, cells) in enumerate(shown)
        if any(cells)
    ]


def source_title(plan: Plan, source: tuple[str, str]) -> str:
    """A place, and how the commodity comes about there if it is not imported: no two sources read the same."""
    kind, place = SourceKind(source[0]), title(plan, "places", source[1])
    return place if kind is SourceKind.IMPORT else f"{place} ({SOURCE_TITLES[kind].lower()})"


def by_year(
    table: pd.DataFrame, keys: list[str], names: Names, value: str, unit: str
) -> tuple[list[Heading], list[list[Cell]]]:
    """A head for each period, and a row of values for each key; `names` makes a row's first cells from its keys.

    A period of several years, which the table's `years` tell, is headed by its first and last.
    """
    spans = _spans(table)
    values = {(*(row[key] for key in keys), int(row["year"])): row[value] for row in records(table)}
    rows = []
    for row in records(table[keys].drop_duplicates()):
        key = tuple(row[name] for name in keys)
        rows.append([*names(row), *(number(values.get((*key, year)), unit) for year in sorted(spans))])
    return [_period(spans, first) for first in sorted(spans)], rows


def _spans(table: pd.DataFrame) -> dict[int, int]:
    """Last year of each period, by its first."""
    lengths = table["years"] if "years" in table else pd.Series(1, table.index)
    return {int(first): int(first) + int(length) - 1 for first, length in zip(table["year"], lengths, strict=True)}


def _period(spans: Mapping[int, int], first: int) -> Heading:
    return Heading(title=span_of_years(first, spans[first]), number=True)


def _three(years: Sequence[int]) -> list[int]:
    """The first, middle and last of the years."""
    return sorted({years[0], years[(len(years) - 1) // 2], years[-1]}) if years else []


def _whose(plan: Plan) -> str:
    return " ".join(filter(None, (ON_PLANNED_PATH, _means_from(plan))))


def _means_from(plan: Plan) -> str:
    beyond = {int(year) for year in plan.tables["nodes"]["period"]} - base_path_years(plan.tables)
    return MEANS_FROM.format(year=min(beyond)) if beyond else ""


def _of_group(plan: Plan, name: str, keys: list[str], mineral_group: str) -> pd.DataFrame:
    """Rows of a mineral group by commodity, those of the largest sources or uses first."""
    rows = plan.tables[name][plan.tables[name]["mineral_group"] == mineral_group]
    rows = rows[rows["base_t_per_y"] != 0]
    total = rows.groupby(keys)["base_t_per_y"].transform("sum")
    order = ["commodity", "total", *keys[1:], "year"]
    return rows.assign(total=total).sort_values(order, ascending=[key != "total" for key in order])
