"""Unbounded scenarios have no plan.

Some jobs were stored with the best point of such a scenario as if it were one.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_JOB = sa.table("job", sa.column("termination"), sa.column("solution"), sa.column("objective_kusd"))


def upgrade() -> None:
    """Take back what was no plan; its document stays as it was written, and is read as what it is."""
    no_plan = _JOB.c.termination == "unbounded", _JOB.c.solution != "none"
    op.execute(_JOB.update().where(*no_plan).values(solution="none", objective_kusd=None))


def downgrade() -> None:
    """Nothing can be brought back."""
