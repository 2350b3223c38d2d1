"""Requests, jobs and results of the job service."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, SerializeAsAny

from lodeplan.schemas.patches import Patch
from lodeplan.schemas.plan import Column, Solution, SolverProgress, Termination
from lodeplan.schemas.problems import InputProblem
from lodeplan.schemas.types import Positive, Strict

MAX_BATCH_JOBS = 5_000
MAX_JOB_WARNINGS = 100
"""Warnings that are shown with a job; a scenario may have more, and jobs are read in lists."""

Label = Annotated[str, Field(min_length=1, max_length=200)]
MAX_PRIORITY = 100
Priority = Annotated[int, Field(ge=-MAX_PRIORITY, le=MAX_PRIORITY)]


class JobState(StrEnum):
    """State of a job. An infeasible scenario is no state of its own: the job has succeeded, and its plan says so."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"

    @property
    def ended(self) -> bool:
        """True if nothing more will happen to the job."""
        return self in _ENDED


_ENDED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.TIMED_OUT})


class JobOptions(Strict):
    """Options of a request that override the scenario's own `solve` options."""

    gap: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None, description="Relative gap at which the search stops (fraction)."
    )
    time_limit_s: Positive | None = Field(default=None, description="Wall time for the solver, seconds.")


class StoredOptions(JobOptions):
    """Options of a job of any kind, as they are stored; the request model of the kind checks those of its own."""

    model_config = ConfigDict(extra="allow")


class ScenarioRequest(Strict):
    """Request about one scenario. Each kind of job narrows `kind` to its name, and may add options and fields."""

    kind: str
    label: Label | None = Field(default=None, description="Your name for it; shown with the job.")
    scenario: str | dict[str, Any] = Field(description="Name of a shipped scenario, or a whole scenario.")
    patches: list[Patch] = Field(default=[], description="Changes of the scenario, applied in order.")
    options: JobOptions = JobOptions()
    reuse: bool = Field(
        default=True,
        description="Reuse the optimal plan of an identical earlier job, if there is one, instead of solving again.",
    )
    priority: Priority | None = Field(
        default=None,
        description="Jobs of higher priority run earlier among those of your tenant; 0 when left out, -1 for a batch.",
    )


class JobRequest(ScenarioRequest):
    """Request to solve one scenario."""

    kind: Literal["solve"] = "solve"


class BatchItem(Strict):
    """One job of a batch, described by what differs from the shared scenario."""

    label: Label | None = Field(default=None, description="Your name for it; shown with the job and its result.")
    patches: list[Patch] = Field(default=[], description="Patches applied after those of the batch.")
    options: JobOptions | None = Field(default=None, description="Options that replace those of the batch.")


class BatchRequest(ScenarioRequest):
    """Request to solve many variants of one shared scenario, each with patches of its own."""

    kind: Literal["batch"]
    patches: list[Patch] = Field(default=[], description="Changes of the shared scenario, applied in order.")
    reuse: bool = Field(default=True, description="Reuse earlier plans, as for a single job.")
    jobs: list[BatchItem] = Field(min_length=1, max_length=MAX_BATCH_JOBS)


class RerunRequest(Strict):
    """Request to solve the scenario of a job again; what is left out is as it was."""

    label: Label | None = Field(default=None, description="Your name for the new job.")
    options: SerializeAsAny[JobOptions] = Field(
        default=JobOptions(), description="Options that replace those of the job, one by one."
    )
    newest: bool = Field(
        default=False,
        description="Apply the patches of the job to its base as it is shipped today, instead of solving the stored "
        "scenario.",
    )
    reuse: bool = Field(default=False, description="Reuse an optimal plan of the same, if there is one.")
    priority: Priority | None = Field(default=None, description="Priority of the new job.")


class ProblemError(Strict):
    """One error in a request."""

    pointer: str = Field(description="Location in the request, as a JSON pointer (RFC 6901).")
    code: str = Field(description="Stable name of the kind of error.")
    detail: str
    value: Any = None
    allowed: str | None = None
    remedy: str | None = None
    line: int | None = Field(default=None, description="Line of the body, from 1.")

    def __str__(self) -> str:
        found = f" (found: {self.value!r})" if self.value is not None else ""
        allowed = f" Allowed: {self.allowed}." if self.allowed else ""
        return f"{self.pointer or '/'}: {self.detail}{found}{allowed}{f' {self.remedy}' if self.remedy else ''}"


class FailureCode(StrEnum):
    """Reason why a job failed."""

    INVALID_INPUT = "invalid_input"
    SCENARIO_NO_LONGER_VALID = "scenario_no_longer_valid"
    OUT_OF_MEMORY = "out_of_memory"
    KILLED = "killed"
    CRASHED = "crashed"
    SOLVER_ERROR = "solver_error"
    CHECK_FAILED = "check_failed"
    LOST_WORKERS = "lost_workers"
    MACHINE_TROUBLE = "machine_trouble"
    QUOTA_REACHED = "quota_reached"
    INTERNAL_ERROR = "internal_error"


class JobTrouble(Strict):
    """An attempt that failed for the machine it ran on."""

    attempt: int
    worker_id: str | None = None
    began: bool = Field(description="Whether its process had started; else the scenario was not looked at.")
    text: str


