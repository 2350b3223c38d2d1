"""Writes the tables of policy that are computed: tariff measures and projects, with where their numbers come from.

`python -m scenarios.us_2026.build_policy` reads `facts/policy_*.csv` and writes `tariffs.csv`, `projects.csv` and
their provenance. Running it again changes nothing. The other tables of policy are written by hand.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from scenarios.us_2026.policy_projects import project_tables
from scenarios.us_2026.policy_tariffs import tariff_tables

FOLDER = Path(__file__).parent

Row = Mapping[str, str]


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as a CSV file, columns in the order they first occur."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def build(folder: Path = FOLDER) -> dict[str, list[dict[str, str]]]:
    """The computed tables, by file name."""
    facts = folder / "facts"
    places = [*read(folder / "places.csv"), *read(folder / "places.candidates.csv")]
    return {
        **tariff_tables(
            read(facts / "policy_hts.csv"),
            read(facts / "policy_measures.csv"),
            read(facts / "policy_reciprocal.csv"),
            read(facts / "materials.csv"),
            places,
        ),
        **project_tables(read(facts / "policy_projects.csv")),
    }


def main() -> None:
    """Write the computed tables into the folder."""
    for name, rows in build().items():
        write(FOLDER / name, rows)


if __name__ == "__main__":
    main()
