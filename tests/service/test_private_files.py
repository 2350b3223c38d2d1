"""Nobody else on the machine reads the database."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lodeplan.service import storage

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights are another thing there")


@pytest.fixture(autouse=True)
def open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def rights(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.glob("one.db*")}


@pytest.mark.parametrize("was_there", [False, True])
def test_a_database_and_the_files_beside_it_are_for_their_owner_alone(tmp_path: Path, was_there: bool) -> None:
    file = tmp_path / "one.db"
    if was_there:
        file.touch(0o644)
    database = storage.open_database(f"sqlite:///{file}")
    storage.migrate(database)
    with database.connect() as connection:
        connection.exec_driver_sql("create table held (number integer)")
        connection.commit()
        assert rights(tmp_path) == {"one.db": 0o600, "one.db-wal": 0o600, "one.db-shm": 0o600}
