"""From facts to files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pydantic import TypeAdapter

from scenarios.us_2026.build.demand import demands
from scenarios.us_2026.build.duty import DutyBook
from scenarios.us_2026.build.facts import Facts, read_facts
from scenarios.us_2026.build.home import balances, plants
from scenarios.us_2026.build.market import market
from scenarios.us_2026.build.provenance import provenance_rows
from scenarios.us_2026.build.tables import Row, commodity_rows, demand_rows, facility_rows, place_rows, route_rows
from scenarios.us_2026.build.vintage import BASE, PLAN, Vintage
from schemas.scenario import TariffMeasure

TARIFFS = PLAN.folder / "tariffs.csv"


def write_all() -> list[Path]:
    """Write the files of both scenarios; returns their paths."""
    paths = []
    for path, content in all_files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
        paths.append(path)
    return paths


def all_files() -> dict[Path, str]:
    """The text of each file the build makes."""
    facts = read_facts()
    book = DutyBook(read_measures(), facts)
    files: dict[Path, str] = {}
    for vintage in (BASE, PLAN):
        files |= {vintage.folder / name: _csv(rows) for name, rows in _tables(facts, vintage, book).items()}
    if TARIFFS.exists():
        files[BASE.folder / TARIFFS.name] = TARIFFS.read_text(encoding="utf-8")
    return files


def read_measures() -> dict[str, TariffMeasure]:
    """The tariff measures shared by both scenarios; none while there is no such table."""
    if not TARIFFS.exists():
        return {}
    with TARIFFS.open(encoding="utf-8", newline="") as stream:
        rows = [{name: text for name, text in row.items() if text} for row in csv.DictReader(stream)]
    return TypeAdapter(dict[str, TariffMeasure]).validate_python({row.pop("name"): _nested(row) for row in rows})


def _tables(facts: Facts, vintage: Vintage, book: DutyBook) -> dict[str, list[Row]]:
    traded = market(facts, vintage, book)
    running = plants(traded)
    needed = demands(traded, balances(facts, running))
    return {
        "commodities.csv": commodity_rows(traded),
        "places.csv": place_rows(facts),
        "facilities.csv": facility_rows(traded, running),
        "routes.csv": route_rows(traded),
        "demands.csv": demand_rows(needed, vintage),
        "provenance.supply.csv": provenance_rows(traded, running, needed),
    }


def _csv(rows: list[Row]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _nested(row: dict[str, str]) -> dict[str, object]:
    nested: dict[str, object] = {}
    for name, text in row.items():
        outer, _, inner = name.partition(".")
        if inner:
            nested.setdefault(outer, {})[inner] = text  # type: ignore[index]
        else:
            nested[name] = text
    return nested
