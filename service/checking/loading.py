"""Loading of requests: all errors are reported together, each with its place in the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from lodeplan import scenarios
from lodeplan.scenarios.counts import counts
from lodeplan.scenarios.patching import MAX_WORK, Work, count_values
from lodeplan.schemas import InvalidInput, Scenario
from lodeplan.schemas.jobs import BatchItem, BatchRequest, ProblemError, ScenarioRequest
from lodeplan.service.checking.envelope import Asked
from lodeplan.service.checking.limits import allow_for_batch
from lodeplan.service.checking.origins import SHIPPED_KEPT, changed_from, dumped, origin_of, shipped_scenario
from lodeplan.service.http.errors import ApiError, all_wrong, errors_of, invalid_input
from lodeplan.service.jobs.prepared import BatchSubmission, Content, Prepared, Submission
from lodeplan.service.kinds import has_members, kind_named

SEE_SCENARIOS = "GET /api/v1/scenarios lists the shipped ones."
_ERRORS_SHOWN = 100
MAX_BATCH_VALUES = 50_000_000
"""Most values in the scenarios of all jobs of a batch; reading, checking and storing each takes some microseconds."""
MAX_BATCH_WORK = 4 * MAX_WORK
"""Most names that the patches of all jobs of a batch may look up."""


def load(asked: Asked, tenant: str) -> Submission | BatchSubmission:
    """Load the job or batch that a request asks for; raises `ApiError` (422) with all errors, including those of its
    envelope."""
    wanted = asked.wanted
    if wanted is None:
        raise all_wrong(asked.errors)
    try:
        loaded = load_batch(wanted, tenant) if has_members(wanted) else load_job(wanted, tenant)
    except ApiError as error:
        raise all_wrong([*asked.errors, *error.problem.errors]) if asked.errors else error from None
    if asked.errors:
        raise all_wrong(asked.errors)
    return loaded


def load_job(wanted: ScenarioRequest, tenant: str) -> Submission:
    """Load the job that a request asks for; raises `ApiError` (422)."""
    content = None
    try:
        if isinstance(wanted.scenario, str) and not wanted.patches:
            scenario, content = shipped_scenario(wanted.scenario), _shipped_content(wanted.scenario)
        else:
            scenario = scenarios.load(_source(wanted.scenario), wanted.patches)
    except InvalidInput as error:
        raise invalid_input(_with_list(error, wanted.scenario), "/scenario") from None
    kind, origin = kind_named(wanted.kind), origin_of(wanted, scenario)
    return Submission(
        scenario, wanted.options, tenant, wanted.label, wanted.reuse, kind, content, origin, wanted.priority
    )


def load_batch(wanted: BatchRequest, tenant: str) -> BatchSubmission:
    """Load the batch that a request asks for; raises `ApiError` (422) with the errors of the batch and all its jobs."""
    allow_for_batch()
    try:
        source = _source(wanted.scenario)
        # Patches of the jobs see what the client wrote, not all the defaults that stand in a scenario.
        shared = scenarios.read_as_far(source, wanted.patches)
    except InvalidInput as error:
        raise invalid_input(_with_list(error, wanted.scenario), "/scenario") from None
    _check_size(len(wanted.jobs), shared)
    try:
        base = scenarios.load(source, wanted.patches)
    except InvalidInput as error:
        raise all_wrong([*errors_of(error, "", "/scenario"), *_misfits(wanted.jobs, shared)]) from None
    work, shared_base = Work(MAX_BATCH_WORK), dumped(base)
    prepared: list[Prepared] = []
    errors: list[ProblemError] = []
    for number, item in enumerate(wanted.jobs):
        try:
            scenario = scenarios.load(shared, item.patches, work=work) if item.patches else base
            prepared.append(_prepare(scenario, item, wanted, shared_base))
        except InvalidInput as error:
            errors += errors_of(error, f"/jobs/{number}", "")
            if len(errors) >= _ERRORS_SHOWN:
                break
    if errors:
        raise all_wrong(errors[:_ERRORS_SHOWN])
    base_job = Prepared.of(
        Submission(
            base, wanted.options, tenant, wanted.label, kind=kind_named(wanted.kind), origin=origin_of(wanted, base),
            priority=wanted.priority,
        )
    )  # fmt: skip
    return BatchSubmission(base_job, prepared, tenant, wanted.reuse, counts(base))


def _misfits(items: Sequence[BatchItem], shared: dict[str, Any]) -> list[ProblemError]:
    """Find the patches of jobs that do not fit a scenario with errors of its own; nothing else about them can be
    checked."""
    work = Work(MAX_BATCH_WORK)
    errors: list[ProblemError] = []
    for number, item in enumerate(items):
        try:
            scenarios.read(shared, item.patches, work=work)
        except InvalidInput as error:
            errors += errors_of(error, f"/jobs/{number}", "")
            if len(errors) >= _ERRORS_SHOWN:
                break
    return errors[:_ERRORS_SHOWN]


def _check_size(jobs: int, shared: dict[str, Any]) -> None:
    """Raise `ApiError` (413) for so many large scenarios that other batches would have to wait long."""
    values = count_values(shared)
    if jobs * values > MAX_BATCH_VALUES:
        detail = (
            f"{jobs:,} jobs with a scenario of {values:,} values each are {jobs * values:,} values; a batch may have "
            f"at most {MAX_BATCH_VALUES:,}. Split it into batches of {max(1, MAX_BATCH_VALUES // values):,} jobs."
        )
        raise ApiError(413, "body-too-large", detail)


def _prepare(scenario: Scenario, item: BatchItem, wanted: BatchRequest, base: dict[str, Any]) -> Prepared:
    origin = changed_from(base, scenario, item.patches) if item.patches else None
    options = item.options or wanted.options
    return Prepared.of(Submission(scenario, options, label=item.label, origin=origin, priority=wanted.priority))


def _source(wanted: str | dict[str, Any]) -> Mapping[str, Any]:
    # Never a path: a client may read no file of this machine.
    return _read_shipped(wanted) if isinstance(wanted, str) else wanted


def _with_list(error: InvalidInput, wanted: str | dict[str, Any]) -> InvalidInput:
    """Add to each error about the name of a scenario where the names are listed."""
    if not isinstance(wanted, str):
        return error
    return InvalidInput(
        [
            problem.model_copy(update={"remedy": f"{problem.remedy or ''} {SEE_SCENARIOS}".strip()})
            if problem.code == "unknown_scenario"
            else problem
            for problem in error.problems
        ]
    )


@lru_cache(maxsize=SHIPPED_KEPT)
def _shipped_content(name: str) -> Content:
    return Content.of(shipped_scenario(name))


@lru_cache(maxsize=SHIPPED_KEPT)
def _read_shipped(name: str) -> Mapping[str, Any]:
    return scenarios.read(scenarios.find_shipped(name))
