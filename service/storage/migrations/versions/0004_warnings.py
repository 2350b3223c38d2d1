"""Warnings of the scenario of a job; jobs from before have none."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply this step."""
    op.add_column("job", sa.Column("warned", sa.JSON))
