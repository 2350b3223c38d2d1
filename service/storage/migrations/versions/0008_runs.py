"""Origins of scenarios, a queue that can be paused, dead letters and schedules."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_JOB = sa.table(
    "job", sa.column("id"), sa.column("state"), sa.column("failure", sa.JSON), sa.column("ended_at"),
    sa.column("dead_since"),
)  # fmt: skip
LOST = "A paused queue runs again: the row of `queue_pause` goes with its table."
_OF_MACHINES = ("lost_workers", "machine_trouble")


def upgrade() -> None:
    """Apply this step."""
    moment = sa.DateTime(timezone=True)
    for name in ("submitted_by", "rerun_of", "schedule_id"):
        op.add_column("job", sa.Column(name, sa.String))
    op.add_column("job", sa.Column("dead_since", moment))
    op.create_index("ix_job_dead_since", "job", ["dead_since"])
    op.create_table(
        "job_origin",
        sa.Column("job_id", sa.String, primary_key=True),
        sa.Column("origin_gzip", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "queue_pause",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("since", moment, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
    )
    op.create_table(
        "schedule",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("cron", sa.String, nullable=False),
        sa.Column("zone", sa.String, nullable=False),
        sa.Column("request_gzip", sa.LargeBinary, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("due_at_s", sa.Float, nullable=False),
        sa.Column("last_due_at", moment),
        sa.Column("last_job_id", sa.String),
        sa.Column("last_refusal", sa.String),
    )
    op.create_index("ix_schedule_tenant", "schedule", ["tenant"])
    op.create_index("ix_schedule_due_at_s", "schedule", ["due_at_s"])
    _note_dead_letters(op.get_bind())


def _note_dead_letters(connection: sa.Connection) -> None:
    """Note the jobs that failed for their machines before."""
    failed = sa.select(_JOB.c.id, _JOB.c.failure, _JOB.c.ended_at).where(_JOB.c.state == "failed")
    for job_id, failure, ended_at in connection.execute(failed).all():
        told = json.loads(failure) if isinstance(failure, str) else failure or {}
        if told.get("code") in _OF_MACHINES:
            connection.execute(_JOB.update().where(_JOB.c.id == job_id).values(dead_since=ended_at))


def downgrade() -> None:
    """Take it back."""
    for table in ("schedule", "queue_pause", "job_origin"):
        op.drop_table(table)
    op.drop_index("ix_job_dead_since", "job")
    for name in ("dead_since", "schedule_id", "rerun_of", "submitted_by"):
        op.drop_column("job", name)