class JobTroubles(Strict):
    """All such attempts of a job."""

    attempts: list[JobTrouble] = []


class JobWarnings(Strict):
    """Warnings about the scenario of a job."""

    first: list[InputProblem] = Field(max_length=MAX_JOB_WARNINGS)
    count: int = Field(description="Number of warnings.")
    words: list[str] = Field(description="All warnings in words, grouped by kind.")


class JobFailure(Strict):
    """Reason why a job failed, in words for a planner."""

    code: FailureCode
    message: str
    problems: list[ProblemError] | None = Field(
        default=None, description="Every error in the scenario; pointers are relative to the scenario."
    )
    peak_memory_mib: float | None = Field(default=None, description="Peak memory of the solve, MiB.")


class JobLinks(Strict):
    """Paths of the resources of a job."""

    self: str
    page: str
    log: str
    events: str
    stop: str
    cancel: str
    scenario: str | None = Field(default=None, description="The scenario that it solves; not of a batch.")
    changes: str = Field(description="What differs from the base.")
    rerun: str | None = Field(default=None, description="Solve it again; not of a batch.")
    result: str | None = Field(default=None, description="The plan; not of a batch.")
    tables: str | None = Field(default=None, description="The tables of the plan; not of a batch.")
    jobs: str | None = Field(default=None, description="The jobs of a batch.")
    results: str | None = Field(default=None, description="The results of a batch, one line a job.")
    parent: str | None = Field(default=None, description="The batch the job belongs to.")


class JobView(Strict):
    """A job as a client sees it."""

    id: str
    kind: str
    label: str | None = None
    parent_id: str | None = Field(default=None, description="The batch the job belongs to.")
    rerun_of: str | None = Field(default=None, description="The job whose scenario it solves again.")
    schedule_id: str | None = Field(default=None, description="The schedule that submitted it.")
    priority: int = Field(default=0, description="Jobs of higher priority run earlier among those of the tenant.")
    dead_since: datetime | None = Field(
        default=None, description="When it failed for its machines, until it is sent again."
    )
    state: JobState
    scenario: str = Field(description="Short name of the scenario.")
    scenario_title: str
    scenario_hash: str = Field(
        description="SHA-256 of the scenario's content with its patches applied; the same as in the summary of its "
        "plan."
    )
    options: SerializeAsAny[JobOptions]
    attempt: int = Field(
        description="Number of the attempt, from 1. It rises when the job runs again because its worker was lost."
    )
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    progress: SolverProgress | None = Field(default=None, description="Latest progress of the running solve.")
    termination: Termination | None = None
    solution: Solution | None = None
    objective_kusd: float | None = None
    failure: JobFailure | None = None
    warnings: list[InputProblem] = Field(
        default=[],
        description=f"Warnings about the scenario; at most {MAX_JOB_WARNINGS} here, all of them in the plan.",
    )
    warnings_count: int = Field(default=0, description="Number of warnings.")
    reused_from: str | None = Field(default=None, description="Id of the identical job whose plan was reused.")
    counts: dict[JobState, int] | None = Field(default=None, description="Jobs of a batch by state.")
    links: JobLinks


class BatchResult(Strict):
    """One line of the results of a batch."""

    number: int = Field(description="Position in the request, from 0.")
    id: str
    label: str | None = None
    state: JobState
    scenario_hash: str
    termination: Termination | None = None
    solution: Solution | None = None
    objective_kusd: float | None = None
    failure: JobFailure | None = None
    result: str | None = Field(default=None, description="Path of the whole plan.")
    summary: Any = Field(default=None, description="The summary of the plan.")


class JobPage(Strict):
    """Jobs, newest first."""

    jobs: list[JobView]
    next: str | None = Field(default=None, description="Path of the next page; absent on the last.")


class EventData(Strict):
    """The data of an event in the stream of a job."""

    at: datetime
    attempt: int
    text: str
    state: JobState | None = Field(default=None, description="The new state, in an event `state`.")
    progress: SolverProgress | None = Field(default=None, description="In an event `progress`.")


class TableEntry(Strict):
    """A table of a result, with the paths to read it from."""

    name: str
    title: str
    columns: list[Column]
    rows: int = Field(description="Number of rows.")
    note: str | None = Field(default=None, description="Note on data that a plan of an earlier version does not have.")
    csv: str = Field(description="Path of the table as CSV.")
    json_path: str = Field(alias="json", serialization_alias="json", description="Path of the table as JSON.")
    ndjson: str = Field(description="Path of the rows as JSON objects, one a line.")


class TableList(Strict):
    """The tables of a result."""

    tables: list[TableEntry]


class ScenarioEntry(Strict):
    """A shipped scenario."""

    name: str
    title: str
    path: str


class ScenarioList(Strict):
    """The shipped scenarios."""

    scenarios: list[ScenarioEntry]


class Problem(Strict):
    """An error in the form of RFC 9457."""

    type: str = Field(description="Stable name of the kind of problem, a URN.")
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[ProblemError] = Field(default=[], description="All errors found in the input.")
