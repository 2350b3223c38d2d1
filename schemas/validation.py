"""Result of validating a scenario: errors, warnings and counts."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from lodeplan.schemas.problems import InputProblem
from lodeplan.schemas.types import Strict


class AcknowledgedWarnings(Strict):
    """Warnings that the scenario acknowledges, by acknowledgement."""

    code: str = Field(description="Code of the warnings, or a pattern.")
    path: str = Field(description="Path of the warnings, or a pattern.")
    reason: str = Field(description="Reason for the acknowledgement.")
    count: int = Field(description="Number of warnings it covers.")


class WarningsOfJob(Strict):
    """Warnings of one job of a batch that the shared scenario does not have."""

    number: int = Field(description="Position in the request, from 0.")
    label: str | None = None
    warnings: list[InputProblem]


class Validation(Strict):
    """Result of validating a scenario: whether it can be solved, its warnings, and its size."""

    valid: bool
    scenario: str | None = Field(default=None, description="Short name of the scenario.")
    scenario_hash: str | None = Field(default=None, description="SHA-256 of its content.")
    errors: list[InputProblem] = Field(default=[], description="All errors.")
    warnings: list[InputProblem] = Field(default=[], description="Content that is allowed but may be a mistake.")
    acknowledged: list[AcknowledgedWarnings] = Field(default=[], description="Acknowledged warnings.")
    counts: Mapping[str, int] = Field(default={}, description="Number of entries by section.")
    jobs: int | None = Field(default=None, description="Number of jobs in a batch.")
    job_warnings: list[WarningsOfJob] = Field(default=[], description="Warnings of the jobs of a batch.")
