"""Jobs, their scenarios, plans and logs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply this step."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "job",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("state", sa.String(20), nullable=False, index=True),
        sa.Column("scenario", sa.String, nullable=False),
        sa.Column("scenario_title", sa.String, nullable=False),
        sa.Column("scenario_hash", sa.String, nullable=False, index=True),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("started_at", moment),
        sa.Column("ended_at", moment),
        sa.Column("progress", sa.JSON),
        sa.Column("termination", sa.String(20)),
        sa.Column("solution", sa.String(20)),
        sa.Column("objective_kusd", sa.Float),
        sa.Column("failure", sa.JSON),
        sa.Column("result_sha256", sa.String),
    )
    op.create_table(
        "job_input",
        sa.Column("job_id", sa.String, primary_key=True),
        sa.Column("scenario_gzip", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "job_result",
        sa.Column("job_id", sa.String, primary_key=True),
        sa.Column("document_gzip", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "job_log",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("job_id", sa.String, nullable=False, index=True),
        sa.Column("at", moment, nullable=False),
        sa.Column("text", sa.String, nullable=False),
    )
