"""Allowances of a tenant that hold while its jobs run, whatever was queued before they were used up."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlmodel import Session

from lodeplan.schemas.jobs import FailureCode, JobFailure
from lodeplan.service.engine import Attempt
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.storage import Job, moves, quotas


@dataclass(frozen=True)
class Allowance:
    """Allowance of each tenant; 0: no limit."""

    cpu_s_per_day: float = 0.0
    """Processor time of its solves in 24 hours, seconds."""
    stored_mb: float = 0.0
    """Size of its stored scenarios and results, MB."""

    def refusal(self, session: Session, job: Job) -> JobFailure | None:
        """Return the failure of a job that may not start, because its tenant has used up its processor time."""
        if not self.cpu_s_per_day:
            return None
        _, cpu_s = quotas.used_in_a_day(session, job.tenant)
        if cpu_s < self.cpu_s_per_day:
            return None
        return _refused(
            f"The solves of the tenant used {cpu_s:.0f} s of processor time in 24 hours, and at most "
            f"{self.cpu_s_per_day:g} s are allowed (LODEPLAN_TENANT_CPU_S_PER_DAY). Submit the job again in some hours."
        )

    def settle(self, session: Session, attempt: Attempt, outcome: Outcome) -> Outcome:
        """Return the outcome of an attempt that is about to be recorded, or a failure if there is no room for its
        result."""
        if not (self.stored_mb and outcome.document_gzip):
            return outcome
        job = moves.job_on(session, attempt)
        if job is None:
            return outcome
        quotas.take_turn_at_quotas(session, job.tenant)
        size = len(outcome.document_gzip)
        if quotas.stored_bytes(session, job.tenant) + size <= self.stored_mb * 1e6:
            return outcome
        failure = _refused(
            f"The result has {size / 1e6:.3g} MB, and with it the tenant would keep more than {self.stored_mb:g} MB of "
            "scenarios and results (LODEPLAN_TENANT_MAX_STORED_MB). Delete some jobs that have ended, and submit the "
            "job again."
        )
        return replace(outcome, document_gzip=None, failure=failure)


def count_cpu(session: Session, attempt: Attempt, cpu_s: float) -> None:
    """Count the processor time of an attempt that is being recorded as used by its tenant."""
    tenant = moves.tenant_of(session, attempt.job_id)
    if tenant is not None and cpu_s > 0:
        quotas.add_usage(session, tenant, cpu_s=cpu_s)


def _refused(message: str) -> JobFailure:
    return JobFailure(code=FailureCode.QUOTA_REACHED, message=message)
