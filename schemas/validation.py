"""What a look at a scenario finds: errors, warnings, and how much is in it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from lodeplan.schemas.problems import InputProblem
from lodeplan.schemas.types import Strict


class AcknowledgedWarnings(Strict):
    """Warnings that the scenario says are meant, by the rule that says so."""

    code: str = Field(description="Code of the warnings, or a pattern.")
    path: str = Field(description="Where they stand, or a pattern.")
    reason: str = Field(description="Why they are meant.")
    count: int = Field(description="How many warnings it stands for.")


class WarningsOfJob(Strict):
    """Warnings of one job of a batch, where they are not those of the scenario the jobs share."""

    number: int = Field(description="Place in the request, from 0.")
    label: str | None = None
    warnings: list[InputProblem]


class Validation(Strict):
    """Whether a scenario can be solved, what may not be meant, and what is in it."""

    valid: bool
    scenario: str | None = Field(default=None, description="Short name of the scenario.")
    scenario_hash: str | None = Field(default=None, description="SHA-256 of what it says.")
    errors: list[InputProblem] = Field(default=[], description="Each thing that is wrong.")
    warnings: list[InputProblem] = Field(default=[], description="What is allowed, but probably not meant.")
    acknowledged: list[AcknowledgedWarnings] = Field(default=[], description="Warnings that are known and meant.")
    counts: Mapping[str, int] = Field(default={}, description="How much the scenario holds.")
    jobs: int | None = Field(default=None, description="Number of jobs in a batch.")
    job_warnings: list[WarningsOfJob] = Field(default=[], description="Warnings of the jobs of a batch.")
