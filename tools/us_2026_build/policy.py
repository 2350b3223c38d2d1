"""Writes the tables of policy that are computed: tariff measures and projects, with where their numbers come from.

`python -m tools.us_2026_build.policy` reads `facts/policy_*.csv` and writes `tariffs.csv`, `projects.csv` and
their provenance in `scenarios/us_2026`. Running it again changes nothing. The other tables of policy are written by
hand.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.us_2026_build.fact_tables import FOLDER as FACTS
from tools.us_2026_build.policy_projects import project_tables
from tools.us_2026_build.policy_tariffs import tariff_tables
from tools.us_2026_build.vintage import PLAN

FOLDER = PLAN.folder

Row = Mapping[str, str]


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_parts(path: Path) -> list[dict[str, str]]:
    """The rows of a table of facts, and of its parts: `policy_hts.bulk.csv` belongs to `policy_hts.csv`."""
    return [row for part in (path, *sorted(path.parent.glob(f"{path.stem}.*.csv"))) for row in read(part)]


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as a CSV file, columns in the order they first occur."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def build() -> dict[str, list[dict[str, str]]]:
    """The computed tables, by file name."""
    places = [*read(FOLDER / "places.csv"), *read(FOLDER / "places.candidates.csv")]

    def facts(table: str) -> list[dict[str, str]]:
        return read_parts(FACTS / f"{table}.csv")

    return {
        **tariff_tables(
            facts("policy_hts"), facts("policy_measures"), facts("policy_reciprocal"), facts("materials"), places
        ),
        **project_tables(facts("policy_projects")),
    }


def main() -> None:
    """Write the computed tables into the folder."""
    for name, rows in build().items():
        write(FOLDER / name, rows)


if __name__ == "__main__":
    main()
