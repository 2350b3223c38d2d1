"""The envelope of a request for jobs. Its errors are reported together with those of its content."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from lodeplan.scenarios.patching import LEFT_OUT, MAX_PATCHES
from lodeplan.scenarios.reading import Document, note_problems
from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.jobs import ProblemError, ScenarioRequest
from lodeplan.schemas.schedules import ScheduleRequest
from lodeplan.service.cron import ALLOWED, BadCron, check_cron, check_zone, next_time, zones
from lodeplan.service.http.errors import errors_of
from lodeplan.service.kinds import KINDS, Kind, likely_kind

Data = dict[str, Any]
Place = tuple[int | str, ...]


@dataclass(frozen=True)
class Asked:
    """The valid part of what a body asks for; empty if that makes no sense on its own."""

    wanted: ScenarioRequest | None
    errors: list[ProblemError]
    """Errors in the envelope."""


def read_envelope(document: Document) -> Asked:
    """Read the job or batch in a body, with all errors in its envelope."""
    data = _shortened(document.data)
    kind, problems = _kind_of(data)
    model = kind.request
    try:
        return Asked(model.model_validate(data), _errors(problems))
    except ValidationError as error:
        problems += problems_of(document, model, error)
        places = [item["loc"] for item in error.errors(include_url=False, include_input=False, include_context=False)]
    try:
        return Asked(model.model_validate(_without(data, places, kind)), _errors(problems))
    except ValidationError:
        return Asked(None, _errors(problems))


def problems_of(document: Document, model: type[BaseModel], error: ValidationError) -> list[InputProblem]:
    """Validate a body against this model and return its errors in a planner's words, one problem per place."""
    about = Document(document.data, document.origins, [], model=model)
    note_problems(about, error)
    first = {problem.path: problem for problem in reversed(about.problems)}
    return [problem for problem in about.problems if first[problem.path] is problem]


def read_schedule(document: Document) -> tuple[ScheduleRequest | None, list[ProblemError]]:
    """Read the schedule in a body, as far as it is valid, and all errors in it but those in its request for jobs."""
    problems, wanted = [], None
    try:
        wanted = ScheduleRequest.model_validate(document.data)
    except ValidationError as error:
        problems = problems_of(document, ScheduleRequest, error)
    wrong = {problem.path for problem in problems}
    for name, check in (("cron", _problem_of_cron), ("zone", _problem_of_zone)):
        value = document.data.get(name)
        if isinstance(value, str) and name not in wrong and (found := check(value)):
            problems.append(found)
    if wanted and not problems:
        try:
            next_time(wanted.cron, wanted.zone, datetime.now(UTC))
        except BadCron as bad:
            problems = [InputProblem(code="bad_cron", path="cron", message=str(bad), value=wanted.cron)]
    return wanted, _errors(problems)


def _problem_of_cron(cron: str) -> InputProblem | None:
    try:
        check_cron(cron)
    except BadCron as bad:
        return InputProblem(code="bad_cron", path="cron", message=str(bad), value=cron, allowed=ALLOWED)
    return None


def _problem_of_zone(zone: str) -> InputProblem | None:
    try:
        check_zone(zone)
    except BadCron as bad:
        return InputProblem(
            code="bad_zone", path="zone", message=str(bad), value=zone,
            allowed="a name of the IANA database, such as Europe/Paris", remedy=did_you_mean(zone, zones()),
        )  # fmt: skip
    return None


def below(place: str, error: ProblemError) -> ProblemError:
    """The same error of something that stands at a place within a request."""
    return error.model_copy(update={"pointer": place + error.pointer})


def too_high_priority(wanted: int, most: int) -> ProblemError:
    """The error of a request for a priority that the tenant may not ask for."""
    return ProblemError(
        pointer="/priority",
        code="not_allowed",
        detail="The priority is higher than your tenant may ask for (LODEPLAN_TENANT_MAX_PRIORITY).",
        value=wanted,
        allowed=f"at most {most}",
    )


def _errors(problems: list[InputProblem]) -> list[ProblemError]:
    return errors_of(InvalidInput(problems), "", "") if problems else []


def _kind_of(data: Data) -> tuple[Kind, list[InputProblem]]:
    """The kind that a body says; of an unknown one the nearest, and the problem."""
    likely = likely_kind(data)
    name = data.get("kind", likely.name)
    if isinstance(name, str) and name in KINDS:
        return KINDS[name], []
    problem = InputProblem(
        code="unknown_word", path="kind", message="no such kind of job exists.", value=name,
        allowed="one of " + ", ".join(KINDS), remedy=did_you_mean(str(name), KINDS),
    )  # fmt: skip
    data["kind"] = likely.name
    return likely, [problem]


def _shortened(data: Data) -> Data:
    """Copy a body and cut its lists of patches to little more than the allowed length: each of a million wrong ones
    takes a kilobyte."""
    copy = dict(data)
    if isinstance(copy.get("patches"), list):
        copy["patches"] = copy["patches"][: MAX_PATCHES + 1]
    return copy


def _without(data: Data, places: Iterable[Place], kind: Kind) -> Data:
    """Copy a body without the values at these places. Patches keep their numbers: a patch that does nothing takes the
    place."""
    left = {**data, "patches": _copied(data.get("patches")), "jobs": [_item(one) for one in _copied(data.get("jobs"))]}
    for place in places:
        match place:
            case ("patches", int(number), *_):
                left["patches"][number] = LEFT_OUT
            case ("jobs", int(job), "patches", int(number), *_):
                left["jobs"][job]["patches"][number] = LEFT_OUT
            case ("jobs", int(job), str(key), *_):
                left["jobs"][job].pop(key, None)
            case ("patches" | "jobs", *_):
                pass
            case (str(key), *_):
                left.pop(key, None)
    if kind.has_members:
        return {**left, "kind": kind.name, "jobs": left["jobs"] or [{}]}
    left.pop("jobs")
    return left


def _copied(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def _item(item: Any) -> Data:
    if not isinstance(item, dict):
        return {}
    return {**item, "patches": _copied(item.get("patches"))}
