"""The history of the tables: it ends where the models are, on both databases, and keeps what older ones held."""

import threading
from pathlib import Path

import alembic.command
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from job_service import DATABASES, database_of
from sqlmodel import Session, SQLModel, select

from lodeplan.service import storage
from lodeplan.service.storage.database import migrations


@pytest.mark.parametrize("kind", DATABASES)
def test_migrations_end_where_the_models_are(kind: str, tmp_path: Path) -> None:
    with database_of(kind, tmp_path) as database, database.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "include_name": lambda name, what, _: what != "table" or name in TABLES},
        )
        assert compare_metadata(context, SQLModel.metadata) == []


TABLES = set(SQLModel.metadata.tables)


@pytest.mark.parametrize("kind", DATABASES)
def test_a_database_from_before_versions_keeps_its_jobs_and_their_logs(kind: str, tmp_path: Path) -> None:
    with database_of(kind, tmp_path, migrated=False) as database:
        with database.connect() as connection:
            alembic.command.upgrade(migrations(connection), "0001")
            connection.execute(sqlalchemy.text("drop table alembic_version"))
            for statement in OLD_ROWS:
                connection.execute(sqlalchemy.text(statement))
            connection.commit()
        storage.migrate(database)
        with Session(database) as session:
            job = session.exec(select(storage.Job)).one()
            assert (job.tenant, job.last_event) == (storage.LOCAL, 2)
            assert [(event.number, event.text) for event in storage.read_events(session, job)] == [
                (1, "Started, attempt 1."),
                (2, "Succeeded."),
            ]


OLD_ROWS = (
    "insert into job (id, kind, state, scenario, scenario_title, scenario_hash, options, attempt, created_at) "
    "values ('a', 'solve', 'succeeded', 'toy', '', 'h', '{}', 1, '2026-01-01 00:00:00')",
    "insert into job_log (id, job_id, at, text) values (7, 'a', '2026-01-01 00:00:00', 'Started, attempt 1.')",
    "insert into job_log (id, job_id, at, text) values (9, 'a', '2026-01-01 00:00:01', 'Succeeded.')",
)


@pytest.mark.parametrize("kind", DATABASES)
def test_many_may_migrate_at_once_and_again(kind: str, tmp_path: Path) -> None:
    with database_of(kind, tmp_path, migrated=False) as database:
        failures: list[BaseException] = []

        def migrate() -> None:
            try:
                storage.migrate(database)
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=migrate) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert set(sqlalchemy.inspect(database).get_table_names()) >= TABLES


@pytest.mark.parametrize("kind", DATABASES)
def test_secrets_of_webhooks_that_the_audit_log_held_are_cut(kind: str, tmp_path: Path) -> None:
    with database_of(kind, tmp_path, migrated=False) as database:
        with database.connect() as connection:
            alembic.command.upgrade(migrations(connection), "0004")
            connection.execute(sqlalchemy.text(OLD_AUDIT))
            connection.commit()
        storage.migrate(database)
        with Session(database) as session:
            assert session.exec(select(storage.AuditEntry)).one().detail == "https://example.org:8443/"


OLD_AUDIT = (
    "insert into audit (id, at, tenant, actor, action, target, detail) values "
    "(1, '2026-01-01 00:00:00', 'local', 'local', 'webhook.create', 'a', 'https://u:S@example.org:8443/T0KEN?token=x')"
)
