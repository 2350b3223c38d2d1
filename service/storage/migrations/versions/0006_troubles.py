"""Attempts that failed for their machine, and workers that take no jobs for it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply this step."""
    op.add_column("job", sa.Column("troubles", sa.JSON))
    op.add_column("worker", sa.Column("trouble", sa.String))
