"""Failures of jobs, as programs of earlier versions know them."""

import sqlalchemy as sa
from alembic import op

_JOB = sa.table("job", sa.column("id", sa.String), sa.column("failure", sa.JSON))


def forget_failure(code: str) -> None:
    """Call failures of this kind `internal_error`; their message stays."""
    connection = op.get_bind()
    failed = sa.select(_JOB.c.id, _JOB.c.failure).where(_JOB.c.failure.is_not(None))
    for job_id, failure in connection.execute(failed).all():
        if failure and failure["code"] == code:
            known = {**failure, "code": "internal_error"}
            connection.execute(_JOB.update().where(_JOB.c.id == job_id).values(failure=known))
