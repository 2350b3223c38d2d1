"""A column that was renamed: served under both names for a release, and read in plans that have the old name only."""

import json
from functools import cache

import pytest

from lodeplan import optimizer
from lodeplan.optimizer.tables import renames
from lodeplan.optimizer.tables.renames import RENAMES, Rename
from lodeplan.optimizer.tables.specs import SPECS
from lodeplan.optimizer.tables.stored import read_document
from lodeplan.schemas import PlanDocument, Table
from lodeplan.schemas.plan import PLAN_VERSION
from lodeplan.service.api.streaming import table_rows

OLD, NEW = "mean_t_per_y", "expected_t_per_y"


@cache
def golden() -> optimizer.Plan:
    return optimizer.solve("golden-toy")


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> Rename:
    rename = Rename("supply", OLD, NEW, plan_version=2, served_until="999")
    monkeypatch.setattr(renames, "RENAMES", (rename,))
    return rename


def supply(document: PlanDocument) -> Table:
    return next(table for table in document.tables if table.name == "supply")


def names(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def test_a_renamed_column_is_served_under_its_old_name_too_and_the_list_of_tables_says_so(renamed: Rename) -> None:
    table = supply(golden().document())
    old, new = table.columns[-1], table.columns[names(table).index(NEW)]
    assert (old.name, old.renamed_to, old.unit) == (OLD, NEW, new.unit)
    assert "goes after release 999" in old.description
    at = names(table).index(NEW)
    assert [row[-1] for row in table.rows] == [row[at] for row in table.rows]
    assert "".join(table_rows(table, "csv")).splitlines()[0].endswith(f",{OLD}")
    row = json.loads("".join(table_rows(table, "ndjson")).splitlines()[0])
    assert row[OLD] == row[NEW]


def test_the_old_name_is_not_among_the_columns_of_a_plan_that_is_read(renamed: Rename) -> None:
    document = golden().document()
    plan = optimizer.Plan.from_document(read_document(document.model_dump_json().encode()))
    assert OLD not in plan.tables["supply"]
    assert plan.document() == document


def test_after_its_last_release_the_old_name_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renames, "RENAMES", (Rename("supply", OLD, NEW, plan_version=2, served_until="0.0.9"),))
    assert OLD not in names(supply(golden().document()))


def test_a_plan_from_before_is_read_by_the_old_name(renamed: Rename) -> None:
    data = json.loads(golden().document().model_dump_json())
    del data["plan_version"]
    for table in data["tables"]:
        if table["name"] == "supply":
            table["columns"].pop()
            table["rows"] = [row[:-1] for row in table["rows"]]
            next(column for column in table["columns"] if column["name"] == NEW)["name"] = OLD
    table = supply(read_document(json.dumps(data).encode()))
    assert NEW in names(table)
    assert table.note is None
    at = names(table).index(NEW)
    assert any(row[at] for row in table.rows)


def test_every_column_that_was_renamed_has_its_new_name_today() -> None:
    for rename in RENAMES:
        columns = [column.name for column in SPECS[rename.table].columns]
        assert rename.new in columns
        assert rename.old not in columns
        assert 2 <= rename.plan_version <= PLAN_VERSION
