"""Messages are found by their webhook, and no secret of a webhook's address stands in the audit log."""

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_AUDIT = sa.table("audit", sa.column("id"), sa.column("action"), sa.column("detail"))


def upgrade() -> None:
    """Apply this step."""
    op.create_index("ix_webhook_delivery_webhook_id_due_at_s", "webhook_delivery", ["webhook_id", "due_at_s"])
    op.drop_index("ix_webhook_delivery_webhook_id", "webhook_delivery")
    connection = op.get_bind()
    told = sa.select(_AUDIT.c.id, _AUDIT.c.detail).where(_AUDIT.c.action.in_(("webhook.create", "webhook.delete")))
    for number, detail in connection.execute(told).all():
        parts = urlsplit(detail)
        origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
        connection.execute(_AUDIT.update().where(_AUDIT.c.id == number).values(detail=origin))


def downgrade() -> None:
    """The index of before; what was cut from the log cannot be brought back."""
    op.create_index("ix_webhook_delivery_webhook_id", "webhook_delivery", ["webhook_id"])
    op.drop_index("ix_webhook_delivery_webhook_id_due_at_s", "webhook_delivery")
