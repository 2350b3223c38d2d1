"""Messages from a solving child to its worker: one JSON object per line."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from lodeplan.schemas import InputProblem, Solution, SolverProgress, Termination
from lodeplan.schemas.jobs import FailureCode
from lodeplan.schemas.types import Strict


class StartedLine(Strict):
    """The process has started and has all that it needs; it has not looked at its scenario yet."""

    line: Literal["started"] = "started"


class ProgressLine(Strict):
    """Progress of the solve."""

    line: Literal["progress"] = "progress"
    progress: SolverProgress


class FinishedLine(Strict):
    """The solve has ended and the document is written."""

    line: Literal["finished"] = "finished"
    termination: Termination | None = None
    solution: Solution | None = None
    objective_kusd: float | None = None
    scenario_hash: str | None = None


class FailedLine(Strict):
    """The solve has failed. The trace is for the service's log, never for a planner."""

    line: Literal["failed"] = "failed"
    code: FailureCode
    message: str
    trace: str = ""
    problems: list[InputProblem] = []


ChildLine = StartedLine | ProgressLine | FinishedLine | FailedLine

read_line: TypeAdapter[ChildLine] = TypeAdapter(Annotated[ChildLine, Field(discriminator="line")])
