"""The kinds of jobs. All that is true of one kind stands in its entry; nothing else in the service asks which it is.

A new kind is a request model, a function for the child and an entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeGuard

from lodeplan.schemas import Scenario, Solution, SolverProgress, Termination
from lodeplan.schemas.jobs import BatchRequest, JobOptions, JobRequest, ScenarioRequest
from lodeplan.schemas.plan import PLAN_VERSION, PlanDocument, TablesDocument, plan_version_of


@dataclass(frozen=True)
class Task:
    """A scenario, what is asked of it, and how to tell and hear meanwhile."""

    scenario: Scenario
    options: JobOptions
    on_progress: Callable[[SolverProgress], None]
    should_stop: Callable[[], bool]
    """Whether the best answer so far is wanted now."""
    memory_mib: float | None = None
    """Memory that the process may hold, MiB."""


@dataclass(frozen=True)
class Answer:
    """A document, and how the solver stopped; an answer of several solves, or of none, leaves that out."""

    document: PlanDocument | TablesDocument
    termination: Termination | None = None
    solution: Solution | None = None
    objective_kusd: float | None = None


@dataclass(frozen=True)
class ResultForm:
    """A form of stored results: documents that hold a set of tables."""

    read: Callable[[bytes], PlanDocument | TablesDocument]
    """Read a stored document of any version, unpacked."""
    version: int
    """Version of the documents that are written today."""
    version_of: Callable[[bytes], int]
    """The version of a document, from its first 100 bytes."""


def _read_plan(document: bytes) -> PlanDocument:
    # Here, as what reads old plans takes a while to import and most of what the service does needs none of it.
    from lodeplan.optimizer import read_document

    return read_document(document)


PLAN = ResultForm(_read_plan, PLAN_VERSION, plan_version_of)
"""A plan: its tables belong to a scenario, and can be drawn."""
TABLES = ResultForm(TablesDocument.model_validate_json, 1, lambda _start: 1)
"""Tables, and a summary of any fields."""


@dataclass(frozen=True)
class Kind:
    """A kind of job."""

    name: str
    request: type[ScenarioRequest]
    """The body that asks for one."""
    run: str | None
    """The function that answers it in the child, as `module:name`; None where other jobs are its work."""
    result: ResultForm = TABLES
    reusable: bool = False
    """Whether an optimal answer also answers later jobs that ask for the same."""
    mark: str | None = None
    """A word beside its runs in a list."""

    def __reduce__(self) -> tuple[Callable[[str], Kind], tuple[str]]:
        """Travel between processes by name."""
        return kind_named, (self.name,)

    @property
    def has_members(self) -> bool:
        """True if its work is other jobs."""
        return self.run is None

    @property
    def options(self) -> type[JobOptions]:
        """The model of its options."""
        model: type[JobOptions] = self.request.model_fields["options"].annotation  # type: ignore[assignment]
        return model

    def load_run(self) -> Callable[[Task], Answer]:
        """The function that answers it; imports what it needs, which may be the solver."""
        module, _, name = (self.run or "").partition(":")
        function: Callable[[Task], Answer] = getattr(import_module(module), name)
        return function


SOLVE = Kind("solve", JobRequest, "lodeplan.service.workers.runs:solve", PLAN, reusable=True)
BATCH = Kind("batch", BatchRequest, None, mark="batch")

KINDS: dict[str, Kind] = {kind.name: kind for kind in (SOLVE, BATCH)}
"""By name, in the order in which clients are told of them."""


def kind_named(name: str) -> Kind:
    """The kind of that name. Of one that only a newer version knows, a stand-in whose results are tables."""
    return KINDS.get(name) or Kind(name, ScenarioRequest, "", mark=name)


def has_members(request: ScenarioRequest) -> TypeGuard[BatchRequest]:
    """True if the work that a request asks for is other jobs, which it lists as a `BatchRequest` does."""
    return kind_named(request.kind).has_members


def likely_kind(request: Mapping[str, Any]) -> Kind:
    """The kind that a request means which names none, or one that does not exist."""
    return BATCH if "jobs" in request else SOLVE
