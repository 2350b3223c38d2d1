"""Clients of the service: they submit, look, stop, cancel and delete, and remember what they were told."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from benchmarks.service.simulation.scheduler import Event, Process
from lodeplan import scenarios
from lodeplan.schemas.access import Scope
from lodeplan.schemas.jobs import JobOptions, JobState, JobView
from lodeplan.service import storage
from lodeplan.service.access.callers import Caller, current_caller
from lodeplan.service.api.idempotency import KeyedRequest
from lodeplan.service.api.routers import jobs as routes
from lodeplan.service.http.errors import ApiError
from lodeplan.service.jobs.prepared import BatchSubmission, Prepared, PreparedSubmission, Submission
from lodeplan.service.kinds import BATCH
from lodeplan.service.storage import OUTAGES, open_session

if TYPE_CHECKING:
    from benchmarks.service.simulation.world import World

TENANTS = ("ada", "bob")
PATIENCE_S = 20.0
"""Time after which a client takes a request for one without an answer."""
ERRANDS = (4, 9)
WORKS = 3
BATCH_SIZES = (1, 2, 4)


class Unknown(Exception):
    """Nobody knows what became of a request: no answer came, or 503."""


@dataclass
class Memory:
    """What clients were told, and what they asked for."""

    accepted: dict[str, str] = field(default_factory=dict)
    """Jobs by id, with their tenants; without the jobs of batches."""
    by_key: dict[str, str] = field(default_factory=dict)
    unknown: int = 0
    """Submissions without a key of which nobody knows what became."""
    asked: set[str] = field(default_factory=set)
    """Jobs that somebody asked to end."""
    cancelled: set[str] = field(default_factory=set)
    """Jobs of which somebody was told that they are being cancelled."""
    deleted: set[str] = field(default_factory=set)
    """Jobs that somebody asked to delete."""
    ended: dict[str, set[str]] = field(default_factory=dict)
    """States in which jobs were said to have ended."""
    lies: list[str] = field(default_factory=list)
    """Answers that cannot be true."""


@cache
def _prepared(number: int) -> Prepared:
    """One of a few scenarios, as it is stored."""
    patch = {"op": "set", "path": "description", "value": f"scenario {number}"}
    return Submission(scenarios.load("golden-toy", [patch]), JobOptions()).prepared().job


@dataclass
class Client:
    """One client of one tenant, with errands to do."""

    world: "World"
    process: Process
    has_gone: bool = False
    jobs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.simulator, self.memory = self.world.simulator, self.world.memory
        self.tenant = self.simulator.chance.choice(TENANTS)
        self.simulator.spawn(self.process, "errands", self._do_errands)

    def _do_errands(self) -> None:
        chance = self.simulator.chance
        for _ in range(chance.randint(*ERRANDS)):
            self.simulator.pause(chance.expovariate(1 / 4.0))
            errand = chance.choice((self._submit, self._submit, self._submit_batch, self._ask_to_end, self._delete))
            try:
                errand()
            except (Unknown, ApiError) as error:
                self.simulator.note(f"{errand.__name__}: {type(error).__name__} {error}")
            if self.jobs and chance.random() < 0.7:
                self._look(chance.choice(self.jobs))
        for job_id in self.jobs:
            self.simulator.spawn(self.process, f"reads {job_id[-4:]}", lambda job_id=job_id: self._read(job_id))
        self.has_gone = True

    def _submit(self) -> None:
        work = replace(_prepared(self.simulator.chance.randrange(WORKS)), label=self.process.name)
        self._send(PreparedSubmission(work, self.tenant, reuse=self.simulator.chance.random() < 0.3))

    def _submit_batch(self) -> None:
        chance = self.simulator.chance
        jobs = [_prepared(chance.randrange(WORKS)) for _ in range(chance.choice(BATCH_SIZES))]
        base = replace(_prepared(0), kind=BATCH)
        self._send(BatchSubmission(base, jobs, self.tenant, reuse=chance.random() < 0.3))

    def _send(self, wanted: PreparedSubmission | BatchSubmission) -> None:
        """Submit, with a key or without; with a key again and again until there is an answer, perhaps twice at once."""
        chance = self.simulator.chance
        key = f"{chance.getrandbits(64):016x}" if chance.random() < 0.6 else ""
        once = KeyedRequest(self.tenant, key, key, timedelta(hours=24)) if key else None
        if key and chance.random() < 0.3:
            self.simulator.spawn(self.process, "twin", lambda: self._send_until_answered(wanted, once))
        self._send_until_answered(wanted, once)

    def _send_until_answered(self, wanted: Any, once: KeyedRequest | None) -> None:
        while True:
            try:
                answer = self._request(lambda server: server.intake._submit(wanted, once))
            except ApiError as refused:
                self.simulator.note(f"submit refused: {refused.status_code} {refused.detail}")
                return
            except Unknown:
                if once is None:
                    self.memory.unknown += 1
                    return
                self.simulator.pause(1.0)
                continue
            view = JobView.model_validate_json(answer)
            self.simulator.note(f"told that {view.id[-4:]} is accepted: {view.kind}")
            self.memory.accepted[view.id] = self.tenant
            if once and self.memory.by_key.setdefault(once.key, view.id) != view.id:
                self.memory.lies.append(f"key {once.key} made {view.id} and {self.memory.by_key[once.key]}")
            if view.id not in self.jobs:
                self.jobs.append(view.id)
            return

    def _ask_to_end(self) -> None:
        if not self.jobs:
            return
        self._ask(self.tenant, self.simulator.chance.choice(self.jobs))

    def ask_all_to_end(self) -> None:
        """Ask whatever has not ended to end, whoever's it is."""
        open_jobs = self.world.database.raw.execute(
            "select tenant, id from job where ended_at is null and parent_id is null order by id"
        )
        for tenant, job_id in open_jobs.fetchall():
            self.simulator.spawn(self.process, "operator", lambda job=(tenant, job_id): self._ask(*job))

    def _ask(self, tenant: str, job_id: str) -> None:
        wish = self.simulator.chance.choice((JobState.STOPPING, JobState.CANCELLING))
        self.memory.asked.add(job_id)
        self.simulator.note(f"asks {job_id[-4:]} to be {wish}")

        def ask(server: Any) -> Any:
            with open_session(self.world.database.engine) as session:
                return routes._ask(session, server.engine, routes.find_job(session, tenant, job_id), wish)

        try:
            self._note_view(self._request(ask))
        except (Unknown, ApiError) as error:
            self.simulator.note(f"{job_id[-4:]} may not have heard it: {type(error).__name__} {error}")
            return
        if wish is JobState.CANCELLING:
            self.memory.cancelled.add(job_id)

    def _delete(self) -> None:
        if not self.jobs or self.simulator.chance.random() < 0.5:
            return
        job_id = self.simulator.chance.choice(self.jobs)

        def delete(server: Any) -> None:
            with open_session(self.world.database.engine) as session:
                job = routes.find_job(session, self.tenant, job_id)
                if job.state.ended:
                    self.memory.deleted.add(job_id)
                routes.delete_job(session, server.engine, self.tenant, job_id)

        self._request(delete)

    def _look(self, job_id: str) -> None:
        def look(_server: Any) -> Any:
            return routes._read_view(self.world.database.engine, self.tenant, job_id)[0]

        try:
            self._note_view(self._request(look))
        except Unknown:
            return
        except ApiError as error:
            if job_id not in self.memory.deleted:
                self.memory.lies.append(f"{job_id} was accepted, and then {error.status_code}")

    def _note_view(self, view: Any) -> None:
        if view.state.ended:
            self.memory.ended.setdefault(view.id, set()).add(view.state)

    def _read(self, job_id: str) -> None:
        """Read the log slowly, a page at a time, as a stream does."""
        seen = 0
        for _ in range(8):
            try:
                with open_session(self.world.database.engine) as session:
                    job = storage.get_job(session, self.tenant, job_id)
                    events = storage.read_events(session, job, seen, 3) if job else []
            except OUTAGES:
                events = []
            for event in events:
                seen += 1
                if event.number != seen:
                    self.memory.lies.append(f"a reader of {job_id} missed event {seen} and got {event.number}")
                    return
            self.simulator.pause(self.simulator.chance.expovariate(1 / 4.0))

    def _request(self, act: Callable[[Any], Any]) -> Any:
        """Have a server do it; raises `ApiError` as it did, or `Unknown`."""
        server = self.simulator.chance.choice(self.world.servers)
        answered, answers = Event(self.simulator), list[Any]()

        def answer() -> None:
            current_caller.set(Caller(self.tenant, Scope.ADMIN, "key:simulated"))
            try:
                answers.append(act(server))
            except (ApiError, *OUTAGES) as error:
                answers.append(error)
            answered.set()

        self.simulator.spawn(server.process, "request", answer)
        answered.wait(PATIENCE_S)
        if not answers or isinstance(answers[0], OUTAGES):
            raise Unknown
        if isinstance(answers[0], ApiError):
            raise answers[0]
        return answers[0]
