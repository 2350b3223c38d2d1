"""The four invariants, judged after a run: no job is lost, none is doubled, none is stranded, and all were told the
truth."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlmodel import SQLModel, col, select

from benchmarks.service.audit import disorder_of, is_doubled
from lodeplan.schemas.jobs import FailureCode, JobState
from lodeplan.service.engine import Attempt
from lodeplan.service.jobs.reruns import MAX_LOST_WORKERS
from lodeplan.service.kinds import kind_named
from lodeplan.service.storage import Delivery, Job, JobEvent, JobResult, Webhook, open_session
from lodeplan.service.storage.tables import Usage

if TYPE_CHECKING:
    from benchmarks.service.simulation.world import World


@dataclass
class Verdict:
    """What is wrong, in sentences, by invariant."""

    jobs: int = 0
    states: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stranded: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """All of it."""
        names = ("lost", "doubled", "stranded", "untrue")
        return [f"{name}: {each}" for name in names for each in getattr(self, name)]


class Judge:
    """Looks at a run that is over."""

    def __init__(self, world: "World") -> None:
        self.world, self.memory, self.truth = world, world.memory, world.truth
        self.verdict = Verdict(untrue=[*world.memory.lies, *world.broken])
        with open_session(world.database.engine) as session:
            self.jobs = {job.id: job for job in session.exec(select(Job).order_by(col(Job.id)))}
            self.results = {row.job_id: row.document_gzip for row in session.exec(select(JobResult))}
            self.events: dict[str, list[JobEvent]] = {job_id: [] for job_id in self.jobs}
            for event in session.exec(select(JobEvent).order_by(col(JobEvent.job_id), col(JobEvent.number))):
                self.events.setdefault(event.job_id, []).append(event)
            self.rows: dict[type[SQLModel], list[Any]] = {
                table: list(session.exec(select(table))) for table in (Delivery, Webhook, Usage)
            }

    def judge(self) -> Verdict:
        """Look at every job and at all that was counted and sent."""
        for job in self.jobs.values():
            self._judge_job(job)
        self._judge_promises()
        self._judge_queue()
        self._judge_usage()
        self._judge_messages()
        return self.verdict

    def _judge_job(self, job: Job) -> None:
        verdict, events = self.verdict, self.events[job.id]
        verdict.jobs += 1
        verdict.states[job.state] += 1
        verdict.attempts += job.attempt
        if not job.state.ended:
            verdict.stranded.append(f"{job.id} is {job.state} on attempt {job.attempt}")
        elif wrong := self._wrong_end(job):
            verdict.lost.append(f"{job.id} {wrong}")
        if is_doubled(events):
            verdict.doubled.append(f"{job.id} ended, or began an attempt, more than once")
        verdict.doubled += [f"{job.id}: {fault}" for fault in disorder_of(job, events)]
        if job.state.ended and events and events[-1].state is not job.state:
            verdict.untrue.append(f"{job.id} has lines in its log after its end: {events[-1].text}")
        if self.memory.ended.get(job.id, {job.state}) != {job.state}:
            verdict.untrue.append(f"{job.id} was said to be {self.memory.ended[job.id]} and is {job.state}")

    def _wrong_end(self, job: Job) -> str:
        """Say why a job should not have ended as it did; empty if it should."""
        is_batch = kind_named(job.kind).has_members
        asked = job.id in self.memory.asked or job.parent_id in self.memory.asked
        if job.state is JobState.CANCELLED:
            return "" if asked else "was cancelled and nobody asked for it"
        if job.id in self.memory.cancelled:
            return f"was to be cancelled and is {job.state}"
        if is_batch:
            return "" if job.state is JobState.SUCCEEDED else f"is a batch and {job.state}"
        if job.reused_from:
            return "" if job.state is JobState.SUCCEEDED and job.id in self.results else "has no plan of another"
        ends = self.truth.ends.get(Attempt(job.id, job.attempt), [])
        if job.state is JobState.FAILED:
            return self._wrong_failure(job, ends)
        right = [end for end in ends if end and end.document_gzip == self.results.get(job.id) and not end.failure]
        if job.state is JobState.TIMED_OUT:
            right = [end for end in right if end.termination and "time" in end.termination]
        return "" if right else f"is {job.state} and no child of attempt {job.attempt} said so"

    def _wrong_failure(self, job: Job, ends: list[Any]) -> str:
        code = job.failure.code if job.failure else None
        if code is FailureCode.LOST_WORKERS:
            return "" if job.lost_workers == MAX_LOST_WORKERS else f"lost {job.lost_workers} workers"
        if code is FailureCode.MACHINE_TROUBLE:
            return "" if job.troubles else "failed for machines without a trouble"
        if code is FailureCode.INTERNAL_ERROR:
            return "" if None in ends else "failed for an error that no worker had"
        said = {end.failure.code for end in ends if end and end.failure}
        return "" if code in said else f"failed as {code}, and its children said {said}"

    def _judge_promises(self) -> None:
        """All that was accepted is there, and not much else."""
        memory, verdict = self.memory, self.verdict
        missing = [job_id for job_id in memory.accepted if job_id not in self.jobs and job_id not in memory.deleted]
        verdict.lost += [f"{job_id} was accepted and is not there" for job_id in missing]
        unknown = [job for job in self.jobs.values() if job.parent_id is None and job.id not in memory.accepted]
        if len(unknown) > memory.unknown:
            verdict.doubled.append(f"{len(unknown)} jobs that nobody was told of, after {memory.unknown} lost answers")
        orphans = {job.parent_id for job in self.jobs.values() if job.parent_id} - self.jobs.keys()
        verdict.lost += [f"{batch_id} is a batch that is not there" for batch_id in orphans]
        for job in self.jobs.values():
            ended = self.events[job.id][-1].at if self.events[job.id] else None
            if job.parent_id in self.jobs and ended and not job.state.ended and self.jobs[job.parent_id].state.ended:
                verdict.untrue.append(f"{job.parent_id} has ended before {job.id}")

    def _judge_queue(self) -> None:
        """Nothing is left in the queue of jobs that have ended."""
        query = "select job_id, number, status, worker from simulated_queue where status != 'handled'"
        for job_id, number, status, _ in self.world.database.raw.execute(query):
            self.verdict.stranded.append(f"{job_id}.{number} is still {status} in the queue")

    def _judge_usage(self) -> None:
        """What was counted as used is what was used."""
        jobs, cpu_s = Counter[str](), Counter[str]()
        for row in self.rows[Usage]:
            jobs[row.tenant] += row.jobs
            cpu_s[row.tenant] += row.cpu_s
        is_work = [job for job in self.jobs.values() if not kind_named(job.kind).has_members]
        kept = Counter(job.tenant for job in is_work)
        for tenant in {*jobs, *kept}:
            if jobs[tenant] < kept[tenant] or (not self.memory.deleted and jobs[tenant] > kept[tenant]):
                self.verdict.untrue.append(f"{jobs[tenant]} jobs of {tenant} are counted, and {kept[tenant]} are there")
            most = self.world.settings.tenant_jobs_per_day
            if most and jobs[tenant] > most:
                self.verdict.untrue.append(f"{tenant} was given {jobs[tenant]} jobs of {most}")
            self._judge_cpu(tenant, cpu_s[tenant], [job for job in is_work if job.tenant == tenant])

    def _judge_cpu(self, tenant: str, counted_s: float, jobs: list[Job]) -> None:
        left, power = int(counted_s), 1.0
        counted = set()
        while left:
            left, times = divmod(left, 4)
            if times > 1:
                self.verdict.untrue.append(f"an attempt of {tenant} is counted {times} times")
            if times:
                counted.add(power)
            power *= 4
        for job in jobs:
            ends = [end for end in self.truth.ends.get(Attempt(job.id, job.attempt), []) if end and end.cpu_s]
            if job.state is JobState.SUCCEEDED and ends and not {end.cpu_s for end in ends} & counted:
                self.verdict.untrue.append(f"the last attempt of {job.id} was not counted")

    def _judge_messages(self) -> None:
        """One message for each end to each webhook; delivered, unless it was given up."""
        receivers = self.world.receivers
        sent = Counter((row.webhook_id, row.job_id) for row in self.rows[Delivery])
        for webhook in self.rows[Webhook]:
            for job in self.jobs.values():
                wanted = int(job.tenant == webhook.tenant and job.parent_id is None and job.state.ended)
                if sent[(webhook.id, job.id)] != wanted:
                    self.verdict.untrue.append(f"{sent[webhook.id, job.id]} messages of {job.id}, not {wanted}")
        for row in self.rows[Delivery]:
            if row.delivered_at and not receivers.got[row.id]:
                self.verdict.untrue.append(f"message {row.id} is delivered, and nobody got it")
            if not row.delivered_at and row.id not in receivers.refused:
                self.verdict.untrue.append(f"message {row.id} was neither delivered nor given up: {row.error}")
            job = self.jobs.get(row.job_id)
            said = receivers.said.get(row.id, set())
            if job and said - {f"job.{job.state} {job.state}"}:
                self.verdict.untrue.append(f"message {row.id} said {said}, and {job.id} is {job.state}")


def judge(world: "World") -> Verdict:
    """Judge a run that is over, while its database is there."""
    return Judge(world).judge()
