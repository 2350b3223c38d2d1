"""Entry point for Alembic: runs our migrations on the connection that was passed in."""

from alembic import context
from sqlmodel import SQLModel

from lodeplan.service import storage  # noqa: F401  (fills the metadata)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    # DBOS keeps tables of its own in the same database.
    include_name=lambda name, kind, _: kind != "table" or name in SQLModel.metadata.tables,
)
with context.begin_transaction():
    context.run_migrations()
