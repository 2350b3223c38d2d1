"""Reading a run from the database once for its page and all its figures."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from sqlmodel import Session

from lodeplan.optimizer import Plan
from lodeplan.schemas import PlanDocument
from lodeplan.service import storage
from lodeplan.service.storage import Job
from lodeplan.service.ui.run_view import RunView

RUNS_KEPT = 4
"""A plan of the United States takes some tens of MB and a quarter of a second to read."""


class RunReader:
    """Reads runs, and keeps the last few. A stored result never changes, so its hash says it all."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], RunView] = OrderedDict()
        self._lock = Lock()

    def read(self, session: Session, job: Job) -> RunView | None:
        """The plan of a job with its scenario, or None while it has none."""
        if not job.result_sha256:
            return None
        key = (job.id, job.result_sha256)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        view = _read(session, job)
        if view:
            with self._lock:
                self._kept[key] = view
                while len(self._kept) > RUNS_KEPT:
                    self._kept.popitem(last=False)
        return view


def _read(session: Session, job: Job) -> RunView | None:
    document, scenario = storage.read_document(session, job), storage.read_scenario(session, job)
    if not isinstance(document, PlanDocument) or not scenario:
        return None
    return RunView(Plan.from_document(document, scenario), scenario)
