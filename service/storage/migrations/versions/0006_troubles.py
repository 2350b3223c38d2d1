"""Attempts that failed for their machine, and workers that take no jobs for it."""

import sqlalchemy as sa
from alembic import op

from lodeplan.service.storage.migrations.failures import forget_failure

revision = "0006"
down_revision = "0005"
LOST = "Failures called `machine_trouble` become `internal_error`; their message stays."


def upgrade() -> None:
    """Apply this step."""
    op.add_column("job", sa.Column("troubles", sa.JSON))
    op.add_column("worker", sa.Column("trouble", sa.String))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("worker", "trouble")
    op.drop_column("job", "troubles")
    forget_failure("machine_trouble")
