"""Tenants, numbered events, workers with leases, idempotency keys, webhooks, API keys, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply this step."""
    _extend_jobs()
    _number_events()
    op.create_table(
        "worker",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("lease_s", sa.Float, nullable=False),
        sa.Column("lease_until_s", sa.Float, nullable=False, index=True),
    )
    op.create_table(
        "idempotency",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("body_sha256", sa.String, nullable=False),
        sa.Column("job_id", sa.String, nullable=False, index=True),
        sa.Column("answer", sa.String, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False, index=True),
    )
    _create_webhooks()
    _create_access()


def _extend_jobs() -> None:
    for column in (
        sa.Column("tenant", sa.String, nullable=False, server_default="local"),
        sa.Column("parent_id", sa.String),
        sa.Column("label", sa.String),
        sa.Column("reused_from", sa.String),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("work_sha256", sa.String, nullable=False, server_default=""),
        sa.Column("lost_workers", sa.Integer, nullable=False, server_default="0"),
        sa.Column("worker_id", sa.String),
        sa.Column("last_event", sa.Integer, nullable=False, server_default="0"),
        sa.Column("traceparent", sa.String),
    ):
        op.add_column("job", column)
    op.create_index("ix_job_parent_id_id", "job", ["parent_id", "id"])
    op.create_index("ix_job_parent_id_state", "job", ["parent_id", "state"])
    op.create_index("ix_job_worker_id", "job", ["worker_id"])
    op.create_index("ix_job_ended_at", "job", ["ended_at"])
    op.create_index("ix_job_tenant_id", "job", ["tenant", "id"])
    op.create_index("ix_job_tenant_work", "job", ["tenant", "work_sha256"])


def _number_events() -> None:
    op.create_table(
        "job_event",
        sa.Column("job_id", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("state", sa.String(20)),
        sa.Column("progress", sa.JSON),
        sa.Column("text", sa.String, nullable=False),
    )
    op.execute(
        "insert into job_event (job_id, number, attempt, at, text) "
        "select job_id, row_number() over (partition by job_id order by id), 1, at, text from job_log"
    )
    op.execute(
        "update job set last_event = (select coalesce(max(number), 0) from job_event where job_event.job_id = job.id)"
    )
    op.drop_table("job_log")


def _create_webhooks() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, nullable=False, index=True),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("secret", sa.String, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("webhook_id", sa.String, nullable=False, index=True),
        sa.Column("job_id", sa.String, nullable=False, index=True),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at_s", sa.Float, index=True),
        sa.Column("delivered_at", _MOMENT),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.String),
        sa.Column("created_at", _MOMENT, nullable=False, index=True),
    )


def _create_access() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, nullable=False, index=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("scope", sa.String(20), nullable=False),
        sa.Column("parent_id", sa.String, index=True),
        sa.Column("secret_sha256", sa.String, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT),
        sa.Column("revoked_at", _MOMENT),
        sa.Column("used_at", _MOMENT),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", _MOMENT, nullable=False, index=True),
        sa.Column("tenant", sa.String, nullable=False, index=True),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
    )
