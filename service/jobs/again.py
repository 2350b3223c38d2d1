"""Jobs that are solved again: what was stored of one as a new submission."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlmodel import Session

from lodeplan.scenarios.validation import Warnings
from lodeplan.schemas.jobs import JobOptions, RerunRequest
from lodeplan.schemas.origin import MAX_CHANGES, JobChange, JobChanges, Origin, ValueChange
from lodeplan.schemas.patches import Patch
from lodeplan.service import storage
from lodeplan.service.jobs.prepared import Prepared, PreparedSubmission, Sender
from lodeplan.service.jobs.reuse import work_of_stored
from lodeplan.service.kinds import Kind, kind_named
from lodeplan.service.packing import compress
from lodeplan.service.storage import Job

_UNKNOWN = "The job is from before changes were noted."
_NO_BASE = "Without its patches the scenario in the request is not valid, so there is nothing to compare with."
_CUT = f"Only the first {MAX_CHANGES:,} of a request are kept."


@dataclass(frozen=True)
class Stored:
    """The stored parts of a job, found for its tenant, from which it can be solved again."""

    job: Job
    scenario_gzip: bytes | None
    """None of a job that is made of others."""
    origins: Sequence[Origin]
    """That of its batch, if it has one, and its own; those that were noted."""
    batch: Job | None = None

    @classmethod
    def of(cls, session: Session, job: Job) -> Stored:
        """Read it."""
        batch = storage.get_job(session, job.tenant, job.parent_id) if job.parent_id else None
        packed = [storage.get_origin(session, each) for each in (batch, job) if each]
        origins = [Origin.model_validate_json(gzip.decompress(found)) for found in packed if found]
        return cls(job, storage.get_scenario(session, job), origins, batch)

    @property
    def kind(self) -> Kind:
        """The kind of the job."""
        return kind_named(self.job.kind)

    @property
    def asked(self) -> str | dict[str, Any] | None:
        """The shipped scenario, or the scenario on a base, that was asked for; None if there was none."""
        return self.origins[0].scenario if self.origins else None

    @property
    def patches(self) -> list[Patch]:
        """All patches of the request."""
        return [patch for origin in self.origins for patch in origin.patches]

    def options_with(self, given: JobOptions) -> dict[str, Any]:
        """The options of the job, with those that were given in place of its own."""
        return {**self.job.options.model_dump(mode="json", exclude_none=True), **given.model_dump(exclude_unset=True)}

    def again(self, wanted: RerunRequest, sender: Sender = Sender()) -> PreparedSubmission:  # noqa: B008
        """A submission of the stored scenario, as it is."""
        assert self.scenario_gzip is not None
        job = self.job
        merged = self.kind.options.model_validate(self.options_with(wanted.options))
        work = work_of_stored(self.scenario_gzip, job.scenario_hash, merged) if self.kind.reusable else ""
        prepared = Prepared(
            scenario=job.scenario,
            scenario_title=job.scenario_title,
            scenario_hash=job.scenario_hash,
            scenario_gzip=self.scenario_gzip,
            work_sha256=work,
            options=merged,
            warnings=Warnings([], []),
            warned=job.warned,
            label=wanted.label if wanted.label is not None else job.label,
            kind=self.kind,
            origin_gzip=self._joined(),
            priority=wanted.priority,
        )
        return PreparedSubmission(prepared, job.tenant, wanted.reuse, replace(sender, rerun_of=job.id))

    def _joined(self) -> bytes | None:
        """The origin of a job of a batch and that of its batch as one, for a job outside."""
        if not self.origins:
            return None
        joined = Origin(
            scenario=self.asked,
            patches=self.patches,
            changes=self._changed[:MAX_CHANGES],
            count=self._count,
            base_is_valid=all(origin.base_is_valid for origin in self.origins),
        )
        return compress(joined.model_dump_json(exclude_defaults=True))

    @cached_property
    def _changed(self) -> list[ValueChange]:
        """The values that differ from the base. One that both a batch and its job changed is told once."""
        found: dict[str, ValueChange] = {}
        for change in (change for origin in self.origins for change in origin.changes):
            first = found.get(change.path)
            found[change.path] = change.model_copy(update={"before": first.before}) if first else change
        return [change for change in found.values() if change.before != change.after]

    @property
    def _count(self) -> int:
        told = sum(len(origin.changes) for origin in self.origins)
        return sum(origin.count for origin in self.origins) - (told - len(self._changed))

    def changes(self) -> JobChanges:
        """Differences from the base, with who asked for them."""
        who, asked = self.job.submitted_by, self.asked
        inner = [Patch.model_validate(each) for each in asked.get("patches", [])] if isinstance(asked, dict) else []
        return JobChanges(
            base=self.origins[0].base if self.origins else None,
            who=who,
            patches=[*inner, *self.patches],
            changes=[JobChange(**dict(change), who=who) for change in self._changed],
            count=self._count,
            note=self._note(),
        )

    def _note(self) -> str | None:
        if not self.origins:
            return _UNKNOWN
        if not all(origin.base_is_valid for origin in self.origins):
            return _NO_BASE
        return _CUT if any(origin.count > len(origin.changes) for origin in self.origins) else None
