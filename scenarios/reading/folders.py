"""Files in a folder: those that are its tables, and those that look like tables but are not read."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from lodeplan.scenarios.reading.documents import label
from lodeplan.scenarios.reading.fields import COLLECTIONS
from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.problems import InputProblem

HEAD = "scenario.yaml"
TABLE = ".csv"

_SHEETS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers")
_HEADS = (".yaml", ".yml", ".json")
_TABLE_LIKE = (*_SHEETS, *_HEADS, ".tsv", ".tab", ".txt", ".parquet", "")
"""Endings of files that may be meant as tables though their names are misspelt."""
_LIKENESS = 0.8


def tables_in(folder: Path) -> tuple[list[Path], list[InputProblem]]:
    """The tables of a folder in the order of their names, and what is wrong with the names of files in it."""
    tables, problems = [], []
    for path in sorted(folder.iterdir()):
        if _is_passed_over(path.name) or path.name == HEAD:
            continue
        collection, remedy = _stem(path), None
        if path.suffix == TABLE and path.is_file() and collection in COLLECTIONS:
            tables.append(path)
            continue
        if collection in (*COLLECTIONS, Path(HEAD).stem):
            code, message = "unread_table", f"{path.name} has the name of a part of the scenario but is not read."
            remedy = _how_to_be_read(path, collection)
        elif path.suffix.lower() == TABLE:
            code, message = "unknown_table", f"{path.name} is not a table of a scenario."
            remedy = did_you_mean(collection, COLLECTIONS)
        elif path.is_file() and path.suffix.lower() in _TABLE_LIKE and _nearest(collection):
            code, message = "unread_table", f"{path.name} has a name much like that of a table but is not read."
            remedy = f"Did you mean `{_nearest(collection)}{TABLE}`? Otherwise rename it or move it away."
        else:
            continue
        problems.append(InputProblem(code=code, path=collection, message=message, file=label(path), remedy=remedy))
    return tables, problems


def _is_passed_over(name: str) -> bool:
    """Whether a file is hidden, or one that an office program or an editor keeps beside what is open in it."""
    return name.startswith((".", "~", "#")) or name.endswith("~")


def _stem(path: Path) -> str:
    """The name up to the first dot; of what is no table, in small letters, as people and systems write it in any."""
    stem = path.name.split(".", 1)[0]
    return stem if path.suffix == TABLE else stem.strip().lower()


def _nearest(stem: str) -> str | None:
    return next(iter(get_close_matches(stem, COLLECTIONS, n=1, cutoff=_LIKENESS)), None)


def _how_to_be_read(path: Path, collection: str) -> str:
    name, suffix = f"{collection}{TABLE}", path.suffix.lower()
    if collection not in COLLECTIONS:
        return f"Only {HEAD} is read: put what it says there, or move the file away."
    if path.is_dir():
        return f"Put its tables beside {HEAD}, as `{name}` or `{collection}.more{TABLE}`, or rename the folder."
    if suffix in _SHEETS:
        return f"Save the sheet as `{name}` (CSV UTF-8), or move the file away."
    if suffix in _HEADS:
        return f"Put its entries under `{collection}` in {HEAD}, or move the file away."
    return f"If it is a table, rename it to `{name}`; if not, rename it otherwise or move it away."
