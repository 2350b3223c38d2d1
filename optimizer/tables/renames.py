"""Columns of result tables that were renamed: declared once, read in old plans, served under both names for a time."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import NamedTuple

from lodeplan.schemas.plan import Table


class Rename(NamedTuple):
    """A column that has another name from a version of plan documents on."""

    table: str
    old: str
    new: str
    plan_version: int
    """The first version of plan documents that has the new name."""
    served_until: str
    """The last release of Lodeplan that serves the old name too."""


RENAMES: tuple[Rename, ...] = ()
"""Entries stay for ever: plans of old versions are read by them."""


def with_old_names(table: Table) -> Table:
    """The table with a copy of each column that was renamed, under its old name, behind all others."""
    served = [rename for rename in RENAMES if rename.table == table.name and _is_served(rename)]
    names = [column.name for column in table.columns]
    copies = [(names.index(rename.new), rename) for rename in served if rename.old not in names]
    if not copies:
        return table
    columns = [
        table.columns[at].model_copy(
            update={
                "name": rename.old,
                "renamed_to": rename.new,
                "description": f"The same as `{rename.new}`, its name from now on. This one goes after release "
                f"{rename.served_until}.",
            }
        )
        for at, rename in copies
    ]
    rows = [[*row, *(row[at] for at, _ in copies)] for row in table.rows]
    return table.model_copy(update={"columns": [*table.columns, *columns], "rows": rows})


def without_old_names(table: Table) -> Table:
    """The inverse."""
    kept = [at for at, column in enumerate(table.columns) if column.renamed_to is None]
    if len(kept) == len(table.columns):
        return table
    columns = [table.columns[at] for at in kept]
    return table.model_copy(update={"columns": columns, "rows": [[row[at] for at in kept] for row in table.rows]})


def _is_served(rename: Rename) -> bool:
    return _numbers(_release()) <= _numbers(rename.served_until)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".")[:3] if part.isdecimal())


@cache
def _release() -> str:
    return version("lodeplan")
