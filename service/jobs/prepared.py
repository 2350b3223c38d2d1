"""Jobs that were asked for and checked, in the form in which they are stored. Needs no database: processes that check
requests import it too. What submits imports the database when it is called."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lodeplan.scenarios.validation import Warnings, find_warnings, validation_of
from lodeplan.schemas import Scenario
from lodeplan.schemas.access import LOCAL
from lodeplan.schemas.jobs import JobOptions, JobWarnings
from lodeplan.schemas.order import in_order
from lodeplan.schemas.origin import Origin
from lodeplan.schemas.scenario import content_hash_of
from lodeplan.schemas.validation import Validation, WarningsOfJob
from lodeplan.service.jobs.reuse import work_of
from lodeplan.service.kinds import SOLVE, Kind
from lodeplan.service.packing import compress

if TYPE_CHECKING:
    from sqlmodel import Session

    from lodeplan.service.engine import JobEngine
    from lodeplan.service.storage import Job


@dataclass(frozen=True)
class Submission:
    """A valid request for a job."""

    scenario: Scenario
    options: JobOptions
    tenant: str = LOCAL
    label: str | None = None
    reuse: bool = False
    kind: Kind = SOLVE
    content: Content | None = None
    """The scenario as it is stored, if it was prepared before."""
    origin: Origin | None = None
    priority: int | None = None

    def validation(self) -> Validation:
        """Describe the valid scenario, with its warnings."""
        return validation_of(self.scenario)

    def prepared(self) -> PreparedSubmission:
        """Prepare it for storing."""
        return PreparedSubmission(Prepared.of(self), self.tenant, self.reuse)

    def submit(self, session: Session, engine: JobEngine) -> Job:
        """Prepare and submit it, see `PreparedSubmission`."""
        return self.prepared().submit(session, engine)


@dataclass(frozen=True)
class Content:
    """A valid scenario in the form in which it is stored: much smaller than in memory, so that there may be
    thousands."""

    name: str
    title: str
    sha256: str
    gzip: bytes
    warnings: Warnings

    @classmethod
    def of(cls, scenario: Scenario) -> Content:
        """Prepare a scenario for storing."""
        # Dumped once for the hash and the text: that takes a good part of the time of a submission.
        dump = in_order(scenario).model_dump(mode="json")
        return cls(
            scenario.name, scenario.title, content_hash_of(dump), compress(_as_text(dump)), find_warnings(scenario)
        )


@dataclass(frozen=True)
class Prepared:
    """A submission in the form in which it is stored."""

    scenario: str
    scenario_title: str
    scenario_hash: str
    scenario_gzip: bytes
    work_sha256: str
    options: JobOptions
    warnings: Warnings
    label: str | None = None
    kind: Kind = SOLVE
    origin_gzip: bytes | None = None
    priority: int | None = None
    """As it was asked for; None leaves it to the kind."""
    warned: JobWarnings | None = None
    """The warnings in the form of a job, if they were written down before."""

    @classmethod
    def of(cls, submission: Submission) -> Prepared:
        """Prepare a submission for storing."""
        scenario, options, kind = submission.scenario, submission.options, submission.kind
        content = submission.content or Content.of(scenario)
        origin = submission.origin
        return cls(
            scenario=content.name,
            scenario_title=content.title,
            scenario_hash=content.sha256,
            scenario_gzip=content.gzip,
            work_sha256=work_of(scenario, content.sha256, options) if kind.reusable else "",
            options=options,
            warnings=content.warnings,
            label=submission.label,
            kind=kind,
            origin_gzip=compress(origin.model_dump_json(exclude_defaults=True)) if origin else None,
            priority=submission.priority,
        )


@dataclass(frozen=True)
class Sender:
    """Sender of a job."""

    by: str | None = None
    """Name of the caller in the audit log."""
    rerun_of: str | None = None
    """Id of the job whose scenario is solved again."""
    schedule_id: str | None = None


@dataclass(frozen=True)
class PreparedSubmission:
    """A valid request for a job, in the form in which it is stored."""

    job: Prepared
    tenant: str = LOCAL
    reuse: bool = False
    sender: Sender = Sender()

    @property
    def count(self) -> int:
        """Number of jobs that will wait for a worker."""
        return 1

    def labelled(self, label: str) -> PreparedSubmission:
        """Return it with this label, if it has none."""
        return self if self.job.label else replace(self, job=replace(self.job, label=label))

    def submit(self, session: Session, engine: JobEngine) -> Job:
        """Add the job, the scenario it solves and its first attempt to the session's transaction; the caller commits.

        If the submission allows it, a job whose plan is known succeeds immediately.
        """
        from lodeplan.service.jobs import submissions

        return submissions.submit(session, engine, self)


@dataclass(frozen=True)
class BatchSubmission:
    """A valid request for a batch: the shared scenario and the jobs."""

    base: Prepared
    """What the row of the batch itself is made of."""
    jobs: Sequence[Prepared]
    tenant: str = LOCAL
    reuse: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    """Number of entries of the shared scenario."""
    sender: Sender = Sender()

    @property
    def count(self) -> int:
        """Number of jobs that will wait for a worker."""
        return len(self.jobs)

    def validation(self) -> Validation:
        """Describe the shared scenario, and for each job the warnings that the shared scenario does not have."""
        base = self.base
        shared = base.warnings.open
        own = [
            WarningsOfJob(number=number, label=job.label, warnings=fresh)
            for number, job in enumerate(self.jobs)
            if (fresh := [warning for warning in job.warnings.open if warning not in shared])
        ]
        return Validation(
            valid=True,
            scenario=base.scenario,
            scenario_hash=base.scenario_hash,
            warnings=shared,
            acknowledged=base.warnings.acknowledged,
            counts=self.counts,
            jobs=len(self.jobs),
            job_warnings=own,
        )

    def prepared(self) -> BatchSubmission:
        """Return it as it is: its jobs are prepared already."""
        return self

    def labelled(self, label: str) -> BatchSubmission:
        """Return it with this label, if it has none."""
        return self if self.base.label else replace(self, base=replace(self.base, label=label))

    def submit(self, session: Session, engine: JobEngine) -> Job:
        """Add a batch with all its jobs to the session's transaction; the caller commits."""
        from lodeplan.service.jobs import batches

        return batches.submit(session, engine, self)


def canonical_json(scenario: Scenario) -> str:
    """Write the canonical JSON of a scenario: entries in order, no spaces. The first output stays first."""
    return _as_text(in_order(scenario).model_dump(mode="json"))


def _as_text(dump: dict[str, Any]) -> str:
    return json.dumps(dump, separators=(",", ":"), ensure_ascii=False)
