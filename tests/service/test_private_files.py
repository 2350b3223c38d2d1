"""Nobody else on the machine reads the database."""

import os
import subprocess
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


ANOTHER = """
import sys
from lodeplan.service import storage
database = storage.open_database(sys.argv[1])
with database.connect() as connection:
    connection.exec_driver_sql("insert into held values (7)")
    connection.commit()
database.dispose()
"""


def test_one_that_is_opened_again_keeps_its_locks_and_sees_what_others_write(tmp_path: Path) -> None:
    """Else another process that leaves removes the log of a database that is in use, and each sees its own."""
    url = f"sqlite:///{tmp_path / 'one.db'}"
    database = storage.open_database(url)
    with database.connect() as connection:
        connection.exec_driver_sql("create table held (number integer)")
        connection.commit()
        for again in (lambda: storage.open_beside(database), lambda: storage.open_database(url)):
            again().dispose()
            subprocess.run([sys.executable, "-c", ANOTHER, url], check=True)
            assert (tmp_path / "one.db-wal").exists()
        assert connection.exec_driver_sql("select number from held").scalars().all() == [7, 7]
