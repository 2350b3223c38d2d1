"""Messages are found by their webhook, and no secret of a webhook's address stands in the audit log.

The way back also rewrites what release 0.1.0, the last with the tables of before, cannot read.
"""

import gzip
import json
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
LOST = (
    "Plans lose what 0.1.0 does not know of them (`gap_of`, `open_groups`), and `search_limit` becomes `interrupted`. "
    "Paths of webhook addresses that were cut from the audit log stay cut."
)

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
    """The index of before, and plans as 0.1.0 reads them."""
    op.create_index("ix_webhook_delivery_webhook_id", "webhook_delivery", ["webhook_id"])
    op.drop_index("ix_webhook_delivery_webhook_id_due_at_s", "webhook_delivery")
    op.execute(_JOB.update().where(_JOB.c.termination == "search_limit").values(termination="interrupted"))
    connection = op.get_bind()
    for job_id in connection.execute(sa.select(_RESULT.c.job_id)).scalars().all():
        stored = connection.execute(sa.select(_RESULT.c.document_gzip).where(_RESULT.c.job_id == job_id)).scalar_one()
        if (document := _as_0_1_0(stored)) is not None:
            connection.execute(_RESULT.update().where(_RESULT.c.job_id == job_id).values(document_gzip=document))


_JOB = sa.table("job", sa.column("termination"))
_RESULT = sa.table("job_result", sa.column("job_id", sa.String), sa.column("document_gzip", sa.LargeBinary))
_SUMMARY = frozenset(
    (
        *("scenario", "scenario_hash", "termination", "solution", "nothing_found", "objective_kusd", "bound_kusd"),
        *("gap", "gap_of_worth", "gap_by_group", "expected_cost_kusd", "cvar_kusd", "spend_kusd", "duty_kusd"),
        *("cost_terms_kusd", "refundable_duty_kusd", "max_regret_kusd", "do_nothing_kusd", "futures", "projects"),
        *("onboardings", "imports", "stocks", "shortage_t", "sampling", "warnings", "acknowledged", "check", "size"),
        *("timings_s", "peak_memory_mib", "versions", "findings", "conflict"),
    )
)
"""All that 0.1.0 knows of the summary of a plan; it refuses a plan that says more."""


def _as_0_1_0(document_gzip: bytes) -> bytes | None:
    """A plan as 0.1.0 reads it, or None if it is one already, or no plan."""
    document = json.loads(gzip.decompress(document_gzip))
    summary = document.get("summary")
    if not isinstance(summary, dict) or "termination" not in summary:
        return None
    known = {name: value for name, value in summary.items() if name in _SUMMARY}
    if known["termination"] == "search_limit":
        known["termination"] = "interrupted"
    if known == summary:
        return None
    text = json.dumps({**document, "summary": known}, separators=(",", ":"), ensure_ascii=False)
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)
