"""Use of the service by each tenant and hour."""

import sqlalchemy as sa
from alembic import op

from lodeplan.service.storage.migrations.failures import forget_failure

revision = "0007"
down_revision = "0006"
LOST = "Failures called `quota_reached` become `internal_error`; their message stays."


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "usage",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("hour", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("jobs", sa.Integer, nullable=False),
        sa.Column("cpu_s", sa.Float, nullable=False),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("usage")
    forget_failure("quota_reached")
