"""From facts to files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pydantic import TypeAdapter

from lodeplan.schemas.patterns import fits
from lodeplan.schemas.scenario import TariffMeasure
from tools.us_2026_build.demand import demands
from tools.us_2026_build.duty import DutyBook, was_in_force
from tools.us_2026_build.fact_tables import Facts, read_facts, read_hazard_facts
from tools.us_2026_build.hazards import hazard_provenance_rows, hazard_rows
from tools.us_2026_build.home import balances, plants
from tools.us_2026_build.market import market
from tools.us_2026_build.provenance import provenance_rows
from tools.us_2026_build.provenance_use import recycling_sources, substitute_sources
from tools.us_2026_build.recycling import recoveries
from tools.us_2026_build.substitutes import substitutes
from tools.us_2026_build.tables import (
    Row,
    commodity_rows,
    demand_rows,
    facility_rows,
    place_rows,
    recycling_rows,
    route_rows,
)
from tools.us_2026_build.vintage import BASE, PLAN, Vintage

TARIFFS = PLAN.folder / "tariffs.csv"
CANDIDATE_PLACES = PLAN.folder / "places.candidates.csv"


def write_all(into: Path | None = None) -> list[Path]:
    """Write the files of both scenarios, in their place or in folders of another one; returns their paths."""
    paths = []
    for place, content in all_files().items():
        path = into / place.parent.name / place.name if into else place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        paths.append(path)
    return paths


def all_files() -> dict[Path, str]:
    """The text of each file the build makes."""
    facts = read_facts()
    book = DutyBook(read_measures(), facts)
    files: dict[Path, str] = {}
    for vintage in (BASE, PLAN):
        files |= {vintage.folder / name: text for name, text in table_files(facts, vintage, book).items()}
    hazards = read_hazard_facts()
    files[PLAN.folder / "hazards.csv"] = _csv(hazard_rows(hazards))
    files[PLAN.folder / "provenance.hazards.csv"] = _csv(hazard_provenance_rows(hazards))
    return files | {BASE.folder / name: _csv(rows) for name, rows in _policy_of_base_year(book).items()}


def table_files(facts: Facts, vintage: Vintage, book: DutyBook) -> dict[str, str]:
    """The text of each table of supply and demand that these facts make, by file name."""
    return {name: _csv(rows) for name, rows in _tables(facts, vintage, book).items()}


def read_measures() -> dict[str, TariffMeasure]:
    """The tariff measures of the plan."""
    rows = {row["name"]: _nested(row) for row in _read(TARIFFS)}
    return TypeAdapter(dict[str, TariffMeasure]).validate_python(rows)


def _policy_of_base_year(book: DutyBook) -> dict[str, list[Row]]:
    """The measures in force in the base year, where their numbers come from, and places they name."""
    in_force = {name for name, measure in book.measures.items() if was_in_force(measure)}
    provenance = [
        row for path in sorted(PLAN.folder.glob("provenance.*.csv")) for row in _read(path) if row["table"] == "tariffs"
    ]
    return {
        TARIFFS.name: [row for row in _read(TARIFFS) if row["name"] in in_force],
        CANDIDATE_PLACES.name: _read(CANDIDATE_PLACES),
        "provenance.tariffs.csv": [row for row in provenance if any(fits(name, row["name"]) for name in in_force)],
    }


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _tables(facts: Facts, vintage: Vintage, book: DutyBook) -> dict[str, list[Row]]:
    traded = market(facts, vintage, book)
    running = plants(traded)
    closed = balances(facts, running)
    needed = demands(traded, closed)
    recovered = [] if vintage.is_base else recoveries(traded, running, needed)
    instead = {} if vintage.is_base else substitutes(traded, needed, closed)
    recycled = {recovery.plant.facts.name for recovery in recovered}
    standing = [plant for plant in running if plant.facts.name not in recycled]
    made = {
        "commodities.csv": commodity_rows(traded),
        "places.csv": place_rows(facts),
        "facilities.csv": facility_rows(traded, standing),
        "routes.csv": route_rows(traded),
        "demands.csv": demand_rows(facts, needed, vintage, instead),
        "provenance.supply.csv": [
            *provenance_rows(traded, standing, needed),
            *recycling_sources(traded, recovered),
            *substitute_sources(facts, instead),
        ],
    }
    return made | ({"recycling.csv": recycling_rows(facts, recovered)} if recovered else {})


def _csv(rows: list[Row]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _nested(row: dict[str, str]) -> dict[str, object]:
    """The cells of a row that say anything, without its name; `a.b` as `b` within `a`."""
    nested: dict[str, object] = {}
    for name, text in row.items():
        if name == "name" or not text:
            continue
        outer, _, inner = name.partition(".")
        if inner:
            nested.setdefault(outer, {})[inner] = text  # type: ignore[index]
        else:
            nested[name] = text
    return nested
